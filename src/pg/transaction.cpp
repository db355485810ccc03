#include "pg/transaction.hpp"

#include <csignal>

#include "pg/guard.hpp"
#include "pg/headers.hpp"
#include "pg/lease.hpp"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/proc.h"
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

void commit(bool flush) {
  call([&] {
    while (ActiveSnapshotSet()) PopActiveSnapshot();
    if (!flush && synchronous_commit != SYNCHRONOUS_COMMIT_REMOTE_APPLY) {
      (void)set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
                              false);
    }
    CommitTransactionCommand();
    pgstat_report_stat(false);
  });
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
  });
}

namespace {

volatile sig_atomic_t timer_fired = 0;
TimeoutId timer_id = MAX_TIMEOUTS;

void on_timer() {
  timer_fired = 1;
  kill(MyProcPid, SIGINT);  // the cancel path; statement_timer_fired() tells it from a user's cancel
}

}  // namespace

StatementTimer::StatementTimer(int milliseconds) {
  timer_fired = 0;
  if (milliseconds <= 0) return;
  call([&] {
    if (timer_id == MAX_TIMEOUTS) timer_id = RegisterTimeout(USER_TIMEOUT, on_timer);
    enable_timeout_after(timer_id, milliseconds);
  });
}

StatementTimer::~StatementTimer() {
  if (timer_id != MAX_TIMEOUTS && get_timeout_active(timer_id)) disable_timeout(timer_id, false);
}

bool statement_timer_fired() {
  const bool fired = timer_fired != 0;
  timer_fired = 0;
  return fired;
}

std::int64_t now_us() {
  return GetCurrentTimestamp() +
         static_cast<std::int64_t>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC;
}

std::string system_identifier() {
  return std::to_string(GetSystemIdentifier());
}
unsigned database_id() {
  return MyDatabaseId;
}

}  // namespace etl::pg
