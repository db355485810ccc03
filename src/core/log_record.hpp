// A line of the server's log for machines: one JSON object without a line break.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace etl {

struct LogRecord {
  std::int64_t unix_us = 0;
  std::string_view level;
  std::string_view message;
  std::optional<std::string> correlation_id;
  std::optional<std::string> dataset_name;
};

// {"timestamp", "level", "service", "message", "correlation_id", "dataset_name"}. Bytes that are no UTF-8 become
// U+FFFD, each, and control characters are escaped, so that any JSON parser takes it and no terminal obeys it.
std::string to_json(const LogRecord& record);

// RFC 3339, in UTC, with milliseconds: 2024-02-29T23:59:59.999Z.
std::string utc_timestamp(std::int64_t unix_us);

}  // namespace etl
