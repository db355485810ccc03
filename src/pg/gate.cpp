#include "pg/gate.hpp"

#include <algorithm>

#include "pg/guard.hpp"
#include "pg/headers.hpp"
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

constexpr int kEntries = 128;  // about 16 kB of the reserve that PostgreSQL keeps for libraries loaded late
constexpr int kCrowdedMs = 20;

struct Entry {
  Oid database;  // 0: free
  GateKey key;
  Circuit circuit;
  TokenBucket bucket;
  int in_flight;
  std::int64_t throttled_us;
  std::int64_t used_us;
};

struct Shared {
  LWLock lock;
  Entry entries[kEntries];
};

Shared* shared = nullptr;
int held[kEntries];  // places of this process: in_flight of the entry, its share

// C only.
void release_places(int, Datum) {
  LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
  for (int i = 0; i < kEntries; ++i) {
    shared->entries[i].in_flight -= held[i];
    held[i] = 0;
  }
  LWLockRelease(&shared->lock);
}

// C only.
void attach() {
  if (shared != nullptr) return;
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  auto* region = static_cast<Shared*>(ShmemInitStruct("pg_etl gates", sizeof(Shared), &found));
  if (!found) {
    LWLockInitialize(&region->lock, LWLockNewTrancheId());
    for (Entry& entry : region->entries) new (&entry) Entry();
  }
  LWLockRegisterTranche(region->lock.tranche, "pg_etl gates");
  LWLockRelease(AddinShmemInitLock);
  shared = region;
  before_shmem_exit(release_places, static_cast<Datum>(0));
}

bool is_idle(const Entry& entry) {
  return entry.in_flight == 0 && entry.circuit.state() == Circuit::State::kClosed && entry.circuit.failures() == 0;
}

// Under the lock. Where there are more servers than entries, what is idle for longest makes room; nullptr if nothing
// is: then the server goes without a gate.
Entry* find(const GateKey& key) {
  Entry* best = nullptr;
  for (Entry& entry : shared->entries) {
    if (entry.database == MyDatabaseId && entry.key.server == key.server) {
      if (entry.key.stamp != key.stamp) {
        entry.circuit = Circuit();
        entry.bucket = TokenBucket();
        entry.key = key;
      }
      entry.used_us = now_us();
      return &entry;
    }
    if ((entry.database == 0 || is_idle(entry)) && (best == nullptr || entry.used_us < best->used_us)) best = &entry;
  }
  if (best == nullptr) return nullptr;
  *best = Entry();
  best->database = MyDatabaseId;
  best->key = key;
  best->used_us = now_us();
  return best;
}

// `use` gets the entry, and must neither raise nor throw.
template <class Use>
auto with_entry(const GateKey& key, Use use) {
  return call([&] {
    attach();
    LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
    Entry* entry = find(key);
    decltype(use(*entry)) result{};
    if (entry != nullptr) result = use(*entry);
    LWLockRelease(&shared->lock);
    return result;
  });
}

}  // namespace

GateState gate_state(const GateKey& gate) {
  return with_entry(gate, [](Entry& entry) { return GateState{entry.circuit, entry.in_flight, entry.throttled_us}; });
}

bool enter(const GateKey& gate, bool asked) {
  const bool refused = with_entry(gate, [&](Entry& entry) {
    const std::int64_t now = now_us();
    if (!entry.circuit.admits(now, asked)) return true;
    entry.circuit.admit(now);
    return false;
  });
  return !refused;
}

Gate::Gate(const Server& server)
    : key_(server.gate), name_(server.name), limits_(parse_server_limits(server.options)) {}

Gate::~Gate() {
  while (passed_ > 0) end();
}

int Gate::pass() {
  if (limits_.requests_per_second == 0 && limits_.requests_in_flight == 0) return 0;
  const int wait = with_entry(key_, [&](Entry& entry) {
    int ms = 0;
    if (limits_.requests_in_flight > 0 && entry.in_flight >= limits_.requests_in_flight) {
      ms = kCrowdedMs;
    } else if (limits_.requests_per_second > 0) {
      ms = static_cast<int>((entry.bucket.take(now_us(), limits_.requests_per_second) + 999) / 1000);
    }
    if (ms > 0) {
      entry.throttled_us = now_us();
    } else {
      ++entry.in_flight;
      ++held[&entry - shared->entries];
    }
    return ms;
  });
  if (wait == 0) ++passed_;
  return wait;
}

void Gate::end() {
  if (passed_ == 0) return;
  --passed_;
  (void)with_entry(key_, [](Entry& entry) {
    const auto index = &entry - shared->entries;
    if (held[index] > 0) {
      --held[index];
      --entry.in_flight;
    }
    return 0;
  });
}

void Gate::tell(bool alive) {
  struct Change {
    bool changed;
    Circuit now;
  };
  const Change change = with_entry(key_, [&](Entry& entry) {
    Circuit& circuit = entry.circuit;
    const bool changed = alive ? circuit.succeed(limits_.circuit)
                               : circuit.fail(now_us(), limits_.circuit, pg_prng_double(&pg_global_prng_state));
    return Change{changed, circuit};
  });
  if (!change.changed) return;
  std::string line = "server \"" + name_ + "\": the circuit breaker is " + std::string(name(change.now.state()));
  if (change.now.state() == Circuit::State::kOpen) {
    line += " after " + std::to_string(change.now.failures()) + " failed requests in a row; next probe in " +
            std::to_string((change.now.next_probe_us() - now_us()) / 1000000) + " s";
  }
  log_line(line);
}

}  // namespace etl::pg
