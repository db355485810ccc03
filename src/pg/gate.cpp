#include "pg/gate.hpp"

#include <chrono>

#include "pg/guard.hpp"
#include "pg/headers.hpp"
#include "pg/log.hpp"
#include "pg/process.hpp"
#include "pg/transaction.hpp"

extern "C" {
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
}

namespace etl::pg {

namespace {

constexpr int kEntries = 128;  // 14 kB of the reserve that PostgreSQL keeps for libraries loaded late
constexpr int kCrowdedMs = 5;
constexpr std::int64_t kWaitingUs = 4 * kCrowdedMs * 1000;  // who waits asks again before that
constexpr std::int64_t kForgottenUs = 3'600'000'000;

struct Entry {
  Oid database;  // 0: free
  GateKey key;
  Circuit circuit;
  TokenBucket bucket;
  int in_flight;
  int waiting_pid;  // the next place is for this process, if it asks in time
  std::int64_t waiting_us;
  std::int64_t throttled_us;
  std::int64_t used_us;
};
static_assert(sizeof(Entry) <= 112);

struct Shared {
  LWLock lock;
  Entry entries[kEntries];
};

Shared* shared = nullptr;
bool no_memory = false;
int held[kEntries];  // places of this process: in_flight of the entry, its share

// The same for all processes; a clock that is set does not move it.
std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// C only.
void release_places(int, Datum) {
  LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
  for (int i = 0; i < kEntries; ++i) {
    shared->entries[i].in_flight -= held[i];
    held[i] = 0;
  }
  LWLockRelease(&shared->lock);
}

// C only. Without memory the error is forgotten: a run must not fail for want of a gate.
Shared* find_region(bool& found) {
  Shared* volatile region = nullptr;
  MemoryContext context = CurrentMemoryContext;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  PG_TRY();
  { region = static_cast<Shared*>(ShmemInitStruct("pg_etl gates", sizeof(Shared), &found)); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    FlushErrorState();
    HOLD_INTERRUPTS();  // the error has set the count to 0, and releasing takes one off
  }
  PG_END_TRY();
  if (region != nullptr && !found) {
    LWLockInitialize(&region->lock, LWLockNewTrancheId());
    for (Entry& entry : region->entries) entry = Entry();
  }
  LWLockRelease(AddinShmemInitLock);
  return region;
}

// C only.
bool attach() {
  if (shared != nullptr) return true;
  if (no_memory) return false;
  bool found = false;
  Shared* region = find_region(found);
  no_memory = region == nullptr;
  if (no_memory) return false;
  LWLockRegisterTranche(region->lock.tranche, "pg_etl gates");
  shared = region;
  before_shmem_exit(release_places, static_cast<Datum>(0));
  return true;
}

bool is_idle(const Entry& entry, std::int64_t now) {
  const bool quiet = entry.circuit.state() == Circuit::State::kClosed && entry.circuit.failures() == 0;
  return entry.in_flight == 0 && (quiet || now - entry.used_us > kForgottenUs);
}

// Under the lock.
Entry* find(const GateKey& key) {
  for (Entry& entry : shared->entries) {
    if (entry.database == MyDatabaseId && entry.key.server == key.server) return &entry;
  }
  return nullptr;
}

// Under the lock. Where there are more servers than entries, what is idle for longest makes room; nullptr: nothing is.
Entry* find_or_make(const GateKey& key) {
  const std::int64_t now = steady_us();
  Entry* entry = find(key);
  if (entry == nullptr) {
    for (Entry& other : shared->entries) {
      if (other.database != 0 && !is_idle(other, now)) continue;
      if (entry == nullptr || other.used_us < entry->used_us) entry = &other;
    }
    if (entry == nullptr) return nullptr;
    *entry = Entry();
    entry->database = MyDatabaseId;
    entry->key = key;
  }
  entry->used_us = now;
  return entry;
}

// `use` gets what `look` finds, and must neither raise nor throw; a default where there is nothing.
template <class Look, class Use>
auto with_entry(const GateKey& key, Look look, Use use) {
  return call([&] {
    decltype(use(*look(key))) result{};
    if (!attach()) return result;
    LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
    if (Entry* entry = look(key); entry != nullptr) result = use(*entry);
    LWLockRelease(&shared->lock);
    return result;
  });
}

// Milliseconds until a place in flight may be had; 0: now. A worker that has just given one back does not take it again
// before one that waits.
int wait_for_place(Entry& entry, int most, std::int64_t now) {
  const bool other_waits = entry.waiting_pid != MyProcPid && now - entry.waiting_us < kWaitingUs;
  if (entry.in_flight < most && !other_waits) {
    entry.waiting_us = 0;
    return 0;
  }
  if (!other_waits) {
    entry.waiting_pid = MyProcPid;
    entry.waiting_us = now;
  }
  return kCrowdedMs;
}

}  // namespace

GateState gate_state(const GateKey& gate) {
  const std::int64_t offset = now_us() - steady_us();
  const auto wall = [&](std::int64_t us) { return us != 0 ? us + offset : 0; };
  return with_entry(gate, find, [&](Entry& entry) {
    GateState state;
    state.in_flight = entry.in_flight;
    state.throttled_us = wall(entry.throttled_us);
    if (entry.key.stamp != gate.stamp) return state;
    const Circuit& circuit = entry.circuit;
    state.circuit = circuit.state();
    state.failures = circuit.failures();
    state.opened_us = wall(circuit.opened_us());
    state.next_probe_us = state.circuit == Circuit::State::kOpen ? wall(circuit.next_probe_us()) : 0;
    state.admits = circuit.admits(steady_us(), false);
    state.admits_asked = circuit.admits(steady_us(), true);
    return state;
  });
}

void enter(const GateKey& gate) {
  (void)with_entry(gate, find_or_make, [&](Entry& entry) {
    if (entry.key.stamp != gate.stamp) {
      entry.key = gate;
      entry.circuit = Circuit();
      entry.bucket = TokenBucket();
    }
    entry.circuit.admit();
    return 0;
  });
}

Gate::Gate(const Server& server)
    : key_(server.gate), name_(server.name), limits_(parse_server_limits(server.options)) {}

Gate::~Gate() {
  while (passed_ > 0) end();
}

int Gate::pass() {
  if (limits_.requests_per_second == 0 && limits_.requests_in_flight == 0) return 0;
  struct Answer {
    int wait_ms;
    bool counted;
  };
  const Answer answer = with_entry(key_, find_or_make, [&](Entry& entry) {
    const std::int64_t now = steady_us();
    int ms = limits_.requests_in_flight > 0 ? wait_for_place(entry, limits_.requests_in_flight, now) : 0;
    if (ms == 0 && limits_.requests_per_second > 0) {
      ms = static_cast<int>((entry.bucket.take(now, limits_.requests_per_second) + 999) / 1000);
    }
    if (ms > 0) {
      entry.throttled_us = now;
      return Answer{ms, false};
    }
    ++entry.in_flight;
    ++held[&entry - shared->entries];
    return Answer{0, true};
  });
  if (answer.counted) ++passed_;
  return answer.wait_ms;
}

void Gate::end() {
  if (passed_ == 0) return;
  --passed_;
  (void)with_entry(key_, find, [](Entry& entry) {
    const auto index = &entry - shared->entries;
    if (held[index] > 0) {
      --held[index];
      --entry.in_flight;
    }
    return 0;
  });
}

// In the log: that it opens, and that it closes again; not each probe between them.
void Gate::tell(bool alive) {
  struct Change {
    bool opened;
    bool closed;
    int failures;
  };
  const Change change = with_entry(key_, find_or_make, [&](Entry& entry) {
    if (entry.key.stamp != key_.stamp) return Change{};
    Circuit& circuit = entry.circuit;
    const bool was_closed = circuit.state() == Circuit::State::kClosed;
    const bool changed = alive ? circuit.succeed(limits_.circuit)
                               : circuit.fail(steady_us(), limits_.circuit, pg_prng_double(&pg_global_prng_state));
    const bool closed = circuit.state() == Circuit::State::kClosed;
    return Change{changed && was_closed, changed && closed, circuit.failures()};
  });
  const std::string whose = "server \"" + name_ + "\": the circuit breaker is ";
  if (change.opened) {
    log_line(LogLevel::kError, whose + "open after " + std::to_string(change.failures) + " failed requests in a row");
  }
  if (change.closed) log_line(LogLevel::kInfo, whose + "closed again");
}

}  // namespace etl::pg
