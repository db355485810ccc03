#include "transform/columns.hpp"

#include <algorithm>
#include <array>
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

std::vector<Column> chosen_columns(const Call& call, const char* param, const Input& input) {
  const auto names = column_list(call, param, input);
  if (!names) return input.columns;
  std::vector<Column> columns;
  for (const std::string& name : *names) columns.push_back(want_column(input, name));
  return columns;
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

bool has_param(const Call& call, const char* param) {
  return call.params.HasMember(param);
}

void want_param(const Call& call, const char* param, std::string hint) {
  if (!has_param(call, param))
    throw Error("22023", "param \"" + std::string(param) + "\" is missing", {}, std::move(hint));
}

void refuse_param(const Call& call, const char* param, std::string hint) {
  if (has_param(call, param))
    throw Error("22023", "param \"" + std::string(param) + "\" is of no use here", {}, std::move(hint));
}

std::string scalar_text(const json::Value& value) {
  if (value.IsString()) return std::string(json::text(value));
  std::string text = json::write(value);
  if (value.IsDouble() && text.ends_with(".0")) text.resize(text.size() - 2);  // an integer's input takes it, too
  return text;
}

std::string literal(std::string_view text, std::string_view type) {
  return "CAST(" + quote_literal(text) + " AS " + std::string(type) + ")";
}

template <std::size_t N>
static bool is_among(const std::array<std::string_view, N>& types, const Column& column) {
  return std::find(types.begin(), types.end(), column.bare_type) != types.end();
}

bool is_integer(const Column& column) {
  return is_among(std::array<std::string_view, 3>{"bigint", "integer", "smallint"}, column);
}

bool is_number(const Column& column) {
  return is_integer(column) || is_among(std::array<std::string_view, 3>{"double precision", "numeric", "real"}, column);
}

bool is_text(const Column& column) {
  return is_among(std::array<std::string_view, 3>{"character varying", "pg_catalog.bpchar", "pg_catalog.text"}, column);
}

std::string is_null(const Input& input, std::string_view column) {
  return qualified(input, column) + " IS NOT DISTINCT FROM NULL";
}

std::string is_not_null(const Input& input, std::string_view column) {
  return qualified(input, column) + " IS DISTINCT FROM NULL";
}

std::string text_for_pattern(const Column& column, const std::string& text) {
  return column.deterministic ? text : "(" + text + " COLLATE pg_catalog.\"default\")";
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
  return all_columns(input, {});
}

std::string all_columns(const Input& input, const std::map<std::string, std::string>& replaced) {
  std::string list;
  for (const Column& column : input.columns) {
    const auto found = replaced.find(column.name);
    list += (list.empty() ? "" : ", ") + (found == replaced.end() ? qualified(input, column.name)
                                                                  : found->second + " AS " + quote_name(column.name));
  }
  return list;
}

}  // namespace etl::transform
