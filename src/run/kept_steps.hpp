// Option materialize: a step of a whole set has a transaction of its own, and what it gave is kept until the run has
// succeeded. A run that goes on, after etl.retry() or when its worker was lost, begins with the step that failed.
#pragma once

#include "run/context.hpp"
#include "run/flow.hpp"

namespace etl::run {

// Runs the steps that are not kept, each with a snapshot of its own, and keeps them; takes up the others.
void evaluate_and_keep(Flow& flow, Context& context);

}  // namespace etl::run
