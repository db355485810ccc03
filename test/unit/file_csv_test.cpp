// Records and fields of CSV: what COPY reads, what is bad and where it goes on, places, limits.
#include "file/csv.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "core/error.hpp"
#include "file/byte_source.hpp"

namespace etl::file {
namespace {

using Rows = std::vector<std::string>;

CsvOptions without_header() {
  CsvOptions options;
  options.header = false;
  return options;
}

CsvOptions tailing() {
  CsvOptions options;
  options.tail = true;
  return options;
}

CsvReader reader_of(std::string text, CsvOptions options = {}, Limits limits = {}, Place start = {}) {
  return {std::make_unique<TextSource>(std::move(text)), std::move(options), limits, start};
}

// "a|b|NULL" of a record; "22P04: message" of a bad one.
std::string show(const Record& record, Read read) {
  if (read == Read::kBad) {
    EXPECT_TRUE(record.fields.empty());
    return record.error.sqlstate + ": " + record.error.message;
  }
  std::string text;
  for (const Field& field : record.fields) {
    EXPECT_TRUE(field.text == nullptr || field.text[field.size] == '\0');
    text += (text.empty() ? "" : "|") + (field.text == nullptr ? "NULL" : std::string(field.text, field.size));
  }
  return text;
}

Rows rows_of(CsvReader& reader) {
  Rows rows;
  Record record;
  for (Read read; (read = reader.next(record)) != Read::kEnd;) rows.push_back(show(record, read));
  EXPECT_EQ(reader.next(record), Read::kEnd);
  return rows;
}

// In one piece and in small ones.
Rows rows_of(const std::string& text, CsvOptions options = without_header(), Limits limits = {}) {
  CsvReader reader = reader_of(text, options, limits);
  Rows rows = rows_of(reader);
  options.chunk = 3;
  CsvReader in_pieces = reader_of(text, options, limits);
  EXPECT_EQ(rows_of(in_pieces), rows);
  EXPECT_EQ(in_pieces.place().byte, reader.place().byte);
  EXPECT_EQ(in_pieces.place().line, reader.place().line);
  return rows;
}

Error error_of(std::string text, CsvOptions options = {}, Limits limits = {}) {
  try {
    reader_of(std::move(text), std::move(options), limits);
  } catch (const Error& error) {
    return error;
  }
  return {"", ""};
}

Limits record_limit(std::size_t bytes) {
  Limits limits;
  limits.record_bytes = bytes;
  return limits;
}

TEST(Csv, Fields) {
  EXPECT_EQ(rows_of("a,b\n1,2\n"), (Rows{"a|b", "1|2"}));
  EXPECT_EQ(rows_of("a,,\n,,c\n"), (Rows{"a|NULL|NULL", "NULL|NULL|c"}));
  EXPECT_EQ(rows_of("\"a,b\",\"c\"\"d\",\"\"\"\"\n"), (Rows{"a,b|c\"d|\""}));
  EXPECT_EQ(rows_of("\"\"\"a\"\"\"\"\",b"), (Rows{"\"a\"\"|b"}));
  EXPECT_EQ(rows_of(" a , b\t\n"), (Rows{" a | b\t"}));
  EXPECT_EQ(rows_of("\xc3\xa9,\xff\n"), (Rows{"\xc3\xa9|\xff"}));
  EXPECT_EQ(rows_of("a\\.,\\.\n\\.,x\n"), (Rows{"a\\.|\\.", "\\.|x"}));
}

TEST(Csv, LineEnds) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    for (const std::string& last : {end, std::string()}) {
      EXPECT_EQ(rows_of("a,b" + end + "\"c\",\"d\"" + end + "e," + last), (Rows{"a|b", "c|d", "e|NULL"}));
      // Blank lines, also in front and at the end.
      EXPECT_EQ(rows_of(end + end + "a" + end + end + end + "b" + end + end + last), (Rows{"a", "b"}));
      EXPECT_EQ(rows_of("\"a" + end + "b\",\"" + end + "\"" + end + "c,d" + last),
                (Rows{"a" + end + "b|" + end, "c|d"}));
    }
  }
  EXPECT_EQ(rows_of("a\r\nb\nc\r\n"), (Rows{"a", "b", "c"}));
  EXPECT_EQ(rows_of("a\r\nb\r"), (Rows{"a", "b"}));
  // A line end of the other kind is no line end, and only quotes hide it.
  EXPECT_EQ(rows_of("a\nb\rc\n\"d\re\"\nf"), (Rows{"a", "22P04: unquoted carriage return found", "d\re", "f"}));
  EXPECT_EQ(rows_of("a\rb\nc\r\"d\ne\"\rf"), (Rows{"a", "22P04: unquoted line feed found", "d\ne", "f"}));
  EXPECT_EQ(rows_of("a\rb\r\nc\r"), (Rows{"a", "b", "22P04: unquoted line feed found"}));
}

