#include "pg/binary_rows.hpp"

#include "pg/analyze.hpp"
#include "pg/guard.hpp"
#include "pg/store.hpp"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/lsyscache.h"
}

namespace etl::pg {

namespace {

constexpr char kSignature[] = "PGCOPY\n\377\r\n";  // and the NUL behind it
constexpr int kHeaderBytes = 11 + 4 + 4;

// C only.
bool is_portable(Oid type) {
  const Oid element = get_element_type(type);
  if (OidIsValid(element)) type = element;
  switch (type) {
    case REGPROCOID:
    case REGPROCEDUREOID:
    case REGOPEROID:
    case REGOPERATOROID:
    case REGCLASSOID:
    case REGTYPEOID:
    case REGROLEOID:
    case REGNAMESPACEOID:
    case REGCONFIGOID:
    case REGDICTIONARYOID:
    case REGCOLLATIONOID:
      return false;
    default:
      return type < FirstGenbkiObjectId && get_typtype(type) != TYPTYPE_PSEUDO && type != ACLITEMOID;
  }
}

// Text is received and sent in the client's encoding, which for these rows is the database's.
class DatabaseEncoding {
 public:
  DatabaseEncoding() : before_(pg_get_client_encoding()) {
    if (before_ != GetDatabaseEncoding()) (void)SetClientEncoding(GetDatabaseEncoding());
  }
  ~DatabaseEncoding() {
    if (before_ != GetDatabaseEncoding()) (void)SetClientEncoding(before_);
  }
  DatabaseEncoding(const DatabaseEncoding&) = delete;
  DatabaseEncoding& operator=(const DatabaseEncoding&) = delete;

 private:
  int before_;
};

struct Field {
  FmgrInfo function;
  bool text;
  Oid parameter;
  int typmod;
};

// C only.
Field* make_fields(MemoryContext memory, int count) {
  return static_cast<Field*>(MemoryContextAllocZero(memory, sizeof(Field) * static_cast<std::size_t>(count + 1)));
}

// C only.
void refuse(const char* what) {
  ereport(ERROR, errcode(ERRCODE_BAD_COPY_FILE_FORMAT), errmsg("rows in binary form cannot be read: %s", what));
}

// A place in a message.
struct Cursor {
  char* at;
  char* end;

  // C only.
  std::int16_t number16() {
    if (end - at < 2) refuse("a message ends early");
    std::uint16_t value;
    memcpy(&value, at, 2);
    at += 2;
    return static_cast<std::int16_t>(pg_ntoh16(value));
  }
  std::int32_t number32() {
    if (end - at < 4) refuse("a message ends early");
    std::uint32_t value;
    memcpy(&value, at, 4);
    at += 4;
    return static_cast<std::int32_t>(pg_ntoh32(value));
  }
  void skip(std::int32_t bytes) {
    if (bytes < 0 || end - at < bytes) refuse("a message ends early");
    at += bytes;
  }
};

// C only.
void skip_header(Cursor* cursor) {
  if (cursor->end - cursor->at < kHeaderBytes || memcmp(cursor->at, kSignature, sizeof kSignature) != 0) {
    refuse("the header is missing");
  }
  cursor->skip(kHeaderBytes - 8);
  if (cursor->number32() != 0) refuse("its flags are not known");
  cursor->skip(cursor->number32());
}

}  // namespace

bool has_binary_form(unsigned type) {
  return call([&] { return is_portable(type); });
}

std::string database_encoding() {
  return GetDatabaseEncodingName();
}

bool is_valid_text(std::string_view text) {
  return pg_verifymbstr(text.data(), static_cast<int>(text.size()), true);
}

std::string travel_type(unsigned type, int typmod) {
  return has_binary_form(type) ? type_name(type, typmod) : "pg_catalog.text";
}

struct BinaryReader::State {
  MemoryContext memory;
  MemoryContext row;
  int columns;
  Field* fields;
  TupleTableSlot* slot;
};

BinaryReader::BinaryReader(const Relation& shape) {
  const Relation::Store* store = shape.store();
  state_ = call([&] {
    MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "pg_etl binary rows", ALLOCSET_DEFAULT_SIZES);
    auto* state = static_cast<State*>(MemoryContextAllocZero(memory, sizeof(State)));
    state->memory = memory;
    state->row = AllocSetContextCreate(memory, "pg_etl binary row", ALLOCSET_DEFAULT_SIZES);
    state->columns = store->shape->natts;
    state->fields = make_fields(memory, state->columns);
    for (int i = 0; i < state->columns; ++i) {
      Oid function;
      const Oid type = TupleDescAttr(store->shape, i)->atttypid;
      state->fields[i].text = !is_portable(type);
      if (state->fields[i].text) {
        getTypeInputInfo(type, &function, &state->fields[i].parameter);
      } else {
        getTypeBinaryInputInfo(type, &function, &state->fields[i].parameter);
      }
      fmgr_info_cxt(function, &state->fields[i].function, memory);
      state->fields[i].typmod = TupleDescAttr(store->shape, i)->atttypmod;
    }
    MemoryContext outer = MemoryContextSwitchTo(memory);
    state->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(store->shape), &TTSOpsVirtual);
    MemoryContextSwitchTo(outer);
    MemoryContextSetParent(memory, TopMemoryContext);
    return state;
  });
}

