// The SQL for rows of a target that a run did not deliver: they are deleted, or marked.
#pragma once

#include <string>
#include <vector>

#include "compile/upsert.hpp"

namespace etl::compile {

struct Sweep {
  Upsert upsert;
  std::vector<std::string> key_types;  // of the target's key columns, in the order of upsert.columns
  // Of a range: the rows outside of it are left alone. Empty: there is none.
  std::string range_column;
  std::string range_type;
  std::string range_from;  // expressions, or empty: the input's smallest and largest value
  std::string range_to;
  Operators operators;  // of range_column
  // Columns of the target that mark a row; empty: it is deleted.
  std::string is_deleted;  // boolean
  std::string deleted_at;  // a time
};

// Deletes or marks. The input is all that the run delivered, `kept` the keys of other rows that stay, in the target's
// types; $1 and $2 are the range's bounds, if there is one.
std::string sweep_sql(const Sweep& sweep);
// The key of a record: $1 is jsonb. In the target's types; without columns that it lacks.
std::string record_key_sql(const Sweep& sweep);
// "lower" and "upper", both text: the bounds.
std::string bounds_sql(const Sweep& sweep);
// The rows that sweep_sql would touch, as texts of jsonb: "key", "before", and "after" of those that are only marked.
std::string swept_sql(const Sweep& sweep);

}  // namespace etl::compile
