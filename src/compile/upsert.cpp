#include "compile/upsert.hpp"

#include "core/quote.hpp"

namespace etl::compile {

namespace {

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::string typed(const UpsertColumn& column, const std::string& value) {
  return column.cast.empty() ? value : "CAST(" + value + " AS " + column.cast + ")";
}

// The input with every column in the target's type.
std::string typed_input(const Upsert& upsert) {
  std::vector<std::string> columns;
  bool any = false;
  for (const UpsertColumn& c : upsert.columns) {
    const std::string name = quote_name(c.name);
    any = any || !c.cast.empty();
    columns.push_back(c.cast.empty() ? name : typed(c, name) + " AS " + name);
  }
  return any ? "(SELECT " + joined(columns, ", ") + " FROM input)" : "input";
}

// Whether the columns of the input, called s, have the target's types already.
enum class Input { kTyped, kRaw };

std::string value(const UpsertColumn& column, const std::string& row, Input input) {
  const std::string name = row + "." + quote_name(column.name);
  return input == Input::kRaw ? typed(column, name) : name;
}

std::string same_key(const Upsert& upsert, const std::string& table, Input input = Input::kTyped) {
  std::vector<std::string> parts;
  for (const UpsertColumn& c : upsert.columns) {
    if (!c.key) continue;
    parts.push_back(value(c, table, Input::kTyped) + " " + c.operators.equal + " " + value(c, "s", input));
  }
  return joined(parts, " AND ");
}

// True when a column that may be set differs between `table` and `other`. Empty when there is no such column.
std::string differs(const Upsert& upsert, const std::string& table, const std::string& other,
                    Input input = Input::kTyped) {
  std::vector<std::string> parts;
  for (const UpsertColumn& c : upsert.columns) {
    if (c.key || !c.set) continue;
    auto image = [&](const std::string& text) { return c.padded ? "CAST(" + text + " AS pg_catalog.text)" : text; };
    parts.push_back("etl.image_differs(" + image(value(c, table, Input::kTyped)) + ", " +
                    image(value(c, other, input)) + ")");
  }
  return joined(parts, " OR ");
}

std::string assignments(const Upsert& upsert, const std::string& input) {
  std::vector<std::string> parts;
  for (const UpsertColumn& c : upsert.columns) {
    if (!c.key && c.set) parts.push_back(quote_name(c.name) + " = " + input + "." + quote_name(c.name));
  }
  return joined(parts, ", ");
}

std::string columns(const Upsert& upsert, std::string_view prefix = {}, bool keys_only = false) {
  std::vector<std::string> names;
  for (const UpsertColumn& c : upsert.columns) {
    if (c.key || !keys_only) names.push_back(c.name);
  }
  return name_list(names, prefix);
}

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

std::string images_sql(const Upsert& upsert) {
  std::vector<std::string> keys;
  for (const UpsertColumn& c : upsert.columns) {
    if (c.key) keys.push_back(typed(c, quote_name(c.name)) + " AS " + quote_name(c.name));
  }
  return "SELECT DISTINCT pg_catalog.to_jsonb(s)::pg_catalog.text AS key, pg_catalog.to_jsonb(t)::pg_catalog.text AS "
         "row"
         " FROM (SELECT " +
         joined(keys, ", ") + " FROM input) AS s LEFT JOIN " + upsert.target + " AS t ON " + same_key(upsert, "t");
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
