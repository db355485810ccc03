// Runs that wait for a worker, and which of them is next.
//
// The order is that of option priority, with aging: each ten seconds of waiting count as one point, so that a run is
// overtaken for a bounded time only. What waits for the circuit breaker of its server is left where it is: it takes no
// worker from the others.
#pragma once

#include <vector>

#include "catalog/runs.hpp"

namespace etl::run {

// Requested, enabled, and not kept by etl.suspended.
bool waits(const catalog::ActiveRun& run);

// Those that may start now, the next one first.
std::vector<catalog::ActiveRun> startable_runs();

// How many pipelines may still start: etl.max_workers less what is running. May be negative.
std::int64_t free_workers();

// Whether a run that was started at its request may lead: there is a free worker that no run before it waits for.
bool has_turn(std::int64_t run);

}  // namespace etl::run
