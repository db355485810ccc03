// Any bytes as a header line of a reply: the value is a part of the line without blanks around it, and a delay that is
// read of it is between 0 and the cap, and what it says when it is a plain number.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/header.hpp"

namespace {

using std::chrono::milliseconds;

void require(bool holds) {
  if (!holds) abort();
}

void require_value(std::string_view line, std::string_view value) {
  constexpr std::string_view kBlanks = " \t\r\n";
  require(value.data() >= line.data() && value.data() + value.size() <= line.data() + line.size());
  if (value.empty()) return;
  require(kBlanks.find(value.front()) == kBlanks.npos && kBlanks.find(value.back()) == kBlanks.npos);
}

void require_delay(std::string_view value) {
  const auto now = std::chrono::system_clock::from_time_t(1'800'000'000);
  const milliseconds cap(300'000);
  const auto delay = etl::http::parse_retry_after(value, now, cap);
  if (!delay) return;
  require(*delay >= milliseconds(0) && *delay <= cap);
  const auto with_blanks = etl::http::parse_retry_after(" " + std::string(value) + "\r\n", now, cap);
  require(with_blanks == delay);
  // A number does not depend on the clock; what a date says is less far the later it is read, and is not beyond reach.
  const auto later = etl::http::parse_retry_after(value, now + milliseconds(60'000), cap);
  require(later && *later <= *delay);
  require(*delay == cap || *later == *delay || *later == std::max(milliseconds(0), *delay - milliseconds(60'000)));
  const auto uncapped = etl::http::parse_retry_after(value, now, milliseconds::max());
  require(uncapped && std::min(*uncapped, cap) == *delay);
  if (value.find_first_not_of("0123456789") == value.npos) {
    require(later == delay);
    require(etl::http::parse_retry_after(std::to_string(delay->count() / 1000), now, cap) == delay);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  for (const std::string_view name : {"content-type", "retry-after", "content-encoding"}) {
    if (const auto value = etl::http::header_value(line, name)) {
      require(line.size() > name.size() && line[name.size()] == ':');
      require_value(line, *value);
      if (name == "retry-after") require_delay(*value);
    }
  }
  require_delay(line);
  return 0;
}
