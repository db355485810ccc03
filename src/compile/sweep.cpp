#include "compile/sweep.hpp"

#include "compile/upsert_parts.hpp"
#include "core/quote.hpp"

namespace etl::compile {

namespace {

bool marks(const Sweep& sweep) {
  return !sweep.is_deleted.empty() || !sweep.deleted_at.empty();
}

// A range that was given ends before its upper bound.
std::string in_range(const Sweep& sweep) {
  const std::string column = "t." + quote_name(sweep.range_column) + " ";
  const std::string& below = sweep.range_from.empty() ? sweep.operators.less_or_equal : sweep.operators.less;
  return column + sweep.operators.greater_or_equal + " $1 AND " + column + below + " $2";
}

std::string gone(const Sweep& sweep) {
  std::string condition = "NOT EXISTS (SELECT FROM " + typed_input(sweep.upsert) + " AS s WHERE " +
                          same_key(sweep.upsert, "t") + ") AND NOT EXISTS (SELECT FROM kept AS s WHERE " +
                          same_key(sweep.upsert, "t") + ")";
  if (!sweep.range_column.empty()) condition += " AND " + in_range(sweep);
  if (!sweep.is_deleted.empty()) condition += " AND t." + quote_name(sweep.is_deleted) + " IS NOT TRUE";
  if (sweep.is_deleted.empty() && marks(sweep)) condition += " AND t." + quote_name(sweep.deleted_at) + " IS NULL";
  return condition;
}

}  // namespace

std::string sweep_sql(const Sweep& sweep) {
  if (!marks(sweep)) return "DELETE FROM " + sweep.upsert.target + " AS t WHERE " + gone(sweep);
  std::vector<std::string> set;
  if (!sweep.is_deleted.empty()) set.push_back(quote_name(sweep.is_deleted) + " = true");
  if (!sweep.deleted_at.empty()) set.push_back(quote_name(sweep.deleted_at) + " = pg_catalog.now()");
  return "UPDATE " + sweep.upsert.target + " AS t SET " + joined(set, ", ") + " WHERE " + gone(sweep);
}

std::string record_key_sql(const Sweep& sweep) {
  std::string names, definition;
  std::size_t next = 0;
  for (const UpsertColumn& c : sweep.upsert.columns) {
    if (!c.key) continue;
    names += (names.empty() ? "r." : ", r.") + quote_name(c.name);
    definition += (definition.empty() ? "" : ", ") + quote_name(c.name) + " " + sweep.key_types.at(next++);
  }
  return "SELECT " + names + " FROM pg_catalog.jsonb_to_record($1) AS r(" + definition + ")";
}

std::string bounds_sql(const Sweep& sweep) {
  const auto bound = [&](const std::string& value) {
    // The newline ends a comment in the user's text.
    return "CAST(CAST((" + value + "\n) AS " + sweep.range_type + ") AS pg_catalog.text)";
  };
  if (!sweep.range_from.empty()) {
    return "SELECT " + bound(sweep.range_from) + " AS lower, " + bound(sweep.range_to) + " AS upper";
  }
  const std::string column = quote_name(sweep.range_column);
  return "SELECT " + bound("pg_catalog.min(" + column + ")") + " AS lower, " + bound("pg_catalog.max(" + column + ")") +
         " AS upper FROM " + typed_input(sweep.upsert) + " AS s";
}

std::string swept_sql(const Sweep& sweep) {
  std::string key;
  for (const UpsertColumn& c : sweep.upsert.columns) {
    if (c.key) key += (key.empty() ? "" : ", ") + quote_literal(c.name) + ", t." + quote_name(c.name);
  }
  std::string mark;
  if (!sweep.is_deleted.empty()) mark += quote_literal(sweep.is_deleted) + ", true";
  if (!sweep.deleted_at.empty()) {
    mark += (mark.empty() ? "" : ", ") + quote_literal(sweep.deleted_at) + ", pg_catalog.now()";
  }
  const std::string after =
      marks(sweep) ? "pg_catalog.to_jsonb(t.*) OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object(" + mark + ")"
                   : "NULL::pg_catalog.jsonb";
  return "SELECT pg_catalog.jsonb_build_object(" + key +
         ")::pg_catalog.text AS key, pg_catalog.to_jsonb(t.*)"
         "::pg_catalog.text AS before, (" +
         after + ")::pg_catalog.text AS after FROM " + sweep.upsert.target + " AS t WHERE " + gone(sweep);
}

}  // namespace etl::compile
