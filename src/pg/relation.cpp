#include "pg/relation.hpp"

#include <utility>

#include "pg/guard.hpp"
#include "pg/store.hpp"

extern "C" {
#include "access/tupdesc.h"
#include "executor/executor.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
}

namespace etl::pg {

namespace {

// C only.
void describe(WatchedColumn* watched, TupleDesc shape, int index) {
  Form_pg_attribute attribute = TupleDescAttr(shape, index);
  watched->index = index;
  watched->by_value = attribute->attbyval;
  watched->length = attribute->attlen;
  watched->collation = attribute->attcollation;
  watched->last_null = true;
  watched->first_null = true;
  TypeCacheEntry* type =
      lookup_type_cache(attribute->atttypid, TYPECACHE_EQ_OPR_FINFO | TYPECACHE_HASH_EXTENDED_PROC_FINFO);
  watched->comparable = OidIsValid(type->eq_opr_finfo.fn_oid);
  watched->hashable = OidIsValid(type->hash_extended_proc_finfo.fn_oid);
  if (watched->comparable) watched->equal = type->eq_opr_finfo;
  if (watched->hashable) watched->hash = type->hash_extended_proc_finfo;
}

WatchedColumn* describe_all(Relation::Store* store, const int* index, int count) {
  auto* all = static_cast<WatchedColumn*>(MemoryContextAllocZero(store->memory, sizeof(WatchedColumn) * (count + 1)));
  for (int i = 0; i < count; ++i) describe(&all[i], store->shape, index[i]);
  return all;
}

}  // namespace

Relation::Relation(const std::vector<Column>& columns, bool keep) : columns_(columns) {
  struct Shape {
    const char* name;
    Oid type;
    int typmod;
    Oid delivered;
    Oid compared;
  };
  std::vector<Shape> shape;
  for (Column& c : columns_) {
    const Oid delivered = c.collation;
    if (c.compared != 0) c.collation = std::exchange(c.compared, 0);
    shape.push_back({c.name.c_str(), c.type, c.typmod, delivered, c.collation});
  }
  const int count = static_cast<int>(shape.size());
  const Shape* first = shape.data();
  store_ = call([&] {
    MemoryContext memory = AllocSetContextCreate(TopMemoryContext, "pg_etl relation", ALLOCSET_DEFAULT_SIZES);
    MemoryContext outer = MemoryContextSwitchTo(memory);
    auto* store = static_cast<Store*>(palloc0(sizeof(Store)));
    store->memory = memory;
    store->scratch = AllocSetContextCreate(memory, "pg_etl row", ALLOCSET_SMALL_SIZES);
    store->keep = keep;
    store->shape = CreateTemplateTupleDesc(count);
    store->delivered = static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<std::size_t>(count + 1)));
    for (int i = 0; i < count; ++i) {
      TupleDescInitEntry(store->shape, i + 1, first[i].name, first[i].type, first[i].typmod, 0);
      TupleDescInitEntryCollation(store->shape, i + 1, first[i].compared);
      store->delivered[i] = first[i].delivered;
    }
    store->shape = BlessTupleDesc(store->shape);
    MemoryContextSwitchTo(outer);
    return store;
  });
}

Relation::~Relation() {
  // A tuplestore that spilled holds files: tuplestore_end closes them and raises nothing.
  if (store_->tuples != nullptr) tuplestore_end(store_->tuples);
  MemoryContextDelete(store_->memory);
}

int Relation::column_index(const std::string& name) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

void Relation::watch(const Watch& watch) {
  const int* position = watch.position.data();
  const int positions = static_cast<int>(watch.position.size());
  const int* key = watch.key.data();
  const int keys = static_cast<int>(watch.key.size());
  const bool sorted = watch.sorted_by_key;
  const bool repetition = watch.repetition;
  call([&] {
    store_->position = describe_all(store_, position, positions);
    store_->positions = positions;
    for (int i = 0; i < positions; ++i) store_->position[i].collation = store_->delivered[position[i]];
    store_->key = describe_all(store_, key, keys);
    store_->keys = keys;
    store_->sorted_by_key = sorted;
    store_->repetition = repetition;
    for (int i = 0; i < positions; ++i) store_->watched = Max(store_->watched, position[i] + 1);
    for (int i = 0; i < keys; ++i) store_->watched = Max(store_->watched, key[i] + 1);
  });
}

void Relation::clear() {
  call([&] { store_clear(store_); });
}

std::uint64_t Relation::rows() const {
  return store_->rows;
}
std::uint64_t Relation::bytes() const {
  return store_->bytes;
}
bool Relation::repeats_keys() const {
  return store_->repeats;
}
std::uint64_t Relation::null_keys() const {
  return store_->null_keys;
}

namespace {

std::optional<std::string> text_of(Relation::Store* store, const WatchedColumn& column, Datum value, bool null) {
  if (null) return std::nullopt;
  const char* text = call([&] {
    Oid output;
    bool varlena;
    getTypeOutputInfo(TupleDescAttr(store->shape, column.index)->atttypid, &output, &varlena);
    return OidOutputFunctionCall(output, value);
  });
  return text;
}

}  // namespace

