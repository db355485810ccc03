// Columns and params of a call, for the rules.
#pragma once

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
// {"name": "text"} of a param, in its order.
std::vector<std::pair<std::string, std::string>> text_map(const Call& call, const char* param);
// A text param; the default when it is absent.
std::string text_or(const Call& call, const char* param, std::string_view otherwise);

// Error 42701 when a name comes twice.
void want_unique(const std::vector<std::string>& names);

// "id"."column"
std::string qualified(const Input& input, std::string_view column);
// All columns of the input: "id"."a", "id"."b"
std::string all_columns(const Input& input);

}  // namespace etl::transform
