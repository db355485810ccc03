// A plan that is made again while its run is under way.
#pragma once

#include "run/context.hpp"
#include "run/flow.hpp"

namespace etl::run {

// Checks the definition against what the tables are now. each_step: see Plan. Outside of a transaction. Throws 55000 if
// the positions of the run mean nothing any more.
void plan_anew(Context& context, bool each_step);

// Whether the rows that a step fails on could be found and left out, which `error`, of reading a batch or of its steps,
// may be of: with on_error "quarantine", when the plan does not do so already.
bool may_leave_out(const Plan& plan, const Error& error);

// A flow whose steps of a whole set have run, in transactions of its own.
std::unique_ptr<Flow> start_flow(Context& context, const source::Range& range);

}  // namespace etl::run
