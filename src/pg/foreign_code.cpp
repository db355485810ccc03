#include "pg/foreign_code.hpp"

#include "pg/query_walk.hpp"

extern "C" {
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "utils/regproc.h"
}

namespace etl::pg {

namespace {

bool armed = false;
bool hooked = false;
planner_hook_type next_planner = nullptr;

void refuse_foreign_code(Query* query) {
  const Found found = walk_query(query);
  ListCell* cell;
  foreach (cell, found.functions) {
    if (!is_foreign_function(lfirst_oid(cell))) continue;
    ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
            errmsg("a superuser's pipeline cannot call %s", format_procedure(lfirst_oid(cell))),
            errdetail("The function does not belong to a superuser."),
            errhint("Let an ordinary role own the pipeline: etl.alter_pipeline_owner()."));
  }
}

PlannedStmt* plan(Query* query, const char* text, int options, ParamListInfo parameters) {
  if (armed) refuse_foreign_code(query);
  return next_planner != nullptr ? next_planner(query, text, options, parameters)
                                 : standard_planner(query, text, options, parameters);
}

}  // namespace

CachedPlan* checked_plan(SPIPlanPtr saved) {
  if (!hooked) {
    next_planner = planner_hook;
    planner_hook = plan;
    hooked = true;
  }
  CachedPlan* cached = nullptr;
  armed = superuser_arg(GetUserId());
  PG_TRY();
  { cached = SPI_plan_get_cached_plan(saved); }
  PG_FINALLY();
  { armed = false; }
  PG_END_TRY();
  return cached;
}

}  // namespace etl::pg
