#include "pg/row_values.hpp"

#include <cstring>

#include "pg/guard.hpp"
#include "pg/output_style.hpp"
#include "pg/store.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
}

namespace etl::pg {

namespace {

struct Reader {
  Want want;
  Oid type;
  FmgrInfo output;  // Want::kText
};

}  // namespace

struct RowValues::State {
  MemoryContext memory;
  MemoryContext scratch;  // one row's
  pg_tz* utc;
  Relation::Store* page;
  int count;
  Reader* readers;
};

namespace {

// C only.
std::int64_t integer_of(Oid type, Datum value) {
  switch (type) {
    case BOOLOID:
      return DatumGetBool(value) ? 1 : 0;
    case INT2OID:
      return DatumGetInt16(value);
    case INT4OID:
      return DatumGetInt32(value);
    case DATEOID:
      return DatumGetDateADT(value);
    default:  // bigint, time, timestamp, timestamptz
      return DatumGetInt64(value);
  }
}

// C only.
std::string_view text_of(Reader* reader, Datum value) {
  const char* text = OutputFunctionCall(&reader->output, value);
  text = pg_server_to_any(text, static_cast<int>(std::strlen(text)), PG_UTF8);
  return {text, std::strlen(text)};
}

// C only.
void read_value(Reader* reader, Datum datum, Value* value) {
  switch (reader->want) {
    case Want::kInteger:
      value->integer = integer_of(reader->type, datum);
      break;
    case Want::kDouble:
      value->real = reader->type == FLOAT4OID ? static_cast<double>(DatumGetFloat4(datum)) : DatumGetFloat8(datum);
      break;
    case Want::kBytes: {
      bytea* bytes = DatumGetByteaPP(datum);
      value->text = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
      break;
    }
    case Want::kText:
      value->text = text_of(reader, datum);
      break;
  }
}

}  // namespace

unsigned base_type(unsigned type) {
  return call([&] { return getBaseType(type); });
}

RowValues::RowValues(const std::vector<Column>& columns, const std::vector<Want>& wants) : values_(columns.size()) {
  struct Shape {
    Oid type;
    Want want;
  };
  std::vector<Shape> shape;
  for (std::size_t i = 0; i < columns.size(); ++i) shape.push_back({columns[i].type, wants[i]});
  const Shape* first = shape.data();
  const int count = static_cast<int>(shape.size());
  state_ = call([&] {
    // A child of the transaction's memory until it is whole, so that an error frees it.
    MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "pg_etl values", ALLOCSET_DEFAULT_SIZES);
    auto* state = static_cast<State*>(MemoryContextAllocZero(memory, sizeof(State)));
    state->memory = memory;
    state->scratch = AllocSetContextCreate(memory, "pg_etl value", ALLOCSET_DEFAULT_SIZES);
    state->utc = pg_tzset("GMT");
    state->count = count;
    state->readers =
        static_cast<Reader*>(MemoryContextAllocZero(memory, sizeof(Reader) * static_cast<std::size_t>(count + 1)));
    for (int i = 0; i < count; ++i) {
      Oid output;
      bool varlena;
      state->readers[i].want = first[i].want;
      state->readers[i].type = getBaseType(first[i].type);
      getTypeOutputInfo(first[i].type, &output, &varlena);
      fmgr_info_cxt(output, &state->readers[i].output, memory);
    }
    MemoryContextSetParent(memory, TopMemoryContext);
    return state;
  });
}

RowValues::~RowValues() {
  MemoryContextDelete(state_->memory);
}

void RowValues::start(Relation& page) {
  state_->page = page.store();
  call([&] { tuplestore_rescan(state_->page->tuples); });
}

std::span<const Value> RowValues::next() {
  State* state = state_;
  Value* values = values_.data();
  const OutputStyle style(state->utc);
  const bool any = call([&] {
    CHECK_FOR_INTERRUPTS();
    MemoryContextReset(state->scratch);
    if (!store_next(state->page)) return false;
    MemoryContext outer = MemoryContextSwitchTo(state->scratch);
    TupleTableSlot* slot = state->page->reader;
    slot_getallattrs(slot);
    for (int i = 0; i < state->count; ++i) {
      values[i].null = slot->tts_isnull[i];
      if (!values[i].null) read_value(&state->readers[i], slot->tts_values[i], &values[i]);
    }
    MemoryContextSwitchTo(outer);
    return true;
  });
  return any ? std::span<const Value>(values_) : std::span<const Value>();
}

}  // namespace etl::pg
