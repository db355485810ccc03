// Calls of functions that take rows.
#pragma once

#include <string>

#include "transform/transform.hpp"

namespace etl::transform {

// The input's columns as one value of the function's composite type, matched by name. Error 42703 for one that it
// lacks.
std::string row_of(const Input& input, const Function& function);

// What a function of an array of rows returns, called with batch_size rows at a time. params: SQL of a second argument.
Rule call_with_rows(const Call& call, const Function& function, const std::string& params);

}  // namespace etl::transform
