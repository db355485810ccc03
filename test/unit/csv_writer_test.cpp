// What is written as CSV, and that CsvReader reads the identical fields.
#include "file/csv_writer.hpp"

#include <gtest/gtest.h>

#include <random>

#include "file/byte_source.hpp"
#include "file/csv.hpp"
#include "unit/error_of.hpp"
#include "unit/rows.hpp"

namespace etl::file {
namespace {

using etl::error_of;

std::vector<WriterColumn> columns_of(std::size_t count) {
  std::vector<WriterColumn> columns(count);
  for (std::size_t i = 0; i < count; ++i) columns[i].name = "c" + std::to_string(i);
  return columns;
}

std::vector<Value> values_of(const Row& row) {
  std::vector<Value> values;
  for (const auto& field : row) values.push_back({.null = !field, .text = field ? *field : std::string_view()});
  return values;
}

std::string written(const Rows& rows, std::size_t columns, const CsvWriterOptions& options = {}) {
  std::string text;
  const auto writer = make_csv_writer([&](std::string_view bytes) { text += bytes; }, columns_of(columns), options);
  for (const Row& row : rows) writer->row(values_of(row));
  writer->finish();
  return text;
}

CsvWriterOptions no_header() {
  CsvWriterOptions options;
  options.header = false;
  return options;
}

Error error_of(const Rows& rows, std::size_t columns, const CsvWriterOptions& options) {
  return error_of([&] { written(rows, columns, options); });
}

Rows read(const std::string& text, const CsvWriterOptions& options) {
  CsvOptions same;
  same.header = options.header;
  same.delimiter = options.delimiter;
  same.quote = options.quote;
  same.null = options.null;
  CsvReader reader(std::make_unique<TextSource>(text), same, {});
  return rows_of(reader);
}

TEST(CsvWriter, QuotesWhatMustBe) {
  EXPECT_EQ(written({{"1", "a b"}, {kNull, ""}, {" x", "-1"}}, 2), "c0,c1\n1,a b\n,\"\"\n x,-1\n");
  EXPECT_EQ(written({{"a,b", "c\"d"}, {"\n", "\r"}, {"\"", "'"}}, 2, no_header()),
            "\"a,b\",\"c\"\"d\"\n\"\n\",\"\r\"\n\"\"\"\",'\n");
  EXPECT_EQ(written({{"=1+1", "@x"}}, 2, no_header()), "=1+1,@x\n");
  EXPECT_EQ(written({{"\xef\xbb\xbf", "\xef\xbb\xbf"}}, 2, no_header()), "\"\xef\xbb\xbf\",\xef\xbb\xbf\n");
  EXPECT_EQ(written({{"\\.", "\\."}}, 2, no_header()), "\\.,\\.\n");
}

TEST(CsvWriter, NullIsNotItsText) {
  CsvWriterOptions options = no_header();
  options.null = "NA";
  EXPECT_EQ(written({{kNull, "NA", "", "NAN"}}, 4, options), "NA,\"NA\",,NAN\n");
}

TEST(CsvWriter, Dialect) {
  CsvWriterOptions options;
  options.delimiter = ';';
  options.quote = '\'';
  EXPECT_EQ(written({{"a,b", "a;b"}, {"it's", "\""}}, 2, options), "c0;c1\na,b;'a;b'\n'it''s';\"\n");
}

TEST(CsvWriter, OneColumnHasNoBlankLine) {
  CsvWriterOptions options = no_header();
  EXPECT_EQ(written({{""}, {"\\."}}, 1, options), "\"\"\n\"\\.\"\n");
  const Error error = error_of({{kNull}}, 1, options);
  EXPECT_EQ(error.sqlstate, "22004");
  EXPECT_EQ(error.column, "c0");
  options.null = "\\N";
  EXPECT_EQ(written({{kNull}, {""}, {"\\N"}}, 1, options), "\\N\n\"\"\n\"\\N\"\n");
}

TEST(CsvWriter, ARefusedRowLeavesNoTrace) {
  std::string text;
  const auto writer = make_csv_writer([&](std::string_view bytes) { text += bytes; }, columns_of(1));
  writer->row(values_of({"a"}));
  EXPECT_THROW(writer->row(values_of({kNull})), Error);
  writer->row(values_of({"b"}));
  writer->finish();
  EXPECT_EQ(text, "c0\na\nb\n");
}

TEST(CsvWriter, HeaderOnceAndWithoutRows) {
  EXPECT_EQ(written({}, 2), "c0,c1\n");
  EXPECT_EQ(written({}, 2, no_header()), "");
}

TEST(CsvWriter, GivesLargePieces) {
  std::vector<std::size_t> pieces;
  const auto writer =
      make_csv_writer([&](std::string_view bytes) { pieces.push_back(bytes.size()); }, columns_of(1), no_header());
  const std::string field(999, 'x');
  for (int i = 0; i < 200; ++i) writer->row(values_of({field}));
  writer->finish();
  EXPECT_EQ(pieces, (std::vector<std::size_t>{66000, 66000, 66000, 2000}));
}

TEST(CsvWriter, RefusesOptions) {
  const auto state = [](auto change) {
    CsvWriterOptions options;
    change(options);
    return error_of({}, 1, options).sqlstate;
  };
  EXPECT_EQ(state([](auto& options) { options.delimiter = '\n'; }), "22023");
  EXPECT_EQ(state([](auto& options) { options.delimiter = '\0'; }), "22023");
  EXPECT_EQ(state([](auto& options) { options.delimiter = '\xe9'; }), "22023");
  EXPECT_EQ(state([](auto& options) { options.quote = '\r'; }), "22023");
  EXPECT_EQ(state([](auto& options) { options.quote = ','; }), "22023");
  EXPECT_EQ(state([](auto& options) { options.null = "a,b"; }), "22023");
  EXPECT_EQ(state([](auto& options) { options.null = "\""; }), "22023");
  EXPECT_EQ(state([](auto& options) { options.null = "\n"; }), "22023");
  EXPECT_EQ(state([](auto& options) { options.null = "\\N"; }), "");
}

TEST(CsvWriter, IsReadAsItWas) {
  std::mt19937 random(1);
  const std::vector<std::string> pieces = {"a",   "b",   ",",  ";",   "\"", "'", "\n", "\r",           "\r\n",
                                           " ",   "\t",  "NA", "\\N", "\\", ".", "=",  "\xef\xbb\xbf", "\xc3\xa9",
                                           "\\.", "\x01"};
  const auto below = [&](std::size_t bound) { return random() % bound; };
  for (int round = 0; round < 4000; ++round) {
    CsvWriterOptions options;
    options.header = below(2) == 0;
    options.delimiter = ",;\t|"[below(4)];
    options.quote = "\"'"[below(2)];
    options.null = std::vector<std::string>{"", "NA", "\\N", " "}[below(4)];
    const std::size_t columns = 1 + below(4);
    Rows rows(below(6));
    for (Row& row : rows) {
      for (std::size_t i = 0; i < columns; ++i) {
        Row::value_type& field = row.emplace_back();
        if (below(5) == 0 && !(columns == 1 && options.null.empty())) continue;
        field.emplace();
        for (std::size_t n = below(5); n > 0; --n) *field += pieces[below(pieces.size())];
      }
    }
    const std::string text = written(rows, columns, options);
    EXPECT_EQ(read(text, options), rows) << text;
  }
}

}  // namespace
}  // namespace etl::file
