// What is written as Parquet, read by Arrow.
#include <gtest/gtest.h>

#include "file/parquet_writer.hpp"

#ifdef ETL_ARROW

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/memory_pool.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>

namespace etl::file {
namespace {

using Kind = WriterColumn::Kind;
using Compression = ParquetOptions::Compression;

constexpr std::int64_t kDayUs = 86400000000;

class ParquetValues : public testing::Test {
 protected:
  void open(std::vector<WriterColumn> columns, const ParquetOptions& options = {}) {
    bytes_.clear();
    writer_ = make_parquet_writer([this](std::string_view piece) { bytes_ += piece; }, std::move(columns), options);
  }

  std::shared_ptr<arrow::Table> read() {
    writer_->finish();
    writer_.reset();
    auto reader = parquet::arrow::FileReader::Make(
        arrow::default_memory_pool(),
        parquet::ParquetFileReader::Open(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes_))));
    (*reader)->set_use_threads(false);
    groups_ = (*reader)->num_row_groups();
    codec_ = (*reader)->parquet_reader()->metadata()->RowGroup(0)->ColumnChunk(0)->compression();
    return (*reader)->ReadTable().ValueOrDie();
  }

  // The type and the value of one column's only value.
  std::string one(WriterColumn column, const Value& value) {
    column.name = "v";
    open({column});
    writer_->row(std::array{value});
    const auto table = read();
    return table->schema()->field(0)->type()->ToString() + " " +
           table->column(0)->GetScalar(0).ValueOrDie()->ToString();
  }
  std::string one(Kind kind, const Value& value) { return one(WriterColumn{.name = "", .kind = kind}, value); }
  std::string decimal(int precision, int scale, std::string_view text) {
    return one({.name = "", .kind = Kind::kNumeric, .precision = precision, .scale = scale}, {.text = text});
  }

  std::string bytes_;
  std::unique_ptr<Writer> writer_;
  int groups_ = 0;
  arrow::Compression::type codec_{};
};

TEST_F(ParquetValues, Kinds) {
  EXPECT_EQ(one(Kind::kBool, {.integer = 1}), "bool true");
  EXPECT_EQ(one(Kind::kInt16, {.integer = -32768}), "int16 -32768");
  EXPECT_EQ(one(Kind::kInt32, {.integer = INT32_MIN}), "int32 -2147483648");
  EXPECT_EQ(one(Kind::kInt64, {.integer = INT64_MIN}), "int64 -9223372036854775808");
  EXPECT_EQ(one(Kind::kFloat, {.real = static_cast<double>(0.1f)}), "float 0.1");
  EXPECT_EQ(one(Kind::kDouble, {.real = 0.5}), "double 0.5");
  EXPECT_EQ(one(Kind::kDouble, {.real = HUGE_VAL}), "double inf");
  EXPECT_EQ(one(Kind::kText, {.text = "\xc3\xa9\n"}), "string \xc3\xa9\n");
  EXPECT_EQ(one(Kind::kText, {.text = ""}), "string ");
  EXPECT_EQ(one(Kind::kJson, {.text = "{\"a\": 1}"}), "string {\"a\": 1}");
  EXPECT_EQ(one(Kind::kBytes, {.text = std::string_view("\0\xff", 2)}), std::string("binary \0\xff", 9));
  EXPECT_EQ(one(Kind::kText, {.null = true}), "string null");
}

TEST_F(ParquetValues, Dates) {
  EXPECT_EQ(one(Kind::kDate, {.integer = 0}), "date32[day] 2000-01-01");
  EXPECT_EQ(one(Kind::kDate, {.integer = -36525}), "date32[day] 1899-12-31");
  EXPECT_EQ(one(Kind::kTimestamp, {.integer = -1}), "timestamp[us] 1999-12-31 23:59:59.999999");
  EXPECT_EQ(one(Kind::kTimestampTz, {.integer = 8796 * kDayUs + 1}),
            "timestamp[us, tz=UTC] 2024-01-31 00:00:00.000001Z");
  EXPECT_EQ(one(Kind::kTime, {.integer = kDayUs - 1}), "time64[us] 23:59:59.999999");
}

TEST_F(ParquetValues, Decimals) {
  EXPECT_EQ(decimal(10, 2, "9.95"), "decimal128(10, 2) 9.95");
  EXPECT_EQ(decimal(10, 2, "-0.10"), "decimal128(10, 2) -0.10");
  EXPECT_EQ(decimal(10, 2, "7"), "decimal128(10, 2) 7.00");
  const std::string nines(38, '9');
  EXPECT_EQ(decimal(38, 0, "-" + nines), "decimal128(38, 0) -" + nines);
  EXPECT_EQ(decimal(39, 0, nines + "9"), "string " + nines + "9");
  EXPECT_EQ(decimal(0, 0, "1.50"), "string 1.50");
  EXPECT_EQ(decimal(3, -2, "12300"), "decimal128(5, 0) 12300");
  EXPECT_EQ(decimal(3, 5, "0.00123"), "decimal128(5, 5) 0.00123");
}