TEST(Csv, NullIsWhatIsUnquotedAndEqualToIt) {
  EXPECT_EQ(rows_of("a,,\"\"\n"), (Rows{"a|NULL|"}));
  CsvOptions options = without_header();
  options.null = "NA";
  EXPECT_EQ(rows_of("NA,\"NA\",,\"\",NAN,N\n", options), (Rows{"NULL|NA|||NAN|N"}));
}

TEST(Csv, DelimiterAndQuote) {
  CsvOptions options = without_header();
  options.delimiter = ';';
  options.quote = '\'';
  EXPECT_EQ(rows_of("a,b;'c;d''';\"e\"\n", options), (Rows{"a,b|c;d'|\"e\""}));
  options.delimiter = '\t';
  options.quote.reset();
  EXPECT_EQ(rows_of("\"a\"b\t\"\n'\t\"\"\n", options), (Rows{"\"a\"b|\"", "'|\"\""}));
}

TEST(Csv, OptionsAreChecked) {
  const auto refuses = [](const auto& change) {
    CsvOptions options;
    change(options);
    return error_of("a\n", options).sqlstate == "22023";
  };
  for (const char byte : {'\0', '\n', '\r', '\x80', '\xff', '"'}) {
    EXPECT_TRUE(refuses([&](CsvOptions& options) { options.delimiter = byte; })) << int(byte);
  }
  for (const char byte : {'\0', '\n', '\r', '\x80', ','}) {
    EXPECT_TRUE(refuses([&](CsvOptions& options) { options.quote = byte; })) << int(byte);
  }
  for (const char* null : {",", "a\"", "\n", "x\r"}) {
    EXPECT_TRUE(refuses([&](CsvOptions& options) { options.null = null; })) << null;
  }
  EXPECT_TRUE(refuses([](CsvOptions& options) { options.columns = {"a", "b", "a"}; }));
  EXPECT_FALSE(refuses([](CsvOptions& options) { options.quote = 'x', options.delimiter = '\x01'; }));
}

TEST(Csv, HeaderNamesTheColumns) {
  CsvReader named = reader_of("\n\"first, one\",b\n1,2\n");
  EXPECT_EQ(named.columns(), (Rows{"first, one", "b"}));
  EXPECT_EQ(rows_of(named), (Rows{"1|2"}));
  CsvReader unnamed = reader_of(",x,\n1,2,3\n");
  EXPECT_EQ(unnamed.columns(), (Rows{"column1", "x", "column3"}));
  CsvOptions options;
  options.null = "x";
  EXPECT_EQ(reader_of("a,x\n", options).columns(), (Rows{"a", "x"}));
}