BinaryReader::~BinaryReader() {
  MemoryContextDelete(state_->memory);
}

namespace {

// C only. Receive functions of text read up to a NUL in some majors, so that the byte behind the value is one
// meanwhile.
void read_field(Field* field, Cursor* cursor, Datum* value, bool* null) {
  const std::int32_t size = cursor->number32();
  *null = size == -1;
  if (*null) {
    *value = field->text ? InputFunctionCall(&field->function, nullptr, field->parameter, field->typmod)
                         : ReceiveFunctionCall(&field->function, nullptr, field->parameter, field->typmod);
    return;
  }
  StringInfoData data;
  data.data = cursor->at;
  cursor->skip(size);
  data.len = size;
  data.maxlen = size + 1;
  data.cursor = 0;
  const char behind = *cursor->at;
  *cursor->at = '\0';
  *value = field->text ? InputFunctionCall(&field->function, data.data, field->parameter, field->typmod)
                       : ReceiveFunctionCall(&field->function, &data, field->parameter, field->typmod);
  *cursor->at = behind;
  if (!field->text && data.cursor != size) refuse("a value is longer than its type");
}

// C only. False: it is the trailer.
bool read_row(BinaryReader::State* state, Cursor* cursor) {
  const std::int16_t fields = cursor->number16();
  if (fields == -1) return false;
  if (fields != state->columns) refuse("a row has another number of fields");
  ExecClearTuple(state->slot);
  MemoryContextReset(state->row);
  MemoryContext outer = MemoryContextSwitchTo(state->row);
  for (int i = 0; i < state->columns; ++i) {
    read_field(&state->fields[i], cursor, &state->slot->tts_values[i], &state->slot->tts_isnull[i]);
  }
  ExecStoreVirtualTuple(state->slot);
  MemoryContextSwitchTo(outer);
  return true;
}

}  // namespace

bool BinaryReader::read(char* message, std::size_t size) {
  State* state = state_;
  Cursor cursor{message, message + size};
  const bool first = first_;
  const DatabaseEncoding encoding;
  const bool row = call([&] {
    CHECK_FOR_INTERRUPTS();
    if (first) skip_header(&cursor);
    if (cursor.at == cursor.end) return false;
    return read_row(state, &cursor);
  });
  first_ = false;
  return row;
}

void BinaryReader::append_all(char* rows, std::size_t size, Relation& to) {
  State* state = state_;
  Cursor cursor{rows, rows + size};
  const DatabaseEncoding encoding;
  call([&] {
    while (cursor.at < cursor.end) {
      CHECK_FOR_INTERRUPTS();
      (void)read_row(state, &cursor);
      store_append(to.store(), state->slot);
    }
  });
}

void BinaryReader::append(Relation& to) {
  call([&] { store_append(to.store(), state_->slot); });
}

bool BinaryReader::continues(const Relation& page) const {
  return call([&] { return continues_page(page.store(), state_->slot); });
}

struct BinaryWriter::State {
  MemoryContext memory;
  MemoryContext row;
  Relation::Store* rows;
  int columns;
  Field* fields;
};

