#include "pg/store.hpp"

extern "C" {
#include "access/htup_details.h"
#include "executor/executor.h"
#include "utils/datum.h"
}

namespace etl::pg {

// Hash codes of the keys seen in one batch: open addressing, zero is "empty". Two keys with one code count as a
// repetition, which costs time, never correctness.
struct HashSet {
  std::uint64_t capacity;
  std::uint64_t used;
  std::uint64_t* slot;
};

namespace {

HashSet* make_set(MemoryContext memory, std::uint64_t capacity) {
  auto* set = static_cast<HashSet*>(MemoryContextAlloc(memory, sizeof(HashSet)));
  set->capacity = capacity;
  set->used = 0;
  set->slot = static_cast<std::uint64_t*>(MemoryContextAllocHuge(memory, capacity * sizeof(std::uint64_t)));
  memset(set->slot, 0, capacity * sizeof(std::uint64_t));
  return set;
}

bool insert(HashSet* set, std::uint64_t code) {
  for (std::uint64_t i = code & (set->capacity - 1);; i = (i + 1) & (set->capacity - 1)) {
    if (set->slot[i] == code) return false;
    if (set->slot[i] != 0) continue;
    set->slot[i] = code;
    ++set->used;
    return true;
  }
}

bool add(Relation::Store* store, std::uint64_t code) {
  if (store->seen == nullptr) store->seen = make_set(store->memory, 1024);
  if (store->seen->used * 2 > store->seen->capacity) {
    HashSet* larger = make_set(store->memory, store->seen->capacity * 4);
    for (std::uint64_t i = 0; i < store->seen->capacity; ++i) {
      if (store->seen->slot[i] != 0) insert(larger, store->seen->slot[i]);
    }
    pfree(store->seen->slot);
    pfree(store->seen);
    store->seen = larger;
  }
  return insert(store->seen, code == 0 ? 1 : code);
}

bool equals_last(const WatchedColumn& column, Datum value, bool null) {
  if (null || column.last_null) return null && column.last_null;
  return DatumGetBool(FunctionCall2Coll(const_cast<FmgrInfo*>(&column.equal), column.collation, column.last, value));
}

void replace(Relation::Store* store, const WatchedColumn* column, Datum* kept, bool* kept_null, Datum value,
             bool null) {
  if (!column->by_value && !*kept_null) pfree(DatumGetPointer(*kept));
  *kept_null = null;
  *kept = static_cast<Datum>(0);
  if (null) return;
  MemoryContext outer = MemoryContextSwitchTo(store->memory);
  *kept = datumCopy(value, column->by_value, column->length);
  MemoryContextSwitchTo(outer);
}

void remember(Relation::Store* store, WatchedColumn* column, Datum value, bool null) {
  replace(store, column, &column->last, &column->last_null, value, null);
  if (store->rows == 0) replace(store, column, &column->first, &column->first_null, value, null);
}

void watch_key(Relation::Store* store, TupleTableSlot* slot) {
  bool same = store->any;
  bool hashable = true;
  std::uint64_t code = 0;
  for (int i = 0; i < store->keys; ++i) {
    WatchedColumn* column = &store->key[i];
    const Datum value = slot->tts_values[column->index];
    const bool is_null = slot->tts_isnull[column->index];
    if (store->sorted_by_key) {
      same = same && column->comparable && equals_last(*column, value, is_null);
      if (!column->comparable) store->repeats = true;
      remember(store, column, value, is_null);
    } else if (is_null) {
      continue;
    } else if (!column->hashable) {
      hashable = false;
    } else {
      code = code * 0x9E3779B97F4A7C15ULL +
             DatumGetUInt64(FunctionCall2Coll(&column->hash, column->collation, value, UInt64GetDatum(0x5DEECE66DULL)));
    }
  }
  if (store->sorted_by_key) {
    store->repeats = store->repeats || same;
  } else if (!store->repeats) {
    store->repeats = !hashable || !add(store, code);
  }
}

struct Receiver {
  DestReceiver head;
  Relation::Store* store;
};

bool receive(TupleTableSlot* slot, DestReceiver* self) {
  CHECK_FOR_INTERRUPTS();
  store_append(reinterpret_cast<Receiver*>(self)->store, slot);
  return true;
}

// A plan that PostgreSQL made anew after an ALTER TABLE may deliver other columns than the store was made for.
void start_up(DestReceiver* self, int, TupleDesc delivered) {
  const Relation::Store* store = reinterpret_cast<Receiver*>(self)->store;
  TupleDesc shape = store->shape;
  bool same = delivered->natts == shape->natts;
  for (int i = 0; same && i < shape->natts; ++i) {
    Form_pg_attribute is = TupleDescAttr(delivered, i);
    Form_pg_attribute was = TupleDescAttr(shape, i);
    same = is->atttypid == was->atttypid && is->atttypmod == was->atttypmod &&
           is->attcollation == store->delivered[i] && strcmp(NameStr(is->attname), NameStr(was->attname)) == 0;
  }
  if (same) return;
  ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
          errmsg("the columns of a query have changed while it was in use"),
          errdetail("A table, view or type that it reads was altered."));
}
void shut_down(DestReceiver*) {}
void destroy(DestReceiver* self) {
  pfree(self);
}

// Replaces out-of-line and compressed values by plain ones: a kept row outlives the snapshot that protects the others.
TupleTableSlot* detoasted(Relation::Store* store, TupleTableSlot* slot) {
  bool needed = false;
  for (int i = 0; i < store->shape->natts && !needed; ++i) {
    needed = !slot->tts_isnull[i] && TupleDescAttr(store->shape, i)->attlen == -1 &&
             VARATT_IS_EXTERNAL(DatumGetPointer(slot->tts_values[i]));
  }
  if (!needed) return slot;
  TupleTableSlot* plain = store->reader;
  ExecClearTuple(plain);
  for (int i = 0; i < store->shape->natts; ++i) {
    plain->tts_isnull[i] = slot->tts_isnull[i];
    plain->tts_values[i] = slot->tts_values[i];
    if (!slot->tts_isnull[i] && TupleDescAttr(store->shape, i)->attlen == -1) {
      plain->tts_values[i] = PointerGetDatum(PG_DETOAST_DATUM(slot->tts_values[i]));
    }
  }
  return ExecStoreVirtualTuple(plain);
}

// The bytes of the row's data. A stored tuple knows them, and is taken apart no further than it is watched.
std::uint64_t data_size(const Relation::Store* store, TupleTableSlot* slot) {
  const HeapTuple tuple =
      TTS_IS_HEAPTUPLE(slot) || TTS_IS_BUFFERTUPLE(slot) ? reinterpret_cast<HeapTupleTableSlot*>(slot)->tuple : nullptr;
  if (tuple == nullptr || store->keep) {
    slot_getallattrs(slot);
    return heap_compute_data_size(store->shape, slot->tts_values, slot->tts_isnull);
  }
  slot_getsomeattrs(slot, store->watched);
  return tuple->t_len - tuple->t_data->t_hoff;
}

}  // namespace

