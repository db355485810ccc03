// A run, from the request to its end: the part of a worker's life that is about one pipeline.
#pragma once

#include <cstdint>

#include "pg/process.hpp"

namespace etl::run {

// Leads a run: takes the lease, moves the data (slice 0 itself), ends the run in a named state. Errors become the
// run's.
void lead_run(const pg::Task& task);
// Works on one slice for a leader.
void work_on_slice(const pg::Task& task);

}  // namespace etl::run
