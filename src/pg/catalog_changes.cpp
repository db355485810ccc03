#include "pg/catalog_changes.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace etl::pg {

namespace {

std::uint64_t changes = 0;
bool listening = false;

}  // namespace

std::uint64_t catalog_changes() {
  if (listening) return changes;
  call([] {
    CacheRegisterRelcacheCallback([](Datum, Oid) { ++changes; }, 0);
    for (const auto cache : {PROCOID, TYPEOID, AUTHOID}) {
      CacheRegisterSyscacheCallback(
          cache, [](Datum, int, uint32) { ++changes; }, 0);
    }
  });
  listening = true;
  return changes;
}

void lock_to_write(const std::vector<unsigned>& tables) {
  call([&] {
    for (const Oid table : tables) LockRelationOid(table, RowExclusiveLock);
  });
}

}  // namespace etl::pg
