// What of a SELECT is read, and the page of it that follows a position: for one of this database (sql_source.hpp) and
// for one of another server (remote_query.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compile/page.hpp"
#include "pg/relation.hpp"
#include "pg/statement.hpp"

namespace etl::source {

// What of the source is read. Bounds are texts that the key's input function reads.
struct Range {
  std::optional<std::string> from_first;   // first order column >= this, on the first page
  std::optional<pg::Key> up_to_key;        // whole key <= this
  std::optional<std::string> below_first;  // first order column < this
  std::optional<std::string> up_to_first;  // first order column <= this
  bool bounded() const { return from_first || up_to_key || below_first || up_to_first; }
};

// Never to be stored as a position: no row compares with it.
bool has_null(const pg::Key& position);

struct SqlSourceSpec {
  std::string query;
  std::vector<pg::Column> columns;
  std::vector<std::string> order;
  std::vector<unsigned> order_types;
  std::vector<compile::Operators> order_operators;
  std::vector<std::string> keys;  // watched for repetitions and NULLs
  bool null_keys = true;          // there may be rows with a NULL in an order or key column
  Range range;
  std::vector<pg::NamedRelation> inputs;  // that the query reads; then its rows are computed once, and spilled
  std::uint64_t page_rows = 5000;
  bool one_snapshot = false;  // spill in any case: the whole run reads one snapshot
};

// The columns in which a row must have no NULL to be reached.
std::vector<std::string> not_null_columns(const SqlSourceSpec& spec);

// The page after a position, or the first one; limit 0: all that follows.
compile::Page page_of(const SqlSourceSpec& spec, bool after, std::uint64_t limit, bool keep_source_order);
// Its parameters: the column of the order of which each is a value, and the values.
std::vector<std::size_t> parameter_columns(const SqlSourceSpec& spec, const compile::Page& page);
pg::Key parameters(const SqlSourceSpec& spec, const std::optional<pg::Key>& after);

}  // namespace etl::source
