// Foreign text in our messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace etl {

// Control characters and what is no valid UTF-8 as \xNN, cut at a character's border.
std::string printable(std::string_view text, std::size_t max_bytes);

// Length of the UTF-8 sequence at the front, 0 if it is none.
std::size_t utf8_length(std::string_view text);

}  // namespace etl
