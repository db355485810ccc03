#include <algorithm>

#include "core/quote.hpp"
#include "transform/columns.hpp"
#include "transform/order.hpp"

namespace etl::transform {

namespace {

// The rows in between are named twice: a WITH query is computed once.
constexpr std::string_view kRows = "\"_etl_input\"";
constexpr std::string_view kFill = "\"_etl_fill\"";

bool is_average(std::string_view strategy) {
  return strategy == "mean" || strategy == "median";
}

bool is_neighbour(std::string_view strategy) {
  return strategy == "ffill" || strategy == "bfill";
}

void check_params(const Call& call, const std::string& strategy) {
  if (strategy == "constant") {
    want_param(call, "value", "Give the value that takes the place of NULL, or use another strategy.");
  } else {
    refuse_param(call, "value", "It is for strategy \"constant\".");
  }
  if (is_neighbour(strategy)) {
    want_param(call, "order_by", "Name the columns whose order says which row comes before another.");
  } else {
    refuse_param(call, "order_by", "It is for the strategies \"ffill\" and \"bfill\".");
  }
}

// Without a list, an average is taken of all columns that have one.
std::vector<Column> columns_of(const Call& call, const Input& input, const std::string& strategy) {
  std::vector<Column> columns = chosen_columns(call, "columns", input);
  if (!is_average(strategy)) return columns;
  const auto others =
      std::stable_partition(columns.begin(), columns.end(), [](const Column& column) { return is_number(column); });
  if (has_param(call, "columns") && others != columns.end()) {
    throw Error("42804", "column \"" + others->name + "\" has no " + strategy,
                "It is of type " + others->type + ", which is not numeric.",
                "Leave it out of columns, or use another strategy for it in a step of its own.");
  }
  columns.erase(others, columns.end());
  if (columns.empty()) {
    throw Error("42804", "no column has a " + strategy, "None of the input's columns is numeric.",
                "Use another strategy.");
  }
  return columns;
}

// A cast cuts a text to the length of its type without a word.
void want_fitting(const Column& column, const std::string& text) {
  const std::size_t open = column.base_type.find('(');
  if (!column.base_type.starts_with("character") || column.base_type.ends_with("]") || open == std::string::npos)
    return;
  const auto length = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
  if (length <= std::stol(column.base_type.substr(open + 1))) return;
  throw Error("22001", "param \"value\" is too long for column \"" + column.name + "\"",
              "The column is of type " + column.type + ".", "Cast the column to text before, or use a shorter value.");
}

std::string drop_sql(const Input& input, const std::vector<Column>& columns) {
  std::string complete;
  for (const Column& column : columns) {
    complete += (complete.empty() ? "" : " AND ") + is_not_null(input, column.name);
  }
  return "SELECT " + all_columns(input) + " FROM " + input.from + " WHERE " + complete;
}

std::string constant_sql(const Call& call, const Input& input, const std::vector<Column>& columns) {
  const std::string text = scalar_text(call.params["value"]);
  std::map<std::string, std::string> filled;
  for (const Column& column : columns) {
    want_fitting(column, text);
    filled[column.name] = "COALESCE(" + qualified(input, column.name) + ", " + literal(text, column.type) + ")";
  }
  return "SELECT " + all_columns(input, filled) + " FROM " + input.from;
}

// One value for all rows. The median of integers and numerics is exact: the mean of the two in the middle, which is
// where percentile_disc stops from either end.
std::string statistic(const std::string& strategy, const std::string& value, const Column& column) {
  auto middle = [&](const char* direction) {
    return "CAST(pg_catalog.percentile_disc(0.5) WITHIN GROUP (ORDER BY " + value + direction +
           ") AS pg_catalog.numeric)";
  };
  if (strategy == "mean") return "pg_catalog.avg(" + value + ")";
  if (strategy == "mode") return "pg_catalog.mode() WITHIN GROUP (ORDER BY " + value + ")";
  if (!is_integer(column) && column.bare_type != "numeric")
    return "pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY " + value + ")";
  return "(" + middle("") + " OPERATOR(pg_catalog.+) " + middle(" DESC") + ") OPERATOR(pg_catalog./) 2";
}

std::string statistic_sql(const Input& input, const std::vector<Column>& columns, const std::string& strategy) {
  std::map<std::string, std::string> filled;
  std::string fill;
  for (const Column& column : columns) {
    const std::string name = quote_name(column.name);
    fill += (fill.empty() ? "SELECT CAST(" : ", CAST(") + statistic(strategy, qualified(input, column.name), column) +
            " AS " + column.type + ") AS " + name;
    filled[column.name] = "COALESCE(" + qualified(input, column.name) + ", " + std::string(kFill) + "." + name + ")";
  }
  const std::string rows = std::string(kRows) + " AS " + quote_name(input.id);
  return "WITH " + std::string(kRows) + " AS (SELECT * FROM " + input.from + "), " + std::string(kFill) + " AS (" +
         fill + " FROM " + rows + ") SELECT " + all_columns(input, filled) + " FROM " + rows + " CROSS JOIN " +
         std::string(kFill);
}

// Rows from one that has a value up to the next one that has are a group; its first row has the value.
std::string neighbour_sql(const Call& call, const Input& input, const std::vector<Column>& columns, bool backwards) {
  const std::string order = order_list(read_order(call, "order_by", input), input, backwards);
  const std::string row = quote_name(input.id) + ".\"_etl_row\"";
  std::map<std::string, std::string> filled;
  std::string groups;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string group = "\"_etl_group_" + std::to_string(i) + "\"";
    const std::string value = qualified(input, columns[i].name);
    groups += ", pg_catalog.count(" + value + ") OVER (ORDER BY " + row + " ROWS UNBOUNDED PRECEDING) AS " + group;
    filled[columns[i].name] = "CAST(pg_catalog.first_value(" + value + ") OVER (PARTITION BY " + quote_name(input.id) +
                              "." + group + " ORDER BY " + row + ") AS " + columns[i].type + ")";
  }
  const std::string as_input = ") AS " + quote_name(input.id);
  return "SELECT " + all_columns(input, filled) + " FROM (SELECT *" + groups + " FROM (SELECT " + all_columns(input) +
         ", pg_catalog.row_number() OVER (ORDER BY " + order + ") AS \"_etl_row\" FROM " + input.from + as_input +
         as_input;
}

// NULLs of a column before and after say whether rows were dropped for it or filled.
std::string figures_sql(const Input& input, const std::vector<Column>& columns, const std::string& strategy) {
  std::string counts, filled, names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string n = "n" + std::to_string(i);
    const std::string difference = "\"_etl_before\"." + n + " OPERATOR(pg_catalog.-) \"_etl_after\"." + n;
    counts +=
        ", pg_catalog.count(*) FILTER (WHERE " + quote_name(columns[i].name) + " IS NOT DISTINCT FROM NULL) AS " + n;
    filled += (filled.empty() ? "" : " OPERATOR(pg_catalog.+) ") + difference;
    names += (names.empty() ? "" : ", ") + ("CASE WHEN " + difference + " OPERATOR(pg_catalog.>) 0 THEN ") +
             literal(columns[i].name, "pg_catalog.text") + " END";
  }
  const std::string select = "(SELECT pg_catalog.count(*) AS n" + counts + " FROM ";
  return "SELECT " + (strategy == "drop" ? "0" : filled) +
         " AS nulls_filled, \"_etl_before\".n OPERATOR(pg_catalog.-) \"_etl_after\".n AS rows_dropped, "
         "pg_catalog.array_remove(ARRAY[" +
         names + "], NULL) AS columns_affected, " + literal(strategy, "pg_catalog.text") + " AS strategy FROM " +
         select + quote_name(input.id) + ") AS \"_etl_before\" CROSS JOIN " + select + "\"output\") AS \"_etl_after\"";
}

