// Bytes as pairs of hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

namespace etl {

std::string to_hex(std::string_view bytes);  // in lower case
// Error 22023 unless there are pairs of digits, of either case.
std::string from_hex(std::string_view digits);

}  // namespace etl