BinaryWriter::BinaryWriter(const std::vector<Column>& columns) {
  std::vector<Oid> types;
  for (const Column& column : columns) types.push_back(column.type);
  const Oid* type = types.data();
  const int count = static_cast<int>(types.size());
  state_ = call([&] {
    MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "pg_etl binary rows", ALLOCSET_DEFAULT_SIZES);
    auto* state = static_cast<State*>(MemoryContextAllocZero(memory, sizeof(State)));
    state->memory = memory;
    state->row = AllocSetContextCreate(memory, "pg_etl binary row", ALLOCSET_DEFAULT_SIZES);
    state->columns = count;
    state->fields = make_fields(memory, count);
    for (int i = 0; i < count; ++i) {
      Oid function;
      bool varlena;
      state->fields[i].text = !is_portable(type[i]);
      if (state->fields[i].text) {
        getTypeOutputInfo(type[i], &function, &varlena);
      } else {
        getTypeBinaryOutputInfo(type[i], &function, &varlena);
      }
      fmgr_info_cxt(function, &state->fields[i].function, memory);
    }
    MemoryContextSetParent(memory, TopMemoryContext);
    return state;
  });
}

BinaryWriter::~BinaryWriter() {
  MemoryContextDelete(state_->memory);
}

namespace {

// C only.
void write_number16(StringInfo out, std::int16_t number) {
  const std::uint16_t value = pg_hton16(static_cast<std::uint16_t>(number));
  appendBinaryStringInfo(out, reinterpret_cast<const char*>(&value), 2);
}

void write_number32(StringInfo out, std::int32_t number) {
  const std::uint32_t value = pg_hton32(static_cast<std::uint32_t>(number));
  appendBinaryStringInfo(out, reinterpret_cast<const char*>(&value), 4);
}

// C only. One row, in the row's memory.
StringInfo write_row(BinaryWriter::State* state, TupleTableSlot* slot) {
  StringInfo out = makeStringInfo();
  slot_getallattrs(slot);
  write_number16(out, static_cast<std::int16_t>(state->columns));
  for (int i = 0; i < state->columns; ++i) {
    if (slot->tts_isnull[i]) {
      write_number32(out, -1);
      continue;
    }
    if (state->fields[i].text) {
      const char* text = OutputFunctionCall(&state->fields[i].function, slot->tts_values[i]);
      write_number32(out, static_cast<std::int32_t>(strlen(text)));
      appendStringInfoString(out, text);
      continue;
    }
    bytea* value = SendFunctionCall(&state->fields[i].function, slot->tts_values[i]);
    write_number32(out, static_cast<std::int32_t>(VARSIZE(value) - VARHDRSZ));
    appendBinaryStringInfo(out, VARDATA(value), static_cast<int>(VARSIZE(value) - VARHDRSZ));
  }
  return out;
}

}  // namespace

void BinaryRows::clear() {
  bytes_.clear();
  ends_.clear();
}

void BinaryRows::add(const char* row, std::size_t size) {
  bytes_.append(row, size);
  ends_.push_back(bytes_.size());
}

std::string BinaryRows::message(std::size_t from, std::size_t until) const {
  std::string all(kSignature, sizeof kSignature);
  all.append(kHeaderBytes - sizeof kSignature, '\0');
  const std::size_t begin = from == 0 ? 0 : ends_[from - 1];
  const std::size_t end = until == 0 ? 0 : ends_[until - 1];
  all.append(bytes_, begin, end - begin);
  return all.append("\377\377", 2);
}

void BinaryWriter::start(Relation& rows) {
  state_->rows = rows.store();
  call([&] { tuplestore_rescan(state_->rows->tuples); });
}

bool BinaryWriter::next(BinaryRows& out) {
  State* state = state_;
  const DatabaseEncoding encoding;
  const StringInfo row = call([&]() -> StringInfo {
    CHECK_FOR_INTERRUPTS();
    MemoryContextReset(state->row);
    if (!store_next(state->rows)) return nullptr;
    MemoryContext outer = MemoryContextSwitchTo(state->row);
    StringInfo written = write_row(state, state->rows->reader);
    MemoryContextSwitchTo(outer);
    return written;
  });
  if (row == nullptr) return false;
  out.add(row->data, static_cast<std::size_t>(row->len));
  return true;
}

void BinaryWriter::write(Relation& rows, BinaryRows& out) {
  start(rows);
  while (next(out)) {
  }
}

}  // namespace etl::pg
