// Several inputs, one after the other.
#pragma once

#include <string>
#include <vector>

#include "transform/transform.hpp"

namespace etl::transform {

// The rows of all inputs by column name; a column that one lacks is NULL there, of the type that it has in the first
// input with it. distinct: each row once.
std::string union_sql(const std::vector<Input>& inputs, bool distinct);

}  // namespace etl::transform
