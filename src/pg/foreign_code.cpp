#include "pg/foreign_code.hpp"

#include "pg/query_walk.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
}

namespace etl::pg {

namespace {

bool armed = false;
bool hooked = false;
planner_hook_type next_planner = nullptr;

bool is_foreign_table(Oid table) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) return false;
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return !superuser_arg(owner);
}

// The planner evaluates what stands in their indexes, checks and statistics.
void refuse_foreign_tables(Oid table) {
  ListCell* cell;
  foreach (cell, find_all_inheritors(table, NoLock, nullptr)) {
    if (!is_foreign_table(lfirst_oid(cell))) continue;
    ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
            errmsg("a superuser's pipeline cannot use table %s", get_rel_name(lfirst_oid(cell))),
            errdetail("The table does not belong to a superuser."),
            errhint("Let an ordinary role own the pipeline: etl.alter_pipeline_owner()."));
  }
}

void refuse_foreign_code(Query* query) {
  const Found found = walk_query(query);
  ListCell* cell;
  foreach (cell, found.tables) refuse_foreign_tables(lfirst_oid(cell));
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
