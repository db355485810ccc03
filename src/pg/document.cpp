#include "pg/document.hpp"

#include <utility>

#include "core/sqlstate.hpp"
#include "pg/guard.hpp"
#include "pg/json_value.hpp"
#include "pg/output_style.hpp"
#include "pg/store.hpp"

namespace etl::pg {

namespace {

struct Entry {
  std::size_t begin;     // of the lines in body
  std::size_t document;  // of the second line
  std::size_t end;
  std::size_t id_begin;
  std::size_t id_end;
  RowFault fault;
  bool dead;
};

struct Field {
  int index;
  JsonRule* rule;
  char* prefix;  // ,"name":
  std::size_t prefix_length;
};

}  // namespace

struct Documents::Data {
  Bytes body;
  Bytes ids;
  Bytes entries;

  Entry* entry(std::size_t index) const { return reinterpret_cast<Entry*>(entries.data) + index; }
};

struct DocumentEncoder::State {
  MemoryContext memory;
  MemoryContext scratch;  // one row's
  JsonRules rules;
  pg_tz* utc;
  int fields;
  Field* field;
  int keys;
  Field* key;
};

namespace {

// C only. "[,]"name":" in UTF-8.
void make_prefix(Field* field, const char* name, bool first) {
  Bytes text;
  JsonWriter writer{&text, kMaxDocumentBytes, kMaxDocumentBytes, RowFault::kNone};
  if (!first) append(&text, ',');
  write_string(&writer, name, std::strlen(name));
  append(&text, ':');
  field->prefix = static_cast<char*>(palloc(text.size));
  std::memcpy(field->prefix, text.data, text.size);
  field->prefix_length = text.size;
  std::free(text.data);
}

void write_id(DocumentEncoder::State* state, JsonWriter* writer, TupleTableSlot* slot, Bytes* ids, Entry* entry) {
  writer->out = ids;
  for (int i = 0; i < state->keys && writer->fault == RowFault::kNone; ++i) {
    const int column = state->key[i].index;
    if (i > 0) append(ids, ':');
    if (slot->tts_isnull[column]) {
      writer->fault = RowFault::kNullKey;
    } else {
      write_key_text(writer, state->key[i].rule, slot->tts_values[column], state->keys > 1);
    }
  }
  const std::size_t length = ids->size - entry->id_begin;
  if (writer->fault == RowFault::kNone && length > kMaxIdBytes) writer->fault = RowFault::kIdTooLong;
  if (writer->fault == RowFault::kNone && length == 0) writer->fault = RowFault::kIdEmpty;
  if (writer->fault != RowFault::kNone) ids->size = entry->id_begin;
}

void write_document(DocumentEncoder::State* state, JsonWriter* writer, TupleTableSlot* slot) {
  Bytes* body = writer->out;
  append(body, '{');
  for (int i = 0; i < state->fields && writer->fault == RowFault::kNone; ++i) {
    const Field& field = state->field[i];
    append(body, field.prefix, field.prefix_length);
    if (slot->tts_isnull[i]) {
      append(body, "null");
    } else {
      write_value(writer, &state->rules, field.rule, slot->tts_values[i]);
    }
    if (body->size > writer->stop_at) writer->fault = RowFault::kTooLarge;
  }
  append(body, "}\n");
}

// C only. One row into `out`, or a dead entry.
void encode_row(DocumentEncoder::State* state, JsonWriter* writer, TupleTableSlot* slot, std::int64_t version,
                Documents::Data* out) {
  Entry entry{};
  entry.begin = out->body.size;
  entry.id_begin = out->ids.size;
  writer->fault = RowFault::kNone;
  writer->stop_at = entry.begin + kMaxDocumentBytes;
  write_id(state, writer, slot, &out->ids, &entry);
  entry.id_end = out->ids.size;
  writer->out = &out->body;
  if (writer->fault == RowFault::kNone) {
    append(&out->body, "{\"index\":{\"_id\":");
    write_quoted(&out->body, out->ids.data + entry.id_begin, entry.id_end - entry.id_begin);
    append(&out->body, ",\"version\":");
    char* digits = reserve(&out->body, 24);
    out->body.size += static_cast<std::size_t>(pg_lltoa(version, digits));
    append(&out->body, ",\"version_type\":\"external\"}}\n");
    entry.document = out->body.size;
    write_document(state, writer, slot);
  }
  entry.fault = writer->fault;
  entry.dead = entry.fault != RowFault::kNone;
  if (entry.dead) {
    out->body.size = entry.document = entry.begin;
    // What the row that is too large took is not kept for the others.
    if (out->body.capacity > kMaxDocumentBytes && out->body.size < out->body.capacity / 4) {
      void* smaller = std::realloc(out->body.data, out->body.size + 64);
      if (smaller != nullptr) out->body.data = static_cast<char*>(smaller);
      if (smaller != nullptr) out->body.capacity = out->body.size + 64;
    }
  }
  entry.end = out->body.size;
  append(&out->entries, reinterpret_cast<const char*>(&entry), sizeof entry);
}

}  // namespace

Documents::Documents() : data_(new Data()) {}

Documents::~Documents() {
  if (data_ == nullptr) return;
  for (Bytes* bytes : {&data_->body, &data_->ids, &data_->entries}) std::free(bytes->data);
  delete data_;
}

Documents::Documents(Documents&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}

Documents& Documents::operator=(Documents&& other) noexcept {
  std::swap(data_, other.data_);
  return *this;
}

void Documents::clear() {
  data_->body.size = data_->ids.size = data_->entries.size = 0;
}
std::size_t Documents::size() const {
  return data_->entries.size / sizeof(Entry);
}
std::size_t Documents::bytes() const {
  return data_->body.size;
}
bool Documents::is_dead(std::size_t index) const {
  return data_->entry(index)->dead;
}
void Documents::mark_dead(std::size_t index) {
  data_->entry(index)->dead = true;
}

void Documents::append_dead() {
  Documents::Data* data = data_;
  call([&] {
    Entry entry{};
    entry.begin = entry.document = entry.end = data->body.size;
    entry.id_begin = entry.id_end = data->ids.size;
    entry.dead = true;
    append(&data->entries, reinterpret_cast<const char*>(&entry), sizeof entry);
  });
}

std::string_view Documents::lines(std::size_t index) const {
  const Entry& e = *data_->entry(index);
  if (e.dead) return {};
  return {data_->body.data + e.begin, e.end - e.begin};
}

std::string_view Documents::document(std::size_t index) const {
  const Entry& e = *data_->entry(index);
  if (e.dead) return {};
  return {data_->body.data + e.document, e.end - e.document - 1};
}

std::string_view Documents::id(std::size_t index) const {
  const Entry& e = *data_->entry(index);
  return {data_->ids.data + e.id_begin, e.id_end - e.id_begin};
}

Error Documents::error(std::size_t index) const {
  switch (data_->entry(index)->fault) {
    case RowFault::kIdTooLong:
      return Error(sqlstate::kDocumentTooLarge, "the _id of a document is too long",
                   "Elasticsearch and OpenSearch take at most 512 bytes.", "Use shorter key columns, or their hash.");
    case RowFault::kTooLarge:
      return Error(sqlstate::kDocumentTooLarge, "a document is too large", "It has more than 100 MB.",
                   "Leave out or cut its large columns in the source.");
    case RowFault::kIdEmpty:
      return Error(sqlstate::kDocumentRefused, "the _id of a document is empty", "The key is an empty string.",
                   "Filter such rows out in the source.");
    case RowFault::kNullKey:
      return Error("23502", "a key column of a row is null", {},
                   "Filter such rows out in the source, or set option \"null_keys\" to \"dead_letter\".");
    default:
      return Error(sqlstate::kDocumentRefused, "a row could not be encoded");
  }
}

DocumentEncoder::DocumentEncoder(const std::vector<Column>& columns, const std::vector<std::string>& keys) {
  struct Shape {
    const char* name;
    Oid type;
  };
  std::vector<Shape> shape;
  std::vector<int> key;
  for (const Column& column : columns) shape.push_back({column.name.c_str(), column.type});
  for (const std::string& name : keys) {
    int found = -1;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].name == name) found = static_cast<int>(i);
    }
    if (found < 0) throw Error("42703", "key column \"" + name + "\" is not a column of the source's output");
    key.push_back(found);
  }
  const Shape* first = shape.data();
  const int* position = key.data();
  const int fields = static_cast<int>(shape.size());
  const int count = static_cast<int>(key.size());
  state_ = call([&] {
    // A child of the transaction's memory until it is whole, so that an error frees it.
    MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "pg_etl documents", ALLOCSET_DEFAULT_SIZES);
    MemoryContext outer = MemoryContextSwitchTo(memory);
    auto* state = static_cast<State*>(palloc0(sizeof(State)));
    state->memory = memory;
    state->scratch = AllocSetContextCreate(memory, "pg_etl document", ALLOCSET_DEFAULT_SIZES);
    state->rules.memory = memory;
    state->utc = pg_tzset("GMT");
    state->fields = fields;
    state->field = static_cast<Field*>(palloc0(sizeof(Field) * static_cast<std::size_t>(fields + 1)));
    for (int i = 0; i < fields; ++i) {
      state->field[i].index = i;
      state->field[i].rule = json_rule(&state->rules, first[i].type);
      make_prefix(&state->field[i], first[i].name, i == 0);
    }
    state->keys = count;
    state->key = static_cast<Field*>(palloc0(sizeof(Field) * static_cast<std::size_t>(count + 1)));
    for (int i = 0; i < count; ++i) state->key[i] = state->field[position[i]];
    MemoryContextSwitchTo(outer);
    MemoryContextSetParent(memory, TopMemoryContext);
    return state;
  });
}

