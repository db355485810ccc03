#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_aggregate(const Call& call) {
  const Input& input = call.inputs[0];
  std::vector<std::string> names = column_list(call, "group_by", input).value_or(std::vector<std::string>());
  std::string groups;
  for (const std::string& name : names) groups += (groups.empty() ? "" : ", ") + qualified(input, name);
  std::string list = groups;
  for (const auto& [name, expression] : text_map(call, "columns")) {
    list += (list.empty() ? "(" : ", (") + expression + "\n) AS " + quote_name(name);
    names.push_back(name);
  }
  want_unique(names);
  return {.sql = "SELECT " + list + " FROM " + input.from + (groups.empty() ? "" : " GROUP BY " + groups)};
}

extern const Transform kAggregate = {
    {"aggregate", model::Kind::kTransform,
     "One row for each group: the columns that it is grouped by, then the computed ones. Without group_by all rows "
     "are one group, also when there are none.",
     R"({"type": "object", "properties": {
    "group_by": {"type": "array", "items": {"type": "string"}, "description": "a list of columns"},
    "columns": {"type": "object", "additionalProperties": {"type": "string", "format": "expression"},
                "minProperties": 1,
                "description": "an object {column: SQL expression with aggregates, as in sum(amount)}"}},
  "required": ["columns"]})",
     "A group is made of the rows of one batch: group by what no later batch comes back to.",
     "A group has all its rows."},
    1,
    1,
    compile_aggregate};

}  // namespace etl::transform
