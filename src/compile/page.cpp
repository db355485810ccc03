#include "compile/page.hpp"

#include "core/quote.hpp"

namespace etl::compile {

namespace {

std::string parameters(const Page& page, std::size_t first, std::size_t count) {
  std::string list;
  for (std::size_t i = first; i < first + count; ++i) {
    list += (i == first ? "" : ", ") + (page.values.empty() ? "$" + std::to_string(i) : page.values.at(i - 1));
  }
  return list;
}

using Operator = std::string Operators::*;

// "a" > $1
std::string compare(const Page& page, std::size_t column, Operator op, std::size_t parameter) {
  return quote_name(page.order[column]) + " " + page.operators[column].*op + " " + parameters(page, parameter, 1);
}

// The same of rows, column by column, from `column` on: "a" >= $1 AND ("a" > $1 OR "b" > $2).
std::string compare_columns(const Page& page, std::size_t column, Operator strict, Operator loose, Operator last,
                            std::size_t first) {
  if (column + 1 == page.order.size()) return compare(page, column, last, first + column);
  return compare(page, column, loose, first + column) + " AND (" + compare(page, column, strict, first + column) +
         " OR " + compare_columns(page, column + 1, strict, loose, last, first) + ")";
}

// ("a", "b") > ($1, $2), or "a" > $1. A row comparison has one operator, so that all columns must have it.
std::string compare_keys(const Page& page, Operator strict, Operator loose, Operator last, std::size_t first) {
  bool one_operator = true;
  for (const Operators& operators : page.operators) {
    one_operator = one_operator && operators.*last == page.operators[0].*last;
  }
  if (page.order.size() == 1 || !one_operator) return compare_columns(page, 0, strict, loose, last, first);
  return "(" + name_list(page.order) + ") " + page.operators[0].*last + " (" +
         parameters(page, first, page.order.size()) + ")";
}

std::string conditions(const Page& page) {
  std::string text;
  std::size_t next = 1;
  auto add = [&](const std::string& condition) { text += (text.empty() ? " WHERE " : " AND ") + condition; };
  if (page.after) {
    add(compare_keys(page, &Operators::greater, &Operators::greater_or_equal, &Operators::greater, next));
    next += page.order.size();
  }
  if (page.after_first) add(compare(page, 0, &Operators::greater_or_equal, next++));
  if (page.upper == Upper::kKeyIncluded) {
    add(compare_keys(page, &Operators::less, &Operators::less_or_equal, &Operators::less_or_equal, next));
  }
  if (page.upper == Upper::kFirstBelow) add(compare(page, 0, &Operators::less, next));
  if (page.upper == Upper::kFirstIncluded) add(compare(page, 0, &Operators::less_or_equal, next));
  const bool first_is_bound = page.after || page.after_first || page.upper != Upper::kNone;
  for (const std::string& column : page.not_null) {
    if (!first_is_bound || column != page.order[0]) add(quote_name(column) + " IS NOT NULL");
  }
  return text;
}

}  // namespace

std::string page_sql(const Page& page) {
  // The newline ends a comment in the user's text.
  const std::string from = "FROM (" + page.source + "\n) AS _etl_row" + conditions(page);
  if (page.keep_source_order) {
    return "SELECT (_etl_row).* FROM (SELECT _etl_row, pg_catalog.row_number() OVER () AS _etl_order " + from +
           ") AS _etl_ordered ORDER BY " + name_list(page.order, "(_etl_row).") + ", _etl_order";
  }
  std::string sql = "SELECT * " + from;
  if (page.order.empty()) return sql;
  sql += " ORDER BY " + name_list(page.order);
  if (page.limit > 0) sql += " FETCH FIRST " + std::to_string(page.limit) + " ROWS WITH TIES";
  return sql;
}

std::string null_key_sql(const std::string& source, const std::vector<std::string>& columns) {
  std::string any;
  for (const std::string& column : columns) {
    any += (any.empty() ? "" : " OR ") + quote_name(column) + " IS NULL";
  }
  return "SELECT * FROM (" + source + "\n) AS _etl_row WHERE " + any;
}

}  // namespace etl::compile
