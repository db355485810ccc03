// A plan that is made again while its run is under way.
#pragma once

#include "run/context.hpp"
#include "run/flow.hpp"

namespace etl::run {

// Checks the definition against what the tables are now. each_step: see Plan. Outside of a transaction. Throws 55000 if
// the positions of the run mean nothing any more.
void plan_anew(Context& context, bool each_step);

// Whether the steps, each by itself, may do better after `error`, of reading a batch or of its steps: one may have
// failed on rows that a step before it leaves out, as PostgreSQL ran both as one statement; with on_error "quarantine",
// rows that a step fails on can be left out; else the error says which step it is of.
bool helps_each_step(const Plan& plan, const Error& error);

// A flow whose steps of a whole set have run, in transactions of its own.
std::unique_ptr<Flow> start_flow(Context& context, const source::Range& range);

}  // namespace etl::run
