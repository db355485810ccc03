// Workbooks that are written, and read by XlsxReader.
#include "file/xlsx_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <cmath>
#include <csignal>
#include <optional>
#include <random>

#include "file/xlsx_cell.hpp"
#include "file/xlsx_reader.hpp"
#include "unit/error_of.hpp"
#include "unit/rows.hpp"
#include "unit/temporary_tree.hpp"

namespace etl::file {
namespace {

using Kind = WriterColumn::Kind;

constexpr std::int64_t kDayUs = 86400000000;

Value text(std::string_view value) {
  return {.text = value};
}
Value integer(std::int64_t value) {
  return {.integer = value};
}
Value real(double value) {
  return {.real = value};
}
const Value kNothing = {.null = true};

// A file, and what XlsxReader has of it.
class XlsxWriterTest : public testing::Test {
 protected:
  std::unique_ptr<Writer> open(std::vector<WriterColumn> columns, const XlsxWriterOptions& options = {}) {
    file_.emplace(create_file(tree_.root(), "out.xlsx"));
    return make_xlsx_writer(*file_, std::move(columns), options);
  }

  Rows read(bool header = true) {
    Limits limits;
    Archive* const archive = new Archive(tree_descriptor(), limits);
    XlsxOptions options;
    options.header = header;
    reader_ = std::make_unique<XlsxReader>(std::unique_ptr<Archive>(archive), options, limits);
    return rows_of(*reader_);
  }

  // What becomes of one value, and the SQL type that the reader infers.
  std::string one(Kind kind, const Value& value) {
    const auto writer = open({{.name = "v", .kind = kind}});
    writer->row(std::array{value});
    writer->finish();
    const Rows rows = read();
    if (rows.size() != 1 || !rows[0][0]) return "NULL";
    return *rows[0][0] + " " + reader_->types()[0];
  }

  Error refusal(Kind kind, const Value& value) {
    const auto writer = open({{.name = "v", .kind = kind}});
    return error_of([&] { writer->row(std::array{value}); });
  }

  int tree_descriptor() {
    descriptor_ = Descriptor(::open(file_->path_of_file().c_str(), O_RDONLY | O_CLOEXEC));
    return descriptor_.get();
  }

