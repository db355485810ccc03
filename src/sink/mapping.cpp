#include "sink/mapping.hpp"

#include <iterator>

#include "core/json.hpp"

namespace etl::sink {

namespace {

using json::Document;
using json::Value;
using Allocator = Document::AllocatorType;

struct Rule {
  std::string_view kind;
  const char* mapping;
};

constexpr Rule kRules[] = {
    {"boolean", R"({"type":"boolean"})"},
    {"bytea", R"({"type":"binary"})"},
    {"date", R"({"type":"date","ignore_malformed":true})"},
    {"float4", R"({"type":"float","ignore_malformed":true})"},
    {"float8", R"({"type":"double","ignore_malformed":true})"},
    {"int2", R"({"type":"integer"})"},
    {"int4", R"({"type":"integer"})"},
    {"int8", R"({"type":"long"})"},
    {"json", R"({"type":"object","enabled":false})"},
    {"keyword", R"({"type":"keyword","ignore_above":8191})"},
    {"numeric", R"({"type":"double","ignore_malformed":true})"},
    {"object", R"({"type":"object"})"},
    {"text", R"({"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}})"},
    {"timestamp", R"({"type":"date","ignore_malformed":true})"},
    {"timestamptz", R"({"type":"date","ignore_malformed":true})"},
};

Value text_value(std::string_view text, Allocator& memory) {
  return Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), memory);
}

Value properties_of(const std::vector<MappedField>& fields, Allocator& memory);

Value mapping_of(const MappedField& field, Allocator& memory) {
  for (const Rule& rule : kRules) {
    if (rule.kind != field.kind) continue;
    Document own;
    own.Parse(rule.mapping);
    Value mapping(own, memory);
    if (field.kind == "object") mapping.AddMember("properties", properties_of(field.children, memory), memory);
    return mapping;
  }
  throw Error("XX000", "a column of kind \"" + field.kind + "\" has no mapping");
}

Value properties_of(const std::vector<MappedField>& fields, Allocator& memory) {
  Value properties(rapidjson::kObjectType);
  for (const MappedField& field : fields) {
    Value name = text_value(field.name, memory);
    properties.AddMember(name, mapping_of(field, memory), memory);
  }
  return properties;
}

void set_member(Value& object, const Value& name, const Value& value, Allocator& memory) {
  if (object.HasMember(name)) {
    object[name].CopyFrom(value, memory);
  } else {
    object.AddMember(Value(name, memory), Value(value, memory), memory);
  }
}

Document read_option(std::string_view text, const char* option) {
  Document document = json::parse(text, "option \"" + std::string(option) + "\"");
  if (!document.IsObject()) {
    throw Error("22023", "option \"" + std::string(option) + "\" must be a JSON object",
                "It is " + json::write(document) + ".", "Write it in braces.");
  }
  return document;
}

void lay_over(Value& mappings, const Document& own, Allocator& memory) {
  for (const auto& member : own.GetObject()) {
    // "properties" may be there twice, and what was first laid there not an object.
    if (json::text(member.name) != "properties" || !member.value.IsObject() || !mappings["properties"].IsObject()) {
      set_member(mappings, member.name, member.value, memory);
      continue;
    }
    for (const auto& property : member.value.GetObject()) {
      set_member(mappings["properties"], property.name, property.value, memory);
    }
  }
}

}  // namespace

std::string index_body(const std::vector<MappedField>& fields, std::string_view settings, std::string_view mappings) {
  Document body(rapidjson::kObjectType);
  Allocator& memory = body.GetAllocator();
  Value derived(rapidjson::kObjectType);
  derived.AddMember("properties", properties_of(fields, memory), memory);
  if (!mappings.empty()) lay_over(derived, read_option(mappings, "index_mappings"), memory);
  if (!settings.empty()) {
    body.AddMember("settings", Value(read_option(settings, "index_settings"), memory), memory);
  }
  body.AddMember("mappings", derived, memory);
  return json::write(body);
}

}  // namespace etl::sink
