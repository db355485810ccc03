#include <map>

#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_rename_columns(const Call& call) {
  const Input& input = call.inputs[0];
  std::map<std::string, std::string> renamed;
  for (const auto& [from, to] : text_map(call, "columns")) renamed[want_column(input, from).name] = to;
  std::string list;
  std::vector<std::string> names;
  for (const Column& column : input.columns) {
    const auto found = renamed.find(column.name);
    names.push_back(found == renamed.end() ? column.name : found->second);
    list += (list.empty() ? "" : ", ") + qualified(input, column.name) + " AS " + quote_name(names.back());
  }
  want_unique(names);
  return {.sql = "SELECT " + list + " FROM " + input.from};
}

extern const Transform kRenameColumns = {
    {"rename_columns", model::Kind::kTransform, "Gives columns other names; their places stay.",
     R"({"type": "object", "properties": {
    "columns": {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}, "minProperties": 1,
                "description": "an object {old name: new name}"}},
  "required": ["columns"]})"},
    1,
    1,
    compile_rename_columns};

}  // namespace etl::transform
