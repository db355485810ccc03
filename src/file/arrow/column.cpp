#include "file/arrow/column.hpp"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/builder.h>

#include <algorithm>
#include <limits>

#include "core/error.hpp"
#include "core/printable.hpp"
#include "file/arrow/status.hpp"

namespace etl::file {
namespace {

using Kind = WriterColumn::Kind;

constexpr std::int64_t kDays2000 = 10957;  // from 1970-01-01
constexpr std::int64_t kDayUs = 86400000000;
constexpr int kDigits = 38;  // of DECIMAL

// As DECIMAL has it: 0 ≤ scale ≤ precision. numeric(3, -2) is 5 digits, numeric(3, 5) is 5 of a fraction. Precision 0:
// no DECIMAL is that wide.
struct Digits {
  int precision = 0;
  int scale = 0;
};

Digits digits_of(const WriterColumn& column) {
  if (column.kind != Kind::kNumeric || column.precision == 0) return {};
  const int scale = std::max(column.scale, 0);
  const int precision = std::max(column.precision - std::min(column.scale, 0), scale);
  return precision > kDigits ? Digits{} : Digits{precision, scale};
}

std::shared_ptr<arrow::DataType> type_of(const WriterColumn& column) {
  switch (column.kind) {
    case Kind::kBool:
      return arrow::boolean();
    case Kind::kInt16:
      return arrow::int16();
    case Kind::kInt32:
      return arrow::int32();
    case Kind::kInt64:
      return arrow::int64();
    case Kind::kFloat:
      return arrow::float32();
    case Kind::kDouble:
      return arrow::float64();
    case Kind::kNumeric:
      if (const Digits digits = digits_of(column); digits.precision > 0) {
        return arrow::decimal128(digits.precision, digits.scale);
      }
      return arrow::utf8();
    case Kind::kBytes:
      return arrow::binary();
    case Kind::kDate:
      return arrow::date32();
    case Kind::kTime:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case Kind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case Kind::kTimestampTz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case Kind::kText:
    case Kind::kJson:
      break;
  }
  return arrow::utf8();
}

template <typename Builder>
Builder& as(arrow::ArrayBuilder& builder) {
  return static_cast<Builder&>(builder);
}

}  // namespace

ArrowColumn::ArrowColumn(const WriterColumn& column, arrow::MemoryPool* pool)
    : column_(column), type_(type_of(column)), builder_(value_of(arrow::MakeBuilder(type_, pool))) {}

std::shared_ptr<arrow::Field> ArrowColumn::field() const {
  return arrow::field(column_.name, type_);
}

void ArrowColumn::refuse(const char* sqlstate, const char* what, const char* hint) const {
  Error error(sqlstate, "value of column \"" + printable(column_.name, 200) + "\" does not fit into Parquet", what,
              hint);
  error.column = column_.name;
  throw error;
}

void ArrowColumn::prepare(const Value& value) {
  constexpr char kToText[] = "Cast the column to text.";
  if (value.null) return;
  integer_ = value.integer;
  switch (type_->id()) {
    case arrow::Type::DECIMAL128:
      return prepare_decimal(value.text);
    case arrow::Type::DATE32:
      if (integer_ <= std::numeric_limits<std::int32_t>::min() ||
          integer_ > std::numeric_limits<std::int32_t>::max() - kDays2000) {
        refuse("22008", "It is an infinite date.", kToText);
      }
      integer_ += kDays2000;
      return;
    case arrow::Type::TIMESTAMP:
      if (integer_ == std::numeric_limits<std::int64_t>::min() ||
          integer_ > std::numeric_limits<std::int64_t>::max() - kDays2000 * kDayUs) {
        refuse("22008", "It is an infinite timestamp, or one in or behind the year 294247.", kToText);
      }
      integer_ += kDays2000 * kDayUs;
      return;
    case arrow::Type::TIME64:
      if (integer_ < 0 || integer_ >= kDayUs) refuse("22008", "It is the time 24:00.", kToText);
      return;
    default:
      return;
  }
}

void ArrowColumn::prepare_decimal(std::string_view text) {
  const auto& type = static_cast<const arrow::Decimal128Type&>(*type_);
  std::int32_t precision = 0, scale = 0;
  const bool read = arrow::Decimal128::FromString(text, &decimal_, &precision, &scale).ok();
  arrow::Result<arrow::Decimal128> scaled = arrow::Status::Invalid("not read");
  if (read) scaled = decimal_.Rescale(scale, type.scale());
  if (!scaled.ok() || !scaled->FitsInPrecision(type.precision())) {
    refuse("22003", "It is NaN, infinite, or has more digits than its type says.",
           "Cast the column to double precision, or to text.");
  }
  decimal_ = *scaled;
}

void ArrowColumn::append(const Value& value) {
  if (value.null) return check(builder_->AppendNull());
  switch (type_->id()) {
    case arrow::Type::BOOL:
      return check(as<arrow::BooleanBuilder>(*builder_).Append(integer_ != 0));
    case arrow::Type::INT16:
      return check(as<arrow::Int16Builder>(*builder_).Append(static_cast<std::int16_t>(integer_)));
    case arrow::Type::INT32:
      return check(as<arrow::Int32Builder>(*builder_).Append(static_cast<std::int32_t>(integer_)));
    case arrow::Type::INT64:
      return check(as<arrow::Int64Builder>(*builder_).Append(integer_));
    case arrow::Type::FLOAT:
      return check(as<arrow::FloatBuilder>(*builder_).Append(static_cast<float>(value.real)));
    case arrow::Type::DOUBLE:
      return check(as<arrow::DoubleBuilder>(*builder_).Append(value.real));
    case arrow::Type::DECIMAL128:
      return check(as<arrow::Decimal128Builder>(*builder_).Append(decimal_));
    case arrow::Type::DATE32:
      return check(as<arrow::Date32Builder>(*builder_).Append(static_cast<std::int32_t>(integer_)));
    case arrow::Type::TIME64:
      return check(as<arrow::Time64Builder>(*builder_).Append(integer_));
    case arrow::Type::TIMESTAMP:
      return check(as<arrow::TimestampBuilder>(*builder_).Append(integer_));
    default:  // StringBuilder is a BinaryBuilder
      return check(as<arrow::BinaryBuilder>(*builder_).Append(value.text));
  }
}

std::shared_ptr<arrow::Array> ArrowColumn::finish() {
  return value_of(builder_->Finish());
}

}  // namespace etl::file
