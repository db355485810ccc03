#include "pg/triggers.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
}

namespace etl::pg {

namespace {

// C only.
template <class Look>
void for_each_trigger(Oid table, Look look) {
  LockRelationOid(table, RowExclusiveLock);  // which also learns of what has changed
  ListCell* cell;
  foreach (cell, find_all_inheritors(table, RowExclusiveLock, nullptr)) {
    ::Relation one = table_open(lfirst_oid(cell), NoLock);
    for (int i = 0; one->trigdesc != nullptr && i < one->trigdesc->numtriggers; ++i) look(one->trigdesc->triggers[i]);
    table_close(one, NoLock);
  }
}

}  // namespace

std::string trigger_functions(unsigned table) {
  return call([&] {
    StringInfoData functions;
    initStringInfo(&functions);
    for_each_trigger(table, [&](const Trigger& one) { appendStringInfo(&functions, "%u ", one.tgfoid); });
    return functions.data;
  });
}

bool has_deferred_trigger(unsigned table) {
  return call([&] {
    bool deferred = false;
    for_each_trigger(table, [&](const Trigger& one) { deferred = deferred || one.tginitdeferred; });
    return deferred;
  });
}

}  // namespace etl::pg
