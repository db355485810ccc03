#include "pg/text_rows.hpp"

#include <cstdint>
#include <cstring>

#include "pg/guard.hpp"
#include "pg/store.hpp"

extern "C" {
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"
}

namespace etl::pg {

struct TextRows::Inputs {
  MemoryContext memory;
  MemoryContext row;
  int encoding;
  int columns;
  FmgrInfo* function;
  Oid* parameter;
  TupleTableSlot* slot;
  std::size_t done;  // rows of this call
  int column;        // under way
};

namespace {

// C only.
int find_encoding(const char* name) {
  const int encoding = pg_char_to_encoding(name);
  if (encoding < 0 || !PG_VALID_BE_ENCODING(encoding)) {
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("encoding \"%s\" cannot be read", name),
            errhint("Use one of PostgreSQL's server encodings, such as UTF8, LATIN1 or WIN1252."));
  }
  return encoding;
}

bool is_ascii(const char* text, std::size_t size) {
  std::uint64_t bits = 0;
  std::uint64_t word;
  for (; size >= sizeof word; text += sizeof word, size -= sizeof word) {
    std::memcpy(&word, text, sizeof word);
    bits |= word;
  }
  for (; size > 0; ++text, --size) bits |= static_cast<unsigned char>(*text);
  return (bits & 0x8080808080808080u) == 0;
}

// In the database's encoding, checked.
char* converted(const TextField& field, int encoding) {
  if (is_ascii(field.text, field.size)) return const_cast<char*>(field.text);
  return pg_any_to_server(field.text, static_cast<int>(field.size), encoding);
}

}  // namespace

std::string from_encoding(const std::string& text, const std::string& encoding) {
  const char* name = encoding.c_str();
  const TextField field{text.c_str(), text.size()};
  return call([&] { return converted(field, find_encoding(name)); });
}

std::string to_encoding(const std::string& text, const std::string& encoding) {
  const char* name = encoding.c_str();
  const char* bytes = text.c_str();
  const int size = static_cast<int>(text.size());
  return call([&] { return pg_server_to_any(bytes, size, find_encoding(name)); });
}

void want_text_encoding(const std::string& encoding) {
  const char* name = encoding.c_str();
  call([&] { (void)find_encoding(name); });
}

TextRows::TextRows(Relation& out, const std::string& encoding) : out_(out) {
  Relation::Store* store = out.store();
  const char* name = encoding.c_str();
  inputs_ = call([&] {
    const int found = find_encoding(name);
    MemoryContext memory = AllocSetContextCreate(TopMemoryContext, "pg_etl text rows", ALLOCSET_DEFAULT_SIZES);
    MemoryContext outer = MemoryContextSwitchTo(memory);
    auto* inputs = static_cast<Inputs*>(palloc0(sizeof(Inputs)));
    inputs->memory = memory;
    inputs->row = AllocSetContextCreate(memory, "pg_etl text row", ALLOCSET_DEFAULT_SIZES);
    inputs->encoding = found;
    inputs->columns = store->shape->natts;
    inputs->function = static_cast<FmgrInfo*>(palloc0(sizeof(FmgrInfo) * (inputs->columns + 1)));
    inputs->parameter = static_cast<Oid*>(palloc0(sizeof(Oid) * (inputs->columns + 1)));
    for (int i = 0; i < inputs->columns; ++i) {
      Oid function;
      getTypeInputInfo(TupleDescAttr(store->shape, i)->atttypid, &function, &inputs->parameter[i]);
      fmgr_info_cxt(function, &inputs->function[i], memory);
    }
    inputs->slot = MakeSingleTupleTableSlot(store->shape, &TTSOpsVirtual);
    MemoryContextSwitchTo(outer);
    return inputs;
  });
}

TextRows::~TextRows() {
  MemoryContextDelete(inputs_->memory);
}

void TextRows::append(std::span<const TextField> fields, std::size_t rows) {
  Relation::Store* store = out_.store();
  Inputs* inputs = inputs_;
  const TextField* field = fields.data();
  inputs->done = 0;
  try {
    call([&] {
      TupleTableSlot* slot = inputs->slot;
      for (; inputs->done < rows; ++inputs->done) {
        CHECK_FOR_INTERRUPTS();
        MemoryContext outer = MemoryContextSwitchTo(inputs->row);
        ExecClearTuple(slot);
        for (inputs->column = 0; inputs->column < inputs->columns; ++inputs->column, ++field) {
          const int i = inputs->column;
          slot->tts_isnull[i] = field->text == nullptr;
          slot->tts_values[i] = InputFunctionCall(
              &inputs->function[i], field->text == nullptr ? nullptr : converted(*field, inputs->encoding),
              inputs->parameter[i], TupleDescAttr(store->shape, i)->atttypmod);
        }
        ExecStoreVirtualTuple(slot);
        MemoryContextSwitchTo(outer);
        store_append(store, slot);
        ExecClearTuple(slot);
        MemoryContextReset(inputs->row);
      }
    });
  } catch (Error& error) {
    failed_ = inputs->done;
    if (error.column.empty() && inputs->column < inputs->columns) {
      error.column = out_.columns()[static_cast<std::size_t>(inputs->column)].name;
    }
    MemoryContextReset(inputs->row);
    throw;
  }
}

}  // namespace etl::pg
