#include <map>

#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_cast(const Call& call) {
  const Input& input = call.inputs[0];
  std::map<std::string, std::string> cast;
  for (const auto& [name, type] : text_map(call, "columns")) {
    cast[want_column(input, name).name] = "CAST(" + qualified(input, name) + " AS " + type + ")";
  }
  return {.sql = "SELECT " + all_columns(input, cast) + " FROM " + input.from};
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
