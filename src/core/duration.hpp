// Durations and sizes as users write them in options.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace etl {

// "300s", "5 minutes", "1 hour 30 minutes", "250 ms" -> milliseconds. Error 22023 names the option.
std::int64_t parse_duration_ms(std::string_view text, std::string_view option);

// "10 MB", "512 kB", "1048576" -> bytes (1 kB = 1024, as in PostgreSQL's settings). Error 22023 names the option.
std::int64_t parse_bytes(std::string_view text, std::string_view option);

}  // namespace etl
