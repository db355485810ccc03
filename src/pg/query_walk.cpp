#include "pg/query_walk.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

namespace etl::pg {

namespace {

void walk_query(Query* query, Found* found);

bool note_function(Oid function, void* context) {
  auto* found = static_cast<Found*>(context);
  found->functions = list_append_unique_oid(found->functions, function);
  return false;
}

bool walk_node(Node* node, void* context);

// A domain's checks are code of its owner: they run when a value is cast to it or read as one, also in an array.
void walk_domain(Oid type, Found* found) {
  const Oid element = get_element_type(type);
  if (OidIsValid(element)) type = element;
  if (get_typtype(type) != TYPTYPE_DOMAIN) return;
  // Not on the stack: the memory context's reset gives it back.
  auto* checks = static_cast<DomainConstraintRef*>(palloc(sizeof(DomainConstraintRef)));
  InitDomainConstraintRef(type, checks, CurrentMemoryContext, false);
  ListCell* cell;
  foreach (cell, checks->constraints) {
    (void)walk_node(reinterpret_cast<Node*>(static_cast<DomainConstraintState*>(lfirst(cell))->check_expr), found);
  }
}

void note_type(Node* node, Found* found) {
  const Oid type = exprType(node);
  if (list_member_oid(found->types, type)) return;
  found->types = lappend_oid(found->types, type);
  walk_domain(type, found);
}

bool walk_node(Node* node, void* context) {
  auto* found = static_cast<Found*>(context);
  if (node == nullptr) return false;
  check_stack_depth();
  if (IsA(node, Query)) {
    walk_query(reinterpret_cast<Query*>(node), found);
    return false;
  }
  // Calls, operators (also in "op ANY (array)" and row comparisons), aggregates, casts through text.
  (void)check_functions_in_node(node, note_function, found);
  if (IsA(node, JoinExpr) && reinterpret_cast<JoinExpr*>(node)->jointype != JOIN_INNER) found->outer_joins = true;
  if (IsA(node, Const) || IsA(node, Var) || IsA(node, Param) || IsA(node, CoerceToDomain) || IsA(node, CoerceViaIO) ||
      IsA(node, ArrayCoerceExpr) || IsA(node, RowExpr) || IsA(node, FuncExpr)) {
    note_type(node, found);
  }
  return expression_tree_walker(node, ETL_WALKER(walk_node), context);
}

void walk_query(Query* query, Found* found) {
  ListCell* cell;
  if (query->groupingSets != NIL) found->outer_joins = true;
  foreach (cell, query->rtable) {
    auto* entry = static_cast<RangeTblEntry*>(lfirst(cell));
    if (entry->rtekind != RTE_RELATION) continue;
    if (list_member_oid(found->tables, entry->relid)) continue;
    found->tables = lappend_oid(found->tables, entry->relid);
    if (get_rel_relkind(entry->relid) != RELKIND_VIEW) continue;
    RelationData* view = table_open(entry->relid, AccessShareLock);
    walk_query(get_view_query(view), found);
    table_close(view, NoLock);
  }
  (void)query_tree_walker(query, ETL_WALKER(walk_node), found, 0);
}

}  // namespace

Found walk_query(Query* query) {
  Found found{NIL, NIL, NIL, false};
  walk_query(query, &found);
  return found;
}

bool is_foreign_function(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  const Oid owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->proowner;
  ReleaseSysCache(tuple);
  return !superuser_arg(owner);
}

}  // namespace etl::pg
