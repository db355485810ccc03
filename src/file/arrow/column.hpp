// One column of a row group: values in, an array of Arrow out.
#pragma once

#include <arrow/array/builder_base.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <cstdint>
#include <memory>

#include "file/writer.hpp"

namespace etl::file {

// Its values come as natural_want() says.
class ArrowColumn {
 public:
  ArrowColumn(const WriterColumn& column, arrow::MemoryPool* pool);

  std::shared_ptr<arrow::Field> field() const;

  // Takes a value apart, and throws 22003 or 22008 where the column's type has none such. Nothing is appended yet.
  void prepare(const Value& value);
  // Appends what was prepared. The value's text must still be there.
  void append(const Value& value);
  std::shared_ptr<arrow::Array> finish();

 private:
  void prepare_decimal(std::string_view text);
  [[noreturn]] void refuse(const char* sqlstate, const char* what, const char* hint) const;

  WriterColumn column_;
  std::shared_ptr<arrow::DataType> type_;
  std::unique_ptr<arrow::ArrayBuilder> builder_;
  std::int64_t integer_ = 0;
  arrow::Decimal128 decimal_;
};

}  // namespace etl::file
