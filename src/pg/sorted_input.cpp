#include "pg/sorted_input.hpp"

extern "C" {
#include "nodes/makefuncs.h"
#include "optimizer/paths.h"
#include "utils/typcache.h"
}

namespace etl::pg {

namespace {

const SortedInput* announced = nullptr;
bool hooked = false;
set_rel_pathlist_hook_type next_hook = nullptr;

List* pathkey(PlannerInfo* root, RelOptInfo* relation, Index index, const RangeTblEntry* entry, AttrNumber column) {
  const Oid type = list_nth_oid(entry->coltypes, column - 1);
  auto* expression = reinterpret_cast<Expr*>(makeVar(static_cast<int>(index), column, type,
                                                     list_nth_int(entry->coltypmods, column - 1),
                                                     list_nth_oid(entry->colcollations, column - 1), 0));
  const Oid less = lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr;
#if PG_VERSION_NUM >= 160000
  return build_expression_pathkey(root, expression, less, relation->relids, true);
#else
  return build_expression_pathkey(root, expression, nullptr, less, relation->relids, true);
#endif
}

// By name and shape: a transition table of a trigger that runs meanwhile may have the same name.
bool is_announced(const RangeTblEntry* entry) {
  if (announced == nullptr || entry->rtekind != RTE_NAMEDTUPLESTORE || strcmp(entry->enrname, announced->name) != 0) {
    return false;
  }
  bool same = !OidIsValid(entry->relid) && list_length(entry->coltypes) == announced->shape->natts;
  for (int i = 0; same && i < announced->shape->natts; ++i) {
    same = list_nth_oid(entry->coltypes, i) == TupleDescAttr(announced->shape, i)->atttypid;
  }
  return same;
}

void add_order(PlannerInfo* root, RelOptInfo* relation, Index index, RangeTblEntry* entry) {
  if (next_hook != nullptr) next_hook(root, relation, index, entry);
  if (!is_announced(entry)) return;
  List* order = NIL;
  for (int i = 0; i < announced->columns; ++i) {
    order = list_concat_unique_ptr(order, pathkey(root, relation, index, entry, announced->column[i]));
  }
  ListCell* cell;
  foreach (cell, relation->pathlist) static_cast<Path*>(lfirst(cell))->pathkeys = order;
}

}  // namespace

SortedInput sorted_input(const char* name, const Relation::Store* store) {
  SortedInput input = {pstrdup(name), store->shape, 0, nullptr};
  if (!store->sorted_by_key) return input;
  input.column = static_cast<AttrNumber*>(palloc(sizeof(AttrNumber) * static_cast<std::size_t>(store->keys)));
  for (int i = 0; i < store->keys; ++i) {
    const int column = store->key[i].index;
    const bool in_its_collation = store->delivered[column] == TupleDescAttr(store->shape, column)->attcollation;
    if (!in_its_collation || !store->key[i].comparable) break;
    input.column[input.columns++] = static_cast<AttrNumber>(column + 1);
  }
  return input;
}

void announce_sorted(const SortedInput* input) {
  if (!hooked) {
    next_hook = set_rel_pathlist_hook;
    set_rel_pathlist_hook = add_order;
    hooked = true;
  }
  announced = input;
}

}  // namespace etl::pg
