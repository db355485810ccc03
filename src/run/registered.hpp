// Operators that etl.register_operator() made: functions that stand in the place of C++.
#pragma once

#include <span>
#include <string>

#include "catalog/operators.hpp"
#include "model/operator.hpp"
#include "model/steps.hpp"
#include "transform/transform.hpp"

namespace etl::run {

// Reads them from the catalog anew: what was found before is gone.
void load_registered();
std::span<const model::Operator> registered_operators();

// Whether the step's operator is one, in this place.
bool is_registered(const model::Step& step, model::Kind kind);

// Of a registered source or transform. Errors: of its function, 42501 when the owner may not execute it.
transform::Rule registered_rule(const model::Step& step, model::Kind kind, const transform::Call& call);
// Of a registered sink: the SELECT that gives it the rows of the relation `input`.
std::string registered_sink(const model::Step& step, const transform::Input& input);

// Checks what is to be registered, and stores it. Errors: 22023, 42710, and those of pg::find_operator_function.
void register_operator(const catalog::StoredOperator& stored);

}  // namespace etl::run