DocumentEncoder::~DocumentEncoder() {
  MemoryContextDelete(state_->memory);
}

void DocumentEncoder::encode(Relation& page, std::uint64_t from, std::uint64_t until, std::int64_t version,
                             Documents& out) {
  Relation::Store* store = page.store();
  Documents::Data* data = out.data();
  State* state = state_;
  const std::size_t before[3] = {data->body.size, data->ids.size, data->entries.size};
  const OutputStyle style(state->utc);
  try {
    call([&] {
      JsonWriter writer{&data->body, kMaxDocumentBytes, 0, RowFault::kNone};
      MemoryContextReset(state->scratch);  // an earlier page may have failed
      MemoryContext outer = MemoryContextSwitchTo(state->scratch);
      tuplestore_rescan(store->tuples);
      if (from > 0) (void)tuplestore_skiptuples(store->tuples, static_cast<int64>(from), true);
      for (std::uint64_t i = from; i < until && store_next(store); ++i) {
        CHECK_FOR_INTERRUPTS();
        slot_getallattrs(store->reader);
        encode_row(state, &writer, store->reader, version, data);
        MemoryContextReset(state->scratch);
      }
      MemoryContextSwitchTo(outer);
    });
  } catch (...) {
    data->body.size = before[0];
    data->ids.size = before[1];
    data->entries.size = before[2];
    throw;
  }
}

}  // namespace etl::pg
