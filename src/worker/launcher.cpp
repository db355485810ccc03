#include "worker/launcher.hpp"

#include <set>

#include "pg/databases.hpp"
#include "pg/entry.hpp"
#include "pg/process.hpp"
#include "pg/transaction.hpp"

extern "C" {
#include "postmaster/bgworker.h"
}

namespace etl::worker {

namespace {

constexpr long kLookMs = 5000;

// One probe at a time: a slot is taken for a moment only, however many databases there are.
void probe_new(std::set<unsigned>& known) {
  std::set<unsigned> present;
  for (const unsigned database : pg::connectable_databases()) {
    present.insert(database);
    if (known.count(database) != 0) continue;
    pg::Task task;
    task.database = database;
    if (!pg::start_worker(task)) return;
    known.insert(database);
    pg::sleep_ms(50);
  }
  std::erase_if(known, [&](unsigned database) { return present.count(database) == 0; });
}

void launch() {
  pg::begin_launcher();
  std::set<unsigned> known;
  for (;;) {
    if (pg::take_starved()) known.clear();  // a request may wait where no keeper found a slot either
    probe_new(known);
    pg::sleep_ms(kLookMs);
  }
}

}  // namespace

void register_launcher() {
  BackgroundWorker worker;
  memset(&worker, 0, sizeof worker);
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = 1;
  strlcpy(worker.bgw_library_name, "pg_etl", sizeof worker.bgw_library_name);
  strlcpy(worker.bgw_function_name, "etl_launcher_main", sizeof worker.bgw_function_name);
  strlcpy(worker.bgw_name, "pg_etl launcher", sizeof worker.bgw_name);
  strlcpy(worker.bgw_type, "pg_etl launcher", sizeof worker.bgw_type);
  RegisterBackgroundWorker(&worker);
}

}  // namespace etl::worker

extern "C" {
PGDLLEXPORT void etl_launcher_main(Datum argument);
}

void etl_launcher_main(Datum) {
  etl::pg::boundary([] { etl::worker::launch(); });
}