TEST_F(ParquetValues, RowGroups) {
  open({{.name = "v", .kind = Kind::kInt32}}, {.group_rows = 100});
  for (int i = 0; i < 250; ++i) writer_->row(std::array{Value{.integer = i}});
  EXPECT_EQ(read()->num_rows(), 250);
  EXPECT_EQ(groups_, 3);
  open({{.name = "v"}}, {.group_bytes = 1000});
  const std::string text(400, 'x');
  for (int i = 0; i < 7; ++i) writer_->row(std::array{Value{.text = text}});
  EXPECT_EQ(read()->num_rows(), 7);
  EXPECT_EQ(groups_, 3);
}

TEST_F(ParquetValues, WithoutRows) {
  open({{.name = "a"}, {.name = "b", .kind = Kind::kDate}});
  writer_->finish();
  auto reader =
      parquet::ParquetFileReader::Open(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes_)));
  EXPECT_EQ(reader->metadata()->num_rows(), 0);
  EXPECT_EQ(reader->metadata()->num_columns(), 2);
}

TEST_F(ParquetValues, Compressions) {
  for (const auto& [ours, arrows] : {std::pair{Compression::kSnappy, arrow::Compression::SNAPPY},
                                     std::pair{Compression::kZstd, arrow::Compression::ZSTD},
                                     std::pair{Compression::kNone, arrow::Compression::UNCOMPRESSED}}) {
    open({{.name = "v", .kind = Kind::kInt32}}, {.compression = ours});
    writer_->row(std::array{Value{.integer = 1}});
    read();
    EXPECT_EQ(codec_, arrows);
  }
}

TEST_F(ParquetValues, ARefusedRowLeavesNoTrace) {
  open({{.name = "t"}, {.name = "d", .kind = Kind::kDate}});
  writer_->row(std::array{Value{.text = "1"}, Value{.integer = 1}});
  EXPECT_ANY_THROW(writer_->row(std::array{Value{.text = "2"}, Value{.integer = INT32_MAX}}));
  writer_->row(std::array{Value{.text = "3"}, Value{.integer = 3}});
  const auto table = read();
  EXPECT_EQ(table->num_rows(), 2);
  EXPECT_EQ(table->column(0)->GetScalar(1).ValueOrDie()->ToString(), "3");
  EXPECT_EQ(table->column(1)->GetScalar(1).ValueOrDie()->ToString(), "2000-01-04");
}

// The writer's memory is of Arrow's system pool, which counts its peak.
TEST_F(ParquetValues, MemoryIsFlat) {
  std::size_t written = 0;
  const std::int64_t before = arrow::system_memory_pool()->bytes_allocated();
  const auto writer = make_parquet_writer([&](std::string_view piece) { written += piece.size(); }, {{.name = "v"}},
                                          {.group_bytes = 2u << 20});
  std::mt19937_64 random(1);
  std::string text(1000, ' ');
  for (int i = 0; i < 50000; ++i) {
    for (std::size_t k = 0; k < text.size(); k += 8) text[k] = static_cast<char>('a' + random() % 26);
    writer->row(std::array{Value{.text = text}});
  }
  writer->finish();
  EXPECT_GT(written, 10u << 20);
  EXPECT_LT(arrow::system_memory_pool()->max_memory(), before + (16 << 20));
}

TEST_F(ParquetValues, AreReadAsTheyWere) {
  std::mt19937_64 random(1);
  open({{.name = "i", .kind = Kind::kInt64},
        {.name = "t"},
        {.name = "n", .kind = Kind::kNumeric, .precision = 18, .scale = 3}},
       {.group_rows = 777});
  std::vector<std::string> expected;
  for (int i = 0; i < 5000; ++i) {
    const auto whole = static_cast<std::int64_t>(random());
    std::string text(random() % 20, ' ');
    for (char& c : text) c = static_cast<char>(' ' + random() % 90);
    const bool negative = random() % 2 == 0;
    const std::string number = (negative ? "-" : "") + std::to_string(1 + random() % 1000000000000) + "." +
                               std::to_string(100 + random() % 900);
    std::array<Value, 3> row = {Value{.integer = whole}, Value{.text = text}, Value{.text = number}};
    std::array<std::string, 3> shown = {std::to_string(whole), text, number};
    for (std::size_t k = 0; k < 3; ++k) {
      row[k].null = random() % 7 == 0;
      expected.push_back(row[k].null ? "null" : shown[k]);
    }
    writer_->row(row);
  }
  const auto table = read();
  ASSERT_EQ(table->num_rows(), 5000);
  for (std::int64_t i = 0; i < 5000; ++i) {
    for (int k = 0; k < 3; ++k) {
      ASSERT_EQ(table->column(k)->GetScalar(i).ValueOrDie()->ToString(), expected[static_cast<std::size_t>(i * 3 + k)]);
    }
  }
}

}  // namespace
}  // namespace etl::file

#endif
