// Splits a full load by key range over workers, each with a checkpoint of its own; pause, crash and retry treat them as
// one run. The leader works on slice 0, and on any other for which no worker is free.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "pg/process.hpp"
#include "run/context.hpp"

namespace etl::run {

// The checkpoints of a new run, in a transaction. Incremental pipelines keep the position of the old ones.
std::vector<catalog::Checkpoint> make_slices(const Plan& plan, const std::vector<catalog::Checkpoint>& old);

// Runs all slices that are not done. The first error of any of them is thrown, after the others have been stopped.
Outcome run_slices(Context& context, std::vector<catalog::Checkpoint>& slices);

// What a worker that helps with the run is started for.
pg::Task helper_task(const Context& context, pg::Job job);

std::string error_to_json(const Error& error);
Error error_from_json(const std::string& json);

}  // namespace etl::run
