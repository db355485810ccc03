// etl.run and its kin: requests that take effect at the caller's COMMIT.
#include "api/open.hpp"
#include "api/request.hpp"
#include "core/json.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "run/rest.hpp"
#include "worker/answer.hpp"

extern "C" {
#include "access/xact.h"
}

namespace etl::api {

ETL_FUNCTION(etl_run) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kRun);
    return Int64GetDatum(request_run(definition, pg::text_argument(fcinfo, 1).value_or("{}")));
  });
}

// What starts a worker depends on the definition; pause and cancel do not, and wait for nobody who changes it.
static Datum request(FunctionCallInfo fcinfo, model::Call what) {
  const model::Definition definition =
      what == model::Call::resume ? lock_pipeline(fcinfo, 0, Right::kRun) : open_pipeline(fcinfo, 0, Right::kRun);
  return pg::text_result(fcinfo, std::string(model::name(request_call(definition, what).state)));
}

ETL_FUNCTION(etl_pause) {
  return pg::boundary([&]() -> Datum { return request(fcinfo, model::Call::pause); });
}

ETL_FUNCTION(etl_resume) {
  return pg::boundary([&]() -> Datum { return request(fcinfo, model::Call::resume); });
}

ETL_FUNCTION(etl_cancel) {
  return pg::boundary([&]() -> Datum { return request(fcinfo, model::Call::cancel); });
}

ETL_FUNCTION(etl_retry) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kRun);
    return Int64GetDatum(request_call(definition, model::Call::retry).run.value_or(0));
  });
}

// A worker commits what the call asks for, in a transaction of its own.
static void want_no_block(const std::string& call, const std::string& loss) {
  if (!pg::call([] { return IsTransactionBlock() || IsSubTransaction(); })) return;
  throw Error("25001", call + " cannot run inside a transaction block", {},
              "Call it outside of BEGIN … COMMIT: ROLLBACK would not " + loss + ".");
}

// The rows go in the owner's session, which is another transaction, so the checkpoint goes there too. Nothing is locked
// here: the worker locks the pipeline.
static void empty_target(const model::Definition& definition) {
  want_no_block("etl.reset() with truncate_target", "bring the rows back");
  const std::string arguments = json::Object().add("role", pg::role_name(pg::current_role())).str();
  (void)worker::ask({"truncate", definition.id, arguments}, definition);
}

ETL_FUNCTION(etl_reset) {
  return pg::boundary([&]() -> Datum {
    if (pg::bool_argument(fcinfo, 1, false)) {
      empty_target(open_pipeline(fcinfo, 0, Right::kOwner));
    } else {
      const model::Definition definition = lock_pipeline(fcinfo, 0, Right::kAlter);
      run::want_at_rest(definition, "reset");
      run::forget_position(definition, pg::role_name(pg::current_role()));
    }
    return static_cast<Datum>(0);
  });
}

ETL_FUNCTION(etl_dead_letter_replay) {
  return pg::boundary([&]() -> Datum {
    const model::Definition definition = open_pipeline(fcinfo, 0, Right::kOwner);
    want_no_block("etl.dead_letter_replay()", "take the rows out of the target again");
    const std::string patch = pg::text_argument(fcinfo, 2).value_or("{}");
    if (!json::parse(patch, "patch").IsObject())
      throw Error("22023", "patch must be a JSON object", "It is " + patch + ".",
                  "Write it as in '{\"rating\": \"G\"}'.");
    const std::string arguments =
        json::Object().add("where_sql", pg::text_argument(fcinfo, 1)).add("patch", patch).str();
    const auto rows = worker::ask({"replay", definition.id, arguments}, definition);
    return Int64GetDatum(std::stoll(rows.at(0).at(0).value_or("0")));
  });
}

ETL_FUNCTION(etl_dead_letter_discard) {
  return pg::boundary([&]() -> Datum {
    on_first_call();
    (void)pg::required_argument(fcinfo, 0, "ids");
    const std::string ids = *pg::text_argument(fcinfo, 0);
    return Int64GetDatum(discard_dead_letters(ids));
  });
}

}  // namespace etl::api
