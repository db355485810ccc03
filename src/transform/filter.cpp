#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_filter(const Call& call) {
  const Input& input = call.inputs[0];
  const std::string rows = "(SELECT pg_catalog.count(*) FROM ";
  return {.sql = "SELECT " + all_columns(input) + " FROM " + input.from + " WHERE (" + text_or(call, "where", "true") +
                 "\n)",
          .figures = "SELECT " + rows + quote_name(input.id) + ") OPERATOR(pg_catalog.-) " + rows +
                     "\"output\") AS rows_removed"};
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
