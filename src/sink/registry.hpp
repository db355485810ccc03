// All sinks, by name: what they are called and take. How each is run: run/plan.hpp.
#pragma once

#include <span>
#include <string_view>

#include "model/operator.hpp"

namespace etl::sink {

std::span<const model::Operator* const> all();
const model::Operator* find(std::string_view name);  // nullptr: there is none

}  // namespace etl::sink