TEST(Csv, DeclaredColumnsAreFoundByName) {
  CsvOptions options;
  options.columns = {"c", "a"};
  CsvReader reader = reader_of("a,b,c\n1,\"2\",3\n4,5\n7,8,9,10\n", options);
  EXPECT_EQ(reader.columns(), (Rows{"c", "a"}));
  EXPECT_EQ(rows_of(reader), (Rows{"3|1", "22P04: line has 2 fields, 3 wanted", "22P04: line has 4 fields, 3 wanted"}));
  const Error error = error_of("alpha,b\n1,2\n", options);
  EXPECT_EQ(error.sqlstate, "22P04");
  EXPECT_EQ(error.message, "header has no column \"c\"");
  EXPECT_EQ(error.detail, "The header has \"alpha\", \"b\".");
  EXPECT_FALSE(error.hint.empty());
  for (const char* twice : {"a,c,a\n", "c,a,b,b\n"}) EXPECT_EQ(error_of(twice, options).sqlstate, "22P04") << twice;
  EXPECT_EQ(error_of("x,x\n").message, "header has column \"x\" twice");
  EXPECT_EQ(error_of("A,a,\n").sqlstate, "");
}

TEST(Csv, WithoutAHeaderByPosition) {
  CsvReader counted = reader_of("1,2,3\n4,5,6\n7\n", without_header());
  EXPECT_EQ(counted.columns(), (Rows{"column1", "column2", "column3"}));
  EXPECT_EQ(rows_of(counted), (Rows{"1|2|3", "4|5|6", "22P04: line has 1 field, 3 wanted"}));
  CsvOptions options = without_header();
  options.columns = {"a", "b"};
  CsvReader declared = reader_of("1,2,3\n4,5\n", options);
  EXPECT_EQ(declared.columns(), options.columns);
  EXPECT_EQ(rows_of(declared), (Rows{"22P04: line has 3 fields, 2 wanted", "4|5"}));
}

TEST(Csv, AnEmptyFileHasNoRecords) {
  for (const char* text : {"", "\n\n", "\xef\xbb\xbf", "\xef\xbb\xbf\r\n"}) {
    EXPECT_EQ(rows_of(text), Rows{}) << text;
    CsvOptions options;
    options.columns = {"a"};
    CsvReader reader = reader_of(text, options);
    EXPECT_EQ(reader.columns(), Rows{"a"});
    EXPECT_EQ(rows_of(reader), Rows{});
  }
}

TEST(Csv, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(reader_of("\xef\xbb\xbf\"a\",b\n").columns(), (Rows{"a", "b"}));
  EXPECT_EQ(rows_of("\xef\xbb\xbf"
                    "1\n"),
            Rows{"1"});
  EXPECT_EQ(rows_of("\xef\xbb"), Rows{"\xef\xbb"});
  EXPECT_EQ(rows_of("a\n\xef\xbb\xbf\n"), (Rows{"a", "\xef\xbb\xbf"}));
}

TEST(Csv, AMisplacedQuoteEndsWithItsLine) {
  const std::string bad = "22P04: quote is misplaced";
  for (const char* line :
       {"a\"b,c", "a\",c", "\"a\"b,c", "\"a\" ,c", "\"a\"b\"c\",d", "a,b\"", "\"\"\"a\"b,c", " \"a\",b"}) {
    EXPECT_EQ(rows_of("1,2\n" + std::string(line) + "\n3,4\n"), (Rows{"1|2", bad, "3|4"})) << line;
    EXPECT_EQ(rows_of("1,2\r\n" + std::string(line)), (Rows{"1|2", bad})) << line;
  }
  // No quote behind it opens anything.
  EXPECT_EQ(rows_of("1,2\na\"b,\"c\nd\",e\n3,4\n"), (Rows{"1|2", bad, bad, "3|4"}));
}

TEST(Csv, AnUnclosedQuoteCostsOneLine) {
  const std::string bad = "22P04: quote is not closed";
  EXPECT_EQ(rows_of("1,2\n3,\"4\n5,6\n7,8\n"), (Rows{"1|2", bad, "5|6", "7|8"}));
  EXPECT_EQ(rows_of("1,2\r\n3,\"4\r\n5,6"), (Rows{"1|2", bad, "5|6"}));
  EXPECT_EQ(rows_of("1,2\n3,\"4"), (Rows{"1|2", bad}));
  EXPECT_EQ(rows_of("1,2\n3,\"4\"\""), (Rows{"1|2", bad}));
  // Within the limit as well, whatever follows behind it.
  EXPECT_EQ(rows_of("1,2\n3,\"4\n5,6\n7,8888\n9,\"\n", without_header(), record_limit(12)),
            (Rows{"1|2", bad, "5|6", "7|8888", bad}));
  Record record;
  CsvReader reader = reader_of("1,2\n3,\"4\n5,6\n", without_header());
  reader.next(record);
  ASSERT_EQ(reader.next(record), Read::kBad);
  EXPECT_EQ(record.raw, "3,\"4");
  EXPECT_EQ(record.line, 2u);
  EXPECT_EQ(reader.place().byte, 9u);
  EXPECT_EQ(reader.place().line, 2u);
}

