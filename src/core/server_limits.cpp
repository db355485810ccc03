#include "core/server_limits.hpp"

#include <charconv>
#include <cmath>

#include "core/duration.hpp"
#include "core/error.hpp"

namespace etl {

namespace {

void check(bool fits, const std::string& name, const std::string& text, const std::string& expected) {
  if (fits) return;
  throw Error("22023", "option \"" + name + "\" cannot take this value", "It is \"" + text + "\".",
              "Use " + expected + ".");
}

template <class Number>
Number number(const std::string& name, const std::string& text, Number low, Number high, const std::string& expected) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size() && value >= low && value <= high, name, text,
        expected);
  return value;
}

std::chrono::milliseconds patience(const std::string& name, const std::string& text) {
  const std::int64_t ms = parse_duration_ms(text, name);
  check(ms >= 1 && ms <= 3'600'000, name, text, "1 ms to 1 hour");
  return std::chrono::milliseconds(ms);
}

int whole(const std::string& name, const std::string& text) {
  return number(name, text, 1, 1000, "a whole number from 1 to 1000");
}

}  // namespace

ServerLimits parse_server_limits(const std::map<std::string, std::string>& options) {
  ServerLimits limits;
  for (const auto& [name, text] : options) {
    if (name == "breaker_failures") limits.circuit.failures = whole(name, text);
    if (name == "breaker_successes") limits.circuit.successes = whole(name, text);
    if (name == "breaker_pause") {
      const std::int64_t ms = parse_duration_ms(text, name);
      check(ms >= 1 && ms <= CircuitRules::kLongestPauseUs / 1000, name, text, "1 ms to 5 minutes");
      limits.circuit.pause_us = ms * 1000;
    }
    if (name == "connect_timeout") limits.connect_timeout = patience(name, text);
    if (name == "read_timeout") limits.read_timeout = patience(name, text);
    if (name == "requests_in_flight") limits.requests_in_flight = whole(name, text);
    if (name == "requests_per_second") {
      limits.requests_per_second = number(name, text, 0.001, 1e6, "a number from 0.001 to 1000000");
    }
  }
  return limits;
}

}  // namespace etl
