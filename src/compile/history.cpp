#include "compile/history.hpp"

#include "compile/upsert_parts.hpp"
#include "core/quote.hpp"

namespace etl::compile {

std::string end_versions_sql(const History& history) {
  const std::string different = differs(history.upsert, "t", "s");
  std::string sql =
      "UPDATE " + history.upsert.target + " AS t SET " + quote_name(history.valid_to) + " = pg_catalog.now()";
  if (!history.is_current.empty()) sql += ", " + quote_name(history.is_current) + " = false";
  return sql + " FROM " + typed_input(history.upsert) + " AS s WHERE " + same_key(history.upsert, "t") + " AND t." +
         quote_name(history.valid_to) + " IS NULL AND (" + (different.empty() ? "false" : different) + ")";
}

std::string begin_versions_sql(const History& history) {
  std::string names = columns(history.upsert) + ", " + quote_name(history.valid_from);
  std::string values = columns(history.upsert, "s.") + ", pg_catalog.now()";
  if (!history.is_current.empty()) {
    names += ", " + quote_name(history.is_current);
    values += ", true";
  }
  return "INSERT INTO " + history.upsert.target + " (" + names + ") OVERRIDING SYSTEM VALUE SELECT " + values +
         " FROM " + typed_input(history.upsert) + " AS s LEFT JOIN " + history.upsert.target + " AS t ON " +
         same_key(history.upsert, "t") + " AND t." + quote_name(history.valid_to) + " IS NULL WHERE t.tableoid IS NULL";
}

std::string amend_versions_sql(const History& history) {
  const std::string different = differs(history.upsert, "t", "s");
  if (different.empty()) return {};
  return "UPDATE " + history.upsert.target + " AS t SET " + assignments(history.upsert, "s") + " FROM " +
         typed_input(history.upsert) + " AS s WHERE " + same_key(history.upsert, "t") + " AND t." +
         quote_name(history.valid_to) + " IS NULL AND t." + quote_name(history.valid_from) +
         " OPERATOR(pg_catalog.=) pg_catalog.now() AND (" + different + ")";
}

}  // namespace etl::compile