TEST(Csv, ANulByteIsBad) {
  const std::string bad = "22P05: line contains a NUL byte";
  using namespace std::string_literals;
  EXPECT_EQ(rows_of("a\nb\0c\n\"d\0\"\ne\n"s), (Rows{"a", bad, bad, "e"}));
  EXPECT_EQ(error_of("\xff\xfe"
                     "a\0,\0b\0\n\0"s)
                .sqlstate,
            "22P05");
}

TEST(Csv, ALongRecordIsCutAndSkipped) {
  const std::string bad = "54000: line is too long";
  const Limits limits = record_limit(8);
  EXPECT_EQ(rows_of("12345678\n123456789\na\n", without_header(), limits), (Rows{"12345678", bad, "a"}));
  EXPECT_EQ(rows_of("12345678\r\n123456789\r\na\r\n", without_header(), limits), (Rows{"12345678", bad, "a"}));
  EXPECT_EQ(rows_of("12345678\r123456789\ra\r", without_header(), limits), (Rows{"12345678", bad, "a"}));
  EXPECT_EQ(rows_of("12345678\n123456789", without_header(), limits), (Rows{"12345678", bad}));
  EXPECT_EQ(rows_of("\"123456\"\n\"1234567\"\na\n", without_header(), limits), (Rows{"123456", bad, "a"}));
  for (const std::size_t chunk : {std::size_t{3}, kChunk}) {
    CsvOptions options = without_header();
    options.chunk = chunk;
    CsvReader reader = reader_of("1\n123456789 and so on\na\n", options, limits);
    Record record;
    reader.next(record);
    ASSERT_EQ(reader.next(record), Read::kBad);
    EXPECT_EQ(record.raw, "12345678");
    EXPECT_EQ(record.line, 2u);
    EXPECT_EQ(reader.place().byte, 22u);
    reader.next(record);
    EXPECT_EQ(record.line, 3u);
  }
}

TEST(Csv, TheRawTextOfALongRecordIsItsFront) {
  CsvOptions options = without_header();
  options.chunk = 3;
  for (std::size_t more = 1; more < 20; ++more) {
    CsvReader reader = reader_of("1\n1234567\r" + std::string(more, 'x') + "\na\n", options, record_limit(8));
    Record record;
    reader.next(record);
    ASSERT_EQ(reader.next(record), Read::kBad);
    EXPECT_EQ(record.error.sqlstate, "54000");
    EXPECT_EQ(record.raw, "1234567\r") << more;
    EXPECT_EQ(reader.place().byte, 11 + more);
  }
}

TEST(Csv, TheRawTextOfAVeryLongRecordIsItsBeginning) {
  Limits limits;
  limits.record_bytes = 4000;
  const std::string text = "1\n" + std::string(999, 'x') + "é" + std::string(5000, 'x') + "\na\n";
  CsvReader reader = reader_of(text, without_header(), limits);
  Record record;
  reader.next(record);
  ASSERT_EQ(reader.next(record), Read::kBad);
  EXPECT_EQ(record.raw, std::string(999, 'x'));
}

