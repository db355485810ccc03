#include <algorithm>

#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

static bool names_input(std::string_view query) {
  constexpr std::string_view kName = "input";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::search(query.begin(), query.end(), kName.begin(), kName.end(), same) != query.end();
}

// Each input stands under its id, a single one also as input. A WITH query that is named once is planned as a part of
// the whole; one that is named twice is computed once, so that no name is given that the query does not hold in any
// case.
static Rule compile_sql(const Call& call) {
  std::string with;
  for (const Input& input : call.inputs) {
    with += (with.empty() ? "WITH " : ", ") + quote_name(input.id) + " AS (SELECT * FROM " + input.from + ")";
  }
  const std::string query = text_or(call, "query", "");
  if (call.inputs.size() == 1 && names_input(query))
    with += ", " + quote_name("input") + " AS NOT MATERIALIZED (SELECT * FROM " + quote_name(call.inputs[0].id) + ")";
  return {.sql = with + " SELECT * FROM (" + query + "\n) AS _etl_step"};
}

extern const Transform kSql = {{"sql", model::Kind::kTransform,
                                "Any SELECT over its inputs, each under the id of its step; a single one also as "
                                "input. They hide tables of the same "
                                "name that are not qualified by a schema.",
                                R"({"type": "object", "properties": {
    "query": {"type": "string", "format": "query", "minLength": 1, "description": "one SELECT"}},
  "required": ["query"]})",
                                "The SELECT sees the rows of one batch.", "The SELECT sees all rows."},
                               1,
                               100,
                               compile_sql};

}  // namespace etl::transform
