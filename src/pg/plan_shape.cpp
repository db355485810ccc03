#include "pg/plan_shape.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
}

namespace etl::pg {

namespace {

constexpr double kSmall = 100;  // planner's cost units: a table of some ten thousand narrow rows is beyond it

// The inner side of a join: run for each outer row, or once a page.
bool inner_is_cheap(Plan* plan) {
  switch (nodeTag(plan)) {
    case T_IndexScan:
    case T_IndexOnlyScan:
      return true;
    case T_Memoize:
    case T_Result:
    case T_SubqueryScan:
    case T_NestLoop: {
      Plan* below = nodeTag(plan) == T_SubqueryScan ? reinterpret_cast<SubqueryScan*>(plan)->subplan : outerPlan(plan);
      if (below != nullptr && !inner_is_cheap(below)) return false;
      return innerPlan(plan) == nullptr || inner_is_cheap(innerPlan(plan));
    }
    case T_Material:
    case T_SeqScan:
    case T_Hash:
      return plan->total_cost <= kSmall;
    default:
      return false;
  }
}

bool spine_is_ordered(Plan* plan);

bool all_ordered(List* plans) {
  ListCell* cell;
  foreach (cell, plans) {
    if (!spine_is_ordered(static_cast<Plan*>(lfirst(cell)))) return false;
  }
  return plans != NIL;
}

bool spine_is_ordered(Plan* plan) {
  check_stack_depth();
  switch (nodeTag(plan)) {
    case T_IndexScan:
    case T_IndexOnlyScan:
      return true;
    case T_Limit:
    case T_Result:
      return outerPlan(plan) != nullptr && spine_is_ordered(outerPlan(plan));
    case T_SubqueryScan:
      return spine_is_ordered(reinterpret_cast<SubqueryScan*>(plan)->subplan);
    case T_NestLoop:
    case T_HashJoin:
      return spine_is_ordered(outerPlan(plan)) && inner_is_cheap(innerPlan(plan));
    case T_MergeAppend:
      return all_ordered(reinterpret_cast<MergeAppend*>(plan)->mergeplans);
    case T_Append:
      return all_ordered(reinterpret_cast<Append*>(plan)->appendplans);
    default:
      return false;
  }
}

}  // namespace

bool page_is_cheap(PlannedStmt* statement) {
  ListCell* cell;
  foreach (cell, statement->subplans) {
    auto* sub = static_cast<Plan*>(lfirst(cell));
    if (sub != nullptr && (nodeTag(sub) == T_Agg ? sub->total_cost : sub->startup_cost) > kSmall) return false;
  }
  return spine_is_ordered(statement->planTree);
}

}  // namespace etl::pg