TEST(Csv, TooManyColumns) {
  Limits limits;
  limits.fields = 3;
  EXPECT_EQ(error_of("a,b,c,d\n", {}, limits).sqlstate, "54011");
  EXPECT_EQ(error_of("a,b,c,d\n", without_header(), limits).sqlstate, "54011");
  CsvOptions options;
  options.columns = {"a", "b", "c", "d"};
  EXPECT_EQ(error_of("", options, limits).sqlstate, "54011");
  EXPECT_EQ(rows_of("a,b,c\n" + std::string(100'000, ',') + "\n1,2,3\n", {}, limits),
            (Rows{"22P04: line has 100001 fields, 3 wanted", "1|2|3"}));
}

TEST(Csv, AFirstRecordThatIsNeededAndBadIsThrown) {
  EXPECT_EQ(error_of("a\"b\n1\n").message, "quote is misplaced");
  EXPECT_EQ(error_of("a\"b\n1\n").context, "line 1, of which the columns are known");
  EXPECT_EQ(error_of("\n\"a\n1\n", without_header()).sqlstate, "22P04");
  EXPECT_EQ(error_of("123456789\n", {}, record_limit(8)).sqlstate, "54000");
  CsvOptions options = without_header();
  options.columns = {"a"};
  EXPECT_EQ(rows_of("a\"b\n1\n", options), (Rows{"22P04: quote is misplaced", "1"}));
}

TEST(Csv, RawTextAndLines) {
  CsvReader reader = reader_of("h,i\r\n\"a\r\nb\",\"c\"\"d\"\r\n\r\nx\r\n1,2");
  Record record;
  ASSERT_EQ(reader.next(record), Read::kRecord);
  EXPECT_EQ(record.raw, "\"a\r\nb\",\"c\"\"d\"");
  EXPECT_EQ(record.line, 2u);
  EXPECT_EQ(reader.place().byte, 20u);
  EXPECT_EQ(reader.place().line, 3u);
  ASSERT_EQ(reader.next(record), Read::kBad);
  EXPECT_EQ(record.raw, "x");
  EXPECT_EQ(record.line, 5u);
  ASSERT_EQ(reader.next(record), Read::kRecord);
  EXPECT_EQ(record.raw, "1,2");
  EXPECT_EQ(record.line, 6u);
  EXPECT_EQ(reader.place().byte, 28u);
}

TEST(Csv, GoesOnAtAPlace) {
  std::string text = "a,b\n";
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + ",\"x\n" + (i % 7 == 0 ? "y" : "\"\"") + "\"\n";
  CsvReader whole = reader_of(text);
  const Rows all = rows_of(whole);
  ASSERT_EQ(all.size(), 20'000u);
  for (const std::size_t count : {0u, 1u, 100u, 19'999u, 20'000u}) {
    CsvReader first = reader_of(text);
    Record record;
    for (std::size_t i = 0; i < count; ++i) first.next(record);
    CsvReader second = reader_of(text, {}, {}, first.place());
    EXPECT_EQ(second.place().byte, count == 0 ? 4u : first.place().byte);
    EXPECT_EQ(rows_of(second), Rows(all.begin() + static_cast<std::ptrdiff_t>(count), all.end())) << count;
    EXPECT_EQ(second.place().line, whole.place().line);
  }
}

TEST(Csv, ATailWaitsForTheLineEnd) {
  const std::string text = "a,b\n1,2\n3,\"4\n\"\n5,6\n";
  const Rows all = {"1|2", "3|4\n", "5|6"};
  const std::vector<std::size_t> ends = {8, 15, 19};
  for (std::size_t size = 0; size <= text.size(); ++size) {
    CsvReader early = reader_of(text.substr(0, size), tailing());
    const Rows first = rows_of(early);
    EXPECT_EQ(first.size(),
              static_cast<std::size_t>(std::count_if(ends.begin(), ends.end(), [&](auto end) { return end <= size; })))
        << size;
    CsvReader late = reader_of(text, tailing(), {}, early.place());
    Rows rows = first;
    for (const std::string& row : rows_of(late)) rows.push_back(row);
    EXPECT_EQ(rows, all) << size;
  }
}

TEST(Csv, ATailMayEndWithinALineEnd) {
  CsvReader half = reader_of("a\r\n1\r", tailing());
  EXPECT_EQ(rows_of(half), Rows{});
  EXPECT_EQ(half.place().byte, 3u);
  CsvReader unknown = reader_of("a\r", tailing());
  EXPECT_EQ(unknown.columns(), Rows{});
  CsvReader mac = reader_of("a\r1\r2", tailing());
  EXPECT_EQ(rows_of(mac), Rows{"1"});
  EXPECT_EQ(mac.place().byte, 4u);
  CsvReader long_line = reader_of("a\n" + std::string(100, 'x'), tailing(), record_limit(8));
  EXPECT_EQ(rows_of(long_line), Rows{});
  EXPECT_EQ(long_line.place().byte, 2u);
}

// A gigabyte in one line, made as it is read.
class LongLine : public ByteSource {
 public:
  explicit LongLine(std::string front, std::string back) : front_(std::move(front)), back_(std::move(back)) {}
  std::size_t read(char* buffer, std::size_t size) override {
    if (at_ < front_.size()) return give(front_, buffer, size, 0);
    if (at_ >= kBytes) return give(back_, buffer, size, kBytes);
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, kBytes - at_));
    std::memset(buffer, 'x', size);
    at_ += size;
    return size;
  }
  void skip_to(std::uint64_t byte) override { at_ = byte; }

 private:
  static constexpr std::uint64_t kBytes = 1u << 30;
  std::size_t give(const std::string& text, char* buffer, std::size_t size, std::uint64_t start) {
    const std::size_t got = text.copy(buffer, size, static_cast<std::size_t>(at_ - start));
    at_ += got;
    return got;
  }
  std::string front_, back_;
  std::uint64_t at_ = 0;
};

long peak_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stol(line.substr(6));
  }
  return 0;
}

