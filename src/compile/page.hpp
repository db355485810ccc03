// The SQL that reads a source: a page of it in key order, or all of it once.
//
// Never LIMIT/OFFSET. A page ends WITH TIES, so that equal keys are never split; keys are compared row-wise, so that an
// index on them serves both the bound and the order. ORDER BY, WITH TIES and DISTINCT find their operators by the type,
// not by name; all other names are qualified (docs/decisions/0007).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compile/operators.hpp"

namespace etl::compile {

enum class Upper { kNone, kKeyIncluded, kFirstBelow, kFirstIncluded };

struct Page {
  std::string source;                 // the user's SELECT
  std::vector<std::string> order;     // output columns; none: all rows, as they come
  std::vector<Operators> operators;   // of each
  bool after = false;                 // $1… : only rows after this key
  bool after_first = false;           // $1: only rows whose first order column is >= it (overlap)
  Upper upper = Upper::kNone;         // the parameters that follow: up to this key, or this value of the first column
  std::uint64_t limit = 0;            // 0: all rows
  std::vector<std::string> not_null;  // leaves out rows with a NULL in one of these columns
  std::vector<std::string> values;    // SQL that stands for $1, $2, …; none: they are parameters
  bool keep_source_order = false;     // rows with equal keys stay in the order in which the source delivered them
};

std::string page_sql(const Page& page);

// Rows with a NULL in one of the order columns, which no page would ever reach.
std::string null_key_sql(const std::string& source, const std::vector<std::string>& columns);

}  // namespace etl::compile
