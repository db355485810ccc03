#include "core/duration.hpp"

#include <charconv>
#include <cmath>

#include "core/error.hpp"

namespace etl {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr Unit kTime[] = {
    {"d", 86400000}, {"day", 86400000}, {"days", 86400000}, {"h", 3600000},    {"hour", 3600000},  {"hours", 3600000},
    {"m", 60000},    {"min", 60000},    {"mins", 60000},    {"minute", 60000}, {"minutes", 60000}, {"ms", 1},
    {"s", 1000},     {"sec", 1000},     {"second", 1000},   {"seconds", 1000}, {"secs", 1000},
};

constexpr Unit kSize[] = {{"B", 1}, {"GB", 1073741824}, {"KB", 1024}, {"MB", 1048576}, {"kB", 1024}};

[[noreturn]] void refuse(std::string_view text, std::string_view option, const char* example) {
  throw Error("22023", "option \"" + std::string(option) + "\" cannot be read", "It is \"" + std::string(text) + "\".",
              std::string("Write a number and a unit, for example ") + example + ".");
}

bool space(char c) {
  return c == ' ' || c == '\t';
}
bool number_part(char c) {
  return (c >= '0' && c <= '9') || c == '.';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Sums "<number> <unit>" pairs; -1 when the text is something else.
template <std::size_t N>
std::int64_t sum(std::string_view text, const Unit (&units)[N], std::int64_t without_unit) {
  double total = 0;
  std::size_t i = 0;
  bool any = false;
  while (true) {
    while (i < text.size() && space(text[i])) ++i;
    if (i == text.size()) break;
    const std::size_t start = i;
    while (i < text.size() && number_part(text[i])) ++i;
    double number = 0;
    const auto parsed = std::from_chars(text.data() + start, text.data() + i, number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + i) return -1;
    while (i < text.size() && space(text[i])) ++i;
    const std::size_t unit_start = i;
    while (i < text.size() && letter(text[i])) ++i;
    const std::string_view unit = text.substr(unit_start, i - unit_start);
    std::int64_t factor = unit.empty() ? without_unit : -1;
    for (const Unit& u : units) {
      if (u.name == unit) factor = u.factor;
    }
    if (factor < 0) return -1;
    total += number * static_cast<double>(factor);
    any = true;
  }
  return any && total < 9e15 ? std::llround(total) : -1;
}

}  // namespace

std::int64_t parse_duration_ms(std::string_view text, std::string_view option) {
  const std::int64_t ms = sum(text, kTime, text == "0" ? 1 : -1);
  if (ms < 0) refuse(text, option, "\"30 s\" or \"5 minutes\"");
  return ms;
}

std::int64_t parse_bytes(std::string_view text, std::string_view option) {
  const std::int64_t bytes = sum(text, kSize, 1);
  if (bytes < 0) refuse(text, option, "\"10 MB\"");
  return bytes;
}

}  // namespace etl
