#include "compile/upsert.hpp"

#include "compile/upsert_parts.hpp"
#include "core/quote.hpp"

namespace etl::compile {

namespace {

std::string in_range(const Upsert& upsert, const std::string& range_column) {
  const std::string name = "t." + quote_name(range_column) + " ";
  for (const UpsertColumn& c : upsert.columns) {
    if (c.name != range_column) continue;
    return name + c.operators.greater_or_equal + " $1 AND " + name + c.operators.less_or_equal + " $2";
  }
  return "true";
}

}  // namespace

std::string merge_sql(const Upsert& upsert, const std::string& range_column) {
  std::string sql =
      "MERGE INTO " + upsert.target + " AS t USING " + typed_input(upsert) + " AS s ON " + same_key(upsert, "t");
  if (!range_column.empty()) sql += " AND " + in_range(upsert, range_column);
  const std::string different = differs(upsert, "t", "s");
  if (!different.empty()) sql += " WHEN MATCHED AND (" + different + ") THEN UPDATE SET " + assignments(upsert, "s");
  return sql + " WHEN NOT MATCHED THEN INSERT (" + columns(upsert) + ") OVERRIDING SYSTEM VALUE VALUES (" +
         columns(upsert, "s.") + ")";
}

std::string changed_sql(const Upsert& upsert, const std::string& range_column) {
  std::string sql =
      "SELECT s.* FROM input AS s LEFT JOIN " + upsert.target + " AS t ON " + same_key(upsert, "t", Input::kRaw);
  if (!range_column.empty()) sql += " AND " + in_range(upsert, range_column);
  sql += " WHERE t.tableoid IS NULL";
  const std::string different = differs(upsert, "t", "s", Input::kRaw);
  return different.empty() ? sql : sql + " OR " + different;
}

std::string insert_sql(const Upsert& upsert) {
  return "INSERT INTO " + upsert.target + " AS t (" + columns(upsert) + ") OVERRIDING SYSTEM VALUE SELECT " +
         columns(upsert, "s.") + " FROM " + typed_input(upsert) + " AS s";
}

std::string in_range_sql(const Upsert& upsert, const std::string& range_column) {
  return "SELECT FROM " + upsert.target + " AS t WHERE " + in_range(upsert, range_column) + " LIMIT 1";
}

std::string on_conflict_sql(const Upsert& upsert) {
  const std::string stored = differs(upsert, "o", "s");
  std::string sql = insert_sql(upsert) + " LEFT JOIN " + upsert.target + " AS o ON " + same_key(upsert, "o") +
                    " WHERE o.tableoid IS NULL";
  if (!stored.empty()) sql += " OR (" + stored + ")";
  sql += " ON CONFLICT (" + columns(upsert, {}, true) + ") DO ";
  if (stored.empty()) return sql + "NOTHING";
  return sql + "UPDATE SET " + assignments(upsert, "excluded") + " WHERE " + differs(upsert, "t", "excluded");
}

std::string replaced_sql(const Upsert& upsert) {
  const std::string different = differs(upsert, "t", "s");
  const std::string count = "pg_catalog.count(*) FILTER (WHERE t.tableoid IS ";
  return "SELECT new::pg_catalog.text AS inserted, changed::pg_catalog.text AS updated, ((SELECT pg_catalog.count(*) "
         "FROM " +
         upsert.target + ") OPERATOR(pg_catalog.-) known)::pg_catalog.text AS deleted FROM (SELECT " + count +
         "NULL) AS new, " + count + "NOT NULL) AS known, " + count + "NOT NULL AND (" +
         (different.empty() ? "false" : different) + ")) AS changed FROM " + typed_input(upsert) + " AS s LEFT JOIN " +
         upsert.target + " AS t ON " + same_key(upsert, "t") + ") AS counted";
}

std::string count_new_sql(const Upsert& upsert) {
  return "SELECT count(*) FROM " + typed_input(upsert) + " AS s WHERE NOT EXISTS (SELECT FROM " + upsert.target +
         " AS o WHERE " + same_key(upsert, "o") + ")";
}

std::string images_sql(const Upsert& upsert, const std::string& valid_to) {
  std::vector<std::string> keys;
  for (const UpsertColumn& c : upsert.columns) {
    if (c.key) keys.push_back(typed(c, quote_name(c.name)) + " AS " + quote_name(c.name));
  }
  // s.* is the row also where the target has a column called s.
  return "SELECT DISTINCT pg_catalog.to_jsonb(s.*)::pg_catalog.text AS key, pg_catalog.to_jsonb(t.*)::pg_catalog.text "
         "AS row FROM (SELECT " +
         joined(keys, ", ") + " FROM input) AS s LEFT JOIN " + upsert.target + " AS t ON " + same_key(upsert, "t") +
         (valid_to.empty() ? "" : " AND t." + quote_name(valid_to) + " IS NULL");
}

std::string last_of_each_key_sql(const Upsert& upsert) {
  std::vector<std::string> keys;
  for (const UpsertColumn& c : upsert.columns) {
    if (c.key) keys.push_back(typed(c, "(_etl_row)." + quote_name(c.name)));
  }
  const std::string key = joined(keys, ", ");
  return "SELECT (_etl_row).* FROM (SELECT DISTINCT ON (" + key +
         ") _etl_row, _etl_order FROM (SELECT _etl_row, pg_catalog.row_number() OVER () AS _etl_order FROM input AS "
         "_etl_row) "
         "AS _etl_numbered ORDER BY " +
         key + ", _etl_order DESC) AS _etl_last ORDER BY _etl_order";
}

}  // namespace etl::compile
