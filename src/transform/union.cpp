#include "transform/union.hpp"

#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

namespace {

// The first input that has a column says where it stands.
std::vector<Column> united_columns(const std::vector<Input>& inputs) {
  Input all;
  for (const Input& input : inputs) {
    for (const Column& column : input.columns) {
      if (find_column(all, column.name) == nullptr) all.columns.push_back(column);
    }
  }
  return all.columns;
}

Rule compile_union(const Call& call) {
  return {.sql = union_sql(call.inputs, !json::flag_member(call.params, "all", true))};
}

}  // namespace

std::string union_sql(const std::vector<Input>& inputs, bool distinct) {
  const std::vector<Column> columns = united_columns(inputs);
  std::string sql;
  for (const Input& input : inputs) {
    std::string list;
    for (const Column& column : columns) {
      list += (list.empty() ? "" : ", ") + (find_column(input, column.name) != nullptr
                                                ? qualified(input, column.name)
                                                : "CAST(NULL AS " + column.type + ") AS " + quote_name(column.name));
    }
    sql += (sql.empty() ? "SELECT "
            : distinct  ? "\nUNION SELECT "
                        : "\nUNION ALL SELECT ") +
           list + " FROM " + input.from;
  }
  return sql;
}

extern const Transform kUnion = {
    {"union", model::Kind::kTransform,
     "The rows of all inputs, columns matched by name; one that an input lacks is NULL there. Types of one name "
     "must go together as in SQL's UNION.",
     R"({"type": "object", "properties": {
    "all": {"type": "boolean", "default": true,
            "description": "true for all rows, false for each row once, where NULL is equal to NULL"}}})",
     "The rows of one batch, and with each batch all rows of the inputs that are not read incrementally.",
     "All rows of all inputs."},
    2,
    100,
    compile_union};

}  // namespace etl::transform
