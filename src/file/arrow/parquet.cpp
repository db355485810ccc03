// The writer of Parquet, as pg_etl_parquet.so gives it. Runs on the caller's thread only: Arrow's pools stay empty.

#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/table.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <algorithm>
#include <exception>
#include <new>

#include "core/error.hpp"
#include "core/printable.hpp"
#include "file/arrow/column.hpp"
#include "file/arrow/entry.hpp"
#include "file/arrow/status.hpp"

namespace etl::file {
namespace {

// No allocator of its own with threads of its own.
arrow::MemoryPool* memory() {
  return arrow::system_memory_pool();
}

// Arrow's way to the sink. What the sink throws is kept, since Arrow's code is not made for it, and the stream is dead
// then: an unfinished FileWriter still writes when it goes.
class SinkStream final : public arrow::io::OutputStream {
 public:
  explicit SinkStream(ByteSink sink) : sink_(std::move(sink)) {}

  arrow::Status Write(const void* data, std::int64_t size) override {
    if (closed_) return arrow::Status::IOError("the file is closed");
    try {
      sink_({static_cast<const char*>(data), static_cast<std::size_t>(size)});
    } catch (...) {
      failure_ = std::current_exception();
      closed_ = true;
      return arrow::Status::IOError("the file could not be written");
    }
    written_ += size;
    return arrow::Status::OK();
  }
  using Writable::Write;

  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> Tell() const override { return written_; }
  bool closed() const override { return closed_; }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const ByteSink sink_;
  std::int64_t written_ = 0;
  std::exception_ptr failure_;
  bool closed_ = false;
};

arrow::Compression::type codec_of(ParquetOptions::Compression compression) {
  switch (compression) {
    case ParquetOptions::Compression::kSnappy:
      return arrow::Compression::SNAPPY;
    case ParquetOptions::Compression::kZstd:
      return arrow::Compression::ZSTD;
    case ParquetOptions::Compression::kNone:
      break;
  }
  return arrow::Compression::UNCOMPRESSED;
}

std::vector<Want> wants_of(const std::vector<WriterColumn>& columns) {
  std::vector<Want> wants;
  for (const WriterColumn& column : columns) wants.push_back(natural_want(column.kind));
  return wants;
}

class ParquetWriter final : public Writer {
 public:
  ParquetWriter(ByteSink sink, const std::vector<WriterColumn>& columns, const ParquetOptions& options)
      : Writer(wants_of(columns)),
        group_rows_(std::max<std::int64_t>(options.group_rows, 1)),
        group_bytes_(options.group_bytes),
        stream_(std::make_shared<SinkStream>(std::move(sink))) {
    arrow::FieldVector fields;
    for (const WriterColumn& column : columns) fields.push_back(columns_.emplace_back(column, memory()).field());
    schema_ = arrow::schema(std::move(fields));
    guarded([&] { open(options); });
  }
  ~ParquetWriter() override { static_cast<void>(stream_->Close()); }

  void row(std::span<const Value> values) override {
    for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].prepare(values[i]);
    guarded([&] {
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        columns_[i].append(values[i]);
        bytes_ += sizeof(std::int64_t) + values[i].text.size();
      }
      if (++rows_ >= group_rows_ || bytes_ >= group_bytes_) write_group();
    });
  }

  void finish() override {
    guarded([&] {
      if (rows_ > 0) write_group();
      check(writer_->Close());
    });
  }

 private:
  void open(const ParquetOptions& options) {
    const auto properties = parquet::WriterProperties::Builder()
                                .memory_pool(memory())
                                ->compression(codec_of(options.compression))
                                ->max_row_group_length(group_rows_)
                                ->build();
    const auto arrow_properties = parquet::ArrowWriterProperties::Builder().set_use_threads(false)->build();
    writer_ = value_of(parquet::arrow::FileWriter::Open(*schema_, memory(), stream_, properties, arrow_properties));
  }

  void write_group() {
    arrow::ArrayVector arrays;
    for (ArrowColumn& column : columns_) arrays.push_back(column.finish());
    check(writer_->WriteTable(*arrow::Table::Make(schema_, std::move(arrays), rows_), rows_));
    rows_ = 0;
    bytes_ = 0;
  }

  // Of what fails here the sink's own error is the one to tell.
  template <typename Action>
  void guarded(Action action) {
    try {
      action();
    } catch (const Error&) {
      stream_->rethrow();
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      stream_->rethrow();
      throw Error("58030", "could not write Parquet", "Apache Arrow says: " + printable(error.what(), 500) + ".");
    }
  }

  const std::int64_t group_rows_;
  const std::size_t group_bytes_;
  const std::shared_ptr<SinkStream> stream_;
  std::vector<ArrowColumn> columns_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::int64_t rows_ = 0;  // of the row group
  std::size_t bytes_ = 0;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) Writer* etl_make_parquet_writer(ByteSink&& sink,
                                                                                  std::vector<WriterColumn>&& columns,
                                                                                  const ParquetOptions& options) {
  return new ParquetWriter(std::move(sink), columns, options);
}

}  // namespace etl::file
