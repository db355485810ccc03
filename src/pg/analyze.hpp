// What PostgreSQL's parser says of a user's SQL: parse analysis only, never the planner (which folds constants and
// would run the user's functions; internals.md 20). The parser itself runs one kind of them: it reads literals, and a
// literal of an array of a domain runs the domain's checks. So call it as the one whose text it is (pg/role.hpp).
#pragma once

#include <string>
#include <vector>

#include "pg/relation.hpp"

namespace etl::pg {

struct BaseTable {
  unsigned oid = 0;
  std::string name;  // quoted and qualified
  unsigned owner = 0;
  char kind = 'r';  // relkind
};

struct Analysis {
  std::vector<Column> columns;      // of the output
  std::vector<BaseTable> tables;    // every table, view, … that is read, also through views
  std::vector<unsigned> functions;  // every function called, also through operators, domains and views
  std::vector<unsigned> types;      // of every value that is read, written down or cast
  bool outer_joins = false;
};

// Exactly one SELECT or WITH … SELECT. Errors: 42601 syntax or several statements, 0A000 not a SELECT or with a
// data-modifying CTE, SELECT INTO or FOR UPDATE, and whatever analysis finds (42P01, 42703, 42501 at run time only).
Analysis analyze_select(const std::string& sql);

// Error 42601 unless the text is what may stand in parentheses in a SELECT: it closes no parenthesis that it has not
// opened, and begins no second statement.
void want_expression(const std::string& sql);
// … that looks at one row: 42P20 for a window function.
void want_row_expression(const std::string& sql);
// Error 42601 or 0A000 unless the text is one SELECT; nothing is looked up.
void want_select(const std::string& sql);
// Error 42601 or 42704 unless the text is just the name of a type, which may have a modifier.
void want_type(const std::string& name);

// Error 42601 unless the text is just a table's name as it may stand in FROM; nothing is looked up.
void want_table(const std::string& name);

// How a key column may be relied on.
struct Origin {
  std::string table;  // quoted and qualified
  std::string column;
  bool not_null = false;
  std::string default_expression;  // deparsed; empty: none
  bool ordered_sequence = false;   // identity or DEFAULT nextval, ascending, CACHE 1, no cycle
  unsigned type = 0;
};
// False when the column is computed.
bool find_origin(const Column& column, Origin& origin);

std::string type_name(unsigned type, int typmod);
struct TypeAndModifier {
  unsigned type;
  int typmod;
};
// What a domain, or an array of a domain, is made of; another type is itself.
TypeAndModifier base_type(unsigned type, int typmod);
bool is_deterministic(unsigned collation);       // 0, of a type without collations, is
std::string collation_name(unsigned collation);  // quoted
// ORDER BY and row comparison need a default btree operator class.
bool is_orderable(unsigned type);
// Whether two collations find the same texts equal: the same one, or both deterministic.
bool same_equality(unsigned one, unsigned other);
// btree's strategy numbers.
enum class Compare { kLess = 1, kLessOrEqual, kEqual, kGreaterOrEqual, kGreater };
// The operator of the type's default btree operator class, as OPERATOR(schema.name); the bare name if there is no
// class.
std::string btree_operator(unsigned type, Compare compare);

}  // namespace etl::pg
