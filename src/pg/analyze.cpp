#include "pg/analyze.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"
#include "pg/query_walk.hpp"
#include "pg/standard_strings.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/sequence.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

namespace etl::pg {

namespace {

// C only. The one SELECT in the text, or an error that says what `what` is instead.
RawStmt* parse_one(const char* sql, const char* what) {
  List* raw = raw_parser(sql, RAW_PARSE_DEFAULT);
  if (list_length(raw) != 1) {
    ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR),
            raw == NIL ? errmsg("the %s is empty", what) : errmsg("the %s holds more than one statement", what),
            errdetail("%d statements were found.", list_length(raw)),
            errhint("Write exactly one SELECT, or one WITH … SELECT, without a semicolon."));
  }
  auto* statement = linitial_node(RawStmt, raw);
  if (statement->stmt_len != 0) {  // it ends before the text does: it becomes a subquery, where ; cannot stand
    ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("the %s ends with a semicolon", what),
            errhint("Leave the semicolon out."));
  }
  if (!IsA(statement->stmt, SelectStmt)) {
    ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the %s is not a SELECT", what),
            errhint("Write one SELECT, or one WITH … SELECT; what is to be written is the pipeline's target."));
  }
  return statement;
}

Query* analyze_one(const char* sql) {
  RawStmt* statement = parse_one(sql, "source");
  Query* query = parse_analyze_fixedparams(statement, sql, nullptr, 0, nullptr);
  if (query->commandType != CMD_SELECT) {
    ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the source is a SELECT INTO"),
            errhint("Leave INTO out and name the table as the pipeline's target."));
  }
  if (query->hasModifyingCTE) {
    ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the source writes data in a WITH query"),
            errhint("A source only reads: take INSERT, UPDATE, DELETE and MERGE out of its WITH queries."));
  }
  return query;
}

bool locks_rows(Node* node, void*) {
  if (node == nullptr) return false;
  if (IsA(node, Query)) {
    auto* query = reinterpret_cast<Query*>(node);
    if (query->rowMarks != NIL) return true;
    return query_tree_walker(query, ETL_WALKER(locks_rows), nullptr, 0);
  }
  return expression_tree_walker(node, ETL_WALKER(locks_rows), nullptr);
}

struct RawColumn {
  char* name;
  Oid type;
  int typmod;
  Oid collation;
  Oid origin_table;
  AttrNumber origin_column;
};

// C only. Follows a view's column down to the table's column it shows.
void resolve_origin(RawColumn* column) {
  while (OidIsValid(column->origin_table) && get_rel_relkind(column->origin_table) == RELKIND_VIEW) {
    RelationData* view = table_open(column->origin_table, AccessShareLock);
    Query* query = get_view_query(view);
    TargetEntry* entry = get_tle_by_resno(query->targetList, column->origin_column);
    column->origin_table = entry != nullptr && query->setOperations == nullptr ? entry->resorigtbl : InvalidOid;
    column->origin_column = entry != nullptr ? entry->resorigcol : 0;
    table_close(view, NoLock);
  }
}

struct RawTable {
  Oid oid;
  Oid owner;
  char kind;
  char* name;
};

struct RawAnalysis {
  int columns;
  RawColumn* column;
  int tables;
  RawTable* table;
  int functions;
  Oid* function;
  int types;
  Oid* type;
  bool outer_joins;
};

char* qualified(Oid relation) {
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

RawAnalysis analyze_raw(const char* sql) {
  Query* query = analyze_one(sql);
  if (locks_rows(reinterpret_cast<Node*>(query), nullptr)) {
    ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the source locks rows"),
            errhint("Leave FOR UPDATE and FOR SHARE out: a source only reads."));
  }
  RawAnalysis raw{};
  raw.column = static_cast<RawColumn*>(palloc0(sizeof(RawColumn) * (list_length(query->targetList) + 1)));
  ListCell* cell;
  foreach (cell, query->targetList) {
    auto* entry = static_cast<TargetEntry*>(lfirst(cell));
    if (entry->resjunk) continue;
    Node* value = reinterpret_cast<Node*>(entry->expr);
    RawColumn* column = &raw.column[raw.columns++];
    *column = {entry->resname,       exprType(value),   exprTypmod(value),
               exprCollation(value), entry->resorigtbl, entry->resorigcol};
    if (query->setOperations != nullptr) column->origin_table = InvalidOid;
    resolve_origin(column);
  }
  const Found found = walk_query(query);
  raw.outer_joins = found.outer_joins;
  raw.table = static_cast<RawTable*>(palloc(sizeof(RawTable) * (list_length(found.tables) + 1)));
  foreach (cell, found.tables) {
    const Oid oid = lfirst_oid(cell);
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
    const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    raw.table[raw.tables++] = {oid, owner, get_rel_relkind(oid), qualified(oid)};
  }
  raw.function = static_cast<Oid*>(palloc(sizeof(Oid) * (list_length(found.functions) + 1)));
  foreach (cell, found.functions) raw.function[raw.functions++] = lfirst_oid(cell);
  raw.type = static_cast<Oid*>(palloc(sizeof(Oid) * (list_length(found.types) + 1)));
  foreach (cell, found.types) raw.type[raw.types++] = lfirst_oid(cell);
  return raw;
}

