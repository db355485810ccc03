// Whether anything that decides which code a statement runs has changed since it was looked at.
#pragma once

#include <cstdint>
#include <vector>

namespace etl::pg {

// Grows with each change of a relation (its triggers, constraints, owner, partitions), function, type or role of this
// database that the session learns of, which it does when it takes a lock.
std::uint64_t catalog_changes();

// As a writer does, until the end of the transaction: no trigger or constraint comes or goes meanwhile.
void lock_to_write(const std::vector<unsigned>& tables);

}  // namespace etl::pg
