#include <map>

#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_derive(const Call& call) {
  const Input& input = call.inputs[0];
  const auto derived = text_map(call, "columns");
  std::map<std::string, std::string> expressions(derived.begin(), derived.end());
  std::string list;
  auto add = [&](const std::string& value, const std::string& name) {
    list += (list.empty() ? "" : ", ") + value + " AS " + quote_name(name);
  };
  for (const Column& column : input.columns) {
    const auto found = expressions.find(column.name);
    if (found == expressions.end()) {
      add(qualified(input, column.name), column.name);
    } else {
      add("(" + found->second + "\n)", column.name);
    }
  }
  for (const auto& [name, expression] : derived) {
    if (find_column(input, name) == nullptr) add("(" + expression + "\n)", name);
  }
  return {.sql = "SELECT " + list + " FROM " + input.from};
}

extern const Transform kDerive = {{"derive", model::Kind::kTransform,
                                   "Computes columns from the input's: one of a name that is there replaces it, others "
                                   "follow the input's columns. Every "
                                   "expression sees the input's values, not those that another one computes; "
                                   "window functions are for operator sql.",
                                   R"({"type": "object", "properties": {
    "columns": {"type": "object", "additionalProperties": {"type": "string", "format": "row_expression"},
                "minProperties": 1, "description": "an object {column: SQL expression over the input's columns}"}},
  "required": ["columns"]})"},
                                  1,
                                  1,
                                  compile_derive};

}  // namespace etl::transform