std::optional<Key> Relation::last_position() const {
  if (!store_->any) return std::nullopt;
  Key key;
  for (int i = 0; i < store_->positions; ++i) {
    const WatchedColumn& column = store_->position[i];
    key.push_back(text_of(store_, column, column.last, column.last_null));
  }
  return key;
}

std::optional<std::string> Relation::first_of_position() const {
  if (!store_->any || store_->positions == 0) return std::nullopt;
  const WatchedColumn& column = store_->position[0];
  return text_of(store_, column, column.first, column.first_null);
}

void Relation::move_page(Relation& to, std::uint64_t count) {
  Store* page = to.store_;
  call([&] {
    while (page->rows < count && store_next(store_)) {
      CHECK_FOR_INTERRUPTS();
      store_append(page, store_->reader);
    }
    if (page->rows < count) return;
    for (;;) {
      CHECK_FOR_INTERRUPTS();
      tuplestore_copy_read_pointer(store_->tuples, 0, store_->peek_pointer);
      if (!store_next(store_)) return;
      if (!continues_page(page, store_->reader)) break;
      store_append(page, store_->reader);
    }
    tuplestore_copy_read_pointer(store_->tuples, store_->peek_pointer, 0);
  });
}

void Relation::mark() {
  call([&] { tuplestore_copy_read_pointer(store_->tuples, 0, store_->mark_pointer); });
}

void Relation::restore() {
  call([&] { tuplestore_copy_read_pointer(store_->tuples, store_->mark_pointer, 0); });
}

void Relation::rewind() {
  call([&] { tuplestore_rescan(store_->tuples); });
}

std::string Relation::row_json(std::uint64_t index) {
  const char* json = call([&] {
    tuplestore_rescan(store_->tuples);
    if (index > 0) (void)tuplestore_skiptuples(store_->tuples, static_cast<int64>(index), true);
    if (!store_next(store_)) elog(ERROR, "row %llu is not in the batch", static_cast<unsigned long long>(index));
    const Datum row = ExecFetchSlotHeapTupleDatum(store_->reader);
    return TextDatumGetCString(DirectFunctionCall1(row_to_json, row));
  });
  return json;
}

void Relation::copy_range(Relation& to, std::uint64_t from, std::uint64_t until) {
  Store* target = to.store_;
  call([&] {
    store_clear(target);
    tuplestore_rescan(store_->tuples);
    if (from > 0) (void)tuplestore_skiptuples(store_->tuples, static_cast<int64>(from), true);
    for (std::uint64_t i = from; i < until && store_next(store_); ++i) {
      CHECK_FOR_INTERRUPTS();
      store_append(target, store_->reader);
    }
  });
}

namespace {

// Appends the rows whose number, from 0, is wanted. C only.
template <class Wanted>
void append_where(Relation::Store* from, Relation::Store* to, Wanted wanted) {
  tuplestore_rescan(from->tuples);
  for (std::uint64_t i = 0; store_next(from); ++i) {
    CHECK_FOR_INTERRUPTS();
    if (wanted(i)) store_append(to, from->reader);
  }
}

}  // namespace

void Relation::append_to(Relation& to) {
  call([&] { append_where(store_, to.store_, [](std::uint64_t) { return true; }); });
}

void Relation::copy_every(Relation& to, std::uint64_t n) {
  call([&] {
    store_clear(to.store_);
    append_where(store_, to.store_, [&](std::uint64_t i) { return i % n == 0; });
  });
}

namespace {

// C only. Copies the rows that are among `rows`, which ascend, or those that are not.
void copy_listed(Relation::Store* from, Relation::Store* to, const std::uint64_t* next, const std::uint64_t* end,
                 bool listed) {
  store_clear(to);
  append_where(from, to, [&](std::uint64_t i) {
    const bool is_next = next != end && *next == i;
    if (is_next) ++next;
    return is_next == listed;
  });
}

}  // namespace

void Relation::copy_without(Relation& to, const std::vector<std::uint64_t>& left_out) {
  call([&] { copy_listed(store_, to.store_, left_out.data(), left_out.data() + left_out.size(), false); });
}

void Relation::copy_only(Relation& to, const std::vector<std::uint64_t>& wanted) {
  call([&] { copy_listed(store_, to.store_, wanted.data(), wanted.data() + wanted.size(), true); });
}

void Relation::split_null_keys(Relation& with_null, Relation& without) {
  Store* bad = with_null.store_;
  Store* good = without.store_;
  call([&] {
    store_clear(bad);
    store_clear(good);
    tuplestore_rescan(store_->tuples);
    while (store_next(store_)) {
      CHECK_FOR_INTERRUPTS();
      slot_getallattrs(store_->reader);
      store_append(has_null_key(store_, store_->reader) ? bad : good, store_->reader);
    }
  });
}

}  // namespace etl::pg
