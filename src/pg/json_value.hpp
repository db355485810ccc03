// The JSON rule of every PostgreSQL type, for pg/*.cpp: C only. The table is in pg/document.hpp.
#pragma once

#include "pg/json_text.hpp"

namespace etl::pg {

enum class JsonKind : std::uint8_t {
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kFloat4,
  kFloat8,
  kNumeric,
  kText,
  kPaddedText,
  kName,
  kUuid,
  kDateTime,
  kJson,
  kJsonb,
  kBytea,
  kArray,
  kComposite,
  kCastToJson,
  kOutput
};

// How one type is written; lives as long as the memory context it was made in.
struct JsonRule {
  Oid type;  // as asked for
  Oid base;  // below domains
  JsonKind kind;
  bool varlena;
  FmgrInfo output;    // the type's text
  FmgrInfo cast;      // kCastToJson
  JsonRule* element;  // kArray
  int16 element_length;
  bool element_by_value;
  char element_align;
  JsonRule* next;  // all rules of one encoder
};

struct JsonRules {
  MemoryContext memory;
  JsonRule* first;
};

// The rule of a type, looked up once.
JsonRule* json_rule(JsonRules* rules, Oid type);

// Writes a value that is not NULL. Allocates in the current memory context, which the caller resets.
void write_value(JsonWriter* writer, JsonRules* rules, const JsonRule* rule, Datum value);

// Writes the key's text into writer->out: what value::text gives, in UTC, UTF-8.
void write_key_text(JsonWriter* writer, const JsonRule* rule, Datum value, bool escape);

}  // namespace etl::pg