// C only. Identity or DEFAULT nextval(…) whose sequence hands out ascending numbers one at a time.
bool sequence_is_ordered(Oid table, AttrNumber column) {
  Oid sequence = InvalidOid;
  List* owned = getOwnedSequences(table);
  ListCell* cell;
  foreach (cell, owned) {
    Oid owner_table;
    int32 owner_column;
    if ((sequenceIsOwned(lfirst_oid(cell), DEPENDENCY_AUTO, &owner_table, &owner_column) ||
         sequenceIsOwned(lfirst_oid(cell), DEPENDENCY_INTERNAL, &owner_table, &owner_column)) &&
        owner_column == column) {
      sequence = lfirst_oid(cell);
    }
  }
  if (!OidIsValid(sequence)) return false;
  HeapTuple tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
  if (!HeapTupleIsValid(tuple)) return false;
  auto* form = reinterpret_cast<Form_pg_sequence>(GETSTRUCT(tuple));
  const bool ordered = form->seqincrement > 0 && form->seqcache == 1 && !form->seqcycle;
  ReleaseSysCache(tuple);
  return ordered;
}

}  // namespace

Analysis analyze_select(const std::string& sql) {
  const StandardStrings strings;
  const char* text = sql.c_str();
  RawAnalysis raw{};
  try {
    raw = call([&] { return analyze_raw(text); });
  } catch (Error& error) {
    if (error.query.empty() && error.position > 0) error.query = sql;
    if (error.sqlstate == "42P02") {
      error.hint =
          "A source takes no parameters: write the value into the SELECT, or let the SELECT read it from a table.";
    }
    throw;
  }
  Analysis analysis;
  for (int i = 0; i < raw.columns; ++i) {
    const RawColumn& c = raw.column[i];
    analysis.columns.push_back({c.name, c.type, c.typmod, c.collation, c.origin_table, c.origin_column});
  }
  for (int i = 0; i < raw.tables; ++i) {
    analysis.tables.push_back({raw.table[i].oid, raw.table[i].name, raw.table[i].owner, raw.table[i].kind});
  }
  for (int i = 0; i < raw.functions; ++i) analysis.functions.push_back(raw.function[i]);
  for (int i = 0; i < raw.types; ++i) analysis.types.push_back(raw.type[i]);
  analysis.outer_joins = raw.outer_joins;
  return analysis;
}

void want_select(const std::string& sql) {
  const StandardStrings strings;
  const char* text = sql.c_str();
  call([&] { (void)parse_one(text, "query"); });
}

void want_type(const std::string& name) {
  const StandardStrings strings;
  const char* text = name.c_str();
  call([&] {
    Oid type;
    int32 typmod;
#if PG_VERSION_NUM >= 160000
    (void)parseTypeString(text, &type, &typmod, nullptr);
#else
    parseTypeString(text, &type, &typmod, false);
#endif
  });
}

// C only. The text behind FROM was a name and nothing else.
static bool is_table_name(const List* statements) {
  if (list_length(statements) != 1) return false;
  const auto* raw = linitial_node(RawStmt, statements);
  if (!IsA(raw->stmt, SelectStmt)) return false;
  const auto* select = reinterpret_cast<const SelectStmt*>(raw->stmt);
  if (list_length(select->fromClause) != 1 || !IsA(linitial(select->fromClause), RangeVar)) return false;
  const auto* table = linitial_node(RangeVar, select->fromClause);
  return raw->stmt_len == 0 && table->alias == nullptr && select->whereClause == nullptr &&
         select->groupClause == NIL && select->havingClause == nullptr && select->windowClause == NIL &&
         select->sortClause == NIL && select->limitOffset == nullptr && select->limitCount == nullptr &&
         select->lockingClause == NIL && select->op == SETOP_NONE;
}

void want_table(const std::string& name) {
  const std::string sql = "SELECT FROM " + name;
  const StandardStrings strings;
  const char* text = sql.c_str();
  const bool fits = call([&] { return is_table_name(raw_parser(text, RAW_PARSE_DEFAULT)); });
  if (!fits) throw Error("42601", "\"" + name + "\" is not the name of a table", {}, "Write schema.table.");
}

void want_expression(const std::string& sql) {
  const StandardStrings strings;
  const char* text = sql.c_str();
  call([&] { (void)raw_parser(text, RAW_PARSE_PLPGSQL_EXPR); });
}

// C only. Those of a subquery look at its rows.
static bool has_window(Node* node, void* context) {
  if (node == nullptr || IsA(node, SubLink)) return false;
  if (IsA(node, FuncCall) && castNode(FuncCall, node)->over != nullptr) return true;
  return raw_expression_tree_walker(node, ETL_WALKER(has_window), context);
}

