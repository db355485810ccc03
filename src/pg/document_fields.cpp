#include "pg/document.hpp"
#include "pg/guard.hpp"
#include "pg/json_value.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace etl::pg {

namespace {

constexpr int kMaxDepth = 15;  // the engines take 20 levels of objects

struct Attribute {
  const char* name;
  Oid type;
};

struct Shape {
  int count;
  Attribute* attribute;
};

struct Described {
  JsonKind kind;
  Oid base;
  bool is_string;
  Shape shape;
};

// C only. Arrays as their elements: a mapping knows no arrays.
Described describe(Oid type) {
  JsonRules rules{CurrentMemoryContext, nullptr};
  const JsonRule* rule = json_rule(&rules, type);
  while (rule->kind == JsonKind::kArray) rule = rule->element;
  char category;
  bool preferred;
  get_type_category_preferred(rule->base, &category, &preferred);
  Described described{rule->kind, rule->base, category == TYPCATEGORY_STRING, {0, nullptr}};
  if (rule->kind != JsonKind::kComposite || rule->base == RECORDOID) return described;
  TupleDesc shape = lookup_rowtype_tupdesc(rule->base, -1);
  described.shape.attribute =
      static_cast<Attribute*>(palloc(sizeof(Attribute) * static_cast<std::size_t>(shape->natts + 1)));
  for (int i = 0; i < shape->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(shape, i);
    if (attribute->attisdropped) continue;
    described.shape.attribute[described.shape.count++] = {pstrdup(NameStr(attribute->attname)), attribute->atttypid};
  }
  ReleaseTupleDesc(shape);
  return described;
}

const char* kind_name(const Described& described) {
  switch (described.kind) {
    case JsonKind::kBool:
      return "boolean";
    case JsonKind::kInt2:
      return "int2";
    case JsonKind::kInt4:
      return "int4";
    case JsonKind::kInt8:
      return "int8";
    case JsonKind::kFloat4:
      return "float4";
    case JsonKind::kFloat8:
      return "float8";
    case JsonKind::kNumeric:
      return "numeric";
    case JsonKind::kText:
    case JsonKind::kPaddedText:
      return "text";
    case JsonKind::kDateTime:
      return described.base == DATEOID ? "date" : described.base == TIMESTAMPOID ? "timestamp" : "timestamptz";
    case JsonKind::kJson:
    case JsonKind::kJsonb:
    case JsonKind::kCastToJson:
      return "json";
    case JsonKind::kBytea:
      return "bytea";
    case JsonKind::kComposite:
      return described.shape.count > 0 ? "object" : "json";
    case JsonKind::kOutput:
      return described.is_string ? "text" : "keyword";
    default:
      return "keyword";
  }
}

DocumentField make_field(const std::string& name, Oid type, int depth) {
  const Described described = call([&] { return describe(type); });
  DocumentField field{name, kind_name(described), {}};
  if (field.kind != "object") return field;
  if (depth >= kMaxDepth) {
    field.kind = "json";
    return field;
  }
  for (int i = 0; i < described.shape.count; ++i) {
    const Attribute& attribute = described.shape.attribute[i];
    field.children.push_back(make_field(attribute.name, attribute.type, depth + 1));
  }
  return field;
}

}  // namespace

std::vector<DocumentField> document_fields(const std::vector<Column>& columns) {
  std::vector<DocumentField> fields;
  for (const Column& column : columns) fields.push_back(make_field(column.name, column.type, 0));
  return fields;
}

}  // namespace etl::pg
