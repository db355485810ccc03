// The comparison operators of a type: those of its default btree operator class, by schema and name. Generated SQL runs
// under the owner's search_path, where other people may have put a better match for an unqualified "=".
#pragma once

#include <string>

namespace etl::compile {

struct Operators {
  std::string less = "OPERATOR(pg_catalog.<)";
  std::string less_or_equal = "OPERATOR(pg_catalog.<=)";
  std::string equal = "OPERATOR(pg_catalog.=)";
  std::string greater_or_equal = "OPERATOR(pg_catalog.>=)";
  std::string greater = "OPERATOR(pg_catalog.>)";
};

}  // namespace etl::compile
