#include <map>

#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_cast(const Call& call) {
  const Input& input = call.inputs[0];
  std::map<std::string, std::string> types;
  for (const auto& [name, type] : text_map(call, "columns")) types[want_column(input, name).name] = type;
  std::string list;
  for (const Column& column : input.columns) {
    const std::string value = qualified(input, column.name);
    const auto found = types.find(column.name);
    list +=
        (list.empty() ? "" : ", ") +
        (found == types.end() ? value : "CAST(" + value + " AS " + found->second + ") AS " + quote_name(column.name));
  }
  return {.sql = "SELECT " + list + " FROM " + input.from};
}

extern const Transform kCast = {{"cast", model::Kind::kTransform,
                                 "Casts columns to other types, as CAST does: a value that does not fit is an error.",
                                 R"({"type": "object", "properties": {
    "columns": {"type": "object", "additionalProperties": {"type": "string", "format": "type"}, "minProperties": 1,
                "description": "an object {column: name of a type}"}},
  "required": ["columns"]})"},
                                1,
                                1,
                                compile_cast};

}  // namespace etl::transform
