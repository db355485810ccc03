// Bounds are computed in double precision, of the finite values of a column; a value beyond them is an outlier, NULL
// and NaN never are.
//
// iqr: a threshold of 1.5 times the interquartile range beyond the quartiles, which are interpolated (percentile_cont,
// as numpy and pandas do). zscore: so many standard deviations from the mean, of the population, as scipy.stats.zscore
// has it (ddof = 0; pandas' std() divides by n - 1). In a column of one value only nothing is an outlier.
#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

namespace {

constexpr std::string_view kRows = "\"_etl_input\"";
constexpr std::string_view kBounds = "\"_etl_bounds\"";

std::string bound(const char* side, std::size_t i) {
  return std::string(kBounds) + "." + side + std::to_string(i);
}

std::string as_double(const Input& input, const Column& column) {
  return "CAST(" + qualified(input, column.name) + " AS pg_catalog.float8)";
}

// low and high of one column, over its rows.
std::string bounds_of(const std::string& value, const std::string& method, const std::string& threshold,
                      std::size_t i) {
  const std::string finite = " FILTER (WHERE " + value + " OPERATOR(pg_catalog.>) '-Infinity' AND " + value +
                             " OPERATOR(pg_catalog.<) 'Infinity')";
  auto quartile = [&](const char* fraction) {
    return "pg_catalog.percentile_cont(" + std::string(fraction) + ") WITHIN GROUP (ORDER BY " + value + ")" + finite;
  };
  auto aggregate = [&](const char* function) {
    return "pg_catalog." + std::string(function) + "(" + value + ")" + finite;
  };
  std::string low = aggregate("avg"), high = low, width = aggregate("stddev_pop");
  if (method == "iqr") {
    low = quartile("0.25");
    high = quartile("0.75");
    width = "(" + high + " OPERATOR(pg_catalog.-) " + low + ")";
  }
  width = "(" + width + " OPERATOR(pg_catalog.*) " + literal(threshold, "pg_catalog.float8") + ")";
  // What rounding makes of the mean of equal values is not always that value.
  const std::string only =
      method == "iqr" ? "" : "CASE WHEN " + aggregate("min") + " OPERATOR(pg_catalog.<) " + aggregate("max") + " THEN ";
  const std::string end = only.empty() ? "" : " END";
  const std::string n = std::to_string(i);
  return only + low + " OPERATOR(pg_catalog.-) " + width + end + " AS low" + n + ", " + only + high +
         " OPERATOR(pg_catalog.+) " + width + end + " AS high" + n;
}

struct Outliers {
  const Input& input;
  std::vector<Column> columns;
  std::string bounds;  // SELECT without FROM

