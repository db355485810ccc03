// What a value is as a cell of a sheet, before anything is written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "file/writer.hpp"

namespace etl::file {

struct XlsxCell {
  enum class Kind : unsigned char { kBlank, kBoolean, kNumber, kDate, kTimestamp, kTime, kText };
  Kind kind = Kind::kBlank;
  double number = 0;  // of all but kText; of dates and times in days, as sheets have them
  std::string text;   // escaped for the library
};

// The cell of a column's value, which is not NULL. `row` is the row's number, for messages. Errors 22001 and 22008 as
// of make_xlsx_writer.
void make_cell(const WriterColumn& column, const Value& value, std::uint64_t row, XlsxCell& cell);

// A sheet takes texts in which _xHHHH_ is the character U+HHHH. libxlsxwriter writes control characters so; here what
// only looks like one, and what XML cannot have (U+FFFE, U+FFFF), is made so.
void escape_text(std::string_view text, std::string& escaped);

// In units of UTF-16, in which Excel counts.
std::size_t utf16_length(std::string_view text);

}  // namespace etl::file
