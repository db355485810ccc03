// All sinks, by name: what they are called and take. How each is run: run/plan.hpp.
#pragma once

#include <span>

#include "model/operator.hpp"

namespace etl::sink {

std::span<const model::Operator* const> all();

}  // namespace etl::sink
