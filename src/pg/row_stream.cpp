#include "pg/row_stream.hpp"

#include <algorithm>
#include <cstring>

#include "pg/guard.hpp"
#include "pg/store.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/lsyscache.h"
}

namespace etl::pg {

namespace {

constexpr std::size_t kMessageBytes = 256 * 1024;

struct Filled {
  std::size_t bytes;
  std::size_t needed;  // by the row that did not fit; 0: there is none
};

// C only. Also in arrays, domains and ranges.
bool holds_rows(Oid type) {
  for (;;) {
    Oid inner = getBaseType(type);
    if (OidIsValid(get_element_type(inner))) inner = get_element_type(inner);
    if (OidIsValid(get_multirange_range(inner))) inner = get_multirange_range(inner);
    if (OidIsValid(get_range_subtype(inner))) inner = get_range_subtype(inner);
    if (inner == type) return type == RECORDARRAYOID || type_is_rowtype(type);
    type = inner;
  }
}

// C only.
Filled fill(Relation::Store* store, bool held, char* buffer, std::size_t capacity) {
  Filled filled{};
  while (held || store_next(store)) {
    CHECK_FOR_INTERRUPTS();
    bool copied;
    MinimalTuple tuple = ExecFetchSlotMinimalTuple(store->reader, &copied);
    const std::size_t size = MAXALIGN(tuple->t_len);
    if (filled.bytes + size > capacity) {
      filled.needed = size;
      break;
    }
    std::memcpy(buffer + filled.bytes, tuple, tuple->t_len);
    filled.bytes += size;
    held = false;
  }
  return filled;
}

}  // namespace

bool can_stream(const std::vector<Column>& columns) {
  return std::none_of(columns.begin(), columns.end(),
                      [](const Column& column) { return call([&] { return holds_rows(column.type); }); });
}

RowStream::RowStream(Relation& rows) : rows_(rows) {
  rows_.rewind();
}

bool RowStream::next(std::string& message) {
  for (std::size_t capacity = kMessageBytes;;) {
    message.resize(capacity);
    char* buffer = message.data();
    const Filled filled = call([&] { return fill(rows_.store(), held_, buffer, capacity); });
    held_ = filled.needed > 0;
    message.resize(filled.bytes);
    if (filled.bytes > 0 || !held_) return filled.bytes > 0;
    capacity = filled.needed;
  }
}

void append_rows(const std::string& message, Relation& to) {
  Relation::Store* store = to.store();
  const char* rows = message.data();
  const std::size_t bytes = message.size();
  call([&] {
    TupleTableSlot* slot = MakeSingleTupleTableSlot(store->shape, &TTSOpsMinimalTuple);
    for (std::size_t at = 0; at < bytes;) {
      CHECK_FOR_INTERRUPTS();
      auto* tuple = reinterpret_cast<MinimalTuple>(const_cast<char*>(rows + at));
      ExecStoreMinimalTuple(tuple, slot, false);
      store_append(store, slot);
      at += MAXALIGN(tuple->t_len);
    }
    ExecDropSingleTupleTableSlot(slot);
  });
}

}  // namespace etl::pg
