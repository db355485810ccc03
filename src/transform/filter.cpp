#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_filter(const Call& call) {
  const Input& input = call.inputs[0];
  return {.sql = "SELECT " + all_columns(input) + " FROM " + input.from + " WHERE (" + text_or(call, "where", "true") +
                 "\n)"};
}

extern const Transform kFilter = {{"filter", model::Kind::kTransform, "Keeps the rows for which an expression is true.",
                                   R"({"type": "object", "properties": {
    "where": {"type": "string", "format": "expression", "minLength": 1,
              "description": "an SQL expression over the input's columns"}},
  "required": ["where"]})"},
                                  1,
                                  1,
                                  compile_filter};

}  // namespace etl::transform
