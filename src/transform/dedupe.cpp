#include "core/quote.hpp"
#include "transform/columns.hpp"
#include "transform/order.hpp"

namespace etl::transform {

// DISTINCT ON finds keys equal as their type's btree operators do, and NULL equal to NULL.
static Rule compile_dedupe(const Call& call) {
  const Input& input = call.inputs[0];
  std::string keys;
  for (const Column& key : chosen_columns(call, "keys", input)) {
    keys += (keys.empty() ? "" : ", ") + qualified(input, key.name);
  }
  const std::string order =
      order_list(read_order(call, "order_by", input), input, text_or(call, "keep", "first") == "last");
  const std::string rows = "(SELECT pg_catalog.count(*) FROM ";
  return {.sql = "SELECT DISTINCT ON (" + keys + ") " + all_columns(input) + " FROM " + input.from + " ORDER BY " +
                 keys + (order.empty() ? "" : ", " + order),
          .figures = "SELECT " + rows + quote_name(input.id) + ") OPERATOR(pg_catalog.-) " + rows +
                     "\"output\") AS duplicates_removed"};
}

extern const Transform kDedupe = {
    {"dedupe", model::Kind::kTransform,
     "Keeps one of the rows that have the same keys: the first or the last in an order. Without an order, and among "
     "rows that are equal in it, it is not defined which. NULL keys are equal to each other.",
     R"({"type": "object", "properties": {
    "keys": {"type": "array", "items": {"type": "string"}, "minItems": 1,
             "description": "a list of columns; all when it is absent"},
    "order_by": {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1,
                 "description": "a column or a list of columns, with desc behind it if need be"},
    "keep": {"enum": ["first", "last"], "default": "first", "description": "first or last"}}})",
     "Duplicates are found within one batch; what an earlier one has brought is for the sink's keys.",
     "Duplicates are found among all rows."},
    1,
    1,
    compile_dedupe};

}  // namespace etl::transform
