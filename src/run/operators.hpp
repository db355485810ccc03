// The operators of all kinds, and steps held against them.
#pragma once

#include <vector>

#include "model/steps.hpp"

namespace etl::run {

std::vector<const model::Operator*> all_operators();

// nullptr: there is none of that name and kind.
const model::Operator* find_operator(std::string_view name, model::Kind kind);

// Every step has an operator of its kind, params that hold to its schema, with SQL in them that can be read; at least
// one is a sink. What is wrong is added to `findings`.
void check_operators(const model::Steps& steps, std::vector<model::Finding>& findings);

}  // namespace etl::run
