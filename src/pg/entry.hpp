// For entry files (api/, worker/ mains): how a SQL-callable function begins.
//
//   ETL_FUNCTION(etl_pause) {
//     return pg::boundary([&]() -> Datum { ... pg::text_argument(fcinfo, 0) ... });
//   }
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/guard.hpp"
#include "pg/headers.hpp"

#define ETL_FUNCTION(symbol)                                   \
  extern "C" {                                                 \
  PG_FUNCTION_INFO_V1(symbol);                                 \
  PGDLLEXPORT Datum symbol([[maybe_unused]] PG_FUNCTION_ARGS); \
  }                                                            \
  Datum symbol([[maybe_unused]] PG_FUNCTION_ARGS)

namespace etl::pg {

using Text = std::optional<std::string>;

bool is_bigint_argument(FunctionCallInfo fcinfo, int index);
// Arguments as text, through the type's output function; NULL is nullopt.
Text text_argument(FunctionCallInfo fcinfo, int index);
std::string required_argument(FunctionCallInfo fcinfo, int index, const char* name);  // NULL: 22004
std::optional<std::vector<std::string>> text_array_argument(FunctionCallInfo fcinfo,
                                                            int index);  // a NULL element: 22004
bool bool_argument(FunctionCallInfo fcinfo, int index, bool when_null);
long long_argument(FunctionCallInfo fcinfo, int index, long when_null);

Datum text_result(FunctionCallInfo fcinfo, const Text& value);
// A materialised result set: every value is read by its column's input function.
Datum rows_result(FunctionCallInfo fcinfo, const std::vector<std::vector<Text>>& rows);
// A composite result of one row.
Datum row_result(FunctionCallInfo fcinfo, const std::vector<Text>& values);

}  // namespace etl::pg
