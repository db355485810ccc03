#include "pg/triggers.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
}

namespace etl::pg {

bool has_deferred_trigger(unsigned table) {
  return call([&] {
    bool deferred = false;
    LockRelationOid(table, RowExclusiveLock);
    ListCell* cell;
    foreach (cell, find_all_inheritors(table, RowExclusiveLock, nullptr)) {
      ::Relation one = try_table_open(lfirst_oid(cell), NoLock);
      if (one == nullptr) continue;  // it was dropped: who writes it will say so
      const TriggerDesc* all = one->trigdesc;
      for (int i = 0; all != nullptr && i < all->numtriggers; ++i)
        deferred = deferred || all->triggers[i].tginitdeferred;
      table_close(one, NoLock);
    }
    return deferred;
  });
}

}  // namespace etl::pg
