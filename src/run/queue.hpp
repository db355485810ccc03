// Runs that wait for a worker, and which of them is next.
//
// The order is catalog::active_runs(): the owners take turns, and of one owner's runs option priority decides, with
// aging. What waits for the circuit breaker of its server is left where it is: it takes no worker from the others.
#pragma once

#include <functional>
#include <string>

#include "catalog/runs.hpp"
#include "pg/process.hpp"

namespace etl::run {

// Calls `start` for the runs whose turn it is, the next one first, while of etl.max_workers some are free; it says
// whether it has used one. asked: a run that a user asks for this moment, which is a probe of its server at once.
void in_turn(const std::function<bool(const catalog::ActiveRun&)>& start, std::int64_t asked = 0);

// Whether the worker of a run may lead it now: there is room, the breaker admits it, and unless it was started in its
// turn no other run is before it.
bool may_lead(const pg::Task& task, const std::string& target);

}  // namespace etl::run
