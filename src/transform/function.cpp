#include "transform/function.hpp"

#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

namespace {

Rule compile_function(const Call& call) {
  const Input& input = call.inputs[0];
  const Function function = call.look_up_function(text_or(call, "function", ""));
  if (function.of_array) return call_with_rows(call, function, {});
  return {.sql = "SELECT \"_etl_output\".* FROM " + input.from + " CROSS JOIN LATERAL " + function.name + "(" +
                 row_of(input, function) + ") AS \"_etl_output\""};
}

}  // namespace

std::string row_of(const Input& input, const Function& function) {
  std::string values;
  for (const std::string& name : function.columns) {
    if (find_column(input, name) == nullptr) {
      throw Error("42703", "the input has no column \"" + name + "\", which function " + function.name + " takes",
                  "It is a column of type " + function.argument + ".",
                  "Add it in a step before, or rename one that step \"" + input.id + "\" gives.");
    }
    values += (values.empty() ? "" : ", ") + qualified(input, name);
  }
  return "CAST(ROW(" + values + ") AS " + function.argument + ")";
}

Rule call_with_rows(const Call& call, const Function& function, const std::string& params) {
  const Input& input = call.inputs[0];
  const std::string number = "(pg_catalog.row_number() OVER () OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog./) " +
                             std::to_string(call.batch_size);
  return {.sql =
              "SELECT \"_etl_output\".* FROM (SELECT pg_catalog.array_agg(\"_etl_rows\".\"row\") AS \"rows\" FROM "
              "(SELECT " +
              row_of(input, function) + " AS \"row\", " + number + " AS \"batch\" FROM " + input.from +
              ") AS \"_etl_rows\" GROUP BY \"_etl_rows\".\"batch\") AS \"_etl_batch\" CROSS JOIN LATERAL " +
              function.name + "(\"_etl_batch\".\"rows\"" + (params.empty() ? "" : ", " + params) +
              ") AS \"_etl_output\""};
}

extern const Transform kFunction = {
    {"function", model::Kind::kTransform,
     "What a function of any language returns: one on the allow-list (etl.allow_function) with one argument, a "
     "composite type or an array of one, that returns rows, as a set or not. The input's columns go into the "
     "composite by name; others are left out. An array takes batch_size rows with each call, in no particular "
     "order. A row function that returns NULL and no set gives a row of NULLs.",
     R"({"type": "object", "properties": {
    "function": {"type": "string", "format": "function", "minLength": 1,
                 "description": "a function by name and type of its argument, app.score(app.row_in[]) for instance"}},
  "required": ["function"]})",
     "A function of an array is called with the rows of a batch; where a step before it multiplies them, with "
     "batch_size at a time.",
     "A function of an array is called once for each batch_size rows."},
    1,
    1,
    compile_function};

}  // namespace etl::transform
