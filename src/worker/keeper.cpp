#include "worker/keeper.hpp"

#include <map>

#include "catalog/runs.hpp"
#include "core/sqlstate.hpp"
#include "pg/databases.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "pg/transaction.hpp"

namespace etl::worker {

namespace {

using catalog::ActiveRun;
using model::State;

constexpr long kPollMs = 500;
constexpr std::int64_t kLingerUs = 2'000'000;      // stay a moment: the next run is often near
constexpr std::int64_t kStartAgainUs = 2'000'000;  // a worker that has not come by then found no slot

pg::Task task_of(const ActiveRun& run) {
  pg::Task task;
  task.job = pg::Job::kPipeline;
  task.database = pg::database_id();
  task.role = run.owner;
  task.pipeline = run.pipeline;
  task.run = run.run;
  return task;
}

pg::Task keeper_task() {
  pg::Task task;
  task.database = pg::database_id();
  return task;
}

// A run whose worker is gone: FAILED, and from there back to work, to PAUSED if that had been asked for, or to rest.
void recover(const ActiveRun& lost) {
  const auto state = catalog::read_state(lost.pipeline, true);
  const bool still = state && state->run == lost.run && state->state == lost.state;
  if (!still || !pg::lease_is_free(lost.pipeline, 0)) return;
  const std::string role = pg::role_name(pg::session_role());
  const Error error(sqlstate::kWorkerLost, "worker lost", "The process that led the run is gone.",
                    "Look into the server's log; etl.retry() goes on from the checkpoint.");
  catalog::set_run_status(lost.run, "failed", &error);
  catalog::set_state(lost.pipeline, lost.state, State::FAILED, lost.run, role, "worker lost");
  pg::log_line("run " + std::to_string(lost.run) + ": worker lost");
  if (!lost.auto_recover || lost.recoveries >= lost.max_retries) return;
  catalog::count_recovery(lost.run);
  const bool pause = lost.state == State::PAUSE_REQUESTED;
  catalog::set_run_status(lost.run, pause ? "paused" : "requested", nullptr);
  catalog::set_state(lost.pipeline, State::FAILED, pause ? State::PAUSED : State::RUN_REQUESTED, lost.run, role,
                     "recovered after: worker lost");
}

// A run whose owner can have no session: no worker will ever come.
void refuse_without_owner(const ActiveRun& run) {
  if (pg::role_exists(run.owner) && pg::can_login(run.owner)) return;
  const auto state = catalog::read_state(run.pipeline, true);
  if (!state || state->run != run.run || state->state != State::RUN_REQUESTED) return;
  const Error error = pg::role_exists(run.owner)
                          ? Error("42501", "the owner " + pg::role_name(run.owner) + " cannot log in",
                                  "A worker's session is the owner's session.", "Use a role with LOGIN.")
                          : Error("42704", "the pipeline's owner does not exist any more",
                                  "It had OID " + std::to_string(run.owner) + ".",
                                  "Give it another owner with etl.alter_pipeline_owner().");
  catalog::set_run_status(run.run, "failed", &error);
  catalog::set_state(run.pipeline, State::RUN_REQUESTED, State::FAILED, run.run, pg::role_name(pg::session_role()),
                     error.sqlstate + ": " + error.message);
}

// One look at everything active. False: nothing is.
bool look(std::map<std::int64_t, std::int64_t>& started) {
  pg::begin();
  const std::vector<ActiveRun> runs = catalog::active_runs();
  bool any = false;
  for (const ActiveRun& run : runs) {
    if (!run.runnable || pg::suspended()) continue;
    any = true;
    if (run.state != State::RUN_REQUESTED && pg::lease_is_free(run.pipeline, 0)) recover(run);
    if (run.state == State::RUN_REQUESTED) refuse_without_owner(run);
  }
  pg::commit(true);
  pg::begin();
  std::int64_t running = catalog::count_running();
  for (const ActiveRun& run : catalog::active_runs()) {
    if (run.state != State::RUN_REQUESTED || !run.runnable || pg::suspended()) continue;
    std::int64_t& last = started[run.run];
    if (running >= pg::max_workers() || pg::now_us() - last < kStartAgainUs) continue;
    if (!pg::start_worker(task_of(run))) break;
    last = pg::now_us();
    ++running;
  }
  pg::commit(false);
  return any;
}

}  // namespace

// A request of another database may have found no slot: its keeper will see.
static void start_other_keepers(std::size_t& turn) {
  const std::vector<unsigned> databases = pg::connectable_databases();
  for (std::size_t tried = 0; tried < databases.size(); ++tried, ++turn) {
    pg::Task task;
    task.database = databases[turn % databases.size()];
    if (task.database != pg::database_id() && !pg::start_worker(task)) return pg::tell_starved();
  }
}

void keep(const pg::Task&) {
  pg::begin();
  const bool here = catalog::is_installed();
  const bool mine = here && pg::try_lease(pg::kKeeperLease, 0);
  pg::commit(false);
  if (!mine) return;
  pg::set_worker_name("pg_etl keeper");
  std::map<std::int64_t, std::int64_t> started;
  std::int64_t idle_since = pg::now_us();
  std::size_t turn = 0;
  while (pg::now_us() - idle_since < kLingerUs) {
    if (look(started)) idle_since = pg::now_us();
    if (pg::take_starved()) start_other_keepers(turn);
    pg::sleep_ms(kPollMs);
  }
}

void ensure_keeper() {
  if (!pg::lease_is_free(pg::kKeeperLease, 0) || catalog::active_runs().empty()) return;
  (void)pg::start_worker(keeper_task());
}

void ensure_keeper_at_commit() {
  if (pg::lease_is_free(pg::kKeeperLease, 0)) pg::start_worker_at_commit(keeper_task());
}

std::optional<pg::Task> start_waiting_runs() {
  std::optional<pg::Task> mine;
  pg::begin();
  for (const ActiveRun& run : catalog::active_runs()) {
    if (run.state != State::RUN_REQUESTED || !run.runnable || pg::suspended() || pg::start_worker(task_of(run)))
      continue;
    if (!mine && run.owner == pg::session_role()) mine = task_of(run);
  }
  pg::commit(false);
  return mine;
}

}  // namespace etl::worker
