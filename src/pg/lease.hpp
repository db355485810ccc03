// Leases: who works on a slice of a pipeline, as a lock of a kind that no SQL function can take or give back.
//
// A lease is held until it is released or the process ends, however it ends. It is an advisory lock of a class of its
// own, which the session holds between transactions and the transaction holds inside one. So pg_advisory_unlock_all()
// in a user's function, which frees what the session holds, finds nothing; and the end of a transaction, which frees
// what the transaction holds, comes after the session has it back (docs/decisions/0005-keeper.md).
#pragma once

#include <cstdint>

namespace etl::pg {

inline constexpr std::int64_t kKeeperLease = 0;  // pipeline ids start at 1

bool try_lease(std::int64_t pipeline, int slice);      // true also when this process has it already
bool has_lease(std::int64_t pipeline, int slice);      // this process
bool lease_is_free(std::int64_t pipeline, int slice);  // nobody; looks only, so that nobody who tries fails by it
void release_lease(std::int64_t pipeline, int slice);
void cancel_other_holders(std::int64_t pipeline);  // all who hold a lease of it, but for this process
void lock_claims();  // until the end of the transaction: one claim at a time counts who runs

// For this room only; C only, and neither raises.
void keep_leases_in_transaction();  // after a transaction has begun
void forget_leases();               // before DISCARD ALL gives them back
// Wakes all holders of the pipeline's leases, and interrupts what they do when `cancel`: none of them can have gone on
// to another pipeline before its signal is sent.
void signal_lease_holders(std::int64_t pipeline, bool cancel);

}  // namespace etl::pg
