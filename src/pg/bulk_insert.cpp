#include "pg/bulk_insert.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace etl::pg {

namespace {

// As COPY FROM has them.
constexpr int kRows = 1000;
constexpr std::size_t kBytes = 65535;

struct Receiver {
  DestReceiver head;
  EState* estate;
  ResultRelInfo* table;
  RelationData* file;  // the rows go into: of the table, or one that will take its place
  int options;
  BulkInsertState bulk;
  CommandId command;
  TupleTableSlot* row[kRows];  // made when they are needed first
  int rows;
  std::size_t bytes;
};

bool has_insert_triggers(const TriggerDesc* triggers) {
  return triggers != nullptr && (triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
                                 triggers->trig_insert_before_statement || triggers->trig_insert_after_statement);
}

bool is_generated(const TupleConstr* constraints) {
#if PG_VERSION_NUM >= 180000
  if (constraints->has_generated_virtual) return true;
#endif
  return constraints->has_generated_stored;
}

// A volatile function sees the rows before its own, which here are not in the table yet.
bool has_volatile_check(const TupleConstr* constraints) {
  for (int i = 0; i < constraints->num_check; ++i) {
    if (contain_volatile_functions(static_cast<Node*>(stringToNode(constraints->check[i].ccbin)))) return true;
  }
  return false;
}

// The CHECKs of a domain are expressions, too.
bool has_domains(TupleDesc shape) {
  for (int i = 0; i < shape->natts; ++i) {
    if (get_typtype(TupleDescAttr(shape, i)->atttypid) == TYPTYPE_DOMAIN) return true;
  }
  return false;
}

bool is_plain(RelationData* table) {
  const TupleConstr* constraints = table->rd_att->constr;
  return table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relispartition &&
         table->rd_tableam == GetHeapamTableAmRoutine() && !has_insert_triggers(table->trigdesc) &&
         !has_domains(table->rd_att) &&
         (constraints == nullptr || (!is_generated(constraints) && !has_volatile_check(constraints)));
}

Oid table_of(const PlannedStmt* statement, const ModifyTable* insert) {
  return rt_fetch(linitial_int(insert->resultRelations), statement->rtable)->relid;
}

void flush(Receiver* self) {
  if (self->rows == 0) return;
  EState* estate = self->estate;
  ResultRelInfo* table = self->table;
  MemoryContext outer = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));  // table_multi_insert leaks
  table_multi_insert(self->file, self->row, self->rows, self->command, self->options, self->bulk);
  MemoryContextSwitchTo(outer);
  for (int i = 0; i < self->rows; ++i) {
    if (table->ri_NumIndices > 0) {
#if PG_VERSION_NUM >= 160000
      (void)ExecInsertIndexTuples(table, self->row[i], estate, false, false, nullptr, NIL, false);
#else
      (void)ExecInsertIndexTuples(table, self->row[i], estate, false, false, nullptr, NIL);
#endif
      ResetPerTupleExprContext(estate);
    }
    ExecClearTuple(self->row[i]);
  }
  ResetPerTupleExprContext(estate);
  self->rows = 0;
  self->bytes = 0;
}

bool receive(TupleTableSlot* slot, DestReceiver* head) {
  auto* self = reinterpret_cast<Receiver*>(head);
  CHECK_FOR_INTERRUPTS();
  RelationData* table = self->file;
  TupleTableSlot*& row = self->row[self->rows];
  if (row == nullptr) row = table_slot_create(table, &self->estate->es_tupleTable);
  ExecCopySlot(row, slot);
  row->tts_tableOid = RelationGetRelid(table);
  if (table->rd_att->constr != nullptr) ExecConstraints(self->table, row, self->estate);
  self->bytes += reinterpret_cast<HeapTupleTableSlot*>(row)->tuple->t_len;
  ++self->rows;
  if (self->rows == kRows || self->bytes > kBytes) flush(self);
  return true;
}

void start_up(DestReceiver*, int, TupleDesc) {}

void shut_down(DestReceiver* head) {
  auto* self = reinterpret_cast<Receiver*>(head);
  flush(self);
  FreeBulkInsertState(self->bulk);
  table_finish_bulk_insert(self->file, self->options);
  if (self->file != self->table->ri_RelationDesc) table_close(self->file, NoLock);
}

void destroy(DestReceiver* head) {
  pfree(head);
}

}  // namespace

PlannedStmt* rows_to_insert(PlannedStmt* statement) {
  if (statement->commandType != CMD_INSERT || !IsA(statement->planTree, ModifyTable)) return nullptr;
  auto* insert = castNode(ModifyTable, statement->planTree);
  Plan* rows = outerPlan(insert);
  // As they lie there: anything else below may look at the table, and so may a volatile default.
  const bool simple = insert->onConflictAction == ONCONFLICT_NONE && insert->returningLists == NIL &&
                      insert->withCheckOptionLists == NIL && IsA(rows, NamedTuplestoreScan) && rows->qual == NIL &&
                      !contain_volatile_functions_not_nextval(reinterpret_cast<Node*>(rows->targetlist));
  if (!simple) return nullptr;
  RelationData* table = table_open(table_of(statement, insert), NoLock);
  const bool plain = is_plain(table);
  table_close(table, NoLock);
  if (!plain) return nullptr;
  auto* select = makeNode(PlannedStmt);
  *select = *statement;  // with the range table, and so with the rights that are looked at
  select->commandType = CMD_SELECT;
  select->planTree = rows;
  return select;
}

DestReceiver* bulk_receiver() {
  auto* self = static_cast<Receiver*>(palloc0(sizeof(Receiver)));
  self->head.receiveSlot = receive;
  self->head.rStartup = start_up;
  self->head.rShutdown = shut_down;
  self->head.rDestroy = destroy;
  self->head.mydest = DestNone;
  return &self->head;
}

void open_bulk(DestReceiver* head, const PlannedStmt* insert, EState* estate, Oid file) {
  auto* self = reinterpret_cast<Receiver*>(head);
  MemoryContext outer = MemoryContextSwitchTo(estate->es_query_cxt);
  self->estate = estate;
  self->table = makeNode(ResultRelInfo);
  // ExecutorEnd closes the table and its indexes.
  ExecInitResultRelation(estate, self->table, linitial_int(castNode(ModifyTable, insert->planTree)->resultRelations));
  if (OidIsValid(file)) {
    self->file = table_open(file, NoLock);
    self->options = TABLE_INSERT_SKIP_FSM | TABLE_INSERT_FROZEN;
  } else {
    self->file = self->table->ri_RelationDesc;
    ExecOpenIndices(self->table, false);
  }
  self->bulk = GetBulkInsertState();
  self->command = GetCurrentCommandId(true);
  MemoryContextSwitchTo(outer);
}

}  // namespace etl::pg