bool has_null_key(const Relation::Store* store, TupleTableSlot* slot) {
  for (int i = 0; i < store->keys; ++i) {
    if (slot->tts_isnull[store->key[i].index]) return true;
  }
  for (int i = 0; i < store->positions; ++i) {
    if (slot->tts_isnull[store->position[i].index]) return true;
  }
  return false;
}

void store_append(Relation::Store* store, TupleTableSlot* slot) {
  store->bytes += data_size(store, slot);
  MemoryContext outer = MemoryContextSwitchTo(store->scratch);
  if (has_null_key(store, slot)) ++store->null_keys;
  if (store->repetition && store->keys > 0) watch_key(store, slot);
  for (int i = 0; i < store->positions; ++i) {
    remember(store, &store->position[i], slot->tts_values[store->position[i].index],
             slot->tts_isnull[store->position[i].index]);
  }
  TupleTableSlot* plain = store->keep ? detoasted(store, slot) : slot;
  tuplestore_puttupleslot(store->tuples, plain);
  if (plain != slot) ExecClearTuple(plain);
  MemoryContextSwitchTo(outer);
  MemoryContextReset(store->scratch);
  store->any = true;
  ++store->rows;
}

DestReceiver* store_receiver(Relation::Store* store) {
  auto* receiver = static_cast<Receiver*>(palloc0(sizeof(Receiver)));
  receiver->head.receiveSlot = receive;
  receiver->head.rStartup = start_up;
  receiver->head.rShutdown = shut_down;
  receiver->head.rDestroy = destroy;
  receiver->head.mydest = DestTuplestore;
  receiver->store = store;
  return &receiver->head;
}

void store_clear(Relation::Store* store) {
  MemoryContext outer = MemoryContextSwitchTo(store->memory);
  if (store->reader == nullptr) store->reader = MakeSingleTupleTableSlot(store->shape, &TTSOpsMinimalTuple);
  ExecClearTuple(store->reader);
  if (store->tuples != nullptr) tuplestore_end(store->tuples);
  store->tuples = nullptr;
  store->tuples = tuplestore_begin_heap(store->keep, true, work_mem);
  store->mark_pointer = store->keep ? tuplestore_alloc_read_pointer(store->tuples, EXEC_FLAG_REWIND) : -1;
  store->peek_pointer = store->keep ? tuplestore_alloc_read_pointer(store->tuples, EXEC_FLAG_REWIND) : -1;
  if (store->seen != nullptr) {
    pfree(store->seen->slot);
    pfree(store->seen);
    store->seen = nullptr;
  }
  store->rows = store->bytes = store->null_keys = 0;
  store->repeats = store->any = false;
  MemoryContextSwitchTo(outer);
}

bool continues_page(Relation::Store* page, TupleTableSlot* slot) {
  slot_getallattrs(slot);
  if (page->positions == 0) return false;
  for (int i = 0; i < page->positions; ++i) {
    const WatchedColumn& column = page->position[i];
    const bool null = slot->tts_isnull[column.index];
    if (null || column.last_null) {
      if (null != column.last_null) return false;
    } else if (!column.comparable ||
               !DatumGetBool(FunctionCall2Coll(const_cast<FmgrInfo*>(&column.equal), column.collation, column.last,
                                               slot->tts_values[column.index]))) {
      return false;
    }
  }
  return true;
}

bool store_next(Relation::Store* store) {
  // A tuple read from disk is allocated anew, and the reader frees it when it moves on: perhaps in the next
  // transaction.
  MemoryContext outer = MemoryContextSwitchTo(store->memory);
  const bool found = tuplestore_gettupleslot(store->tuples, true, false, store->reader);
  MemoryContextSwitchTo(outer);
  return found;
}

}  // namespace etl::pg
