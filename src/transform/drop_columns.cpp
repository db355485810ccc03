#include <algorithm>

#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_drop_columns(const Call& call) {
  const Input& input = call.inputs[0];
  const std::vector<std::string> dropped = *column_list(call, "columns", input);
  std::string kept;
  for (const Column& column : input.columns) {
    if (std::find(dropped.begin(), dropped.end(), column.name) != dropped.end()) continue;
    kept += (kept.empty() ? "" : ", ") + qualified(input, column.name);
  }
  if (kept.empty()) throw Error("22023", "no column is left", {}, "Drop one column less.");
  return {.sql = "SELECT " + kept + " FROM " + input.from};
}

extern const Transform kDropColumns = {{"drop_columns", model::Kind::kTransform, "Leaves columns out.",
                                        R"({"type": "object", "properties": {
    "columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                "description": "a list of the columns to leave out"}},
  "required": ["columns"]})"},
                                       1,
                                       1,
                                       compile_drop_columns};

}  // namespace etl::transform
