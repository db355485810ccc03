#include "pg/databases.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/extension.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace etl::pg {

void begin_launcher() {
  call([] {
    pqsignal(SIGTERM, die);
    pqsignal(SIGINT, SIG_IGN);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  });
}

std::vector<unsigned> connectable_databases() {
  struct Found {
    int count;
    Oid* oid;
  };
  MemoryContext outer = CurrentMemoryContext;
  const Found found = call([&] {
    Found f{0, nullptr};
    StartTransactionCommand();
    (void)GetTransactionSnapshot();
    RelationData* relation = table_open(DatabaseRelationId, AccessShareLock);
    TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
    f.oid = static_cast<Oid*>(MemoryContextAlloc(outer, sizeof(Oid)));
    for (HeapTuple tuple; HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection));) {
      auto* form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
      if (!form->datallowconn || form->datistemplate || database_is_invalid_form(form)) continue;
      f.oid = static_cast<Oid*>(repalloc(f.oid, sizeof(Oid) * (f.count + 2)));
      f.oid[f.count++] = form->oid;
    }
    table_endscan(scan);
    table_close(relation, AccessShareLock);
    CommitTransactionCommand();
    return f;
  });
  std::vector<unsigned> all(found.oid, found.oid + found.count);
  call([&] { pfree(found.oid); });
  return all;
}

bool extension_is_here() {
  return call([] { return OidIsValid(get_extension_oid("pg_etl", true)); });
}

}  // namespace etl::pg