  std::string is_low(std::size_t i) const {
    return as_double(input, columns[i]) + " OPERATOR(pg_catalog.<) " + bound("low", i);
  }
  std::string is_high(std::size_t i) const {
    const std::string value = as_double(input, columns[i]);
    return value + " OPERATOR(pg_catalog.>) " + bound("high", i) + " AND " + value +
           " OPERATOR(pg_catalog.<>) 'NaN'";  // which is above all
  }
  std::string is_outlier(std::size_t i) const { return "((" + is_low(i) + " OR " + is_high(i) + ") IS TRUE)"; }
  std::string is_any() const {
    std::string any;
    for (std::size_t i = 0; i < columns.size(); ++i) any += (any.empty() ? "" : " OR ") + is_outlier(i);
    return "(" + any + ")";
  }
  // The bound in the column's type; of integers, the last one within the two, or the nearest where there is none.
  std::string capped(std::size_t i) const {
    const Column& column = columns[i];
    const auto call = [](const char* function, const std::string& value) {
      return "pg_catalog." + std::string(function) + "(" + value + ")";
    };
    const std::string some =
        call("ceil", bound("low", i)) + " OPERATOR(pg_catalog.<=) " + call("floor", bound("high", i));
    const auto cast = [&](const char* function, const std::string& value) {
      const std::string within = !is_integer(column) ? value
                                                     : "CASE WHEN " + some + " THEN " + call(function, value) +
                                                           " ELSE " + call("round", value) + " END";
      return "CAST(" + within + " AS " + column.type + ")";
    };
    return "CASE WHEN " + is_low(i) + " THEN " + cast("ceil", bound("low", i)) + " WHEN " + is_high(i) + " THEN " +
           cast("floor", bound("high", i)) + " ELSE " + qualified(input, column.name) + " END";
  }
};

std::string figures_sql(const Outliers& outliers) {
  const std::string id = quote_name(outliers.input.id);
  std::string counts, names;
  for (std::size_t i = 0; i < outliers.columns.size(); ++i) {
    const std::string name = quote_name(outliers.columns[i].name);
    counts += ", pg_catalog.count(*) FILTER (WHERE " + outliers.is_outlier(i) + ") AS " + name;
    names += (names.empty() ? "\"_etl_count\"." : ", \"_etl_count\".") + name;
  }
  return "WITH " + std::string(kBounds) + " AS (" + outliers.bounds + " FROM " + id +
         ") SELECT \"_etl_count\".\"_etl_any\" AS outliers, (SELECT pg_catalog.row_to_json(\"_etl_one\".*) FROM "
         "(SELECT " +
         names + ") AS \"_etl_one\") AS by_column FROM (SELECT pg_catalog.count(*) FILTER (WHERE " + outliers.is_any() +
         ") AS \"_etl_any\"" + counts + " FROM " + id + " CROSS JOIN " + std::string(kBounds) + ") AS \"_etl_count\"";
}

void check_columns(const Input& input, const std::vector<Column>& columns, const std::string& action) {
  for (const Column& column : columns) {
    if (is_number(column)) continue;
    throw Error("42804", "column \"" + column.name + "\" is not numeric", "It is of type " + column.type + ".",
                "Leave it out of columns.");
  }
  if (action != "flag" || find_column(input, "is_outlier") == nullptr) return;
  throw Error("42701", "the input has a column \"is_outlier\" already", {}, "Rename or drop it in a step before.");
}

Rule compile_outliers(const Call& call) {
  const Input& input = call.inputs[0];
  const std::string method = text_or(call, "method", "iqr");
  const std::string action = text_or(call, "action", "drop");
  const std::string threshold = has_param(call, "threshold") ? json::write(call.params["threshold"])
                                : method == "iqr"            ? "1.5"
                                                             : "3";
  Outliers outliers{input, chosen_columns(call, "columns", input), {}};
  check_columns(input, outliers.columns, action);
  std::map<std::string, std::string> capped;
  for (std::size_t i = 0; i < outliers.columns.size(); ++i) {
    const Column& column = outliers.columns[i];
    outliers.bounds += (i == 0 ? "SELECT " : ", ") + bounds_of(as_double(input, column), method, threshold, i);
    if (action == "cap") capped[column.name] = outliers.capped(i);
  }
  const std::string rows = std::string(kRows) + " AS " + quote_name(input.id);
  std::string sql = "WITH " + std::string(kRows) + " AS (SELECT * FROM " + input.from + "), " + std::string(kBounds) +
                    " AS (" + outliers.bounds + " FROM " + rows + ") SELECT " + all_columns(input, capped);
  if (action == "flag") sql += ", " + outliers.is_any() + " AS is_outlier";
  sql += " FROM " + rows + " CROSS JOIN " + std::string(kBounds);
  if (action == "drop") sql += " WHERE NOT " + outliers.is_any();
  return {.sql = sql, .figures = figures_sql(outliers)};
}

}  // namespace

extern const Transform kOutliers = {
    {"outliers", model::Kind::kTransform,
     "Drops, flags or caps values that lie far from the others of their column: by iqr, beyond the quartiles by "
     "more than threshold times the interquartile range (quartiles interpolated, as pandas does), or by zscore, "
     "more than threshold standard deviations of the population from the mean (as scipy.stats.zscore). drop leaves "
     "out each row that has one, flag adds a boolean column is_outlier, cap sets the value to the bound, in the "
     "column's type. NULL and NaN are no outliers.",
     R"({"type": "object", "properties": {
    "columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                "description": "a list of numeric columns"},
    "method": {"enum": ["iqr", "zscore"], "default": "iqr", "description": "iqr or zscore"},
    "threshold": {"type": "number", "minimum": 0, "exclusiveMinimum": true,
                  "description": "a number above 0; 1.5 for iqr and 3 for zscore when it is absent"},
    "action": {"enum": ["drop", "flag", "cap"], "default": "drop", "description": "drop, flag or cap"}},
  "required": ["columns"]})",
     "Far from the other rows of one batch.", "Far from all other rows."},
    1,
    1,
    compile_outliers};

}  // namespace etl::transform
