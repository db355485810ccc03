#include "model/params.hpp"

#include <rapidjson/schema.h>

#include <algorithm>

#include "core/nearest.hpp"
#include "core/printable.hpp"

namespace etl::model {

namespace {

using json::Value;

const Value* member(const Value& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

const Value* property(const Value& schema, const char* name) {
  const Value* all = member(schema, "properties");
  return all == nullptr ? nullptr : member(*all, name);
}

void add(std::vector<Finding>& findings, const std::string& step, const std::string& message, std::string detail,
         std::string hint) {
  if (findings.size() >= kMaxFindings) return;
  findings.push_back(
      {"params", "error", "22023", "step \"" + step + "\": " + message, std::move(detail), std::move(hint), step});
}

std::string description_of(const Value& schema) {
  const Value* text = member(schema, "description");
  return text == nullptr ? json::write(schema) : std::string(json::text(*text));
}

void check_param(const std::string& step, const std::string& param, const Value& schema, const Value& value,
                 std::vector<Finding>& findings) {
  json::Document document;
  document.CopyFrom(schema, document.GetAllocator());
  const rapidjson::SchemaDocument wanted(document);
  rapidjson::SchemaValidator validator(wanted);
  if (value.Accept(validator)) return;
  add(findings, step, "param \"" + param + "\" cannot take this value",
      "It is " + printable(json::write(value), 200) + ".", "Give this: " + description_of(schema) + ".");
}

void walk(const Value& schema, const std::string& param, const Value& value, const Formatted& each) {
  if (value.IsString()) {
    const Value* format = member(schema, "format");
    if (format != nullptr) each(std::string(json::text(*format)), param, std::string(json::text(value)));
  } else if (value.IsArray()) {
    const Value* items = member(schema, "items");
    if (items == nullptr) return;
    for (const Value& item : value.GetArray()) walk(*items, param, item, each);
  } else if (value.IsObject()) {
    const Value* others = member(schema, "additionalProperties");
    for (const auto& m : value.GetObject()) {
      const std::string name(json::text(m.name));
      const Value* own = property(schema, name.c_str());
      if (own == nullptr && others != nullptr && others->IsObject()) own = others;
      if (own != nullptr) walk(*own, param.empty() ? name : param, m.value, each);
    }
  }
}

}  // namespace

void check_params(const std::string& step, std::string_view schema_text, const Value& params,
                  std::vector<Finding>& findings) {
  const json::Document schema = json::parse(schema_text, "a params schema");
  std::vector<std::string_view> known;
  if (const Value* all = member(schema, "properties")) {
    for (const auto& one : all->GetObject()) known.push_back(json::text(one.name));
  }
  if (!params.IsObject()) return add(findings, step, "params is no object", "It is " + json::write(params) + ".", {});
  for (const auto& param : params.GetObject()) {
    const std::string name(json::text(param.name));
    const Value* own = property(schema, name.c_str());
    if (own != nullptr) {
      check_param(step, name, *own, param.value, findings);
    } else {
      add(findings, step, "unknown param \"" + printable(name, 200) + "\"", {}, did_you_mean(name, known));
    }
  }
  const Value* required = member(schema, "required");
  if (required == nullptr) return;
  for (const Value& name : required->GetArray()) {
    if (params.HasMember(name)) continue;
    const std::string text(json::text(name));
    add(findings, step, "param \"" + text + "\" is missing", {},
        "Give this: " + description_of(*property(schema, text.c_str())) + ".");
  }
}

void each_formatted(std::string_view schema, const Value& params, const Formatted& each) {
  walk(json::parse(schema, "a params schema"), "", params, each);
}

}  // namespace etl::model
