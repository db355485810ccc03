// The type of a column, from a sample of its fields: the narrowest SQL type whose input function takes each of them.
// What is not surely another type is text.
//
//   boolean                      true, false, t, f, in any case
//   bigint, numeric              a sign is fine; a leading zero ("007") is text. 1.5, .5 and 5. are numeric, and so are
//                                integers over bigint
//   double precision             with an exponent, or other numbers among such: 15 of their digits are kept. Infinity
//                                and NaN are text
//   date                         2024-02-29, of the years 1 to 9999
//   timestamp without time zone  2024-02-29T23:59[:59[.999999]], or with a blank for the T; dates may be among them
//   timestamp with time zone     the same with Z, +HH, +HHMM or +HH:MM behind it
//   text                         anything else, an empty string, blanks around a value, a mixture of the others
//
// NULL fits all, and a column of nothing else is text.
#pragma once

#include <cstdint>
#include <string_view>

#include "file/record.hpp"

namespace etl::file {

class ColumnType {
 public:
  void add(const Field& field);
  std::string_view type() const;  // its name in SQL

 private:
  enum class Kind : std::uint8_t {
    kNone,
    kBoolean,
    kBigint,
    kNumeric,
    kDouble,
    kDate,
    kTimestamp,
    kTimestamptz,
    kText
  };
  static Kind kind_of(std::string_view text);
  static Kind number(std::string_view text);
  static Kind time(std::string_view text);

  Kind kind_ = Kind::kNone;
};

}  // namespace etl::file
