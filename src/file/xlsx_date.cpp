#include "file/xlsx_date.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace etl::file {
namespace {

constexpr std::int64_t kDayMs = 86400000;
constexpr std::int64_t kLastDay1900 = 2958465;  // 9999-12-31
constexpr std::int64_t kDays1904 = 1462;        // the number of 1904-01-01 in the system of 1900
constexpr std::int64_t kDay0 = -25568;          // 1899-12-31, counted from 1970-01-01
constexpr std::int64_t kDayThatNeverWas = 60;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The letters of a code that stand for a part of a date, each run of one letter once; `elapsed` when one is in
// brackets.
std::string date_letters(std::string_view code, bool& elapsed) {
  std::string letters;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = lower(code[i]);
    if (c == '"') {
      i = code.find('"', i + 1);
    } else if (c == '[') {
      const std::size_t end = code.find(']', i);
      const char unit = end == code.npos || end == i + 1 ? ' ' : lower(code[i + 1]);
      bool whole = unit == 'h' || unit == 'm' || unit == 's';
      for (std::size_t k = i + 1; whole && k < end; ++k) whole = lower(code[k]) == unit;
      if (whole) {
        elapsed = true;
        letters += unit;
      }
      i = end;
    } else if (c == '\\' || c == '_' || c == '*') {
      ++i;
    } else if (c == 'a' && (code.substr(i).starts_with("AM/PM") || code.substr(i).starts_with("am/pm"))) {
      i += 4;
    } else if (c == 'y' || c == 'm' || c == 'd' || c == 'h' || c == 's') {
      if (letters.empty() || letters.back() != c) letters += c;
    }
    if (i >= code.size()) break;  // and npos
  }
  return letters;
}

struct Civil {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// From days since 1970-01-01. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
Civil civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = days / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * month + 2) / 5 + 1;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9,
          day};
}

// With at least that many digits.
void write_digits(std::int64_t number, std::size_t digits, std::string& out) {
  std::array<char, 20> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  const auto length = static_cast<std::size_t>(end - text.data());
  if (length < digits) out.append(digits - length, '0');
  out.append(text.data(), length);
}

void write_day(std::int64_t number, std::string& out) {
  const Civil civil = civil_from_days(kDay0 + number - (number > kDayThatNeverWas ? 1 : 0));
  write_digits(civil.year, 4, out);
  out += '-';
  write_digits(civil.month, 2, out);
  out += '-';
  write_digits(civil.day, 2, out);
}

void write_time(std::int64_t ms, std::string& out) {
  const std::int64_t seconds = ms / 1000;
  write_digits(seconds / 3600, 2, out);
  out += ':';
  write_digits(seconds / 60 % 60, 2, out);
  out += ':';
  write_digits(seconds % 60, 2, out);
  if (ms % 1000 == 0) return;
  out += '.';
  write_digits(ms % 1000, 3, out);
  while (out.back() == '0') out.pop_back();
}

}  // namespace

NumberFormat built_in_format(int id) {
  if (id == 46) return NumberFormat::kInterval;
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) || id == 57 || id == 58) {
    return NumberFormat::kDate;
  }
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47 || id == 55 || id == 56) {
    return NumberFormat::kTime;
  }
  return id == 22 ? NumberFormat::kTimestamp : NumberFormat::kNumber;
}

NumberFormat format_of_code(std::string_view code) {
  bool elapsed = false;
  const std::string letters = date_letters(code, elapsed);
  bool date = false, time = false;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const char c = letters[i];
    // m is a minute behind an hour and before a second, else a month.
    const bool minute =
        c == 'm' && ((i > 0 && letters[i - 1] == 'h') || (i + 1 < letters.size() && letters[i + 1] == 's'));
    (c == 'h' || c == 's' || minute ? time : date) = true;
  }
  if (elapsed) return NumberFormat::kInterval;
  if (date) return time ? NumberFormat::kTimestamp : NumberFormat::kDate;
  return time ? NumberFormat::kTime : NumberFormat::kNumber;
}

bool write_date(double days, NumberFormat& format, DateSystem system, std::string& out) {
  if (!(std::fabs(days) < 1e8)) return false;
  const auto total = static_cast<std::int64_t>(std::llround(days * static_cast<double>(kDayMs)));
  if (format == NumberFormat::kInterval) {
    if (total < 0) out += '-';
    write_time(std::llabs(total), out);
    return true;
  }
  if (total < 0) return false;
  const std::int64_t ms = total % kDayMs;
  if (format == NumberFormat::kTime && days < 1) {
    write_time(total, out);  // 24:00:00 at most
    return true;
  }
  const std::int64_t day = total / kDayMs + (system == DateSystem::k1904 ? kDays1904 : 0);
  if (day > kLastDay1900 || day == kDayThatNeverWas) return false;
  write_day(day, out);
  format = format == NumberFormat::kDate && ms == 0 ? NumberFormat::kDate : NumberFormat::kTimestamp;
  if (format == NumberFormat::kTimestamp) {
    out += ' ';
    write_time(ms, out);
  }
  return true;
}

}  // namespace etl::file
