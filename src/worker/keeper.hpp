// The keeper: one process a database while runs are active. It starts requested runs that found no worker slot, and
// recovers runs whose worker is gone (src/worker/README.md).
#pragma once

#include "pg/process.hpp"

namespace etl::worker {

// A keeper's life: until nothing is active any more.
void keep(const pg::Task& task);

// Starts a keeper unless one lives or nothing is active; cheap enough for the first etl call of a session.
void ensure_keeper();
void ensure_keeper_at_commit();

// A finished worker's last deed: hands its slot to the runs that wait for one.
void start_waiting_runs();

}  // namespace etl::worker
