#include "core/quote.hpp"
#include "transform/check_rules.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

namespace {

using Rules = std::vector<CheckRule>;

Severity severity_of(const Call& call) {
  const std::string severity = text_or(call, "severity", "fail");
  return severity == "warn" ? Severity::kWarn : severity == "quarantine" ? Severity::kQuarantine : Severity::kFail;
}

// Rows of the input under its id, with what window functions say of each.
std::string rows_of(const Input& input, const std::string& from, const std::string& windows) {
  if (windows.empty()) return from;
  return "(SELECT " + all_columns(input) + windows + " FROM " + from + ") AS " + quote_name(input.id);
}

std::string window_of(const CheckRule& rule) {
  return rule.window.empty() ? "" : ", " + rule.window;
}

// The rows that break no rule about single rows.
std::string kept_sql(const Input& input, const Rules& rules) {
  std::string windows, kept;
  for (const CheckRule& rule : rules) {
    if (rule.broken.empty()) continue;
    windows += window_of(rule);
    kept += (kept.empty() ? " WHERE ((" : " AND ((") + rule.broken + ") IS NOT TRUE)";
  }
  return "SELECT " + all_columns(input) + " FROM " + rows_of(input, input.from, windows) + kept;
}

std::string violations_sql(const Input& input, const Rules& rules, const std::string& from) {
  const std::string rows = "\"_etl_input\" AS " + quote_name(input.id);
  const std::string record = "(SELECT CAST(pg_catalog.row_to_json(\"_etl_one\".*) AS pg_catalog.text) FROM (SELECT " +
                             all_columns(input) + ") AS \"_etl_one\")";
  std::string sql;
  for (const CheckRule& rule : rules) {
    sql += (sql.empty() ? "" : "\nUNION ALL ") + ("SELECT " + literal(rule.label, "pg_catalog.text")) +
           " AS \"rule\", " + rule.message + " AS \"message\", ";
    sql += rule.broken.empty()
               ? "CAST(NULL AS pg_catalog.text) AS \"record\" FROM (" + rule.set + " FROM " + rows +
                     ") AS \"_etl_set\" WHERE " + rule.set_broken
               : record + " AS \"record\" FROM " + rows_of(input, rows, window_of(rule)) + " WHERE " + rule.broken;
  }
  return "WITH \"_etl_input\" AS (SELECT * FROM " + from + ") " + sql;
}

std::string figures_sql(const Input& input, const Rules& rules) {
  std::string labels;
  for (const CheckRule& rule : rules)
    labels += (labels.empty() ? "(" : ", (") + literal(rule.label, "pg_catalog.text") + ")";
  const std::string rows = "(SELECT pg_catalog.count(*) FROM ";
  return "WITH \"_etl_violation\" AS (" + violations_sql(input, rules, quote_name(input.id)) + ") SELECT " + rows +
         "\"_etl_violation\") AS violations, (SELECT pg_catalog.jsonb_object_agg(\"_etl_count\".\"rule\", "
         "\"_etl_count\".\"rows\") FROM (SELECT \"_etl_rule\".\"rule\", pg_catalog.count(\"_etl_violation\".\"rule\") "
         "AS \"rows\" FROM (VALUES " +
         labels +
         ") AS \"_etl_rule\" (\"rule\") LEFT JOIN \"_etl_violation\" ON \"_etl_violation\".\"rule\" "
         "OPERATOR(pg_catalog.=) \"_etl_rule\".\"rule\" GROUP BY \"_etl_rule\".\"rule\") AS \"_etl_count\") AS "
         "rules, " +
         rows + quote_name(input.id) + ") OPERATOR(pg_catalog.-) " + rows + "\"output\") AS rows_removed";
}

Rule compile_check(const Call& call) {
  const Input& input = call.inputs[0];
  const Rules rules = read_check_rules(call, input);
  Rule rule;
  rule.severity = severity_of(call);
  rule.sql = rule.severity == Severity::kQuarantine ? kept_sql(input, rules)
                                                    : "SELECT " + all_columns(input) + " FROM " + input.from;
  rule.violations = violations_sql(input, rules, input.from);
  rule.figures = figures_sql(input, rules);
  return rule;
}

}  // namespace

extern const Transform kCheck = {
    {"check", model::Kind::kTransform,
     "Looks for rows that break rules, and lets all others pass as they are. NULL passes every rule but not_null, "
     "as in SQL's CHECK. Rules, each with the column or columns that it is about: not_null; unique (every row of a "
     "key that comes more than once breaks it, since nothing says which one is right: dedupe chooses one; several "
     "columns are one key); range (min, max); regex (pattern: a regular expression of PostgreSQL, found anywhere in "
     "the text); in_set (values); foreign_key (table, and references: the table's columns if they have other names; "
     "several columns are one key); expression (an expression that is false for a bad row). About all rows: "
     "row_count (min, max) and freshness (max_age: how old the newest value may be). severity warn only counts; "
     "quarantine makes a dead letter of each row that breaks a rule and leaves it out; fail, and a rule about all "
     "rows with quarantine, ends the run.",
     R"({"type": "object", "properties": {
    "rules": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {
        "rule": {"enum": ["not_null", "unique", "range", "regex", "in_set", "foreign_key", "expression", "row_count",
                          "freshness"], "description": "what the others are for"},
        "name": {"type": "string", "minLength": 1, "description": "by which figures and dead letters call it, instead of the rule and its column"},
        "column": {"type": "string", "description": "of all rules but expression and row_count"},
        "columns": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                    "description": "instead of column: a key of unique and foreign_key, else as many rules"},
        "min": {"type": ["string", "number"], "description": "of range and row_count"},
        "max": {"type": ["string", "number"], "description": "of range and row_count"},
        "pattern": {"type": "string", "minLength": 1, "description": "of regex"},
        "values": {"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1,
                   "description": "of in_set"},
        "table": {"type": "string", "format": "table", "minLength": 1, "description": "of foreign_key: schema.table"},
        "references": {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1,
                       "description": "of foreign_key: the table's columns, the same names when absent"},
        "expression": {"type": "string", "format": "expression", "minLength": 1,
                       "description": "of expression: SQL that is false for a bad row"},
        "max_age": {"type": "string", "minLength": 1, "description": "of freshness: an interval"}},
      "required": ["rule"], "additionalProperties": false},
      "description": "a list of rules, each with what it needs, such as {rule: range, column: age, min: 0}"},
    "severity": {"enum": ["warn", "quarantine", "fail"], "default": "fail", "description": "warn, quarantine or fail"}},
  "required": ["rules"]})",
     "unique, row_count and freshness are about the rows of one batch.",
     "unique, row_count and freshness are about all rows."},
    1,
    1,
    compile_check};

}  // namespace etl::transform
