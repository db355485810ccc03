// Characters and plain scalars of YAML, for its reader (core/yaml.cpp) and its writer (core/yaml_write.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace etl::yaml {

// The character that begins at text[at], and `at` behind it; nothing, and `at` unchanged, when it is not UTF-8.
std::optional<char32_t> next_character(std::string_view text, std::size_t& at);

// May this character stand in a line of a scalar as it is, for readers of YAML 1.1 too? Line ends of any kind and the
// byte order mark may not; the tab may.
bool is_printable(char32_t character);

// What a plain scalar means: see yaml::parse(). A double that is not finite is .inf, .nan or a number beyond a double.
using Scalar = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string_view>;
Scalar resolve(std::string_view plain);

// Does every reader, of YAML 1.1 or 1.2, take these characters for a string, if they stand in block style without
// quotes?
bool is_plain_string(std::string_view text);

}  // namespace etl::yaml
