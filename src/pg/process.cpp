#include "pg/process.hpp"

#include <malloc.h>

#include <csignal>
#include <cstring>

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "commands/discard.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/wait_event.h"
}

namespace etl::pg {

namespace {

constexpr int kKeeperRestartSeconds = 5;

static_assert(sizeof(Task) <= BGW_EXTRALEN, "a task must fit the registration of a worker");

void describe(BackgroundWorker* worker, const Task& task) {
  std::memset(worker, 0, sizeof *worker);
  worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker->bgw_restart_time = task.job == Job::kKeeper ? kKeeperRestartSeconds : BGW_NEVER_RESTART;
  strlcpy(worker->bgw_library_name, "pg_etl", sizeof worker->bgw_library_name);
  strlcpy(worker->bgw_function_name, "etl_worker_main", sizeof worker->bgw_function_name);
  strlcpy(worker->bgw_type, task.job == Job::kKeeper ? "pg_etl keeper" : "pg_etl worker", sizeof worker->bgw_type);
  if (task.job == Job::kKeeper) {
    snprintf(worker->bgw_name, sizeof worker->bgw_name, "pg_etl keeper of database %u", task.database);
  } else {
    snprintf(worker->bgw_name, sizeof worker->bgw_name, "pg_etl worker of pipeline " INT64_FORMAT " run " INT64_FORMAT,
             static_cast<int64>(task.pipeline), static_cast<int64>(task.run));
  }
  std::memcpy(worker->bgw_extra, &task, sizeof task);
}

// What is to be done at COMMIT. In TopTransactionContext's lifetime, but malloc'ed: callbacks must not raise.
struct Pending {
  enum class Kind { kStart, kWake, kCancel } kind;
  Task task;  // kWake, kCancel: its pipeline
  SubTransactionId level;
  Pending* next;
};

Pending* pending = nullptr;
bool callbacks_registered = false;

// One flag for the server: some session found no worker slot, so somebody has to look into every database again.
volatile sig_atomic_t* starved = nullptr;

// C only. The few bytes come from the reserve that PostgreSQL keeps for libraries loaded late.
void attach_starved() {
  if (starved != nullptr) return;
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  auto* flag = static_cast<volatile sig_atomic_t*>(ShmemInitStruct("pg_etl starved", sizeof(sig_atomic_t), &found));
  if (!found) *flag = 0;
  starved = flag;
  LWLockRelease(AddinShmemInitLock);
}

void forget(SubTransactionId from_level) {
  Pending** link = &pending;
  while (*link != nullptr) {
    Pending* entry = *link;
    if (entry->level < from_level) {
      link = &entry->next;
      continue;
    }
    *link = entry->next;
    std::free(entry);
  }
}

// C only; must not raise: the transaction has committed.
void act_on_pending() {
  while (pending != nullptr) {
    Pending* entry = pending;
    pending = entry->next;
    if (entry->kind == Pending::Kind::kStart) {
      BackgroundWorker worker;
      describe(&worker, entry->task);
      if (!RegisterDynamicBackgroundWorker(&worker, nullptr)) {
        *starved = 1;
      }
    } else {
      signal_lease_holders(entry->task.pipeline, entry->kind == Pending::Kind::kCancel);
    }
    std::free(entry);
  }
}

void on_transaction(XactEvent event, void*) {
  if (pending == nullptr) return;
  if (event == XACT_EVENT_COMMIT) {
    act_on_pending();
  } else if (event == XACT_EVENT_ABORT) {
    forget(InvalidSubTransactionId);
  } else if (event == XACT_EVENT_PRE_PREPARE) {
    ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
            errmsg("cannot PREPARE a transaction that requested a run or changed a pipeline's state"),
            errhint("COMMIT it instead."));
  }
}

void on_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB && pending != nullptr) forget(mine);
}

void append(Pending::Kind kind, const Task& task) {
  call([&] {
    attach_starved();
    if (callbacks_registered) return;
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
    callbacks_registered = true;
  });
  auto* entry = static_cast<Pending*>(std::malloc(sizeof(Pending)));
  if (entry == nullptr) throw std::bad_alloc();
  *entry = {kind, task, GetCurrentSubTransactionId(), nullptr};
  Pending** link = &pending;
  while (*link != nullptr) link = &(*link)->next;
  *link = entry;
}

}  // namespace

bool start_worker(const Task& task) {
  return call([&] {
    BackgroundWorker worker;
    describe(&worker, task);
    return RegisterDynamicBackgroundWorker(&worker, nullptr);
  });
}

bool start_answerer(const Task& task, void** handle) {
  BackgroundWorker worker;
  describe(&worker, task);
  worker.bgw_notify_pid = MyProcPid;
  return RegisterDynamicBackgroundWorker(&worker, reinterpret_cast<BackgroundWorkerHandle**>(handle));
}

