// Columns and params of a call, for the rules.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "transform/transform.hpp"

namespace etl::transform {

// nullptr: the input has no such column.
const Column* find_column(const Input& input, std::string_view name);
// Error 42703 with the nearest name.
const Column& want_column(const Input& input, std::string_view name);

// ["a", "b"] of a param, each a column of the input; nullopt when the param is absent.
std::optional<std::vector<std::string>> column_list(const Call& call, const char* param, const Input& input);
// The same as columns; all of the input's when the param is absent.
std::vector<Column> chosen_columns(const Call& call, const char* param, const Input& input);
// {"name": "text"} of a param, in its order.
std::vector<std::pair<std::string, std::string>> text_map(const Call& call, const char* param);
// A text param; the default when it is absent.
std::string text_or(const Call& call, const char* param, std::string_view otherwise);

bool has_param(const Call& call, const char* param);
// Error 22023: the param is wanted, or not wanted, beside the others; the hint says why.
void want_param(const Call& call, const char* param, std::string hint);
void refuse_param(const Call& call, const char* param, std::string hint);

// A JSON string, number or boolean as what the input function of a type reads.
std::string scalar_text(const json::Value& value);
// CAST('text' AS type)
std::string literal(std::string_view text, std::string_view type);

// By type; a domain is none of them.
bool is_integer(const Column& column);  // smallint, integer, bigint
bool is_number(const Column& column);   // those and numeric, real, double precision
bool is_text(const Column& column);     // text, character varying, character

// Whether "id"."column" itself is NULL: IS NULL would also say so of a row of NULLs. Looks no operator up.
std::string is_null(const Input& input, std::string_view column);
std::string is_not_null(const Input& input, std::string_view column);
// The value's text in a collation in which patterns can be held against it.
std::string text_for_pattern(const Column& column, const std::string& text);

// Error 42701 when a name comes twice.
void want_unique(const std::vector<std::string>& names);

// "id"."column"
std::string qualified(const Input& input, std::string_view column);
// All columns of the input: "id"."a", "id"."b"
std::string all_columns(const Input& input);
// The same, but those of `replaced` are computed by its expression: (expression) AS "b"
std::string all_columns(const Input& input, const std::map<std::string, std::string>& replaced);

}  // namespace etl::transform
