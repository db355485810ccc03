// A value on its way between PostgreSQL and a format that knows no PostgreSQL.
#pragma once

#include <cstdint>
#include <string_view>

namespace etl {

// As what a column's values are taken.
enum class Want : unsigned char {
  kText,     // the type's output text; of bytea it is \x…
  kInteger,  // whole numbers; boolean as 0 and 1; dates and times in PostgreSQL's units (Value::integer)
  kDouble,
  kBytes,  // bytea itself
};

struct Value {
  bool null = false;
  std::string_view text{};  // Want::kText and kBytes
  // Want::kInteger. Of a date the days since 2000-01-01, of a timestamp the microseconds since 2000-01-01 00:00 (UTC),
  // of a time those since midnight. Infinite are the smallest and largest int32 as a date, int64 as a timestamp.
  std::int64_t integer = 0;
  double real = 0;  // Want::kDouble
};

}  // namespace etl