void start_worker_at_commit(const Task& task) {
  append(Pending::Kind::kStart, task);
}

void signal_workers_at_commit(std::int64_t pipeline, bool cancel) {
  Task task;
  task.pipeline = pipeline;
  append(cancel ? Pending::Kind::kCancel : Pending::Kind::kWake, task);
}

bool requested_here(std::int64_t run) {
  for (const Pending* entry = pending; entry != nullptr; entry = entry->next) {
    if (entry->kind == Pending::Kind::kStart && entry->task.run == run) return true;
  }
  return false;
}

bool is_worker() {
  return MyBgworkerEntry != nullptr;
}

bool in_recovery() {
  return call([] { return RecoveryInProgress(); });
}

bool take_starved() {
  return call([&] {
    attach_starved();
    const bool was = *starved != 0;
    *starved = 0;
    return was;
  });
}

void tell_starved() {
  call([&] {
    attach_starved();
    *starved = 1;
  });
}

namespace {

struct Setting {
  const char* name;
  const char* value;
};

// What an owner of the database or of the role may have set, and what would change what our own statements mean,
// whether they may write, or who runs them. As the session's defaults, so that neither RESET nor DISCARD ALL brings the
// others back. A run's worker sets the definition's search_path later. Libraries of session_preload_libraries and
// local_preload_libraries are not loaded into background workers, and login triggers do not fire there.
constexpr Setting kPinned[] = {
    {"default_transaction_deferrable", "off"},
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_read_only", "off"},
    {"exit_on_error", "off"},
    {"role", "none"},
    {"search_path", "pg_catalog, pg_temp"},
    {"standard_conforming_strings", "on"},
};

// A keeper serves all pipelines of its database: nobody may end it early, and no lock may hold it up.
constexpr Setting kPinnedInKeeper[] = {
    {"lock_timeout", "1s"},
#if PG_VERSION_NUM >= 170000
    {"transaction_timeout", "0"},
#endif
};

// C only.
void pin_settings(Job job) {
  for (const Setting& setting : kPinned) SetConfigOption(setting.name, setting.value, PGC_USERSET, PGC_S_OVERRIDE);
  if (job != Job::kKeeper) return;
  for (const Setting& setting : kPinnedInKeeper) {
    SetConfigOption(setting.name, setting.value, PGC_USERSET, PGC_S_OVERRIDE);
  }
}

bool connected = false;

// A keeper whose database is gone would otherwise be started again for ever: code 0 takes it off the postmaster's list.
void stop_unless_connected(int, Datum) {
  if (!connected) proc_exit(0);
}

}  // namespace

Task begin_worker(std::uintptr_t) {
  Task task;
  std::memcpy(&task, MyBgworkerEntry->bgw_extra, sizeof task);
  // Each batch takes and frees the same few megabytes: handing them back to the kernel in between cost a tenth of the
  // time in page faults (measured on 1 M unchanged rows).
  (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
  call([&] {
    pqsignal(SIGTERM, die);
    pqsignal(SIGINT, StatementCancelHandler);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    on_proc_exit(stop_unless_connected, static_cast<Datum>(0));
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(task.database, task.role, 0);
    connected = true;
    pin_settings(task.job);
  });
  return task;
}

void set_worker_name(const std::string& activity) {
  const char* text = activity.c_str();
  call([&] {
    (void)set_config_option("application_name", text, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
    pgstat_report_activity(STATE_RUNNING, text);
  });
}

void renew_session() {
  forget_leases();
  call([&] {
    StartTransactionCommand();
    DiscardStmt* statement = makeNode(DiscardStmt);
    statement->target = DISCARD_ALL;
    DiscardCommand(statement, true);
    CommitTransactionCommand();
  });
}

void exit_worker(int code) {
  proc_exit(code);
}

static void exit_if_busy(int code, Datum busy) {
  if (reinterpret_cast<bool (*)()>(DatumGetPointer(busy))()) _exit(code);
}

void exit_at_once_when(bool (*busy)()) {
  call([&] { on_proc_exit(exit_if_busy, PointerGetDatum(reinterpret_cast<void*>(busy))); });
}

void sleep_ms(long milliseconds) {
  call([&] {
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
    }
  });
}

void check_interrupts() {
  call([&] { CHECK_FOR_INTERRUPTS(); });
}

void ignore_cancel() {
  QueryCancelPending = false;
}
int own_pid() {
  return MyProcPid;
}

void notice(const std::string& message) {
  const char* text = message.c_str();
  call([&] { ereport(NOTICE, errmsg_internal("%s", text)); });
}

}  // namespace etl::pg
