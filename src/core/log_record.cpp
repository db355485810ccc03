#include "core/log_record.hpp"

#include <chrono>
#include <cstdio>

#include "core/json.hpp"
#include "core/printable.hpp"

namespace etl {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string as_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    out += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::optional<std::string> as_utf8(const std::optional<std::string>& text) {
  return text ? std::optional(as_utf8(std::string_view(*text))) : std::nullopt;
}

// JSON lets DEL and U+0080 to U+009F stand as they are; a terminal takes some of them for commands.
std::string without_controls(std::string_view json) {
  std::string out;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const auto c = static_cast<unsigned char>(json[i]);
    const auto next = static_cast<unsigned char>(i + 1 < json.size() ? json[i + 1] : '\0');
    char escaped[8];
    if (c == 0x7f || (c == 0xc2 && next < 0xa0)) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c == 0x7f ? c : next);
      out += escaped;
      i += c == 0xc2;
    } else {
      out += json[i];
    }
  }
  return out;
}

}  // namespace

std::string utc_timestamp(std::int64_t unix_us) {
  using namespace std::chrono;
  const sys_time<milliseconds> at(floor<milliseconds>(microseconds(unix_us)));
  const auto midnight = floor<days>(at);
  const year_month_day day(midnight);
  const hh_mm_ss time(at - midnight);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return text;
}

std::string to_json(const LogRecord& record) {
  json::Object object;
  object.add("timestamp", utc_timestamp(record.unix_us))
      .add("level", record.level)
      .add("service", "pg_etl")
      .add("message", as_utf8(record.message))
      .add("correlation_id", as_utf8(record.correlation_id))
      .add("dataset_name", as_utf8(record.dataset_name));
  return without_controls(object.str());
}

}  // namespace etl
