// What readers of files deliver to a test: rows of texts, where nullopt is NULL.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "file/record.hpp"

namespace etl::file {

using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

inline constexpr std::nullopt_t kNull = std::nullopt;

inline Row row_of(const Record& record) {
  Row row;
  for (const Field& field : record.fields) {
    row.push_back(field.text == nullptr ? Row::value_type{} : std::string(field.text, field.size));
    EXPECT_TRUE(field.text == nullptr || field.text[field.size] == '\0');
  }
  return row;
}

// All rows, and in place of a bad one its SQLSTATE. each: looks at every record.
inline Rows rows_of(RecordReader& reader, const std::function<void(const Record&)>& each = {}) {
  Rows rows;
  Record record;
  for (Read outcome; (outcome = reader.next(record)) != Read::kEnd;) {
    rows.push_back(outcome == Read::kRecord ? row_of(record) : Row{record.error.sqlstate});
    if (each) each(record);
  }
  EXPECT_EQ(reader.next(record), Read::kEnd);
  return rows;
}

}  // namespace etl::file
