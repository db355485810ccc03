#include "pg/json_value.hpp"

extern "C" {
#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "common/shortest_dec.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"
}

namespace etl::pg {

namespace {

constexpr std::size_t kMaxNumberBytes = 1000;  // of a JSON number that both engines take

JsonKind plain_kind(Oid base) {
  switch (base) {
    case BOOLOID:
      return JsonKind::kBool;
    case INT2OID:
      return JsonKind::kInt2;
    case INT4OID:
      return JsonKind::kInt4;
    case INT8OID:
      return JsonKind::kInt8;
    case FLOAT4OID:
      return JsonKind::kFloat4;
    case FLOAT8OID:
      return JsonKind::kFloat8;
    case NUMERICOID:
      return JsonKind::kNumeric;
    case TEXTOID:
    case VARCHAROID:
      return JsonKind::kText;
    case BPCHAROID:
      return JsonKind::kPaddedText;
    case NAMEOID:
      return JsonKind::kName;
    case UUIDOID:
      return JsonKind::kUuid;
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
      return JsonKind::kDateTime;
    case JSONOID:
      return JsonKind::kJson;
    case JSONBOID:
      return JsonKind::kJsonb;
    case BYTEAOID:
      return JsonKind::kBytea;
    default:
      return JsonKind::kOutput;
  }
}

// A type that brings a cast to json (hstore) is written by it, as to_json does.
bool has_json_cast(Oid base, Oid* function) {
  return base >= FirstNormalObjectId &&
         find_coercion_pathway(JSONOID, base, COERCION_EXPLICIT, function) == COERCION_PATH_FUNC &&
         OidIsValid(*function);
}

void decide(JsonRules* rules, JsonRule* rule) {
  Oid function = InvalidOid;
  rule->base = getBaseType(rule->type);
  rule->kind = plain_kind(rule->base);
  getTypeOutputInfo(rule->base, &function, &rule->varlena);
  fmgr_info_cxt(function, &rule->output, rules->memory);
  if (rule->kind != JsonKind::kOutput) return;
  const Oid element = get_element_type(rule->base);
  if (OidIsValid(element)) {
    rule->kind = JsonKind::kArray;
    get_typlenbyvalalign(element, &rule->element_length, &rule->element_by_value, &rule->element_align);
    rule->element = json_rule(rules, element);
  } else if (type_is_rowtype(rule->base)) {
    rule->kind = JsonKind::kComposite;
  } else if (has_json_cast(rule->base, &function)) {
    rule->kind = JsonKind::kCastToJson;
    fmgr_info_cxt(function, &rule->cast, rules->memory);
  }
}

void write_int(Bytes* out, std::int64_t value) {
  out->size += static_cast<std::size_t>(pg_lltoa(value, reserve(out, 24)));
}

void write_float8(JsonWriter* writer, double value) {
  char text[DOUBLE_SHORTEST_DECIMAL_LEN];
  write_number(writer, text, static_cast<std::size_t>(double_to_shortest_decimal_buf(value, text)));
}

void write_float4(JsonWriter* writer, float value) {
  char text[FLOAT_SHORTEST_DECIMAL_LEN];
  write_number(writer, text, static_cast<std::size_t>(float_to_shortest_decimal_buf(value, text)));
}

void write_dimension(JsonWriter* writer, JsonRules* rules, const JsonRule* element, const int* sizes, int dimensions,
                     const Datum* values, const bool* nulls, int* at) {
  append(writer->out, '[');
  for (int i = 0; i < sizes[0] && writer->fault == RowFault::kNone; ++i) {
    if (i > 0) append(writer->out, ',');
    if (dimensions > 1) {
      write_dimension(writer, rules, element, sizes + 1, dimensions - 1, values, nulls, at);
    } else if (nulls[*at]) {
      append(writer->out, "null");
      ++*at;
    } else {
      write_value(writer, rules, element, values[(*at)++]);
    }
    if (writer->out->size > writer->stop_at) writer->fault = RowFault::kTooLarge;
  }
  append(writer->out, ']');
}

void write_array(JsonWriter* writer, JsonRules* rules, const JsonRule* rule, Datum value) {
  ArrayType* array = DatumGetArrayTypeP(value);
  if (ARR_NDIM(array) == 0) {
    append(writer->out, "[]");
    return;
  }
  Datum* values;
  bool* nulls;
  int count;
  int at = 0;
  deconstruct_array(array, ARR_ELEMTYPE(array), rule->element_length, rule->element_by_value, rule->element_align,
                    &values, &nulls, &count);
  write_dimension(writer, rules, rule->element, ARR_DIMS(array), ARR_NDIM(array), values, nulls, &at);
}

void write_composite(JsonWriter* writer, JsonRules* rules, Datum value) {
  HeapTupleHeader header = DatumGetHeapTupleHeader(value);
  TupleDesc shape = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
  HeapTupleData tuple;
  tuple.t_len = HeapTupleHeaderGetDatumLength(header);
  ItemPointerSetInvalid(&tuple.t_self);
  tuple.t_tableOid = InvalidOid;
  tuple.t_data = header;
  char separator = '{';
  for (int i = 0; i < shape->natts && writer->fault == RowFault::kNone; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(shape, i);
    if (attribute->attisdropped) continue;
    append(writer->out, separator);
    separator = ',';
    write_string(writer, NameStr(attribute->attname), std::strlen(NameStr(attribute->attname)));
    append(writer->out, ':');
    bool null;
    const Datum field = heap_getattr(&tuple, i + 1, shape, &null);
    if (null) {
      append(writer->out, "null");
    } else {
      write_value(writer, rules, json_rule(rules, attribute->atttypid), field);
    }
  }
  if (separator == '{') append(writer->out, '{');
  append(writer->out, '}');
  ReleaseTupleDesc(shape);
}

const char* packed(Datum value, std::size_t* length) {
  text* plain = DatumGetTextPP(value);
  *length = VARSIZE_ANY_EXHDR(plain);
  return VARDATA_ANY(plain);
}

// A value whose packed size alone is over the limit is not even unpacked.
bool is_too_large(JsonWriter* writer, Datum value) {
  if (toast_raw_datum_size(value) <= writer->limit) return false;
  writer->fault = RowFault::kTooLarge;
  return true;
}

void write_unpacked(JsonWriter* writer, JsonRules* rules, const JsonRule* rule, Datum value) {
  if (is_too_large(writer, value)) return;
  std::size_t length;
  const char* text;
  switch (rule->kind) {
    case JsonKind::kArray:
      return write_array(writer, rules, rule, value);
    case JsonKind::kComposite:
      return write_composite(writer, rules, value);
    case JsonKind::kJsonb: {
      Jsonb* jsonb = DatumGetJsonbP(value);
      text = JsonbToCString(nullptr, &jsonb->root, VARSIZE(jsonb));
      return write_json(writer, text, std::strlen(text));
    }
    case JsonKind::kJson:
      text = packed(value, &length);
      return write_json(writer, text, length);
    case JsonKind::kBytea:
      text = packed(value, &length);
      return write_base64(writer, text, length);
    default:
      text = packed(value, &length);
      return write_string(writer, text, length);
  }
}

}  // namespace

JsonRule* json_rule(JsonRules* rules, Oid type) {
  for (JsonRule* rule = rules->first; rule != nullptr; rule = rule->next) {
    if (rule->type == type) return rule;
  }
  auto* rule = static_cast<JsonRule*>(MemoryContextAllocZero(rules->memory, sizeof(JsonRule)));
  rule->type = type;
  decide(rules, rule);
  rule->next = rules->first;
  rules->first = rule;
  return rule;
}

void write_value(JsonWriter* writer, JsonRules* rules, const JsonRule* rule, Datum value) {
  check_stack_depth();
  Bytes* out = writer->out;
  switch (rule->kind) {
    case JsonKind::kBool:
      return DatumGetBool(value) ? append(out, "true") : append(out, "false");
    case JsonKind::kInt2:
      return write_int(out, DatumGetInt16(value));
    case JsonKind::kInt4:
      return write_int(out, DatumGetInt32(value));
    case JsonKind::kInt8:
      return write_int(out, DatumGetInt64(value));
    case JsonKind::kFloat4:
      return write_float4(writer, DatumGetFloat4(value));
    case JsonKind::kFloat8:
      return write_float8(writer, DatumGetFloat8(value));
    case JsonKind::kDateTime:
      return write_date_time(writer, value, rule->base);
    case JsonKind::kName: {
      const char* name = NameStr(*DatumGetName(value));
      return write_string(writer, name, std::strlen(name));
    }
    case JsonKind::kUuid:
      append(out, '"');
      write_uuid(out, DatumGetUUIDP(value)->data);
      return append(out, '"');
    case JsonKind::kNumeric: {
      const char* text = DatumGetCString(DirectFunctionCall1(numeric_out, value));
      const std::size_t length = std::strlen(text);
      return length > kMaxNumberBytes ? write_quoted(out, text, length) : write_number(writer, text, length);
    }
    case JsonKind::kOutput: {
      if (rule->varlena && is_too_large(writer, value)) return;
      const char* text = OutputFunctionCall(const_cast<FmgrInfo*>(&rule->output), value);
      return write_string(writer, text, std::strlen(text));
    }
    case JsonKind::kCastToJson: {
      std::size_t length;
      const char* text = packed(FunctionCall1(const_cast<FmgrInfo*>(&rule->cast), value), &length);
      return write_json(writer, text, length);
    }
    default:
      return write_unpacked(writer, rules, rule, value);
  }
}

namespace {

// '%' and ':' as %25 and %3A, so that keys joined by ':' stay apart.
void append_escaped(Bytes* out, const char* text, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    if (text[i] == '%') {
      append(out, "%25");
    } else if (text[i] == ':') {
      append(out, "%3A");
    } else {
      append(out, text[i]);
    }
  }
}

}  // namespace

