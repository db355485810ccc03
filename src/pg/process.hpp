// Processes: starting background workers, living in one, and waking others.
//
// A worker's session is the owner's session: user SQL and target writes never run with more (design.md 5).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pg/lease.hpp"

namespace etl::pg {

enum class Job : std::uint32_t { kKeeper, kPipeline, kSlice, kStep, kAnswer };

// What a worker is started for; travels in the worker's registration, which no SQL can forge.
struct Task {
  Job job = Job::kKeeper;
  unsigned database = 0;
  unsigned role = 0;  // 0: the bootstrap superuser (keeper)
  std::int64_t pipeline = 0;
  std::int64_t run = 0;
  std::int64_t epoch = 0;  // kSlice: the leader's lease
  std::int32_t slice = 0;
  std::uint32_t exchange = 0;  // kStep, kAnswer: handle of the shared memory segment
  bool queued = false;         // kPipeline: started in its turn, not at a user's request
};

// Registers a dynamic worker; false when no slot is free, which is a normal state (safety.md M20).
bool start_worker(const Task& task);
// C only, for pg/exchange.cpp: the same with the handle of the worker.
bool start_answerer(const Task& task, void** handle);
// The same at the caller's COMMIT (nothing on ROLLBACK); a transaction that was to be PREPAREd is refused with 0A000.
void start_worker_at_commit(const Task& task);
// Wakes whoever works on the pipeline by then, and interrupts what they do when `cancel`.
void signal_workers_at_commit(std::int64_t pipeline, bool cancel);
bool requested_here(std::int64_t run);  // by this very transaction
bool in_recovery();                     // a hot standby: no worker would come before the promotion
bool take_starved();                    // whether any request of the server found no slot since the last call
void tell_starved();

// First call of a worker's main: signals, connection, settings that nobody else decides. Returns its task.
Task begin_worker(std::uintptr_t argument);
void set_worker_name(const std::string& activity);  // application_name and pg_stat_activity.query
void renew_session();  // as a new session of the same user would be: DISCARD ALL, which gives back all leases
void exit_worker(int code);
// From now on the process ends without what exit() runs (handlers of libraries) when `busy` says so then: what it
// shares with others is given back by that time.
void exit_at_once_when(bool (*busy)());

// Sleeps up to `milliseconds`, or until the latch is set; answers interrupts (cancel: 57014, shutdown: ends the
// process).
void sleep_ms(long milliseconds);
void check_interrupts();
void ignore_cancel();  // forgets a cancel that has arrived and was answered
int own_pid();
bool is_worker();  // and not the session of a client

void notice(const std::string& message);

}  // namespace etl::pg
