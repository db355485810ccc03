#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

namespace {

// The functions for json or for jsonb: neither is cast to the other, which would not take every text.
std::string want_json(const Column& column) {
  if (column.bare_type.ends_with("jsonb")) return "pg_catalog.jsonb_";
  if (column.bare_type.ends_with("json")) return "pg_catalog.json_";
  throw Error("42804", "column \"" + column.name + "\" is neither json nor jsonb", "It is of type " + column.type + ".",
              "Name another column, or cast it before with operator cast.");
}

std::string is_kind(const std::string& json, const std::string& value, const char* kind) {
  return json + "typeof(" + value + ") OPERATOR(pg_catalog.=) '" + kind + "'";
}

// An array stands for its elements, an object for itself, null for nothing as NULL does.
std::string elements_of(const std::string& json, const std::string& value) {
  return json + "array_elements(CASE WHEN " + is_kind(json, value, "array") + " THEN " + value + " WHEN " +
         is_kind(json, value, "null") + " THEN '[]' WHEN " + value + " IS NOT NULL THEN " + json + "build_array(" +
         value + ") END)";
}

// An element that is no object is a record of the only column, if there is but one; null is a record of NULLs.
std::string record_of(const std::string& json, const std::string& element, const std::string& only_column) {
  std::string record = "CASE WHEN " + is_kind(json, element, "null") + " THEN '{}'";
  if (!only_column.empty()) {
    record += " WHEN " + json + "typeof(" + element + ") OPERATOR(pg_catalog.<>) 'object' THEN " + json +
              "build_object(" + literal(only_column, "pg_catalog.text") + ", " + element + ")";
  }
  return json + "to_record(" + record + " ELSE " + element + " END)";
}

Rule compile_unnest_json(const Call& call) {
  const Input& input = call.inputs[0];
  const Column& column = want_column(input, text_or(call, "column", ""));
  const std::string json = want_json(column);
  const auto columns = text_map(call, "columns");
  std::string list, definition;
  std::vector<std::string> names;
  for (const Column& other : input.columns) {
    if (other.name == column.name) continue;
    list += (list.empty() ? "" : ", ") + qualified(input, other.name);
    names.push_back(other.name);
  }
  for (const auto& [name, type] : columns) {
    list += (list.empty() ? "" : ", ") + ("\"_etl_record\"." + quote_name(name));
    definition += (definition.empty() ? "" : ", ") + quote_name(name) + " " + type;
    names.push_back(name);
  }
  want_unique(names);
  const std::string only_column = columns.size() == 1 ? columns[0].first : "";
  return {
      .sql = "SELECT " + list + " FROM " + input.from + " CROSS JOIN LATERAL " +
             elements_of(json, qualified(input, column.name)) + " AS \"_etl_element\" (\"value\") CROSS JOIN LATERAL " +
             record_of(json, "\"_etl_element\".\"value\"", only_column) + " AS \"_etl_record\" (" + definition + ")"};
}

}  // namespace

extern const Transform kUnnestJson = {{"unnest_json", model::Kind::kTransform,
                                       "One row for each element of an array in a json or jsonb column, with the "
                                       "input's other columns; the column itself "
                                       "is left out. An object is an array of itself; NULL, null and an empty array "
                                       "give no row. The fields of an element "
                                       "are read by name, as jsonb_to_record does: one that is missing is NULL. "
                                       "Elements that are no objects are the value "
                                       "of the column, if just one is named, else an error.",
                                       R"({"type": "object", "properties": {
    "column": {"type": "string", "description": "a column of type json or jsonb"},
    "columns": {"type": "object", "additionalProperties": {"type": "string", "format": "type"}, "minProperties": 1,
                "description": "an object {field of an element: name of a type}"}},
  "required": ["column", "columns"]})"},
                                      1,
                                      1,
                                      compile_unnest_json};

}  // namespace etl::transform
