#include "worker/keeper.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "catalog/pipelines.hpp"
#include "catalog/runs.hpp"
#include "core/sqlstate.hpp"
#include "pg/databases.hpp"
#include "pg/log.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "pg/transaction.hpp"
#include "run/plan.hpp"
#include "run/queue.hpp"

namespace etl::worker {

namespace {

using catalog::ActiveRun;
using model::State;

constexpr long kPollMs = 500;
constexpr std::int64_t kLingerUs = 2'000'000;      // stay a moment: the next run is often near
constexpr std::int64_t kStartAgainUs = 2'000'000;  // a worker that has not come by then found no slot
constexpr std::int64_t kProbeUs = 500'000;
constexpr std::int64_t kLongestProbeUs = 10'000'000;
constexpr std::int64_t kLongestPauseUs = 30'000'000;

pg::Task task_of(const ActiveRun& run) {
  pg::Task task;
  task.job = pg::Job::kPipeline;
  task.database = pg::database_id();
  task.role = run.owner;
  task.pipeline = run.pipeline;
  task.run = run.run;
  task.queued = true;
  return task;
}

pg::Task keeper_task() {
  pg::Task task;
  task.database = pg::database_id();
  return task;
}

// A run whose worker is gone: FAILED, and from there back to work, to PAUSED if that had been asked for, or to rest.
void recover(const ActiveRun& lost) {
  const auto state = catalog::try_lock_state(lost.pipeline);
  const bool still = state && state->run == lost.run && state->state == lost.state;
  if (!still || !pg::lease_is_free(lost.pipeline, 0)) return;
  const std::string role = pg::role_name(pg::session_role());
  const Error error(sqlstate::kWorkerLost, "worker lost", "The process that led the run is gone.",
                    "Look into the server's log; etl.retry() goes on from the checkpoint.");
  catalog::set_run_status(lost.run, "failed", &error);
  catalog::set_state(lost.pipeline, lost.state, State::FAILED, lost.run, role, "worker lost");
  const auto run = catalog::read_run(lost.run);
  const auto definition = catalog::find_pipeline(lost.pipeline);
  pg::log_line(pg::LogLevel::kError, "run " + std::to_string(lost.run) + ": worker lost",
               {.correlation_id = run ? std::optional(run->correlation_id) : std::nullopt,
                .dataset_name = definition ? std::optional(definition->name) : std::nullopt});
  if (!lost.enabled || !lost.auto_recover || lost.recoveries >= lost.max_retries) return;
  catalog::count_recovery(lost.run);
  const bool pause = lost.state == State::PAUSE_REQUESTED;
  catalog::set_run_status(lost.run, pause ? "paused" : "requested", nullptr);
  catalog::set_state(lost.pipeline, State::FAILED, pause ? State::PAUSED : State::RUN_REQUESTED, lost.run, role,
                     "recovered after: worker lost");
}

// A run whose owner can have no session: no worker will ever come.
void refuse_without_session(const ActiveRun& run) {
  const auto state = catalog::try_lock_state(run.pipeline);
  if (!state || state->run != run.run || state->state != State::RUN_REQUESTED) return;
  const auto error = run::missing_session(run.owner);
  if (!error) return;
  catalog::set_run_status(run.run, "failed", &*error);
  catalog::set_state(run.pipeline, State::RUN_REQUESTED, State::FAILED, run.run, pg::role_name(pg::session_role()),
                     error->sqlstate + ": " + error->message);
}

bool needs_care(const ActiveRun& run) {
  return run.state == State::RUN_REQUESTED ? run::missing_session(run.owner).has_value()
                                           : pg::lease_is_free(run.pipeline, 0);
}

// In a transaction of its own. What another session holds is looked at again next time.
void look_after(const ActiveRun& run) {
  try {
    pg::begin();
    if (run.state == State::RUN_REQUESTED) {
      refuse_without_session(run);
    } else {
      recover(run);
    }
    pg::commit(true);
  } catch (const Error& error) {
    pg::abort_transaction();
    if (error.sqlstate != "55P03") throw;
  }
}

// When a worker was last started for a run, and how long to wait for it to come. One that comes and cannot connect
// leaves a line in the log each time, hence the growing pause.
struct Start {
  std::int64_t at_us = 0;
  std::int64_t pause_us = kStartAgainUs;
};
using Starts = std::map<std::int64_t, Start>;

void start_requested(Starts& starts) {
  pg::begin();
  run::in_turn([&](const ActiveRun& run) {
    Start& last = starts[run.run];
    if (pg::now_us() - last.at_us < last.pause_us || !pg::start_worker(task_of(run))) return false;
    if (last.at_us != 0) last.pause_us = std::min(last.pause_us * 2, kLongestPauseUs);
    last.at_us = pg::now_us();
    return true;
  });
  pg::commit(false);
}

// One look at everything active. False: nothing is.
bool look(Starts& starts) {
  pg::begin();
  std::vector<ActiveRun> runs = catalog::active_runs();
  if (pg::suspended()) {  // all is left as it is, but nobody else would see that the setting is off again
    pg::commit(false);
    return !runs.empty();
  }
  // What was disabled is not started, but what runs already is looked after to its end.
  std::erase_if(runs, [](const ActiveRun& run) { return !run.enabled && run.state == State::RUN_REQUESTED; });
  std::vector<ActiveRun> ill;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(ill), needs_care);
  pg::commit(false);
  for (const ActiveRun& run : ill) look_after(run);
  for (const ActiveRun& run : runs) {
    if (run.state != State::RUN_REQUESTED) starts.erase(run.run);
  }
  start_requested(starts);
  return !runs.empty();
}

// A request of another database may have found no slot: its keeper will see. Keepers are sent one at a time, since
// most leave at once; after a registration that found no slot either, the next comes later.
class OtherKeepers {
 public:
  void look(bool now) {
    if (pg::take_starved()) {
      databases_ = pg::connectable_databases();
      std::erase(databases_, pg::database_id());
    }
    if (databases_.empty() || (!now && pg::now_us() < next_us_)) return;
    pg::Task task;
    task.database = databases_.back();
    if (pg::start_worker(task)) {
      databases_.pop_back();
      pause_us_ = kProbeUs;
    } else {
      pause_us_ = std::min(pause_us_ * 2, kLongestProbeUs);
    }
    next_us_ = pg::now_us() + pause_us_;
  }
  bool done() const { return databases_.empty(); }

