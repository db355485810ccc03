#include "core/yaml_scalar.hpp"

#include <rapidjson/encodings.h>
#include <rapidjson/memorystream.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace etl::yaml {

namespace {

constexpr std::string_view kDigits = "0123456789";

// Words that are no strings to some reader, beside those of resolve(): booleans, the default and the merge key of 1.1.
constexpr std::array<std::string_view, 18> kWords11 = {"<<", "=",   "N",   "NO", "No", "OFF", "ON", "Off", "On",
                                                       "Y",  "YES", "Yes", "n",  "no", "off", "on", "y",   "yes"};

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// How many characters from `at` on are of the set.
std::size_t span(std::string_view text, std::size_t at, std::string_view set) {
  return std::min(text.find_first_not_of(set, at), text.size()) - std::min(at, text.size());
}

bool consists_of(std::string_view text, std::string_view set) {
  return !text.empty() && span(text, 0, set) == text.size();
}

std::string_view without_sign(std::string_view text) {
  return text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
}

// e5, E-5, e+5
bool is_exponent(std::string_view text) {
  if (!text.starts_with('e') && !text.starts_with('E')) return false;
  return consists_of(without_sign(text.substr(1)), kDigits);
}

// 12, 1.5, 1., .5, each with or without an exponent; the digits before the point begin with 0 only in 0 itself.
bool is_decimal(std::string_view text, bool& whole) {
  const std::size_t before = span(text, 0, kDigits);
  const bool point = before < text.size() && text[before] == '.';
  const std::size_t after = point ? span(text, before + 1, kDigits) : 0;
  const std::string_view rest = text.substr(before + (point ? 1 : 0) + after);
  whole = !point && rest.empty();
  return before + after > 0 && !(before > 1 && text[0] == '0') && (rest.empty() || is_exponent(rest));
}

template <typename Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Also of numbers below the least double: both are out of its range.
double real(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? value : std::numeric_limits<double>::infinity();
}

// 0x1f and 0o17
std::optional<Scalar> resolve_based(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") && consists_of(text.substr(2), "0123456789abcdefABCDEF");
  const bool octal = text.starts_with("0o") && consists_of(text.substr(2), "01234567");
  if (!hexadecimal && !octal) return std::nullopt;
  const int base = hexadecimal ? 16 : 8;
  if (const auto value = number<std::int64_t>(text.substr(2), base)) return *value;
  if (const auto value = number<std::uint64_t>(text.substr(2), base)) return *value;
  return std::numeric_limits<double>::infinity();
}

// 190:20:30 and 190:20:30.15 of YAML 1.1, without the sign
bool is_sexagesimal(std::string_view text) {
  std::size_t at = span(text, 0, "0123456789_");
  if (at == 0 || text[0] == '_' || at == text.size() || text[at] != ':') return false;
  while (at < text.size() && text[at] == ':') {
    const std::size_t digits = span(text, at + 1, kDigits);
    if (digits == 0 || digits > 2 || (digits == 2 && text[at + 1] > '5')) return false;
    at += 1 + digits;
  }
  return at == text.size() || (text[at] == '.' && span(text, at + 1, "0123456789_") == text.size() - at - 1);
}

// A number to some reader, with the underscores, points, bases and leading zeros of all of them.
bool looks_like_number(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kNotFinite = {".INF", ".Inf", ".NAN", ".NaN", ".inf", ".nan"};
  const std::string_view bare = without_sign(text);
  if (is_one_of(bare, kNotFinite)) return true;
  if (bare.starts_with("0b")) return consists_of(bare.substr(2), "01_");
  if (bare.starts_with("0o")) return consists_of(bare.substr(2), "01234567");
  if (bare.starts_with("0x")) return consists_of(bare.substr(2), "0123456789abcdefABCDEF_");
  const std::size_t mantissa = span(bare, 0, "0123456789._");
  if (mantissa == 0 || bare[0] == '_') return false;
  return mantissa == bare.size() || is_exponent(bare.substr(mantissa)) || is_sexagesimal(bare);
}

// 2024-05-31, 2024-5-31T1:02:03Z, 2024-05-31 01:02:03 +2: a date, and either nothing or the hours behind it.
bool looks_like_timestamp(std::string_view text) {
  std::size_t at = span(text, 0, kDigits);
  if (at != 4) return false;
  for (int part = 0; part < 2; ++part) {
    if (at == text.size() || text[at] != '-') return false;
    const std::size_t digits = span(text, at + 1, kDigits);
    if (digits == 0 || digits > 2) return false;
    at += 1 + digits;
  }
  if (at == text.size()) return true;
  const std::size_t gap = text[at] == 'T' || text[at] == 't' ? 1 : span(text, at, " ");
  const std::size_t hours = at + gap;
  const std::size_t colon = hours + span(text, hours, kDigits);
  return gap > 0 && colon > hours && colon < text.size() && text[colon] == ':';
}

// Does it begin with what has a meaning of its own to the parser?
bool begins_with_indicator(std::string_view text) {
  if (std::string_view(",[]{}#&*!|>'\"%@`").find(text[0]) != std::string_view::npos) return true;
  if (std::string_view("-?:").find(text[0]) != std::string_view::npos) return text.size() == 1 || text[1] == ' ';
  return false;
}

}  // namespace

