#include "pg/transaction.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"
#include "pg/lease.hpp"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
}

namespace etl::pg {

void begin() {
  call([&] {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    keep_leases_in_transaction();
    PushActiveSnapshot(GetTransactionSnapshot());
  });
}

void begin_one_snapshot(const std::string& snapshot) {
  const char* shared = snapshot.empty() ? nullptr : snapshot.c_str();
  call([&] {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    XactIsoLevel = XACT_REPEATABLE_READ;  // before the first snapshot
    if (shared != nullptr) ImportSnapshot(shared);
    keep_leases_in_transaction();
    PushActiveSnapshot(GetTransactionSnapshot());
  });
}

std::string export_snapshot() {
  return call([&] { return ExportSnapshot(GetActiveSnapshot()); });
}

namespace {

volatile sig_atomic_t timer_fired = 0;
TimeoutId timer_id = MAX_TIMEOUTS;

// In a signal handler. What a user has cancelled already stays the user's.
void on_timer() {
  if (QueryCancelPending || proc_exit_inprogress) return;
  timer_fired = 1;
  InterruptPending = true;
  QueryCancelPending = true;
}

bool timer_armed() {
  return timer_id != MAX_TIMEOUTS && get_timeout_active(timer_id);
}

}  // namespace

StatementTimer::StatementTimer(int milliseconds) {
  if (!timer_armed() && !QueryCancelPending) timer_fired = 0;  // else what is pending is its doing
  if (milliseconds <= 0) return;
  if (timer_armed()) {
    outer_ms_ = static_cast<int>(
        std::max(1L, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), get_timeout_finish_time(timer_id))));
  }
  call([&] {
    if (timer_id == MAX_TIMEOUTS) timer_id = RegisterTimeout(USER_TIMEOUT, on_timer);
    enable_timeout_after(timer_id, milliseconds);
  });
}

StatementTimer::~StatementTimer() {
  if (!timer_armed()) return;
  disable_timeout(timer_id, false);
  if (outer_ms_ > 0) enable_timeout_after(timer_id, outer_ms_);
}

bool statement_timer_fired() {
  if (timer_fired == 0) return false;
  timer_fired = 0;
  QueryCancelPending = false;  // another error was faster than its cancel
  return true;
}

namespace {

constexpr int kAgainMs = 1000;

volatile sig_atomic_t run_fired = 0;
volatile sig_atomic_t committing = 0;
TimeoutId run_timer_id = MAX_TIMEOUTS;

// In a signal handler. Not into a commit, which a cancel cannot undo: in a second it comes again.
void on_run_timer() {
  if (proc_exit_inprogress || committing != 0) return;
  run_fired = 1;
  InterruptPending = true;
  QueryCancelPending = true;
}

}  // namespace

RunTimer::RunTimer(int milliseconds) {
  run_fired = 0;
  if (milliseconds <= 0) return;
  call([&] {
    if (run_timer_id == MAX_TIMEOUTS) run_timer_id = RegisterTimeout(USER_TIMEOUT, on_run_timer);
    enable_timeout_every(run_timer_id, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds), kAgainMs);
  });
}

RunTimer::~RunTimer() {
  if (run_timer_id != MAX_TIMEOUTS && get_timeout_active(run_timer_id)) disable_timeout(run_timer_id, false);
}

bool run_timer_fired() {
  return run_fired != 0;
}

void count_as_timer() {
  timer_fired = 1;
}

void commit(bool flush) {
  if (timer_armed()) check_deferred_constraints();  // triggers are the last that is timed
  call([&] {
    // A cancel cannot undo what is being committed: it would hit whatever comes next.
    if (timer_armed()) disable_timeout(timer_id, false);
    (void)statement_timer_fired();
    while (ActiveSnapshotSet()) PopActiveSnapshot();
    if (flush) {
      ForceSyncCommit();  // also where the role has set synchronous_commit = off
    } else if (synchronous_commit != SYNCHRONOUS_COMMIT_REMOTE_APPLY) {
      (void)set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
                              false);
    }
    committing = 1;
    PG_TRY();
    { CommitTransactionCommand(); }
    PG_FINALLY();
    { committing = 0; }
    PG_END_TRY();
    pgstat_report_stat(false);
  });
}

void flush_commits() {
  call([] { XLogFlush(XactLastCommitEnd); });
}

void abort_transaction() noexcept {
  try {
    call([&] {
      if (IsTransactionOrTransactionBlock()) AbortOutOfAnyTransaction();
      pgstat_report_stat(false);
    });
  } catch (const Error&) {
    // PostgreSQL's own abort failed twice: the process cannot go on, and its exit is the only clean-up left.
    proc_exit(1);
  }
}

Subtransaction::Subtransaction() : memory_(CurrentMemoryContext), owner_(CurrentResourceOwner) {
  call([&] {
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(static_cast<MemoryContext>(memory_));
  });
}

void Subtransaction::release() {
  call([&] {
    ReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(static_cast<MemoryContext>(memory_));
    CurrentResourceOwner = static_cast<ResourceOwner>(owner_);
  });
}

void Subtransaction::rollback() {
  call([&] {
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(static_cast<MemoryContext>(memory_));
    CurrentResourceOwner = static_cast<ResourceOwner>(owner_);
  });
}

void check_deferred_constraints() {
  call([&] {
    ConstraintsSetStmt* statement = makeNode(ConstraintsSetStmt);
    statement->constraints = NIL;
    statement->deferred = false;
    AfterTriggerSetState(statement);
    statement->deferred = true;
    AfterTriggerSetState(statement);
  });
}

static constexpr std::int64_t kEpochUs =
    static_cast<std::int64_t>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC;

std::int64_t now_us() {
  return GetCurrentTimestamp() + kEpochUs;
}

std::int64_t transaction_us() {
  return GetCurrentTransactionStartTimestamp() + kEpochUs;
}

std::string system_identifier() {
  return std::to_string(GetSystemIdentifier());
}
unsigned database_id() {
  return MyDatabaseId;
}

}  // namespace etl::pg
