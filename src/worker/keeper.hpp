// The keeper: one process a database while runs are active. It starts requested runs that found no worker slot, and
// recovers runs whose worker is gone (src/worker/README.md).
#pragma once

#include <optional>

#include "pg/process.hpp"

namespace etl::worker {

// A keeper's life: until nothing is active any more.
void keep(const pg::Task& task);

// Starts a keeper unless one lives or nothing is active, and before it the runs that wait; cheap enough for the first
// etl call of a session.
void ensure_keeper();
void ensure_keeper_at_commit();

// The last deed of a worker that has led a run: starts the runs that wait, as many as etl.max_workers leaves room for.
// One that was refused its run must not come here: each such worker would start the next. While it lives it keeps its
// own, which may be the only one: it returns a run of its own user that found none, to be led by itself.
std::optional<pg::Task> start_waiting_runs();

}  // namespace etl::worker
