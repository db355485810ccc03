// Any bytes as a duration or a size: refused with 22023, or a number of milliseconds or bytes that reads back as
// itself, and twice itself when it is written twice.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace {

constexpr std::int64_t kMost = 9'000'000'000'000'000;

void require(bool holds) {
  if (!holds) abort();
}

void check(std::int64_t (*parse)(std::string_view, std::string_view), std::string_view text, const std::string& unit) {
  std::int64_t value = 0;
  try {
    value = parse(text, "o");
  } catch (const etl::Error& error) {
    require(error.sqlstate == "22023");
    return;
  }
  require(value >= 0 && value <= kMost);
  const std::string written = std::to_string(value) + unit;
  if (value < kMost) require(parse(written, "o") == value);
  if (value < kMost / 2) require(parse(written + " " + written, "o") == 2 * value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(etl::parse_duration_ms, text, " ms");
  check(etl::parse_bytes, text, " B");
  return 0;
}
