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
    case MONEYOID:  // its scale is that of lc_monetary
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

enum class Shape { kAsked, kOneByte, kTwoBytes, kFourBytes, kEightBytes, kBytes };

struct Field {
  Shape shape;  // of what is written
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
  StringInfoData out;
};

namespace {

// Types of which the binary form is the value itself, by their send functions in PostgreSQL's sources. All others are
// asked.
Shape shape_of(Oid type) {
  switch (type) {
    case BOOLOID:
      return Shape::kOneByte;
    case INT2OID:
      return Shape::kTwoBytes;
    case INT4OID:
    case DATEOID:
    case FLOAT4OID:
      return Shape::kFourBytes;
    case INT8OID:
    case FLOAT8OID:
    case TIMEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
      return Shape::kEightBytes;
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case BYTEAOID:
      return Shape::kBytes;
    default:
      return Shape::kAsked;
  }
}

}  // namespace

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
      state->fields[i].shape = shape_of(type[i]);
    }
    MemoryContext outer = MemoryContextSwitchTo(memory);
    initStringInfo(&state->out);
    MemoryContextSwitchTo(outer);
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

void write_bytes(StringInfo out, const char* bytes, std::size_t size) {
  write_number32(out, static_cast<std::int32_t>(size));
  appendBinaryStringInfo(out, bytes, static_cast<int>(size));
}

// C only. Scratch is in the current memory context.
void write_value(StringInfo out, Field* field, Datum value) {
  if (field->text) {
    const char* text = OutputFunctionCall(&field->function, value);
    return write_bytes(out, text, strlen(text));
  }
  switch (field->shape) {
    case Shape::kOneByte: {
      const char byte = DatumGetBool(value) ? 1 : 0;
      return write_bytes(out, &byte, 1);
    }
    case Shape::kTwoBytes:
      write_number32(out, 2);
      return write_number16(out, DatumGetInt16(value));
    case Shape::kFourBytes:
      write_number32(out, 4);
      return write_number32(out, DatumGetInt32(value));
    case Shape::kEightBytes: {
      const std::uint64_t number = pg_hton64(DatumGetUInt64(value));
      return write_bytes(out, reinterpret_cast<const char*>(&number), sizeof number);
    }
    case Shape::kBytes: {
      varlena* bytes = PG_DETOAST_DATUM_PACKED(value);
      return write_bytes(out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
    }
    case Shape::kAsked: {
      bytea* sent = SendFunctionCall(&field->function, value);
      return write_bytes(out, VARDATA(sent), VARSIZE(sent) - VARHDRSZ);
    }
  }
}

// C only. One row, to the end of the state's.
void write_row(BinaryWriter::State* state, TupleTableSlot* slot) {
  MemoryContextReset(state->row);
  MemoryContext outer = MemoryContextSwitchTo(state->row);
  slot_getallattrs(slot);
  write_number16(&state->out, static_cast<std::int16_t>(state->columns));
  for (int i = 0; i < state->columns; ++i) {
    if (slot->tts_isnull[i]) {
      write_number32(&state->out, -1);
    } else {
      write_value(&state->out, &state->fields[i], slot->tts_values[i]);
    }
  }
  MemoryContextSwitchTo(outer);
}

}  // namespace

void BinaryRows::clear() {
  bytes_.clear();
  ends_.clear();
}

void BinaryRows::add(const char* rows, const int* ends, std::size_t count) {
  const std::size_t before = bytes_.size();
  bytes_.append(rows, static_cast<std::size_t>(ends[count - 1]));
  for (std::size_t i = 0; i < count; ++i) ends_.push_back(before + static_cast<std::size_t>(ends[i]));
}

std::string BinaryRows::header() {
  std::string header(kSignature, sizeof kSignature);
  return header.append(kHeaderBytes - sizeof kSignature, '\0');
}

std::string BinaryRows::trailer() {
  return {"\377\377", 2};
}

std::string_view BinaryRows::rows(std::size_t from, std::size_t until) const {
  const std::size_t begin = from == 0 ? 0 : ends_[from - 1];
  const std::size_t end = until == 0 ? 0 : ends_[until - 1];
  return std::string_view(bytes_).substr(begin, end - begin);
}

void BinaryWriter::start(Relation& rows) {
  state_->rows = rows.store();
  call([&] { tuplestore_rescan(state_->rows->tuples); });
}

bool BinaryWriter::next(BinaryRows& out) {
  constexpr int kRows = 256;
  constexpr int kBytes = 65536;
  State* state = state_;
  int ends[kRows];
  const DatabaseEncoding encoding;
  const int rows = call([&] {
    resetStringInfo(&state->out);
    int count = 0;
    while (count < kRows && state->out.len < kBytes && store_next(state->rows)) {
      CHECK_FOR_INTERRUPTS();
      write_row(state, state->rows->reader);
      ends[count++] = state->out.len;
    }
    return count;
  });
  if (rows == 0) return false;
  out.add(state->out.data, ends, static_cast<std::size_t>(rows));
  return true;
}

void BinaryWriter::write(Relation& rows, BinaryRows& out) {
  start(rows);
  while (next(out)) {
  }
}

}  // namespace etl::pg
