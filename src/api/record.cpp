// etl.record_as_jsonb: a dead letter's record for the view. json takes texts that jsonb does not (a lone surrogate,
// 1e1000000), and one of them must not take the others out of sight.
#include "pg/entry.hpp"
#include "pg/transaction.hpp"

extern "C" {
#include "utils/fmgrprotos.h"
#include "utils/json.h"
}

namespace etl::api {

ETL_FUNCTION(etl_record_as_jsonb) {
  return pg::boundary([&]() -> Datum {
    const std::string record = pg::required_argument(fcinfo, 0, "record");
    const char* text = record.c_str();
    pg::Subtransaction attempt;
    try {
      const Datum value = pg::call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); });
      attempt.release();
      return value;
    } catch (const Error& error) {
      attempt.rollback();
      if (!error.sqlstate.starts_with("22") && !error.sqlstate.starts_with("54")) throw;
    }
    return pg::call([&] {
      StringInfoData quoted;
      initStringInfo(&quoted);
      escape_json(&quoted, text);
      return DirectFunctionCall1(jsonb_in, CStringGetDatum(quoted.data));
    });
  });
}

}  // namespace etl::api
