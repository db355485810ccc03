#include "api/open.hpp"

#include "catalog/pipelines.hpp"

namespace etl::api {

namespace {

std::optional<model::Definition> find(const std::string& name, bool lock) {
  return lock ? catalog::lock_pipeline(name) : catalog::find_pipeline(name);
}

std::optional<model::Definition> find(std::int64_t id, bool lock) {
  return lock ? catalog::lock_pipeline(id) : catalog::find_pipeline(id);
}

model::Definition open(FunctionCallInfo fcinfo, int index, Right right, bool lock) {
  const bool by_id = pg::is_bigint_argument(fcinfo, index);
  const std::string given = pg::required_argument(fcinfo, index, "the pipeline");
  auto definition = by_id ? find(std::int64_t{PG_GETARG_INT64(index)}, lock) : find(given, lock);
  if (!definition) {
    throw Error("42704", by_id ? "pipeline " + given + " does not exist" : "pipeline \"" + given + "\" does not exist",
                {}, "See etl.pipelines for the pipelines that you may see.");
  }
  return check_right(std::move(*definition), right);
}

}  // namespace

model::Definition open_pipeline(FunctionCallInfo fcinfo, int index, Right right) {
  on_first_call();
  return open(fcinfo, index, right, false);
}

model::Definition lock_pipeline(FunctionCallInfo fcinfo, int index, Right right) {
  (void)open_pipeline(fcinfo, index, right);
  return open(fcinfo, index, right, true);
}

}  // namespace etl::api
