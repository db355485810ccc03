// etl.explain: the steps in layers, their SQL and plans, the safety mode, and warnings.
#pragma once

#include "run/inspect.hpp"
#include "run/plan.hpp"

namespace etl::run {

void explain(const Plan& plan, const json::Value& arguments, const Emit& emit);

}  // namespace etl::run