void write_key_text(JsonWriter* writer, const JsonRule* rule, Datum value, bool escape) {
  Bytes* out = writer->out;
  const char* text;
  std::size_t length;
  switch (rule->kind) {
    case JsonKind::kInt2:
      return write_int(out, DatumGetInt16(value));
    case JsonKind::kInt4:
      return write_int(out, DatumGetInt32(value));
    case JsonKind::kInt8:
      return write_int(out, DatumGetInt64(value));
    case JsonKind::kBool:
      return DatumGetBool(value) ? append(out, "true") : append(out, "false");
    case JsonKind::kUuid:
      return write_uuid(out, DatumGetUUIDP(value)->data);
    case JsonKind::kText:
    case JsonKind::kPaddedText:
      if (is_too_large(writer, value)) return;
      text = packed(value, &length);
      break;
    default:
      if (rule->varlena && is_too_large(writer, value)) return;
      text = OutputFunctionCall(const_cast<FmgrInfo*>(&rule->output), value);
      length = std::strlen(text);
  }
  if (rule->kind == JsonKind::kPaddedText) {
    while (length > 0 && text[length - 1] == ' ') --length;  // as its cast to text does: they are no part of the value
  }
  if (escape) {
    append_escaped(out, text, length);
  } else {
    append(out, text, length);
  }
}

}  // namespace etl::pg
