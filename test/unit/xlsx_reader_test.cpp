// Records out of workbooks: what cells mean, which rows and columns count, and archives that mean harm.
#include "file/xlsx_reader.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>

#include "unit/error_of.hpp"
#include "unit/rows.hpp"
#include "unit/xlsx_file.hpp"

namespace etl::file {
namespace {

using etl::error_of;

// A reader and the bytes that it reads.
struct Opened {
  Opened(std::string archive, XlsxOptions options, const Limits& limits, Place from)
      : bytes(std::move(archive)),
        reader(std::make_unique<Archive>(std::string_view(bytes), limits), std::move(options), limits, from) {}
  std::string bytes;
  XlsxReader reader;
};

std::unique_ptr<Opened> open(const TestBook& book, XlsxOptions options = {}, const Limits& limits = {},
                             Place from = {}) {
  return std::make_unique<Opened>(book.bytes(), std::move(options), limits, from);
}

Rows read(RecordReader& reader) {
  return rows_of(reader, [&](const Record& record) { EXPECT_EQ(reader.place().line, record.line); });
}

Rows read(Opened&& opened) {
  return read(opened.reader);
}

Rows read(const TestBook& book, XlsxOptions options = {}, const Limits& limits = {}) {
  return read(open(book, std::move(options), limits)->reader);
}

XlsxOptions no_header(std::vector<std::string> columns = {}) {
  XlsxOptions options;
  options.header = false;
  options.columns = std::move(columns);
  return options;
}

XlsxOptions in_range(const std::string& range, bool header = true) {
  XlsxOptions options;
  options.range = range;
  options.header = header;
  return options;
}

TestBook rows(const std::string& xml) {
  TestBook book;
  book.rows = xml;
  return book;
}

std::string text_cell(const std::string& text) {
  return R"(<c t="inlineStr"><is><t>)" + text + "</t></is></c>";
}

TestBook cells(const std::string& xml) {
  return rows("<row>" + xml + "</row>");
}

// The value of one cell, and the type to infer from it.
std::string value_of(const std::string& xml, TestBook book = {}) {
  book.rows = "<row>" + xml + "</row>";
  const auto opened = open(book, no_header());
  const Rows found = read(opened->reader);
  if (found.size() != 1 || found[0].size() != 1 || !found[0][0]) return "?";
  return *found[0][0] + " " + (opened->reader.types().empty() ? "" : opened->reader.types()[0]);
}

Error error_of(const TestBook& book, XlsxOptions options = {}, const Limits& limits = {}) {
  return error_of([&] { read(book, options, limits); });
}

Error bad_of(const TestBook& book, XlsxOptions options = no_header()) {
  const auto opened = open(book, std::move(options));
  Record record;
  EXPECT_EQ(opened->reader.next(record), Read::kBad);
  return record.error;
}

TEST(XlsxCells, SharedStrings) {
  TestBook book = cells(R"(<c t="s"><v>1</v></c><c t="s"><v>0</v></c><c t="s"><v> 2 </v></c><c t="s"><v>3</v></c>)");
  book.strings =
      "<si><t>a&lt;b &#228;</t></si><si><r><rPr><b/></rPr><t xml:space=\"preserve\">one </t></r><r><t>two</t></r>"
      "<rPh sb=\"0\" eb=\"1\"><t>phonetic</t></rPh><phoneticPr "
      "fontId=\"1\"/></si><si><t>x_x000D_y_x005F_x0041_</t></si>"
      "<si><t>_xD83D__xDE00__x0000__xD800_</t></si>";
  EXPECT_EQ(read(book, no_header()), (Rows{{"one two", "a<b ä", "x\ry_x0041_", "😀_x0000__xD800_"}}));
  EXPECT_EQ(bad_of(cells(R"(<c t="s"><v>0</v></c>)")).sqlstate, "22P02");
  EXPECT_EQ(bad_of(cells(R"(<c t="s"><v>x</v></c>)")).message, "cell \"A1\" refers to a string that does not exist");
}

TEST(XlsxCells, InlineAndFormulaStrings) {
  EXPECT_EQ(read(cells(R"(<c t="inlineStr"><is><t>a</t></is></c>)"
                       R"(<c t="inlineStr"><is><r><t>b </t></r><r><t>c</t></r><rPh><t>no</t></rPh></is></c>)"
                       R"(<c t="str"><f>UPPER("d")</f><v>D_x000A_</v></c>)"),
                 no_header()),
            (Rows{{"a", "b c", "D\n"}}));
}

TEST(XlsxCells, NumbersAreTheirText) {
  EXPECT_EQ(value_of("<c><v>1</v></c>"), "1 bigint");
  EXPECT_EQ(value_of("<c t=\"n\"><v> -12\n</v></c>"), "-12 bigint");
  EXPECT_EQ(value_of("<c><v>0.30000000000000004</v></c>"), "0.30000000000000004 numeric");
  EXPECT_EQ(value_of("<c><v>1.0E-5</v></c>"), "1.0E-5 numeric");
  EXPECT_EQ(value_of("<c><v>9.9499999999999993</v></c>"), "9.95 numeric");
  EXPECT_EQ(value_of("<c><v>9.949999999999999</v></c>"), "9.95 numeric");
  EXPECT_EQ(value_of("<c><v>-1.2345678901234567E-3</v></c>"), "-0.0012345678901234567 numeric");
  EXPECT_EQ(value_of("<c><v>9223372036854775807</v></c>"), "9223372036854775807 bigint");
  EXPECT_EQ(value_of("<c><v>9223372036854775808</v></c>"), "9223372036854775808 numeric");
  EXPECT_EQ(value_of("<c><v>1E+400</v></c>"), "1E+400 numeric");
  EXPECT_EQ(value_of("<c><v>nan</v></c>"), "nan text");
  EXPECT_EQ(value_of("<c><v>1 2</v></c>"), "1 2 text");
  EXPECT_EQ(value_of("<c s=\"0\"><v>45322</v></c>"), "45322 bigint");
  EXPECT_EQ(value_of("<c s=\"99\"><v>45322</v></c>"), "45322 bigint");
}

TEST(XlsxCells, Booleans) {
  EXPECT_EQ(value_of("<c t=\"b\"><v>1</v></c>"), "true boolean");
  EXPECT_EQ(value_of("<c t=\"b\"><v>0</v></c>"), "false boolean");
  EXPECT_EQ(bad_of(cells("<c t=\"b\"><v>2</v></c>")).message, "cell \"A1\" is neither true nor false");
}

TEST(XlsxCells, DatesByFormat) {
  EXPECT_EQ(value_of("<c s=\"1\"><v>45322</v></c>"), "2024-01-31 date");
  EXPECT_EQ(value_of("<c s=\"2\"><v>45322.520839120372</v></c>"), "2024-01-31 12:30:00.5 timestamp without time zone");
  EXPECT_EQ(value_of("<c s=\"3\"><v>0.52083333333333337</v></c>"), "12:30:00 time without time zone");
  EXPECT_EQ(value_of("<c s=\"4\"><v>1.0625</v></c>"), "25:30:00 interval");
  // What the number has counts for more than its format.
  EXPECT_EQ(value_of("<c s=\"1\"><v>45322.75</v></c>"), "2024-01-31 18:00:00 timestamp without time zone");
  EXPECT_EQ(value_of("<c s=\"2\"><v>45322</v></c>"), "2024-01-31 00:00:00 timestamp without time zone");
  EXPECT_EQ(value_of("<c s=\"3\"><v>45322.25</v></c>"), "2024-01-31 06:00:00 timestamp without time zone");
  // Text in a cell with a date's format stays text.
  EXPECT_EQ(value_of(R"(<c s="1" t="str"><v>soon</v></c>)"), "soon text");
  TestBook book;
  book.code = "dd/mm/yyyy\\ hh:mm";
  EXPECT_EQ(value_of("<c s=\"5\"><v>45322.5</v></c>", book), "2024-01-31 12:00:00 timestamp without time zone");
}

TEST(XlsxCells, DateSystems) {
  EXPECT_EQ(value_of("<c s=\"1\"><v>1</v></c>"), "1900-01-01 date");
  EXPECT_EQ(value_of("<c s=\"1\"><v>0</v></c>"), "1899-12-31 date");
  EXPECT_EQ(value_of("<c s=\"1\"><v>59</v></c>"), "1900-02-28 date");
  EXPECT_EQ(value_of("<c s=\"1\"><v>61</v></c>"), "1900-03-01 date");
  EXPECT_EQ(value_of("<c s=\"1\"><v>36585</v></c>"), "2000-02-29 date");
  EXPECT_EQ(value_of("<c s=\"1\"><v>2958465</v></c>"), "9999-12-31 date");
  for (const char* const number : {"60", "60.5", "-1", "2958466", "1e300", "nan", "x"}) {
    EXPECT_EQ(bad_of(cells(std::string("<c s=\"1\"><v>") + number + "</v></c>")).sqlstate, "22008") << number;
  }
  TestBook book;
  for (const char* const flag : {"date1904=\"1\"", "date1904=\"true\""}) {
    book.properties = flag;
    EXPECT_EQ(value_of("<c s=\"1\"><v>0</v></c>", book), "1904-01-01 date");
    EXPECT_EQ(value_of("<c s=\"1\"><v>43860</v></c>", book), "2024-01-31 date");
  }
}

TEST(XlsxCells, RoundedToMilliseconds) {
  EXPECT_EQ(value_of("<c s=\"2\"><v>45322.99999999999</v></c>"), "2024-02-01 00:00:00 timestamp without time zone");
  EXPECT_EQ(value_of("<c s=\"3\"><v>0.99999999999</v></c>"), "24:00:00 time without time zone");
  EXPECT_EQ(value_of("<c s=\"3\"><v>0.000011585648148</v></c>"), "00:00:01.001 time without time zone");
  EXPECT_EQ(value_of("<c s=\"4\"><v>-0.5</v></c>"), "-12:00:00 interval");
  EXPECT_EQ(value_of("<c s=\"4\"><v>1000</v></c>"), "24000:00:00 interval");
}

TEST(XlsxCells, IsoDates) {
  EXPECT_EQ(value_of("<c t=\"d\"><v>2024-01-31</v></c>"), "2024-01-31 date");
  EXPECT_EQ(value_of("<c t=\"d\"><v>2024-01-31T12:30:00.5</v></c>"),
            "2024-01-31 12:30:00.5 timestamp without time zone");
  EXPECT_EQ(value_of("<c t=\"d\"><v>12:30:00</v></c>"), "12:30:00 time without time zone");
  EXPECT_EQ(value_of("<c t=\"d\"><v>P1D</v></c>"), "P1D text");
}

TEST(XlsxFormats, BuiltIn) {
  for (int id = 0; id < 60; ++id) {
    const bool date =
        (id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) || id == 57 || id == 58;
    const bool time = (id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47 || id == 55 || id == 56;
    const NumberFormat wanted = date       ? NumberFormat::kDate
                                : time     ? NumberFormat::kTime
                                : id == 22 ? NumberFormat::kTimestamp
                                : id == 46 ? NumberFormat::kInterval
                                           : NumberFormat::kNumber;
    EXPECT_EQ(built_in_format(id), wanted) << id;
  }
  EXPECT_EQ(built_in_format(-1), NumberFormat::kNumber);
}

TEST(XlsxFormats, Codes) {
  for (const char* const code :
       {"yyyy-mm-dd", "DD.MM.YY", "mmm-yy", "m", "[$-409]d\\-mmm\\-yyyy;@", "yyyy\"h\"", "[Red]dddd", "d\\h", "_hd"}) {
    EXPECT_EQ(format_of_code(code), NumberFormat::kDate) << code;
  }
  for (const char* const code : {"hh:mm", "h:mm AM/PM", "mm:ss.0", "s", "[$-F400]h:mm:ss\\ AM/PM", "h:mm:ss;@"}) {
    EXPECT_EQ(format_of_code(code), NumberFormat::kTime) << code;
  }
  for (const char* const code : {"yyyy-mm-dd hh:mm", "d/m/yy h:mm:ss", "mmm d, yyyy h AM/PM"}) {
    EXPECT_EQ(format_of_code(code), NumberFormat::kTimestamp) << code;
  }
  for (const char* const code : {"[h]:mm", "[HH]:mm:ss", "[mm]:ss", "[s]"}) {
    EXPECT_EQ(format_of_code(code), NumberFormat::kInterval) << code;
  }
  for (const char* const code : {"",     "General",  "0.00",     "#,##0 \"days\"",
                                 "0\\d", "[Red]0",   "[$USD] 0", "0_d",
                                 "*d0",  "0.00E+00", "@",        "\"",
                                 "\"d",  "[",        "[d",       "[]",
                                 "\\",   "_",        "[hm]0",    "0.0%"}) {
    EXPECT_EQ(format_of_code(code), NumberFormat::kNumber) << code;
  }
}

TEST(XlsxCells, Errors) {
  const Error error = bad_of(cells("<c t=\"inlineStr\"><is><t>x</t></is></c><c t=\"e\"><v>#N/A</v></c>"));
  EXPECT_EQ(error.sqlstate, "22P02");
  EXPECT_EQ(error.message, "cell \"B1\" holds an error");
  EXPECT_EQ(error.detail, "It is \"#N/A\".");
  EXPECT_EQ(bad_of(cells("<c t=\"zzz\"><v>1</v></c>")).message, "cell \"A1\" has an unknown type");
  // Only what is wanted is judged, and the next row goes on.
  XlsxOptions options;
  options.columns = {"b"};
  EXPECT_EQ(read(rows("<row>" + text_cell("a") + text_cell("b") +
                      "</row><row><c t=\"e\"><v>#DIV/0!</v></c><c><v>1</v></c>"
                      "</row><row><c><v>1</v></c><c t=\"e\"><v>#REF!</v></c></row><row><c/><c><v>2</v></c></row>"),
                 options),
            (Rows{{"1"}, {"22P02"}, {"2"}}));
}

TEST(XlsxCells, Formulas) {
  EXPECT_EQ(value_of("<c><f>1+1</f><v>2</v></c>"), "2 bigint");
  for (const char* const cell : {"<c><f>1+1</f></c>", "<c><f>1+1</f><v></v></c>", "<c><f>1+1</f><v/></c>"}) {
    EXPECT_EQ(bad_of(cells(cell)).message, "cell \"A1\" holds a formula without a value");
  }
  EXPECT_EQ(read(cells(R"(<c><v>1</v></c><c t="str"><f>""</f><v></v></c><c><v>3</v></c>)"), no_header()),
            (Rows{{"1", kNull, "3"}}));
}

TEST(XlsxCells, EmptyOnesAreNull) {
  TestBook book = cells(R"(<c><v>1</v></c><c/><c s="1"/><c><v/></c><c t="s"><v>0</v></c>)"
                        R"(<c t="inlineStr"><is><t/></is></c><c t="d"><v/></c><c><v>8</v></c>)");
  book.strings = "<si/>";
  EXPECT_EQ(read(book, no_header()), (Rows{{"1", kNull, kNull, kNull, kNull, kNull, kNull, "8"}}));
}

TEST(XlsxRows, SparseRowsAndCells) {
  EXPECT_EQ(read(rows(R"(<row r="3"><c r="C3"><v>3</v></c><c r="A3"><v>1</v></c><c><v>2</v></c></row>)"
                      R"(<row><c r="B9"><v>4</v></c><c><v>5</v></c></row><row r="9"/><row r="10"><c/></row>)"
                      R"(<row r="12"><c r="A12"><v>6</v></c><c r="A12"><v>7</v></c></row>)"),
                 no_header()),
            (Rows{{"1", "2", "3"}, {kNull, "4", "5"}, {"7", kNull, kNull}}));
}

TEST(XlsxRows, NumbersOfRows) {
  const auto opened = open(rows(R"(<row r="3"><c><v>1</v></c></row><row r="2"><c><v>2</v></c></row>)"
                                R"(<row r="3"><c><v>3</v></c></row><row><c><v>4</v></c></row>)"
                                R"(<row r="1048576"><c><v>5</v></c></row>)"),
                           no_header());
  Record record;
  for (const std::uint64_t line : {3u, 4u, 5u, 6u, 1048576u}) {
    EXPECT_EQ(opened->reader.next(record), Read::kRecord);
    EXPECT_EQ(record.line, line);
  }
}

TEST(XlsxRows, PrefixedElements) {
  TestBook book;
  book.more["xl/worksheets/sheet1.xml"] =
      R"(<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:sheetData><x:row r="1">)"
      R"(<x:c r="A1"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>)";
  EXPECT_EQ(read(book, no_header()), (Rows{{"1"}}));
}

TEST(XlsxRows, RawIsJson) {
  TestBook book = rows(R"(<row><c r="B1" t="inlineStr"><is><t>a"\&#10;é</t></is></c><c><v>1.50</v></c></row>)");
  const auto opened = open(book, in_range("A:D", false));
  Record record;
  EXPECT_EQ(opened->reader.next(record), Read::kRecord);
  EXPECT_EQ(record.raw, R"([null,"a\"\\\u000aé","1.50",null])");
}

TEST(XlsxRows, TooLongIsNotTheEnd) {
  Limits limits;
  limits.record_bytes = 100;
  const std::string fits = "<row>" + text_cell(std::string(100, 'x')) + "</row>";
  const std::string longer = "<row>" + text_cell(std::string(101, 'x')) + "</row>";
  EXPECT_EQ(read(rows(fits + longer + fits), no_header({"a"}), limits),
            (Rows{{std::string(100, 'x')}, {"54000"}, {std::string(100, 'x')}}));
  TestBook shared = rows("<row>" + std::string(3, ' ') + R"(<c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>)" +
                         R"(<row><c t="s"><v>0</v></c></row>)");
  shared.strings = "<si><t>" + std::string(60, 'y') + "</t></si>";
  EXPECT_EQ(read(shared, no_header({"a", "b"}), limits), (Rows{{"54000"}, {std::string(60, 'y'), kNull}}));
  shared.strings = "<si><t>" + std::string(101, 'y') + "</t></si>";
  EXPECT_EQ(error_of(shared, no_header({"a", "b"}), limits).sqlstate, "54000");
  EXPECT_EQ(error_of(rows(longer), {}, limits).message, "the header is too long");
  EXPECT_EQ(read(rows(longer + fits), no_header(), limits).size(), 2u);
}

TEST(XlsxHeader, NamesOfTheFirstRowWithAValue) {
  const TestBook book =
      rows(R"(<row r="2"><c/></row><row r="4"><c r="B4" t="inlineStr"><is><t>id</t></is></c>)"
           R"(<c><v>2024</v></c></row><row r="6"><c r="B6"><v>1</v></c><c r="C6" t="b"><v>1</v></c></row>)");
  const auto opened = open(book);
  EXPECT_EQ(opened->reader.columns(), (std::vector<std::string>{"id", "2024"}));
  EXPECT_EQ(opened->reader.types(), (std::vector<std::string>{"bigint", "boolean"}));
  EXPECT_EQ(read(opened->reader), (Rows{{"1", "true"}}));
}

TEST(XlsxHeader, BlankAndDoubledNames) {
  const std::string data = "<row><c><v>1</v></c></row>";
  EXPECT_EQ(error_of(rows("<row>" + text_cell("a") + "<c/>" + text_cell("c") + "</row>" + data)).message,
            "column B has no name in the header");
  EXPECT_EQ(error_of(rows("<row>" + text_cell("a") + text_cell(" ") + "</row>" + data)).sqlstate, "22P04");
  const Error error = error_of(rows("<row>" + text_cell("a") + text_cell("b") + text_cell("a") + "</row>" + data));
  EXPECT_EQ(error.sqlstate, "22P04");
  EXPECT_EQ(error.detail, "It stands in columns A and C.");
  EXPECT_EQ(error_of(rows("<row>" + text_cell("a") + "<c t=\"e\"><v>#N/A</v></c></row>" + data)).sqlstate, "22P04");
}

TEST(XlsxHeader, WantedColumns) {
  const TestBook book = rows("<row>" + text_cell("a") + text_cell("b") + text_cell("c") +
                             "</row><row><c><v>1</v></c><c><v>2</v></c><c><v>3</v></c></row>");
  XlsxOptions options;
  options.columns = {"c", "a"};
  const auto opened = open(book, options);
  EXPECT_EQ(opened->reader.columns(), options.columns);
  EXPECT_TRUE(opened->reader.types().empty());
  EXPECT_EQ(read(opened->reader), (Rows{{"3", "1"}}));
  options.columns = {"a", "d"};
  EXPECT_EQ(error_of(book, options).detail, "Its header has \"a\", \"b\", \"c\".");
  EXPECT_EQ(error_of(book, options).sqlstate, "22P04");
  options.columns = {"a", "a"};
  EXPECT_EQ(error_of(book, options).sqlstate, "42701");
}

TEST(XlsxHeader, ValueBesideTheColumns) {
  const TestBook book =
      rows(R"(<row r="1"><c r="B1"><v>10</v></c><c><v>20</v></c></row><row><c r="B2"><v>1</v></c></row>)"
           R"(<row><c r="A3"><v>2</v></c></row><row><c r="D4"><v>3</v></c></row>)"
           R"(<row><c r="C5"><v>4</v></c></row>)");
  EXPECT_EQ(read(book), (Rows{{"1", kNull}, {"22P04"}, {"22P04"}, {kNull, "4"}}));
}

TEST(XlsxHeader, None) {
  const TestBook book = rows("<row><c><v>1</v></c></row><row><c/><c/><c><v>2</v></c></row>");
  const auto opened = open(book, no_header());
  EXPECT_EQ(opened->reader.columns(), (std::vector<std::string>{"column1", "column2", "column3"}));
  EXPECT_EQ(read(opened->reader), (Rows{{"1", kNull, kNull}, {kNull, kNull, "2"}}));
  EXPECT_EQ(read(book, no_header({"x", "y", "z"})), (Rows{{"1", kNull, kNull}, {kNull, kNull, "2"}}));
  EXPECT_EQ(read(book, no_header({"x"})), (Rows{{"1"}, {"22P04"}}));
  XlsxOptions first = no_header();
  first.sample = 1;
  EXPECT_EQ(read(book, first), (Rows{{"1"}, {"22P04"}}));
}

TEST(XlsxHeader, EmptySheet) {
  for (const bool header : {true, false}) {
    XlsxOptions options;
    options.header = header;
    const auto opened = open(rows(""), options);
    EXPECT_TRUE(opened->reader.columns().empty());
    EXPECT_TRUE(read(opened->reader).empty());
    options.columns = {"a"};
    EXPECT_EQ(open(rows(""), options)->reader.columns(), options.columns);
  }
}

TEST(XlsxRange, CellsOfARange) {
  std::string xml;
  for (int row = 1; row <= 5; ++row) {
    xml += "<row>";
    for (int column = 1; column <= 5; ++column) xml += "<c><v>" + std::to_string(10 * row + column) + "</v></c>";
    xml += "</row>";
  }
  const TestBook book = rows(xml);
  EXPECT_EQ(open(book, in_range("B2:C3"))->reader.columns(), (std::vector<std::string>{"22", "23"}));
  EXPECT_EQ(read(book, in_range("B2:C3")), (Rows{{"32", "33"}}));
  EXPECT_EQ(read(book, in_range("b2:$c$3", false)), (Rows{{"22", "23"}, {"32", "33"}}));
  EXPECT_EQ(read(book, in_range("D:E", false)).size(), 5u);
}

TEST(XlsxRange, ColumnsWithoutAName) {
  const TestBook book = rows("<row><c><v>1</v></c></row><row><c><v>2</v></c></row>");
  EXPECT_EQ(error_of(book, in_range("A:B")).message, "column B has no name in the header");
  EXPECT_EQ(read(book, in_range("A:B", false)), (Rows{{"1", kNull}, {"2", kNull}}));
}

TEST(XlsxRange, RowsOnly) {
  const TestBook book = rows(
      "<row><c><v>1</v></c><c><v>2</v></c><c><v>3</v></c></row><row><c/><c><v>4</v></c></row>"
      "<row><c/><c><v>5</v></c></row><row><c/><c><v>6</v></c></row>");
  EXPECT_EQ(read(book, in_range("2:3")), (Rows{{"5"}}));
  EXPECT_EQ(read(book, in_range("3:100", false)), (Rows{{kNull, "5"}, {kNull, "6"}}));
}

TEST(XlsxRange, FirstRowOfTheRangeHasTheNames) {
  const TestBook book = rows(R"(<row r="1"><c><v>1</v></c></row><row r="3"><c><v>3</v></c></row>)");
  EXPECT_EQ(error_of(book, in_range("A2:A9")).sqlstate, "22P04");
  EXPECT_EQ(read(book, in_range("A3:A9")), Rows{});
}

TEST(XlsxRange, NamesByPosition) {
  const TestBook book = rows("<row><c><v>1</v></c><c><v>2</v></c><c><v>3</v></c></row>");
  XlsxOptions options = in_range("B:C", false);
  options.columns = {"x", "y"};
  EXPECT_EQ(read(book, options), (Rows{{"2", "3"}}));
  options.columns = {"x"};
  EXPECT_EQ(error_of(book, options).sqlstate, "22023");
  options.columns = {"x", "y", "z"};
  EXPECT_EQ(error_of(book, options).sqlstate, "22023");
}

TEST(XlsxRange, NotARange) {
  const TestBook book = rows("<row><c><v>1</v></c></row>");
  for (const char* const range : {"A", "A1", ":", "A:", ":B", "A1:B2:C3", "C:B", "A3:B2", "A:3", "1:B", "A0:B1",
                                  "A1:XFE2", "A1:B1048577", "AAAAA:B", "A1 :B2", "Sheet!A:B", "A-1:B2"}) {
    EXPECT_EQ(error_of(book, in_range(range)).sqlstate, "22023") << range;
  }
  EXPECT_EQ(open(book, in_range("A1:XFD1048576", false),
                 [] {
                   Limits limits;
                   limits.fields = 16384;
                   return limits;
                 }())
                ->reader.columns()
                .size(),
            16384u);
  EXPECT_EQ(error_of(book, in_range("A:XFD", false)).sqlstate, "54011");
}

TEST(XlsxSheet, ByNameOrNumber) {
  TestBook book;
  const std::string uri = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
  book.more["xl/workbook.xml"] =
      R"(<workbook xmlns:r="r"><sheets><sheet name="Chart" sheetId="9" r:id="c"/><sheet name="One" sheetId="1" r:id="a"/>)"
      R"(<sheet name="1" sheetId="4" r:id="b" state="hidden"/><sheet name="Lost" sheetId="5" r:id="x"/></sheets></workbook>)";
  book.more["xl/_rels/workbook.xml.rels"] =
      "<Relationships><Relationship Id=\"a\" Type=\"" + uri +
      "worksheet\" Target=\"a.xml\"/><Relationship Id=\"b\" Type=\"" + uri +
      "worksheet\" Target=\"./x/../../xl/sheets/b.xml\"/><Relationship Id=\"c\" Type=\"" + uri +
      "chartsheet\" Target=\"c.xml\"/><Relationship Id=\"x\" Type=\"" + uri +
      "worksheet\" TargetMode=\"External\" Target=\"file:///etc/passwd\"/></Relationships>";
  const auto sheet = [](int value) {
    return "<worksheet><sheetData><row><c><v>" + std::to_string(value) + "</v></c></row></sheetData></worksheet>";
  };
  book.more["xl/a.xml"] = sheet(10);
  book.more["XL/Sheets/B.xml"] = sheet(20);  // names match whatever their case
  XlsxOptions options = no_header();
  EXPECT_EQ(read(book, options), (Rows{{"10"}}));
  options.sheet = "One";
  EXPECT_EQ(read(book, options), (Rows{{"10"}}));
  options.sheet = "1";
  EXPECT_EQ(read(book, options), (Rows{{"20"}}));
  options.sheet = "2";
  EXPECT_EQ(read(book, options), (Rows{{"10"}}));
  options.sheet = "3";
  EXPECT_EQ(read(book, options), (Rows{{"20"}}));
  for (const char* const wrong : {"0", "5", "-1", "one", "Chart", "Lost", "2x", "99999999999999999999"}) {
    options.sheet = wrong;
    EXPECT_EQ(error_of(book, options).sqlstate, "22023") << wrong;
  }
  options.sheet = "none";
  EXPECT_EQ(error_of(book, options).detail, R"(The workbook has "Chart", "One", "1", "Lost".)");
}

TEST(XlsxTypes, OfColumnsThatDiffer) {
  const auto type = [](const std::string& a, const std::string& b) {
    const auto opened =
        open(rows("<row>" + a + "</row><row><c/><c><v>0</v></c></row><row>" + b + "</row>"), no_header());
    return opened->reader.types().at(0);
  };
  const std::string integer = "<c><v>1</v></c>", number = "<c><v>1.5</v></c>", boolean = "<c t=\"b\"><v>1</v></c>",
                    date = "<c s=\"1\"><v>1</v></c>", timestamp = "<c s=\"2\"><v>1.5</v></c>",
                    time = "<c s=\"3\"><v>.5</v></c>", error = "<c t=\"e\"><v>#N/A</v></c>";
  EXPECT_EQ(type(integer, "<c/>"), "bigint");
  EXPECT_EQ(type(integer, error), "bigint");
  EXPECT_EQ(type(integer, number), "numeric");
  EXPECT_EQ(type(date, date), "date");
  EXPECT_EQ(type(date, timestamp), "timestamp without time zone");
  EXPECT_EQ(type(time, "<c/>"), "time without time zone");
  EXPECT_EQ(type(time, date), "text");
  EXPECT_EQ(type(date, integer), "text");
  EXPECT_EQ(type(boolean, integer), "text");
  EXPECT_EQ(type(integer, text_cell("x")), "text");
  EXPECT_EQ(type("<c/>", "<c/>"), "text");
}

TEST(XlsxPlace, AnotherReaderGoesOnBehindIt) {
  const TestBook book =
      rows(R"(<row r="1"><c><v>9</v></c></row><row r="3"><c><v>1</v></c></row><row r="2"><c><v>2</v></c></row>)"
           R"(<row><c t="e"><v>#N/A</v></c></row><row r="9"><c><v>3</v></c></row>)");
  Rows rest = {{"1"}, {"2"}, {"22P02"}, {"3"}};
  const auto opened = open(book);
  Record record;
  for (Place place;; place = opened->reader.place()) {
    EXPECT_EQ(read(open(book, {}, {}, place)->reader), rest);
    if (rest.empty()) break;
    EXPECT_NE(opened->reader.next(record), Read::kEnd);
    rest.erase(rest.begin());
  }
  EXPECT_EQ(opened->reader.place().line, 9u);
}

TEST(XlsxArchive, FromADescriptor) {
  const std::string bytes = rows("<row><c><v>1</v></c></row>").bytes();
  const int file = memfd_create("xlsx", 0);
  ASSERT_EQ(write(file, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  XlsxReader reader(std::make_unique<Archive>(file, Limits{}), no_header(), {});
  EXPECT_EQ(read(reader), (Rows{{"1"}}));
  EXPECT_EQ(lseek(file, 0, SEEK_CUR), static_cast<off_t>(bytes.size()));
  close(file);
  EXPECT_EQ(error_of([&] { Archive(-1, Limits{}); }).sqlstate, "58030");
  const int directory = ::open("/", O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(error_of([&] { Archive(directory, Limits{}); }).sqlstate, "58030");
  close(directory);
}

TEST(XlsxArchive, CheckStopsTheReader) {
  const std::string bytes = rows("<row><c><v>1</v></c></row>").bytes();
  Limits limits;
  limits.check = [] { throw Error("57014", "canceling statement due to user request"); };
  auto archive = std::make_unique<Archive>(std::string_view(bytes), limits);
  EXPECT_EQ(error_of([&] { XlsxReader(std::move(archive), {}, {}); }).sqlstate, "57014");
}

TEST(XlsxArchive, CutOffOrDamaged) {
  TestBook book;
  for (int i = 0; i < 3000; ++i) book.rows += "<row><c><v>" + std::to_string(i * 7919 % 10007) + "</v></c></row>";
  const std::string bytes = book.bytes();
  const auto state = [](const std::string& damaged) {
    return error_of([&] { read(Opened(damaged, no_header(), {}, {})); }).sqlstate;
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{30}, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_EQ(state(bytes.substr(0, size)), "22P04") << size;
  }
  EXPECT_EQ(state("PK\x03\x04 not"), "22P04");
  EXPECT_EQ(state(std::string(1000, 'x')), "22P04");
  // A byte of the sheet's packed text: the checksum, if not the packing, tells.
  const std::size_t sheet = bytes.find("sheet1.xml");
  for (const std::size_t at : {std::size_t{100}, std::size_t{500}, std::size_t{1500}}) {
    std::string damaged = bytes;
    damaged[sheet + at] = static_cast<char>(damaged[sheet + at] ^ 0x55);
    EXPECT_EQ(state(damaged), "22P04") << at;
  }
}

TEST(XlsxArchive, PartsThatAreMissingOrMakeNoSense) {
  const auto state_without = [](const std::string& part) {
    Parts parts = rows("<row><c><v>1</v></c></row>").parts();
    parts.erase(part);
    return error_of([&] { read(Opened(zip_of(parts), no_header(), {}, {})); }).sqlstate;
  };
  for (const char* const part :
       {"_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"}) {
    EXPECT_EQ(state_without(part), "22P04") << part;
  }
  const auto state_with = [](const std::string& part, const std::string& text) {
    TestBook book = rows("<row><c><v>1</v></c></row>");
    book.more[part] = text;
    return error_of(book, no_header()).sqlstate;
  };
  EXPECT_EQ(state_with("xl/workbook.xml", "<workbook><sheets></workbook>"), "22P04");
  EXPECT_EQ(state_with("xl/workbook.xml", "<workbook/>"), "22023");
  EXPECT_EQ(state_with("xl/worksheets/sheet1.xml", ""), "22P04");
  EXPECT_EQ(state_with("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row><c><v>1</v></c></row>"), "22P04");
  EXPECT_EQ(state_with("xl/worksheets/sheet1.xml", "<a>\xff</a>"), "22P04");
  EXPECT_EQ(state_with("_rels/.rels", "<Relationships/>"), "22P04");
  // Neither styles nor shared strings must be there.
  Parts parts = rows("<row><c s=\"1\"><v>1</v></c></row>").parts();
  parts.erase("xl/styles.xml");
  parts.erase("xl/sharedStrings.xml");
  EXPECT_EQ(read(Opened(zip_of(parts), no_header(), {}, {})), (Rows{{"1"}}));
}

TEST(XlsxArchive, PlacesOutsideOfASheet) {
  EXPECT_EQ(error_of(rows(R"(<row r="1048577"><c><v>1</v></c></row>)"), no_header()).sqlstate, "54000");
  EXPECT_EQ(error_of(rows(R"(<row r="1048576"/><row/>)"), no_header()).sqlstate, "54000");
  EXPECT_EQ(error_of(cells(R"(<c r="XFE1"><v>1</v></c>)"), no_header()).sqlstate, "54000");
  EXPECT_EQ(error_of(cells(R"(<c r="XFD1"/><c/>)"), no_header()).sqlstate, "54000");
  std::string many;
  for (int i = 0; i <= 16384; ++i) many += R"(<c r="A1"><v>1</v></c>)";
  EXPECT_EQ(error_of(cells(many), no_header()).sqlstate, "54000");
  for (const char* const place : {"", "0", "-1", "A", "A1", "x", "1x", "99999999999"}) {
    EXPECT_EQ(error_of(rows(std::string("<row r=\"") + place + "\"/>"), no_header()).sqlstate, "22P04") << place;
  }
  for (const char* const place : {"", "1", "A0", "A-1", "!1", "AAAAA1", "A1B"}) {
    EXPECT_EQ(error_of(cells(std::string("<c r=\"") + place + "\"/>"), no_header()).sqlstate, "22P04") << place;
  }
}

TEST(XlsxHostile, NoEntityIsEverDeclared) {
  const std::string laughs =
      "<!DOCTYPE w [<!ENTITY a \"ha\"><!ENTITY b "
      "\"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]><worksheet><sheetData><row><c><v>&b;"
      "</v></c></row></sheetData></worksheet>";
  TestBook book;
  book.more["xl/worksheets/sheet1.xml"] = laughs;
  EXPECT_EQ(error_of(book, no_header()).sqlstate, "22P02");
  book.more["xl/worksheets/sheet1.xml"] = "<!DOCTYPE w SYSTEM \"file:///etc/passwd\"><worksheet/>";
  EXPECT_EQ(error_of(book, no_header()).message, "part \"xl/worksheets/sheet1.xml\" has a DOCTYPE");
  book.more["xl/worksheets/sheet1.xml"] = "<worksheet><sheetData><row><c><v>&b;</v></c></row></sheetData></worksheet>";
  EXPECT_EQ(error_of(book, no_header()).sqlstate, "22P04");
}

TEST(XlsxHostile, Bombs) {
  const auto start = std::chrono::steady_clock::now();
  // 1 : 1000, in the sheet, in the strings.
  TestBook book = rows("<row><c><v>1</v></c></row>" + std::string(64u << 20, ' '));
  EXPECT_EQ(error_of(book, no_header()).sqlstate, "54000");
  book = rows("<row><c><v>1</v></c></row>");
  book.strings = std::string(64u << 20, ' ');
  EXPECT_EQ(error_of(book, no_header()).message, "part \"xl/sharedStrings.xml\" of the archive is packed too tightly");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  // Below the floor there is no ratio.
  EXPECT_EQ(read(rows("<row><c><v>1</v></c></row>" + std::string(900000, ' ')), no_header()), (Rows{{"1"}}));
}

TEST(XlsxHostile, SizeOfAPart) {
  Limits limits;
  limits.archive_bytes = 20000;
  TestBook book;
  for (int i = 0; i < 2000; ++i) book.rows += "<row><c><v>" + std::to_string(i) + "</v></c></row>";
  EXPECT_EQ(error_of(book, no_header(), limits).message,
            "part \"xl/worksheets/sheet1.xml\" of the archive is too large");
  book = cells("<c><v>1</v></c>");
  for (int i = 0; i < 2000; ++i) book.strings += "<si/>";
  EXPECT_EQ(error_of(book, no_header(), limits).message, "the workbook's shared strings are too large");
  limits.archive_bytes = 1000;
  EXPECT_EQ(error_of(book, no_header(), limits).message, "the file is too large");
}

TEST(XlsxHostile, Entries) {
  Parts parts = rows("<row><c><v>1</v></c></row>").parts();
  for (int i = static_cast<int>(parts.size()); i < 10000; ++i) parts["x/" + std::to_string(i)] = "";
  EXPECT_EQ(read(Opened(zip_of(parts), no_header(), {}, {})), (Rows{{"1"}}));
  parts["one more"] = "";
  EXPECT_EQ(error_of([&] { Opened(zip_of(parts), no_header(), {}, {}); }).sqlstate, "54000");
  // Names that take more than the directory of 10,000 parts may.
  parts.clear();
  for (int i = 0; i < 200; ++i) parts[std::string(60000, 'n') + std::to_string(i)] = "";
  EXPECT_EQ(error_of([&] { Opened(zip_of(parts), no_header(), {}, {}); }).sqlstate, "54000");
}

TEST(XlsxHostile, Depth) {
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "<x>";
  TestBook book;
  book.more["xl/worksheets/sheet1.xml"] = deep;
  EXPECT_EQ(error_of(book, no_header()).sqlstate, "54001");
}

TEST(XlsxHostile, TagsThatTakeMemory) {
  TestBook book;
  std::string noise(48u << 20, 'a');
  for (std::size_t i = 0, seed = 1; i < noise.size(); ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    noise[i] = static_cast<char>('a' + (seed >> 33) % 26);
  }
  book.more["xl/worksheets/sheet1.xml"] = "<worksheet a=\"" + noise + "\"/>";
  const Error error = error_of([&] { Opened(zip_of(book.parts(), false), no_header(), {}, {}); });
  EXPECT_EQ(error.message, "part \"xl/worksheets/sheet1.xml\" is too large to be read");
  EXPECT_EQ(error.sqlstate, "54000");
  // Names that expat keeps for as long as the part is read.
  std::string names = "<worksheet>";
  for (std::size_t i = 0; i < noise.size() / 64; ++i) names += "<" + noise.substr(i * 64, 60) + "/>";
  book.more["xl/worksheets/sheet1.xml"] = names + "</worksheet>";
  EXPECT_EQ(error_of([&] { Opened(zip_of(book.parts(), false), no_header(), {}, {}); }).sqlstate, "54000");
}

TEST(XlsxHostile, EncryptedAndOtherFormats) {
  EXPECT_EQ(error_of([] { Archive(std::string_view("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more of it"), {}); }).sqlstate,
            "0A000");
  std::string bytes = zip_of(rows("<row><c><v>1</v></c></row>").parts());
  // The flag of an encrypted part, in the central directory and in the part's own header.
  for (std::size_t at = 0; (at = bytes.find("PK\x01\x02", at)) != bytes.npos; ++at) bytes[at + 8] |= 1;
  for (std::size_t at = 0; (at = bytes.find(std::string("PK\x03\x04"), at)) != bytes.npos; ++at) bytes[at + 6] |= 1;
  EXPECT_EQ(error_of([&] { Opened(bytes, no_header(), {}, {}); }).sqlstate, "0A000");
  TestBook book;
  book.more["_rels/.rels"] =
      "<Relationships><Relationship Id=\"a\" Type=\"x/officeDocument\" Target=\"xl/workbook.bin\"/>"
      "</Relationships>";
  EXPECT_EQ(error_of(book, no_header()).sqlstate, "0A000");
}

TEST(XlsxSheetPlaces, LettersOfColumns) {
  EXPECT_EQ(column_letters(1), "A");
  EXPECT_EQ(column_letters(26), "Z");
  EXPECT_EQ(column_letters(27), "AA");
  EXPECT_EQ(column_letters(16384), "XFD");
  for (std::uint32_t column = 1; column <= 16384; ++column) {
    CellPlace place;
    EXPECT_TRUE(parse_place(column_letters(column) + "7", place));
    EXPECT_EQ(place.column, column);
    EXPECT_EQ(place.row, 7u);
  }
}

}  // namespace
}  // namespace etl::file
