#include "compile/page.hpp"

#include "compile/quote.hpp"

namespace etl::compile {

namespace {

std::string parameters(std::size_t first, std::size_t count) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "$" : ", $") + std::to_string(first + i);
  return list;
}

// ("a", "b") > ($1, $2), or "a" > $1.
std::string compare(const std::vector<std::string>& columns, const char* op, std::size_t first) {
  if (columns.size() == 1) return quote_name(columns[0]) + " " + op + " " + parameters(first, 1);
  return "(" + name_list(columns) + ") " + op + " (" + parameters(first, columns.size()) + ")";
}

std::string conditions(const Page& page) {
  std::string text;
  std::size_t next = 1;
  auto add = [&](const std::string& condition) { text += (text.empty() ? " WHERE " : " AND ") + condition; };
  const std::vector<std::string> first(page.order.begin(), page.order.begin() + 1);
  if (page.after) {
    add(compare(page.order, ">", next));
    next += page.order.size();
  }
  if (page.after_first) add(compare(first, ">=", next++));
  if (page.upper == Upper::kKeyIncluded) add(compare(page.order, "<=", next));
  if (page.upper == Upper::kFirstBelow) add(compare(first, "<", next));
  if (page.upper == Upper::kFirstIncluded) add(compare(first, "<=", next));
  return text;
}

}  // namespace

std::string page_sql(const Page& page) {
  // The newline ends a comment in the user's text.
  const std::string from = "FROM (" + page.source + "\n) AS _etl_row" + conditions(page);
  if (page.keep_source_order) {
    return "SELECT (_etl_row).* FROM (SELECT _etl_row, row_number() OVER () AS _etl_order " + from +
           ") AS _etl_ordered ORDER BY " + name_list(page.order, "(_etl_row).") + ", _etl_order";
  }
  std::string sql = "SELECT * " + from + " ORDER BY " + name_list(page.order);
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
