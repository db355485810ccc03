#include "transform/columns.hpp"

#include <set>

#include "core/nearest.hpp"
#include "core/quote.hpp"

namespace etl::transform {

const Column* find_column(const Input& input, std::string_view name) {
  for (const Column& column : input.columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

const Column& want_column(const Input& input, std::string_view name) {
  if (const Column* column = find_column(input, name)) return *column;
  std::vector<std::string_view> names;
  for (const Column& column : input.columns) names.push_back(column.name);
  throw Error("42703", "column \"" + std::string(name) + "\" is not among the columns of step \"" + input.id + "\"", {},
              did_you_mean(name, names));
}

std::optional<std::vector<std::string>> column_list(const Call& call, const char* param, const Input& input) {
  const auto found = call.params.FindMember(param);
  if (found == call.params.MemberEnd()) return std::nullopt;
  std::vector<std::string> names;
  for (const json::Value& item : found->value.GetArray()) names.push_back(want_column(input, json::text(item)).name);
  want_unique(names);
  return names;
}

std::vector<std::pair<std::string, std::string>> text_map(const Call& call, const char* param) {
  std::vector<std::pair<std::string, std::string>> map;
  const auto found = call.params.FindMember(param);
  if (found == call.params.MemberEnd()) return map;
  for (const auto& member : found->value.GetObject()) {
    map.emplace_back(json::text(member.name), json::text(member.value));
  }
  return map;
}

std::string text_or(const Call& call, const char* param, std::string_view otherwise) {
  const auto found = call.params.FindMember(param);
  return std::string(found == call.params.MemberEnd() ? otherwise : json::text(found->value));
}

void want_unique(const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (seen.insert(name).second) continue;
    throw Error("42701", "column \"" + name + "\" comes twice", {}, "Name each column once.");
  }
}

std::string qualified(const Input& input, std::string_view column) {
  return quote_name(input.id) + "." + quote_name(column);
}

std::string all_columns(const Input& input) {
  std::string list;
  for (const Column& column : input.columns) list += (list.empty() ? "" : ", ") + qualified(input, column.name);
  return list;
}

}  // namespace etl::transform
