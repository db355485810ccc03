// UTF-8 (RFC 3629): neither overlong forms nor surrogates nor anything above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace etl::file {

// How many bytes at the front are valid UTF-8: text.size() when all are.
std::size_t valid_utf8(std::string_view text);

// Not more than `bytes` of the front, cut between two characters.
std::string_view utf8_front(std::string_view text, std::size_t bytes);

}  // namespace etl::file
