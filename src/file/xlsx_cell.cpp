#include "file/xlsx_cell.hpp"

#include <charconv>
#include <cmath>

#include "core/error.hpp"
#include "core/printable.hpp"

namespace etl::file {
namespace {

using Kind = WriterColumn::Kind;

constexpr std::size_t kTextUnits = 32767;
constexpr int kDigits = 15;  // that a double has whatever its value, and that Excel shows
constexpr std::int64_t kDayMs = 86400000;
constexpr std::int64_t kDayUs = kDayMs * 1000;
constexpr std::int64_t kDay2000 = 36526;    // the number of 2000-01-01
constexpr std::int64_t kFirstDay = 1;       // 1900-01-01
constexpr std::int64_t kLastDay = 2958465;  // 9999-12-31

std::string name_of(const WriterColumn& column) {
  return "\"" + printable(column.name, 200) + "\"";
}

[[noreturn]] void refuse_date(const WriterColumn& column, std::uint64_t row) {
  Error error("22008", "value of column " + name_of(column) + " is no date of a sheet",
              "Row " + std::to_string(row) + " has one before 1900, behind 9999, infinite, or the time 24:00.",
              "Cast the column to text.");
  error.column = column.name;
  throw error;
}

// Whether a number's text is one that 15 digits hold, and a double's range.
bool is_exact(std::string_view text, double& number) {
  int digits = 0, zeros = 0;  // zeros: since the last other digit
  for (const char c : text.substr(0, text.find_first_of("eE"))) {
    if (c < '0' || c > '9') continue;
    if (c == '0') {
      if (digits > 0) ++zeros;
    } else {
      digits += zeros + 1;
      zeros = 0;
    }
  }
  if (digits > kDigits) return false;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end && std::isfinite(number);
}

void put_text(const WriterColumn& column, std::string_view text, std::uint64_t row, XlsxCell& cell) {
  if (text.empty()) return;
  escape_text(text, cell.text);
  const std::size_t units = cell.text.size() > kTextUnits ? utf16_length(cell.text) : 0;
  if (units > kTextUnits) {
    Error error("22001", "value of column " + name_of(column) + " is too long for a cell",
                "Row " + std::to_string(row) + " has " + std::to_string(units) + " characters, and a cell takes " +
                    std::to_string(kTextUnits) + ".",
                "Shorten it in the query, or write csv or parquet.");
    error.column = column.name;
    throw error;
  }
  cell.kind = XlsxCell::Kind::kText;
}

void put_number(const WriterColumn& column, std::string_view text, std::uint64_t row, XlsxCell& cell) {
  if (is_exact(text, cell.number)) {
    cell.kind = XlsxCell::Kind::kNumber;
  } else {
    put_text(column, text, row, cell);
  }
}

void put_real(const WriterColumn& column, double number, std::uint64_t row, XlsxCell& cell) {
  if (std::isfinite(number)) {
    cell.kind = XlsxCell::Kind::kNumber;
    cell.number = number;
  } else {
    put_text(column, std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity", row, cell);
  }
}

// The double that has the decimal digits of a real: 0.1, not 0.10000000149011612.
double widen(float number) {
  char digits[32];
  double wide = 0;
  std::from_chars(digits, std::to_chars(digits, digits + sizeof digits, number).ptr, wide);
  return wide;
}

// days: since 2000-01-01.
double serial(const WriterColumn& column, std::int64_t days, std::int64_t ms, std::uint64_t row) {
  std::int64_t number = days + kDay2000;
  if (number <= 60) --number;  // 60 is 1900-02-29, which never was
  if (number < kFirstDay || number > kLastDay) refuse_date(column, row);
  return static_cast<double>(number) + static_cast<double>(ms) / static_cast<double>(kDayMs);
}

void put_date(const WriterColumn& column, std::int64_t days, std::uint64_t row, XlsxCell& cell) {
  if (days < -kDay2000 || days > kLastDay) refuse_date(column, row);
  cell.kind = XlsxCell::Kind::kDate;
  cell.number = serial(column, days, 0, row);
}

void put_timestamp(const WriterColumn& column, std::int64_t us, std::uint64_t row, XlsxCell& cell) {
  const std::int64_t days = us / kDayUs - (us % kDayUs < 0 ? 1 : 0);
  if (days < -kDay2000 || days > kLastDay) refuse_date(column, row);
  cell.kind = XlsxCell::Kind::kTimestamp;
  cell.number = serial(column, days, (us - days * kDayUs) / 1000, row);
}

void put_time(const WriterColumn& column, std::int64_t us, std::uint64_t row, XlsxCell& cell) {
  if (us < 0 || us >= kDayUs) refuse_date(column, row);
  cell.kind = XlsxCell::Kind::kTime;
  cell.number = static_cast<double>(us / 1000) / static_cast<double>(kDayMs);
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// _xHHHH_
bool looks_escaped(std::string_view text) {
  return text.size() >= 7 && text[1] == 'x' && is_hex(text[2]) && is_hex(text[3]) && is_hex(text[4]) &&
         is_hex(text[5]) && text[6] == '_';
}

}  // namespace

void make_cell(const WriterColumn& column, const Value& value, std::uint64_t row, XlsxCell& cell) {
  cell.kind = XlsxCell::Kind::kBlank;
  switch (column.kind) {
    case Kind::kBool:
      cell.kind = XlsxCell::Kind::kBoolean;
      cell.number = value.integer != 0 ? 1 : 0;
      return;
    case Kind::kInt16:
    case Kind::kInt32:
    case Kind::kInt64:
      return put_number(column, std::to_string(value.integer), row, cell);
    case Kind::kFloat:
      return put_real(column, std::isfinite(value.real) ? widen(static_cast<float>(value.real)) : value.real, row,
                      cell);
    case Kind::kDouble:
      return put_real(column, value.real, row, cell);
    case Kind::kNumeric:
      return put_number(column, value.text, row, cell);
    case Kind::kDate:
      return put_date(column, value.integer, row, cell);
    case Kind::kTime:
      return put_time(column, value.integer, row, cell);
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return put_timestamp(column, value.integer, row, cell);
    default:
      return put_text(column, value.text, row, cell);
  }
}

void escape_text(std::string_view text, std::string& escaped) {
  escaped.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (text[i] == '_' && looks_escaped(rest)) {
      escaped += "_x005F_";
    } else if (rest.starts_with("\xef\xbf\xbe") || rest.starts_with("\xef\xbf\xbf")) {
      escaped += rest[2] == '\xbe' ? "_xFFFE_" : "_xFFFF_";
      i += 2;
    } else {
      escaped += text[i];
    }
  }
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

}  // namespace etl::file
