#include "file/infer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

namespace etl::file {
namespace {

constexpr std::size_t kNumericDigits = 131072;   // of PostgreSQL's numeric, before the point
constexpr std::size_t kNumericDecimals = 16383;  // and behind it
constexpr std::size_t kMicroseconds = 6;         // digits; a further one would be rounded away

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes the digits at the front away.
std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

bool take_sign(std::string_view& text) {
  return take(text, '-') || take(text, '+');
}

// Takes exactly `width` digits away: a number from `least` to `most`, or -1.
int take_number(std::string_view& text, std::size_t width, int least, int most) {
  if (text.size() < width || !std::all_of(text.begin(), text.begin() + width, is_digit)) return -1;
  int number = 0;
  for (const char c : text.substr(0, width)) number = number * 10 + (c - '0');
  text.remove_prefix(width);
  return number >= least && number <= most ? number : -1;
}

int days_of(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

bool take_date(std::string_view& text) {
  const int year = take_number(text, 4, 1, 9999);
  if (year < 0 || !take(text, '-')) return false;
  const int month = take_number(text, 2, 1, 12);
  if (month < 0 || !take(text, '-')) return false;
  return take_number(text, 2, 1, days_of(year, month)) > 0;
}

// HH:MM[:SS[.F]]
bool take_time(std::string_view& text) {
  if (take_number(text, 2, 0, 23) < 0 || !take(text, ':') || take_number(text, 2, 0, 59) < 0) return false;
  if (!take(text, ':')) return true;
  if (take_number(text, 2, 0, 59) < 0) return false;
  if (!take(text, '.')) return true;
  const std::string_view fraction = take_digits(text);
  return !fraction.empty() && fraction.find_first_not_of('0', kMicroseconds) == fraction.npos;
}

// Z, +HH, +HHMM or +HH:MM; PostgreSQL's zones end before 16 hours.
bool take_zone(std::string_view& text) {
  if (take(text, 'Z')) return true;
  if (!take_sign(text) || take_number(text, 2, 0, 15) < 0) return false;
  if (text.empty()) return true;
  take(text, ':');
  return take_number(text, 2, 0, 59) >= 0;
}

bool is_word(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

ColumnType::Kind ColumnType::number(std::string_view text) {
  const std::string_view whole = text[0] == '+' ? text.substr(1) : text;
  take_sign(text);
  const std::string_view digits = take_digits(text);
  if (digits.size() > 1 && digits[0] == '0') return Kind::kText;
  if (text.empty()) {
    std::int64_t value;
    const auto read = std::from_chars(whole.data(), whole.data() + whole.size(), value);
    if (read.ec == std::errc() && read.ptr == whole.data() + whole.size()) return Kind::kBigint;
    return !digits.empty() && digits.size() <= kNumericDigits ? Kind::kNumeric : Kind::kText;
  }
  const std::string_view decimals = take(text, '.') ? take_digits(text) : std::string_view();
  if (digits.empty() && decimals.empty()) return Kind::kText;
  if (text.empty()) {
    return digits.size() <= kNumericDigits && decimals.size() <= kNumericDecimals ? Kind::kNumeric : Kind::kText;
  }
  if ((text[0] | 0x20) != 'e') return Kind::kText;
  text.remove_prefix(1);
  take_sign(text);
  if (take_digits(text).empty() || !text.empty()) return Kind::kText;
  double value;
  const auto read = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  return read.ec == std::errc() ? Kind::kDouble : Kind::kText;
}

ColumnType::Kind ColumnType::time(std::string_view text) {
  if (!take_date(text)) return Kind::kText;
  if (text.empty()) return Kind::kDate;
  if ((!take(text, 'T') && !take(text, ' ')) || !take_time(text)) return Kind::kText;
  if (text.empty()) return Kind::kTimestamp;
  return take_zone(text) && text.empty() ? Kind::kTimestamptz : Kind::kText;
}

ColumnType::Kind ColumnType::kind_of(std::string_view text) {
  if (text.empty()) return Kind::kText;
  for (const std::string_view word : {"true", "false", "t", "f"}) {
    if (is_word(text, word)) return Kind::kBoolean;
  }
  const Kind kind = number(text);
  return kind == Kind::kText ? time(text) : kind;
}

void ColumnType::add(const Field& field) {
  if (field.text == nullptr || kind_ == Kind::kText) return;
  const Kind kind = kind_of({field.text, field.size});
  const auto is_number = [](Kind k) { return k >= Kind::kBigint && k <= Kind::kDouble; };
  const auto is_local = [](Kind k) { return k == Kind::kDate || k == Kind::kTimestamp; };
  if (kind_ == Kind::kNone) {
    kind_ = kind;
  } else if ((is_number(kind_) && is_number(kind)) || (is_local(kind_) && is_local(kind))) {
    kind_ = std::max(kind_, kind);
  } else if (kind_ != kind) {
    kind_ = Kind::kText;
  }
}

std::string_view ColumnType::type() const {
  constexpr std::array<std::string_view, 9> kNames = {
      "text",
      "boolean",
      "bigint",
      "numeric",
      "double precision",
      "date",
      "timestamp without time zone",
      "timestamp with time zone",
      "text",
  };
  return kNames[static_cast<std::size_t>(kind_)];
}

}  // namespace etl::file
