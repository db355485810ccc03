#include "pg/lease.hpp"

#include <csignal>
#include <cstring>

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "access/xact.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/resowner.h"
}

namespace etl::pg {

namespace {

constexpr std::uint16_t kLeaseClass = 0xE71;  // 3697 in pg_locks.objsubid; pg_advisory_lock() uses 1 and 2
constexpr int kMost = 4;                      // a leader has its own slice and one that it took over

LOCKTAG held[kMost];
int held_count = 0;
bool in_transaction = false;  // the leases are the transaction's now

LOCKTAG lease_tag(std::int64_t pipeline, int slice) {
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<uint32>(pipeline), static_cast<uint32>(slice), kLeaseClass);
  return tag;
}

int index_of(const LOCKTAG& tag) {
  int index = 0;
  while (index < held_count && std::memcmp(&held[index], &tag, sizeof tag) != 0) ++index;
  return index;
}

// C only. A lock that this process holds already is taken once more in its own memory, which cannot fail.
bool acquire(const LOCKTAG& tag, bool for_session) {
  ResourceOwner outer = CurrentResourceOwner;
  if (!for_session) CurrentResourceOwner = TopTransactionResourceOwner;
  const bool got = LockAcquire(&tag, ExclusiveLock, for_session, true) != LOCKACQUIRE_NOT_AVAIL;
  CurrentResourceOwner = outer;
  return got;
}

void release(const LOCKTAG& tag, bool of_session) {
  ResourceOwner outer = CurrentResourceOwner;
  if (!of_session) CurrentResourceOwner = TopTransactionResourceOwner;
  (void)LockRelease(&tag, ExclusiveLock, of_session);
  CurrentResourceOwner = outer;
}

// No code of a user runs after XACT_EVENT_PRE_COMMIT, and the transaction's locks are freed after XACT_EVENT_ABORT.
void keep_leases_in_session(XactEvent event, void*) {
  if (!in_transaction || (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_ABORT)) return;
  for (int i = 0; i < held_count; ++i) (void)acquire(held[i], true);
  in_transaction = false;
}

void watch_transactions() {
  static bool watching = false;
  if (!watching) RegisterXactCallback(keep_leases_in_session, nullptr);
  watching = true;
}

void wake(PGPROC* process, bool cancel) {
  if (cancel) (void)kill(process->pid, SIGINT);
  SetLatch(&process->procLatch);
}

bool holds_lease_of(const PROCLOCK* lock, std::int64_t pipeline) {
  const LOCKTAG& tag = lock->tag.myLock->tag;
  return tag.locktag_lockmethodid == USER_LOCKMETHOD && tag.locktag_field4 == kLeaseClass &&
         tag.locktag_field1 == MyDatabaseId && tag.locktag_field2 == static_cast<uint32>(pipeline) &&
         (lock->holdMask & LOCKBIT_ON(ExclusiveLock)) != 0;
}

// The caller holds the lock of that partition of the lock table.
bool holds_lease_in(const PGPROC* process, int partition, std::int64_t pipeline) {
#if PG_VERSION_NUM >= 160000
  const dlist_node* end = &process->myProcLocks[partition].head;
#else
  const SHM_QUEUE* end = &process->myProcLocks[partition];
#endif
  for (const auto* at = end->next; at != nullptr && at != end; at = at->next) {
    const char* lock = reinterpret_cast<const char*>(at) - offsetof(PROCLOCK, procLink);
    if (holds_lease_of(reinterpret_cast<const PROCLOCK*>(lock), pipeline)) return true;
  }
  return false;
}

// C only.
void signal_holders(std::int64_t pipeline, bool cancel, const PGPROC* except) {
  for (int partition = 0; partition < NUM_LOCK_PARTITIONS; ++partition) {
    LWLock* lock = LockHashPartitionLockByIndex(partition);
    LWLockAcquire(lock, LW_SHARED);
    for (uint32 i = 0; i < ProcGlobal->allProcCount; ++i) {
      PGPROC* process = GetPGProcByNumber(i);
      if (process != except && process->pid != 0 && holds_lease_in(process, partition, pipeline)) wake(process, cancel);
    }
    LWLockRelease(lock);
  }
}

}  // namespace

bool try_lease(std::int64_t pipeline, int slice) {
  const LOCKTAG tag = lease_tag(pipeline, slice);
  if (index_of(tag) < held_count) return true;
  if (held_count == kMost) throw Error("XX000", "too many leases for one process");
  const bool got = call([&] {
    watch_transactions();
    in_transaction = IsTransactionState();
    return acquire(tag, !in_transaction);
  });
  if (got) held[held_count++] = tag;
  return got;
}

bool has_lease(std::int64_t pipeline, int slice) {
  return index_of(lease_tag(pipeline, slice)) < held_count;
}

bool lease_is_free(std::int64_t pipeline, int slice) {
  const LOCKTAG tag = lease_tag(pipeline, slice);
  return call([&] { return LockWaiterCount(&tag) == 0; });  // it counts the holder, too
}

void release_lease(std::int64_t pipeline, int slice) {
  const LOCKTAG tag = lease_tag(pipeline, slice);
  const int index = index_of(tag);
  if (index == held_count) return;
  held[index] = held[--held_count];
  call([&] { release(tag, !in_transaction); });
}

void lock_claims() {
  call([&] {
    const LOCKTAG tag = lease_tag(kKeeperLease, 1);
    (void)LockAcquire(&tag, ExclusiveLock, false, false);
  });
}

void keep_leases_in_transaction() {
  if (in_transaction) return;
  for (int i = 0; i < held_count; ++i) {
    (void)acquire(held[i], false);
    release(held[i], true);
  }
  in_transaction = held_count > 0;
}

void forget_leases() {
  held_count = 0;
  in_transaction = false;
}

void signal_lease_holders(std::int64_t pipeline, bool cancel) {
  signal_holders(pipeline, cancel, nullptr);
}

void cancel_other_holders(std::int64_t pipeline) {
  call([&] { signal_holders(pipeline, true, MyProc); });
}

}  // namespace etl::pg