  test::TemporaryTree tree_;
  std::optional<OutputFile> file_;
  Descriptor descriptor_;
  std::unique_ptr<XlsxReader> reader_;
};

TEST_F(XlsxWriterTest, Numbers) {
  EXPECT_EQ(one(Kind::kInt64, integer(-42)), "-42 bigint");
  EXPECT_EQ(one(Kind::kInt64, integer(999999999999999)), "999999999999999 bigint");
  EXPECT_EQ(one(Kind::kInt64, integer(1234567890123456)), "1234567890123456 text");
  EXPECT_EQ(one(Kind::kInt64, integer(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808 text");
  EXPECT_EQ(one(Kind::kNumeric, text("9.95")), "9.95 numeric");
  EXPECT_EQ(one(Kind::kNumeric, text("-0.10")), "-0.1 numeric");
  EXPECT_EQ(one(Kind::kNumeric, text("123456789012345.6")), "123456789012345.6 text");
  EXPECT_EQ(one(Kind::kNumeric, text("0.000000000000000000000012")), "1.2E-23 numeric");
  EXPECT_EQ(one(Kind::kNumeric, text("1" + std::string(400, '0'))), "1" + std::string(400, '0') + " text");
  EXPECT_EQ(one(Kind::kNumeric, text("NaN")), "NaN text");
  EXPECT_EQ(one(Kind::kDouble, real(0.5)), "0.5 numeric");
  EXPECT_EQ(one(Kind::kDouble, real(HUGE_VAL)), "Infinity text");
  EXPECT_EQ(one(Kind::kDouble, real(std::nan(""))), "NaN text");
  EXPECT_EQ(one(Kind::kFloat, real(static_cast<double>(0.1f))), "0.1 numeric");
  EXPECT_EQ(one(Kind::kFloat, real(-HUGE_VAL)), "-Infinity text");
}

TEST_F(XlsxWriterTest, Booleans) {
  EXPECT_EQ(one(Kind::kBool, integer(1)), "true boolean");
  EXPECT_EQ(one(Kind::kBool, integer(0)), "false boolean");
}

TEST_F(XlsxWriterTest, Dates) {
  EXPECT_EQ(one(Kind::kDate, integer(0)), "2000-01-01 date");
  EXPECT_EQ(one(Kind::kDate, integer(8796)), "2024-01-31 date");
  EXPECT_EQ(one(Kind::kDate, integer(-36524)), "1900-01-01 date");
  EXPECT_EQ(one(Kind::kDate, integer(-36524 + 58)), "1900-02-28 date");
  EXPECT_EQ(one(Kind::kDate, integer(-36524 + 59)), "1900-03-01 date");
  EXPECT_EQ(one(Kind::kDate, integer(2921939)), "9999-12-31 date");
  for (const std::int64_t day :
       {std::int64_t{-36525}, std::int64_t{2921940}, std::int64_t{INT32_MIN}, std::int64_t{INT32_MAX}}) {
    EXPECT_EQ(refusal(Kind::kDate, integer(day)).sqlstate, "22008") << day;
  }
}

TEST_F(XlsxWriterTest, Timestamps) {
  EXPECT_EQ(one(Kind::kTimestamp, integer(0)), "2000-01-01 00:00:00 timestamp without time zone");
  EXPECT_EQ(one(Kind::kTimestampTz, integer(-1)), "1999-12-31 23:59:59.999 timestamp without time zone");
  EXPECT_EQ(one(Kind::kTimestamp, integer(8796 * kDayUs + 45000123999)),
            "2024-01-31 12:30:00.123 timestamp without time zone");
  EXPECT_EQ(one(Kind::kTimestamp, integer(2921939 * kDayUs + kDayUs - 1)),
            "9999-12-31 23:59:59.999 timestamp without time zone");
  EXPECT_EQ(one(Kind::kTimestamp, integer(-36524 * kDayUs)), "1900-01-01 00:00:00 timestamp without time zone");
  for (const std::int64_t us : {-36524 * kDayUs - 1, 2921940 * kDayUs, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(refusal(Kind::kTimestamp, integer(us)).sqlstate, "22008") << us;
  }
}

TEST_F(XlsxWriterTest, Times) {
  EXPECT_EQ(one(Kind::kTime, integer(0)), "00:00:00 time without time zone");
  EXPECT_EQ(one(Kind::kTime, integer(kDayUs - 1)), "23:59:59.999 time without time zone");
  EXPECT_EQ(refusal(Kind::kTime, integer(kDayUs)).sqlstate, "22008");
}

TEST_F(XlsxWriterTest, Texts) {
  for (const std::string value : {"a",
                                  "=1+1",
                                  "@x",
                                  "007",
                                  "1e5",
                                  "<&>\"'",
                                  " a ",
                                  "\n",
                                  "a\r\nb",
                                  "\t",
                                  "\x01\x1f\x7f",
                                  "_x0041_",
                                  "_x005F_x0041_",
                                  "__x0041__",
                                  "_x004_",
                                  "_X0041_",
                                  "\xc3\xa9\xf0\x9f\x98\x80",
                                  "{\"a\": 1}",
                                  "\\x00ff",
                                  "https://example.com",
                                  "]]>"}) {
    EXPECT_EQ(one(Kind::kText, text(value)), value + " text");
  }
  EXPECT_EQ(one(Kind::kText, text("")), "NULL");
  EXPECT_EQ(one(Kind::kText, kNothing), "NULL");
}

TEST_F(XlsxWriterTest, EscapesWhatXmlCannotHave) {
  std::string escaped;
  escape_text("\xef\xbf\xbf \xef\xbf\xbe \xef\xbf\xbd", escaped);
  EXPECT_EQ(escaped, "_xFFFF_ _xFFFE_ \xef\xbf\xbd");
}

TEST_F(XlsxWriterTest, LongTexts) {
  const std::string longest(32767, 'x');
  EXPECT_EQ(one(Kind::kText, text(longest)), longest + " text");
  std::string wide;
  for (int i = 0; i < 16384; ++i) wide += "\xf0\x9f\x98\x80";
  for (const std::string& value : {longest + "x", wide}) {
    const Error error = refusal(Kind::kText, text(value));
    EXPECT_EQ(error.sqlstate, "22001");
    EXPECT_EQ(error.column, "v");
    EXPECT_EQ(error.detail, "Row 2 has 32768 characters, and a cell takes 32767.");
  }
  // What is escaped is longer as it is written.
  EXPECT_EQ(refusal(Kind::kText, text(longest.substr(7) + "_x0041_")).sqlstate, "22001");
  EXPECT_EQ(refusal(Kind::kText, text(longest.substr(14) + "_x0041_")).sqlstate, "");
}

TEST_F(XlsxWriterTest, HeaderAndNulls) {
  auto writer = open({{.name = "id", .kind = Kind::kInt32}, {.name = "a <b>"}});
  writer->row(std::array{integer(1), text("x")});
  writer->row(std::array{integer(2), kNothing});
  writer->row(std::array{kNothing, text("z")});
  writer->finish();
  EXPECT_EQ(read(), (Rows{{"1", "x"}, {"2", kNull}, {kNull, "z"}}));
  EXPECT_EQ(reader_->columns(), (std::vector<std::string>{"id", "a <b>"}));

  writer = open({{.name = "id", .kind = Kind::kInt32}}, {.header = false});
  writer->row(std::array{integer(7)});
  writer->finish();
  EXPECT_EQ(read(false), (Rows{{"7"}}));

  writer = open({{.name = "id"}});
  writer->finish();
  EXPECT_EQ(read(), Rows());
}

TEST_F(XlsxWriterTest, ARefusedRowLeavesNoTrace) {
  const auto writer = open({{.name = "a"}, {.name = "d", .kind = Kind::kDate}});
  writer->row(std::array{text("1"), integer(0)});
  EXPECT_EQ(error_of([&] { writer->row(std::array{text("2"), integer(INT32_MAX)}); }).sqlstate, "22008");
  writer->row(std::array{text("3"), integer(1)});
  writer->finish();
  EXPECT_EQ(read(), (Rows{{"1", "2000-01-01"}, {"3", "2000-01-02"}}));
}

TEST_F(XlsxWriterTest, SheetNames) {
  for (const std::string name :
       {"", "a[b", "a]b", "a:b", "a*b", "a?b", "a/b", "a\\b", "'a", "a'", "a\nb", "12345678901234567890123456789012"}) {
    EXPECT_EQ(error_of([&] { open({{.name = "v"}}, {.sheet = name}); }).sqlstate, "22023") << name;
  }
  const auto writer = open({{.name = "v"}}, {.sheet = "Q1 <&> it's \xc3\xa9"});
  writer->row(std::array{text("x")});
  writer->finish();
  EXPECT_EQ(read(), (Rows{{"x"}}));
}

TEST_F(XlsxWriterTest, TooWideAndTooLong) {
  EXPECT_EQ(error_of([&] { open(std::vector<WriterColumn>(16385)); }).sqlstate, "54011");
  const auto writer = open({{.name = "v", .kind = Kind::kInt32}});
  for (int i = 1; i < 1048576; ++i) writer->row(std::array{kNothing});
  EXPECT_EQ(error_of([&] { writer->row(std::array{kNothing}); }).sqlstate, "54000");
}

TEST_F(XlsxWriterTest, LeavesNothingBeside) {
  const auto writer = open({{.name = "v"}});
  for (int i = 0; i < 1000; ++i) writer->row(std::array{text("x")});
  EXPECT_EQ(tree_.entries("."), 1u);
  writer->finish();
  EXPECT_EQ(tree_.entries("."), 1u);
  EXPECT_GT(file_->size(), 5000u);
  file_->publish();
  EXPECT_TRUE(tree_.has("out.xlsx"));
}

// The library does not notice that a write to its temporary files fails; a limit on files stands for a full disk. The
// rows take some 75,000 bytes, and the sheet with its frame 1,000 more.
TEST_F(XlsxWriterTest, AFullDiskIsAnErrorOrTheFileIsWhole) {
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  std::vector<rlim_t> limits = {0, 1000, 8192, 40000};
  for (rlim_t bytes = 74000; bytes < 78000; bytes += 250) limits.push_back(bytes);
  const Rows whole(1000, Row{"xxxxxxxxxx"});
  std::size_t failed = 0;
  for (const rlim_t bytes : limits) {
    const auto writer = open({{.name = "v"}});
    rlimit limit = old;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const Error error = error_of([&] {
      for (std::size_t i = 0; i < whole.size(); ++i) writer->row(std::array{text("xxxxxxxxxx")});
      writer->finish();
    });
    ::setrlimit(RLIMIT_FSIZE, &old);
    if (error.sqlstate.empty()) {
      EXPECT_EQ(read(), whole) << bytes;
    } else {
      EXPECT_TRUE(error.sqlstate == "53100" || error.sqlstate == "58030") << bytes << error.sqlstate;
      ++failed;
    }
  }
  EXPECT_GT(failed, 4u);
  EXPECT_LT(failed, limits.size());
  std::signal(SIGXFSZ, before);
}

TEST_F(XlsxWriterTest, IsReadAsItWas) {
  std::mt19937_64 random(1);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  const std::vector<std::string> pieces = {"a",    "_x0041_",     "_",        "x000D_", "\n", "\r",
                                           "\x02", " ",           "\xc3\xa9", "<",      "&",  "\xf0\x9f\x98\x80",
                                           "'",    "\xef\xbf\xbd"};
  const std::vector<WriterColumn> columns = {
      {.name = "t"}, {.name = "i", .kind = Kind::kInt64}, {.name = "n", .kind = Kind::kNumeric}};
  for (int round = 0; round < 20; ++round) {
    const auto writer = open(columns);
    Rows rows(1 + below(100));
    for (Row& row : rows) {
      std::string mixed = "t";
      for (std::uint64_t n = below(8); n > 0; --n) mixed += pieces[below(pieces.size())];
      const auto whole = static_cast<std::int64_t>(random() >> below(64));
      const std::string number = std::to_string(below(10000000)) + "." + std::to_string(1 + below(9));
      row = {mixed, std::to_string(whole), number};
      writer->row(std::array{text(mixed), integer(whole), text(number)});
    }
    writer->finish();
    EXPECT_EQ(read(), rows);
  }
}

}  // namespace
}  // namespace etl::file
