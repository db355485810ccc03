// What every writer of files takes: one row after the other, its values as the format wants them.
//
//   std::unique_ptr<Writer> writer = make_csv_writer(sink, columns, {});
//   for (…) writer->row(values);      // of column i what writer->wants()[i] says
//   writer->finish(); file.publish();
//
// Writers stream: memory is bounded, whatever the file's size. A row that cannot be written leaves the file as it was,
// without that row, and the next one may follow: such errors are of class 22 and name the column. After any other error
// (of the sink, 53100, 53200, 54000, 58030) the file is to be discarded.
//
// No writer knows PostgreSQL: numbers, dates and times come as it keeps them, all else as the text that a type's output
// function writes, in UTF-8. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/value.hpp"

namespace etl::file {

struct WriterColumn {
  enum class Kind : unsigned char {
    kBool,
    kInt16,
    kInt32,
    kInt64,
    kFloat,   // real
    kDouble,  // double precision
    kNumeric,
    kText,  // and all types that are none of the others
    kJson,  // json and jsonb
    kBytes,
    kDate,
    kTime,  // without time zone
    kTimestamp,
    kTimestampTz,
  };
  std::string name;
  Kind kind = Kind::kText;
  int precision = 0;  // of numeric(precision, scale); 0: of any size
  int scale = 0;
};

// Numbers, dates and times as PostgreSQL keeps them, bytes as they are, all else as text.
constexpr Want natural_want(WriterColumn::Kind kind) {
  using Kind = WriterColumn::Kind;
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt16:
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return Want::kInteger;
    case Kind::kFloat:
    case Kind::kDouble:
      return Want::kDouble;
    case Kind::kBytes:
      return Want::kBytes;
    case Kind::kNumeric:
    case Kind::kText:
    case Kind::kJson:
      break;
  }
  return Want::kText;
}

// Where a file's bytes go: takes all of them, or throws.
using ByteSink = std::function<void(std::string_view)>;

class Writer {
 public:
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  const std::vector<Want>& wants() const noexcept { return wants_; }

  // A value for each column.
  virtual void row(std::span<const Value> values) = 0;

  // Writes what is at the end: without it the file is not whole. Only the destructor may follow.
  virtual void finish() = 0;

 protected:
  explicit Writer(std::vector<Want> wants) : wants_(std::move(wants)) {}

  static constexpr std::size_t kBuffer = 64u << 10;  // bytes that are given to the sink at once

 private:
  std::vector<Want> wants_;
};

}  // namespace etl::file
