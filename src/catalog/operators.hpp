// Operators that etl.register_operator() made.
#pragma once

#include <string>
#include <vector>

namespace etl::catalog {

struct StoredOperator {
  std::string name;
  std::string kind;           // source, transform, sink
  std::string function;       // qualified, with the types of its arguments
  std::string params_schema;  // JSON
  std::string description;
};

std::vector<StoredOperator> read_operators();  // by name
// False: there is one of that name.
bool save_operator(const StoredOperator& stored);
bool remove_operator(const std::string& name);

}  // namespace etl::catalog