std::optional<char32_t> next_character(std::string_view text, std::size_t& at) {
  if (static_cast<unsigned char>(text[at]) < 0x80) return text[at++];
  rapidjson::MemoryStream stream(text.data() + at, text.size() - at);
  unsigned character = 0;
  if (!rapidjson::UTF8<>::Decode(stream, &character)) return std::nullopt;
  at += stream.Tell();
  return character;
}

bool is_printable(char32_t c) {
  if (c < 0x7f) return c >= 0x20 || c == '\t';
  return c >= 0xa0 && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff;
}

Scalar resolve(std::string_view plain) {
  static constexpr std::array<std::string_view, 5> kNull = {"", "NULL", "Null", "null", "~"};
  static constexpr std::array<std::string_view, 3> kTrue = {"TRUE", "True", "true"};
  static constexpr std::array<std::string_view, 3> kFalse = {"FALSE", "False", "false"};
  static constexpr std::array<std::string_view, 3> kInfinite = {".INF", ".Inf", ".inf"};
  static constexpr std::array<std::string_view, 3> kNotANumber = {".NAN", ".NaN", ".nan"};
  if (is_one_of(plain, kNull)) return nullptr;
  if (is_one_of(plain, kTrue)) return true;
  if (is_one_of(plain, kFalse)) return false;
  if (is_one_of(without_sign(plain), kInfinite)) return std::numeric_limits<double>::infinity();
  if (is_one_of(plain, kNotANumber)) return std::numeric_limits<double>::quiet_NaN();
  if (const auto based = resolve_based(plain)) return *based;
  bool whole = false;
  if (!is_decimal(without_sign(plain), whole)) return plain;
  const std::string_view signed_text = plain[0] == '+' ? plain.substr(1) : plain;  // std::from_chars knows no plus
  if (!whole) return real(signed_text);
  if (const auto value = number<std::int64_t>(signed_text, 10)) return *value;
  if (const auto value = number<std::uint64_t>(signed_text, 10)) return *value;
  return real(signed_text);
}

bool is_plain_string(std::string_view text) {
  if (text.empty() || begins_with_indicator(text) || text[0] == ' ' || text.back() == ' ' || text.back() == ':') {
    return false;
  }
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) return false;
  if ((text.starts_with("---") || text.starts_with("...")) && (text.size() == 3 || text[3] == ' ')) return false;
  for (std::size_t at = 0; at < text.size();) {
    const auto character = next_character(text, at);
    if (!character || !is_printable(*character) || *character == '\t') return false;  // libyaml ends it at a tab
  }
  return std::holds_alternative<std::string_view>(resolve(text)) && !is_one_of(text, kWords11) &&
         !looks_like_number(text) && !looks_like_timestamp(text);
}

}  // namespace etl::yaml
