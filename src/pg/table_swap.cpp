#include "pg/table_swap.hpp"

#include "pg/guard.hpp"
#include "pg/headers.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/multixact.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_publication.h"
#include "commands/cluster.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "replication/slot.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lwlock.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
}

namespace etl::pg {

namespace {

bool has_only_rows(RelationData* table) {
  const FormData_pg_class* about = table->rd_rel;
  return about->relkind == RELKIND_RELATION && !about->relispartition && !about->relhassubclass &&
         !about->relhastriggers && !about->relhasrules && !about->relrowsecurity &&
         table->rd_tableam == GetHeapamTableAmRoutine() && !IsSystemRelation(table) &&
         about->relpersistence != RELPERSISTENCE_TEMP;
}

// Somebody may decode the changes of the table, here or (from 16 on) on a standby. He would not see the rows of a file
// that takes another's place.
bool is_decoded(RelationData* table) {
  if (!XLogLogicalInfoActive()) return false;
  PublicationDesc published;
  RelationBuildPublicationDesc(table, &published);
  const PublicationActions& actions = published.pubactions;
  if (actions.pubinsert || actions.pubupdate || actions.pubdelete || actions.pubtruncate) return true;
  bool found = false;
  LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
  for (int i = 0; i < max_replication_slots && !found; ++i) {
    const ReplicationSlot* slot = &ReplicationSlotCtl->replication_slots[i];
    found = slot->in_use && SlotIsLogical(slot) && slot->data.database == MyDatabaseId;
  }
  LWLockRelease(ReplicationSlotControlLock);
  return found;
}

}  // namespace

bool may_swap(unsigned table) {
  return call([&] {
    if (pg_class_aclcheck(table, GetUserId(), ACL_TRUNCATE) != ACLCHECK_OK) return false;
    RelationData* relation = table_open(table, AccessShareLock);
    const bool may = has_only_rows(relation) && relation->rd_refcnt == 1 && !is_decoded(relation);
    table_close(relation, NoLock);
    return may;
  });
}

bool try_lock(unsigned table, Lock lock) {
  return call(
      [&] { return ConditionalLockRelationOid(table, lock == Lock::kWriters ? ExclusiveLock : AccessExclusiveLock); });
}

std::uint64_t table_bytes(unsigned table) {
  return call([&] {
    RelationData* relation = table_open(table, AccessShareLock);
    const std::uint64_t bytes = static_cast<std::uint64_t>(RelationGetNumberOfBlocks(relation)) * BLCKSZ;
    table_close(relation, NoLock);
    return bytes;
  });
}

unsigned make_file(unsigned table) {
  return call([&] {
    RelationData* relation = table_open(table, NoLock);
    const Oid file = make_new_heap(table, relation->rd_rel->reltablespace, relation->rd_rel->relam,
                                   relation->rd_rel->relpersistence, ExclusiveLock);
    LockRelationOid(file, AccessExclusiveLock);
    table_close(relation, NoLock);
    return file;
  });
}

void swap_file(unsigned table, unsigned file, std::uint64_t rows) {
  call([&] {
    RelationData* relation = table_open(table, NoLock);
    const char persistence = relation->rd_rel->relpersistence;
    table_close(relation, NoLock);
    finish_heap_swap(table, file, false, false, true, true, RecentXmin, ReadNextMultiXactId(), persistence);
    CommandCounterIncrement();
    relation = table_open(table, NoLock);
    pgstat_count_truncate(relation);
    pgstat_count_heap_insert(relation, static_cast<PgStat_Counter>(rows));
    table_close(relation, NoLock);
  });
}

}  // namespace etl::pg