void want_row_expression(const std::string& sql) {
  const StandardStrings strings;
  const char* text = sql.c_str();
  const bool looks_around = call([&] {
    const List* parsed = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
    const auto* select = castNode(SelectStmt, linitial_node(RawStmt, parsed)->stmt);
    return has_window(reinterpret_cast<Node*>(select->targetList), nullptr);
  });
  if (!looks_around) return;
  throw Error("42P20", "an expression over one row cannot have a window function", {},
              "Use operator sql, whose query sees all rows of its input.");
}

// Whether no row of it has a NULL in the column, surely: a child may have dropped its parent's NOT NULL, a foreign
// table only promises one, and one that is NOT VALID was not looked at.
static bool holds_not_null(RelationData* relation, int index) {
  const char kind = relation->rd_rel->relkind;
  if (kind != RELKIND_PARTITIONED_TABLE && (kind != RELKIND_RELATION || relation->rd_rel->relhassubclass)) return false;
#if PG_VERSION_NUM >= 180000
  return TupleDescCompactAttr(RelationGetDescr(relation), index)->attnullability == ATTNULLABLE_VALID;
#else
  return TupleDescAttr(RelationGetDescr(relation), index)->attnotnull;
#endif
}

bool find_origin(const Column& column, Origin& origin) {
  if (column.origin_table == 0) return false;
  const Oid table = column.origin_table;
  const auto number = static_cast<AttrNumber>(column.origin_column);
  if (number <= 0) return false;
  struct Raw {
    char* table;
    char* column;
    char* expression;
    bool not_null;
    bool ordered;
    Oid type;
  };
  const Raw raw = call([&] {
    Raw r{qualified(table),
          get_attname(table, number, false),
          nullptr,
          false,
          sequence_is_ordered(table, number),
          get_atttype(table, number)};
    RelationData* relation = table_open(table, AccessShareLock);
    r.not_null = holds_not_null(relation, number - 1);
    TupleConstr* constraints = RelationGetDescr(relation)->constr;
    for (int i = 0; constraints != nullptr && i < constraints->num_defval; ++i) {
      if (constraints->defval[i].adnum != number) continue;
      r.expression = deparse_expression(static_cast<Node*>(stringToNode(constraints->defval[i].adbin)),
                                        deparse_context_for(RelationGetRelationName(relation), table), false, false);
    }
    table_close(relation, NoLock);
    return r;
  });
  origin = {raw.table,   raw.column, raw.not_null, raw.expression != nullptr ? raw.expression : "",
            raw.ordered, raw.type};
  return true;
}

std::string type_name(unsigned type, int typmod) {
  return call(
      [&] { return format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY); });
}

TypeAndModifier base_type(unsigned type, int typmod) {
  return call([&] {
    TypeAndModifier base{type, typmod};
    while (true) {
      if (get_typtype(base.type) == TYPTYPE_DOMAIN) base.type = getBaseTypeAndTypmod(base.type, &base.typmod);
      const Oid element = get_element_type(base.type);
      if (!OidIsValid(element) || get_typtype(element) != TYPTYPE_DOMAIN) return base;
      int typmod_of_element = -1;
      const Oid array = get_array_type(getBaseTypeAndTypmod(element, &typmod_of_element));
      if (!OidIsValid(array)) return base;  // a domain over an array
      base = {array, typmod_of_element};
    }
  });
}

bool is_deterministic(unsigned collation) {
  return collation == 0 || call([&] { return get_collation_isdeterministic(collation); });
}

std::string collation_name(unsigned collation) {
  return call([&] { return generate_collation_name(collation); });
}

bool is_orderable(unsigned type) {
  return call([&] {
    return OidIsValid(GetDefaultOpClass(type, BTREE_AM_OID)) ||
           OidIsValid(lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr);
  });
}

std::string btree_operator(unsigned type, Compare compare) {
  static const char* const kNames[] = {"<", "<=", "=", ">=", ">"};
  const int strategy = static_cast<int>(compare);
  return call([&]() -> const char* {
    TypeCacheEntry* entry = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);
    if (!OidIsValid(entry->btree_opf)) return kNames[strategy - 1];
    const Oid found = get_opfamily_member(entry->btree_opf, entry->btree_opintype, entry->btree_opintype,
                                          static_cast<int16>(strategy));
    HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(found));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator %u", found);
    auto* form = reinterpret_cast<Form_pg_operator>(GETSTRUCT(tuple));
    const char* text =
        psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)), NameStr(form->oprname));
    ReleaseSysCache(tuple);
    return text;
  });
}

bool same_equality(unsigned one, unsigned other) {
  if (one == other) return true;
  if (one == 0 || other == 0) return false;
  return call([&] { return get_collation_isdeterministic(one) && get_collation_isdeterministic(other); });
}

}  // namespace etl::pg
