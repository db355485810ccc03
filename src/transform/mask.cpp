#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

namespace {

constexpr const char* kText = "pg_catalog.text";

std::string in_utc(const std::string& time) {
  return "pg_catalog.timezone('UTC', " + time + ")";
}

std::string range_in_utc(const std::string& range) {
  return "CASE WHEN pg_catalog.isempty(" + range + ") THEN 'empty' WHEN " + range +
         " IS NOT NULL THEN pg_catalog.tsrange(" + in_utc("pg_catalog.lower(" + range + ")") + ", " +
         in_utc("pg_catalog.upper(" + range + ")") + ", pg_catalog.concat(CASE WHEN pg_catalog.lower_inc(" + range +
         ") THEN '[' ELSE '(' END, CASE WHEN pg_catalog.upper_inc(" + range + ") THEN ']' ELSE ')' END)) END";
}

// Of several dimensions, or counted from another number than 1, it has its dimensions before it.
std::string array_in_utc(const std::string& array, const std::string& element) {
  const std::string dimensions = "pg_catalog.array_dims(" + array + ")";
  return "CASE WHEN " + array + " IS NOT NULL THEN pg_catalog.concat(CASE WHEN " + dimensions +
         " OPERATOR(pg_catalog.!~) '^.1:[0-9]+.$' THEN pg_catalog.concat(" + dimensions + ", '=') END, ARRAY(SELECT " +
         element + " FROM pg_catalog.unnest(" + array + ") WITH ORDINALITY AS \"_etl_elements\"(e, n) ORDER BY n)) END";
}

// That of a time does not depend on the session's time zone.
std::string text_of(const Column& column, const std::string& value) {
  constexpr std::string_view kTime = "timestamp with time zone";
  constexpr std::string_view kRange = "pg_catalog.tstzrange";
  const std::string& type = column.bare_base_type;
  const std::string base = "CAST(" + value + " AS " + type + ")";
  std::string text = value;
  if (type == kTime) text = in_utc(base);
  if (type == kRange) text = range_in_utc(base);
  if (type == std::string(kTime) + "[]") text = array_in_utc(base, in_utc("e"));
  if (type == std::string(kRange) + "[]") text = array_in_utc(base, range_in_utc("e"));
  if (type == "pg_catalog.tstzmultirange") {
    text = "CASE WHEN " + base + " IS NOT NULL THEN (SELECT pg_catalog.concat('{', pg_catalog.string_agg(CAST(" +
           range_in_utc("e") + " AS " + kText + "), ',' ORDER BY e), '}') FROM pg_catalog.unnest(" + base +
           ") AS e) END";
  }
  return "CAST(" + text + " AS " + kText + ")";
}

std::string hashed(const std::string& text) {
  return "pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(" + text + ", 'UTF8')), 'hex')";
}

// The stars do not tell how many characters they stand for.
std::string partial(const std::string& text, const std::string& pattern) {
  const std::string e_mail = "pg_catalog.substring(" + pattern + ", '^[^@[:space:]]+(@[^@[:space:]]+)$')";
  return "CASE WHEN " + e_mail + " IS NOT NULL THEN pg_catalog.concat('***', " + e_mail + ") WHEN pg_catalog.length(" +
         text + ") OPERATOR(pg_catalog.<) 3 THEN '***' WHEN " + text + " IS NOT NULL THEN pg_catalog.concat(" +
         "pg_catalog.left(" + text + ", 1), '***', pg_catalog.right(" + text + ", 1)) END";
}

std::string redacted(const Column& column, const std::string& value) {
  if (!is_text(column)) return "CAST(NULL AS " + column.type + ")";
  return "CAST(CASE WHEN " + value + " IS NOT NULL THEN '***' END AS " + column.type + ")";
}

Rule compile_mask(const Call& call) {
  const Input& input = call.inputs[0];
  std::map<std::string, std::string> masked;
  std::string names;
  for (const auto& [name, way] : text_map(call, "columns")) {
    const Column& column = want_column(input, name);
    const std::string value = qualified(input, name);
    const std::string text = text_of(column, value);
    masked[name] = way == "hash"      ? hashed(text)
                   : way == "partial" ? partial(text, text_for_pattern(column, text))
                                      : redacted(column, value);
    names += (names.empty() ? "" : ", ") + literal(name, kText);
  }
  return {.sql = "SELECT " + all_columns(input, masked) + " FROM " + input.from,
          .figures = "SELECT ARRAY[" + names + "] AS columns_affected"};
}

}  // namespace

extern const Transform kMask = {
    {"mask", model::Kind::kTransform,
     "Hides values. hash: the SHA-256 of the value's text in hexadecimal digits, as text; the same value gives the "
     "same hash, so that it still joins, and what has few possible values can be guessed. redact: *** for texts, "
     "NULL for other types; the type stays. partial: the first and last character with *** between them, of an "
     "e-mail address *** and its domain, of texts of less than three characters ***, as text. NULL stays NULL; a "
     "timestamp with time zone is taken in UTC, also in a range or an array.",
     R"({"type": "object", "properties": {
    "columns": {"type": "object", "additionalProperties": {"enum": ["hash", "redact", "partial"]}, "minProperties": 1,
                "description": "an object {column: hash, redact or partial}"}},
  "required": ["columns"]})"},
    1,
    1,
    compile_mask};

}  // namespace etl::transform