TEST(Csv, ALineOfAGigabyteTakesNoMoreThanTheLimit) {
  for (const std::string quote : {"", "\""}) {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins here
    const long before = peak_kb();
    CsvOptions options = without_header();
    options.columns = {"a"};
    const Limits limits;
    CsvReader reader(std::make_unique<LongLine>("first\n" + quote, "\nlast\n"), options, limits);
    EXPECT_EQ(rows_of(reader),
              (Rows{"first", quote.empty() ? "54000: line is too long" : "22P04: quote is not closed", "last"}));
#ifndef __SANITIZE_ADDRESS__
    EXPECT_LT(peak_kb() - before, static_cast<long>((limits.record_bytes + kChunk) / 1024 + 1024));
#else
    (void)before;
#endif
  }
}

TEST(Csv, RecordsOfAnySizeBelowTheLimit) {
  for (const std::size_t size : {kChunk - 1, kChunk, kChunk + 1, 3 * kChunk, std::size_t{5'000'000}}) {
    const std::string field(size, 'x');
    EXPECT_EQ(rows_of("a,b\n" + field + ",\"" + field + "\"\nc,d\n"), (Rows{"a|b", field + "|" + field, "c|d"}));
  }
}

// Every line opens a quote that the next one would close: each is read on twice and no more.
TEST(Csv, UnclosedQuotesTakeLinearTime) {
  for (const std::string line : {"a\",\"\n", "\"\n", "\"a,\"\"\n", ",\"x\"\"\n", "x,\"\n"}) {
    std::string text = "a,b\n";
    while (text.size() < 2'000'000) text += line;
    CsvOptions options;
    options.columns = {"a", "b"};
    std::size_t records = 0;
    Record record;
    CsvReader reader = reader_of(std::move(text), options);
    while (reader.next(record) != Read::kEnd) ++records;
    EXPECT_GT(records, 0u);
  }
}

TEST(Csv, BytesAreFoundTheSameWithoutSse2) {
  const SpecialBytes specials(';', '\'');
  char block[SpecialBytes::kBlock];
  std::uint32_t random = 1;
  for (int round = 0; round < 10'000; ++round) {
    for (char& byte : block) {
      random = random * 1664525 + 1013904223;
      byte = "ab;'\n\r\0\xff\x0c\x0e,\""[random >> 28 & 15 % 12];
    }
    EXPECT_EQ(specials.find(block), specials.find_portably(block));
  }
}

}  // namespace
}  // namespace etl::file