 private:
  std::vector<unsigned> databases_;  // still to be looked into
  std::int64_t next_us_ = 0;
  std::int64_t pause_us_ = kProbeUs;
};

// Whether this database has the extension, in the version of this library, and no other keeper.
bool is_wanted() {
  pg::begin();
  bool wanted = pg::extension_is_here();
  try {
    if (wanted) catalog::check_version();
  } catch (const Error& error) {
    if (error.sqlstate != sqlstate::kVersionMismatch) throw;
    pg::log_line(pg::LogLevel::kWarning, "the keeper leaves: " + error.message);
    wanted = false;
  }
  wanted = wanted && pg::try_lease(pg::kKeeperLease, 0);
  pg::commit(false);
  return wanted;
}

}  // namespace

void keep(const pg::Task&) {
  if (!is_wanted()) return;
  pg::set_worker_name("pg_etl keeper");
  Starts starts;
  OtherKeepers others;
  std::int64_t idle_since = pg::now_us();
  while (pg::now_us() - idle_since < kLingerUs) {
    if (look(starts)) idle_since = pg::now_us();
    others.look(false);
    pg::sleep_ms(kPollMs);
  }
  others.look(true);
  if (!others.done()) pg::tell_starved();
}

void ensure_keeper() {
  static std::int64_t started_us = -kProbeUs;  // what was started then may not have come yet
  if (pg::in_recovery() || !pg::lease_is_free(pg::kKeeperLease, 0) || pg::now_us() - started_us < kProbeUs) return;
  if (catalog::active_runs().empty()) return;
  started_us = pg::now_us();
  // Before the keeper: where one slot is free, it is a run's. One whose owner can have no session is the keeper's to
  // end.
  run::in_turn([](const ActiveRun& run) {
    return !pg::requested_here(run.run) && !run::missing_session(run.owner) && pg::start_worker(task_of(run));
  });
  (void)pg::start_worker(keeper_task());
}

void ensure_keeper_at_commit() {
  if (pg::lease_is_free(pg::kKeeperLease, 0)) pg::start_worker_at_commit(keeper_task());
}

std::optional<pg::Task> start_waiting_runs() {
  std::optional<pg::Task> mine;
  pg::begin();
  run::in_turn([&](const ActiveRun& run) {
    if (pg::start_worker(task_of(run))) return true;
    if (mine || run.owner != pg::session_role()) return false;
    mine = task_of(run);
    return true;
  });
  pg::commit(false);
  return mine;
}

}  // namespace etl::worker
