#include "pg/large_tables.hpp"

#include "pg/headers.hpp"

extern "C" {
#include "nodes/pathnodes.h"
#include "optimizer/plancat.h"
}

namespace etl::pg {

namespace {

constexpr double kTuples = 1e6;
constexpr BlockNumber kPages = 10000;

bool as_large = false;
bool hooked = false;
get_relation_info_hook_type next_hook = nullptr;

void enlarge(PlannerInfo* root, Oid table, bool inherited, RelOptInfo* relation) {
  if (next_hook != nullptr) next_hook(root, table, inherited, relation);
  if (!as_large) return;
  relation->tuples = Max(relation->tuples, kTuples);
  relation->pages = Max(relation->pages, kPages);
  ListCell* cell;
  foreach (cell, relation->indexlist) {
    auto* index = static_cast<IndexOptInfo*>(lfirst(cell));
    index->tuples = Max(index->tuples, kTuples);
    index->pages = Max(index->pages, kPages / 4);
  }
}

}  // namespace

void plan_as_large(bool large) {
  if (!hooked) {
    next_hook = get_relation_info_hook;
    get_relation_info_hook = enlarge;
    hooked = true;
  }
  as_large = large;
}

}  // namespace etl::pg
