// Transactions of a worker's session, and subtransactions.
//
// Commit is explicit. An exception out of a transaction must be answered by abort() in the loop that caught it: a
// destructor never runs transaction code.
#pragma once

#include <cstdint>
#include <string>

namespace etl::pg {

void begin();  // START TRANSACTION, READ COMMITTED, with an active snapshot
// The same, REPEATABLE READ: everything that is read in it is of one moment. For reading only. snapshot: of another
// transaction under way, as export_snapshot() named it.
void begin_one_snapshot(const std::string& snapshot = {});
std::string export_snapshot();  // not in a subtransaction
// flush: on disk when it returns, whatever the session says; otherwise asynchronous unless the session asks for
// remote_apply. A statement timer is off from here on.
void commit(bool flush);
void flush_commits();               // those of this session are on disk when it returns
void abort_transaction() noexcept;  // ROLLBACK; also out of a failed state

// A subtransaction. begin, then exactly one of release (keep) or rollback.
class Subtransaction {
 public:
  Subtransaction();
  void release();
  void rollback();

 private:
  void* memory_;
  void* owner_;
};

// Deferred checks speak now (SET CONSTRAINTS ALL IMMEDIATE); those of what comes later wait again, and with them those
// that are deferrable and would not wait.
void check_deferred_constraints();

// A statement timer of our own: PostgreSQL arms statement_timeout only for client sessions (safety.md M4). It runs
// until commit() begins or the object ends. A 57014 is ours if statement_timer_fired() says so. One within another
// stops that one for as long as it lives.
class StatementTimer {
 public:
  explicit StatementTimer(int milliseconds);  // 0: none
  ~StatementTimer();
  StatementTimer(const StatementTimer&) = delete;
  StatementTimer& operator=(const StatementTimer&) = delete;

 private:
  int outer_ms_ = 0;  // what is left of the one around it
};
bool statement_timer_fired();  // and forgets it

// The same for a run: from its time on it cancels whatever is done, again each second while the object lives.
class RunTimer {
 public:
  explicit RunTimer(int milliseconds);  // 0: none
  ~RunTimer();
  RunTimer(const RunTimer&) = delete;
  RunTimer& operator=(const RunTimer&) = delete;
};
bool run_timer_fired();  // since the last one was made
void count_as_timer();   // another process's timer has fired for us

std::int64_t now_us();          // microseconds since the Unix epoch
std::int64_t transaction_us();  // likewise, of what SQL calls now()
std::string system_identifier();
unsigned database_id();

}  // namespace etl::pg
