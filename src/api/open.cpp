#include "api/open.hpp"

#include "catalog/pipelines.hpp"

namespace etl::api {

model::Definition open_pipeline(FunctionCallInfo fcinfo, int index, Right right) {
  on_first_call();
  const bool by_id = pg::is_bigint_argument(fcinfo, index);
  const std::string given = pg::required_argument(fcinfo, index, "the pipeline");
  auto definition =
      by_id ? catalog::find_pipeline(std::int64_t{PG_GETARG_INT64(index)}) : catalog::find_pipeline(given);
  if (!definition) {
    throw Error("42704", by_id ? "pipeline " + given + " does not exist" : "pipeline \"" + given + "\" does not exist",
                {}, "See etl.pipelines for the pipelines that you may see.");
  }
  return check_right(std::move(*definition), right);
}

}  // namespace etl::api
