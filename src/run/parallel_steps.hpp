// Steps of one layer of a whole set, each on a worker of its own: the leader takes the first, workers the others.
//
// A worker reads what the leader's snapshot sees, gets the rows of the step's inputs as messages, and sends back the
// rows of the step and what else it found. One that fails interrupts the leader, whose end ends the others.
#pragma once

#include <vector>

#include "pg/process.hpp"
#include "run/context.hpp"
#include "run/evaluation.hpp"

namespace etl::run {

// Steps that run at the same time: those of a group of plan.parallel, or one.
using Stage = std::vector<const model::Step*>;

// All steps but the sinks, in an order in which each stage depends on earlier ones only.
std::vector<Stage> stages(const Plan& plan);

// In the transaction of the snapshot, which the workers share. At most etl.max_workers processes work on it; steps for
// which no worker is free are the leader's, one after the other. An error is that of the step that failed first.
void run_stage(Evaluation& evaluation, Context& context, const Stage& stage);

// The main of a worker that runs one step.
void work_on_step(const pg::Task& task);

}  // namespace etl::run
