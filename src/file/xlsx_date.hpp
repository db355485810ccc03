// Dates and times of a spreadsheet: numbers of days that a cell's number format makes a date.
//
// ECMA-376 part 1, 18.8.30 (number formats) and 18.17.4 (dates).
#pragma once

#include <string>
#include <string_view>

namespace etl::file {

// How a number is meant.
enum class NumberFormat : unsigned char {
  kNumber,
  kDate,
  kTimestamp,
  kTime,
  kInterval,  // elapsed hours, minutes or seconds, as [h]:mm
};

// Of a format that every workbook has, by its id; kNumber for an id that is none.
NumberFormat built_in_format(int id);
// Of a format's code: its letters y m d h s outside of quotes and brackets; [h], [m] and [s] are elapsed time.
NumberFormat format_of_code(std::string_view code);

// The day that is number 0.
enum class DateSystem : unsigned char {
  k1900,  // 1 is 1900-01-01; 60 is 1900-02-29, which never was
  k1904,  // 0 is 1904-01-01
};

// Writes a number of days the way PostgreSQL reads it, rounded to milliseconds as spreadsheets do: 2024-01-31,
// 2024-01-31 12:30:00.5, 12:30:00, or hours as 125:30:00. What the number has counts for more than its format: a date
// with a time of day, and a time with days, become timestamps.
// `format` is set to what was written. False: no date is that number (before day 0, after 9999-12-31, 1900-02-29).
bool write_date(double days, NumberFormat& format, DateSystem system, std::string& out);

}  // namespace etl::file