Rule compile_clean_nulls(const Call& call) {
  const Input& input = call.inputs[0];
  const std::string strategy = text_or(call, "strategy", "drop");
  check_params(call, strategy);
  const std::vector<Column> columns = columns_of(call, input, strategy);
  Rule rule;
  if (strategy == "drop") {
    rule.sql = drop_sql(input, columns);
  } else if (strategy == "constant") {
    rule.sql = constant_sql(call, input, columns);
  } else if (is_neighbour(strategy)) {
    rule.sql = neighbour_sql(call, input, columns, strategy == "bfill");
  } else {
    rule.sql = statistic_sql(input, columns, strategy);
  }
  rule.figures = figures_sql(input, columns, strategy);
  return rule;
}

}  // namespace

extern const Transform kCleanNulls = {
    {"clean_nulls", model::Kind::kTransform,
     "Drops the rows that have NULL in one of the columns, or fills NULL: with a constant, with the mean, median or "
     "mode of the column (of equally frequent values the smallest), or with the value of the nearest row before "
     "(ffill) or after (bfill) it in an order. Types never change: the mean of integers is rounded.",
     R"({"type": "object", "properties": {
    "columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                "description": "a list of columns; when it is absent all, for mean and median all numeric ones"},
    "strategy": {"enum": ["drop", "constant", "mean", "median", "mode", "ffill", "bfill"], "default": "drop",
                 "description": "drop, constant, mean, median, mode, ffill or bfill"},
    "value": {"type": ["string", "number", "boolean"],
              "description": "for constant: a string, number or boolean, which is cast to each column's type"},
    "order_by": {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1,
                 "description": "for ffill and bfill: a column or a list of columns, with desc behind it if need be"}}})",
     "mean, median, mode, ffill and bfill know the rows of one batch only.",
     "mean, median, mode, ffill and bfill know all rows."},
    1,
    1,
    compile_clean_nulls};

}  // namespace etl::transform
