// Records out of JSON: lines and arrays, whole, damaged and hostile.
#include "file/json_reader.hpp"

#include <gtest/gtest.h>

#include "unit/rows.hpp"
#include "unit/string_source.hpp"

namespace etl::file {
namespace {

using Format = JsonOptions::Format;

JsonOptions lines(std::vector<std::string> columns = {}) {
  JsonOptions options;
  options.columns = std::move(columns);
  return options;
}

JsonOptions array(std::vector<std::string> columns = {}, std::vector<std::string> path = {}) {
  JsonOptions options;
  options.format = Format::kArray;
  options.columns = std::move(columns);
  options.path = std::move(path);
  return options;
}

JsonReader open(const std::string& text, const JsonOptions& options, const Limits& limits = {}, Place from = {}) {
  return {std::make_unique<StringSource>(text), options, limits, from};
}

// The same whatever the pieces are that the file comes in.
Rows read(const std::string& text, const JsonOptions& options, const Limits& limits = {}) {
  JsonReader whole = open(text, options, limits);
  const Rows rows = rows_of(whole);
  for (const std::size_t piece : {1, 2, 3, 7}) {
    JsonReader reader(std::make_unique<StringSource>(text, piece), options, limits);
    EXPECT_EQ(rows_of(reader), rows) << piece;
    EXPECT_EQ(reader.types(), whole.types());
  }
  return rows;
}

// Of the one record of a text.
Row one(const std::string& text, std::vector<std::string> columns = {"a"}) {
  const Rows of_lines = read(text, lines(columns));
  EXPECT_EQ(read("[" + text + "]", array(columns)), of_lines) << text;
  EXPECT_EQ(of_lines.size(), 1u) << text;
  return of_lines.empty() ? Row{} : of_lines[0];
}

Error error_of(const std::string& text, const JsonOptions& options, const Limits& limits = {}) {
  JsonReader reader = open(text, options, limits);
  Record record;
  for (Read outcome; (outcome = reader.next(record)) != Read::kEnd;) {
    if (outcome == Read::kBad) return record.error;
  }
  ADD_FAILURE() << "no bad record in " << text;
  return {"", ""};
}

std::vector<std::string> types_of(const std::string& text) {
  return open(text, lines()).types();
}

TEST(JsonValues, StringIsItsContent) {
  EXPECT_EQ(one(R"({"a":"b"})"), Row{"b"});
  EXPECT_EQ(one(R"({"a":""})"), Row{""});
  EXPECT_EQ(one(R"({"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"})"), Row{"\"\\/\b\f\n\r\té😀é"});
  EXPECT_EQ(one(R"({"a":"longer than sixteen bytes, \"quoted\", and with a tail"})"),
            Row{"longer than sixteen bytes, \"quoted\", and with a tail"});
}

TEST(JsonValues, NumberIsItsTextAsWritten) {
  for (const std::string number : {"0", "-0", "1.50", "1e5", "-1.0E+05", "0.1000000000000000055511151231257827",
                                   "12345678901234567890123456789"}) {
    EXPECT_EQ(one("{\"a\":" + number + "}"), Row{number});
    EXPECT_EQ(one("{ \"a\" : " + number + " , \"b\" : 1 }"), Row{number});
  }
}

TEST(JsonValues, NumberThatNoDoubleHolds) {
  const std::string digits(400, '7');
  EXPECT_EQ(one(R"({"a":1e400,"b":")" + digits + R"(","c":)" + digits + R"(,"d":[1e999,"1e400\"1e400"],"e":12})",
                {"a", "b", "c", "d", "e"}),
            (Row{"1e400", digits, digits, "[1e999,\"1e400\\\"1e400\"]", "12"}));
  EXPECT_EQ(one("{\"a\":0e400}"), Row{"0e400"});
  EXPECT_EQ(one("{\"a\":1e400.5}"), Row{"22P02"});
  EXPECT_EQ(one("{\"a\":1e400,\"b\":01}"), Row{"22P02"});
  EXPECT_EQ(one("{\"a\":1e400,\"b\":1e}"), Row{"22P02"});
}

TEST(JsonValues, BooleansAndNull) {
  EXPECT_EQ(one(R"({"a":true,"b":false,"c":null})", {"a", "b", "c"}), (Row{"true", "false", kNull}));
}

TEST(JsonValues, NestedIsItsJson) {
  EXPECT_EQ(one(R"({"a": {"x" : ["\u00e9", 1.0, {}]} , "b":[]})", {"a", "b"}),
            (Row{R"({"x" : ["\u00e9", 1.0, {}]})", "[]"}));
  EXPECT_EQ(one(R"({"b":{"a":1},"a":2})"), Row{"2"});
}

TEST(JsonValues, LastOfDoubledMembersWins) {
  EXPECT_EQ(one(R"({"a":1,"a":"two"})"), Row{"two"});
  EXPECT_EQ(one(R"({"a":1,"a":null})"), Row{kNull});
}

TEST(JsonColumns, DeclaredOnesInTheirOrder) {
  EXPECT_EQ(read("{\"b\":2,\"x\":0,\"a\":1}\n{\"a\":3}\n{\"x\":[{\"a\":9}],\"b\":4}", lines({"a", "b"})),
            (Rows{{"1", "2"}, {"3", kNull}, {kNull, "4"}}));
  EXPECT_EQ(one(R"({"\u0061":1})"), Row{"1"});
  EXPECT_EQ(one("{}"), Row{kNull});
  const std::string long_name(100, 'n');
  EXPECT_EQ(one("{\"" + long_name + "\":1,\"n\":2}", {long_name, "n"}), (Row{"1", "2"}));
}

TEST(JsonColumns, ManyMembersInAnyOrder) {
  std::string forth = "{", back = "{";
  for (int i = 0; i < 9000; ++i) {
    forth += (i > 0 ? ",\"m" : "\"m") + std::to_string(i) + "\":" + std::to_string(i);
    back += (i > 0 ? ",\"m" : "\"m") + std::to_string(8999 - i) + "\":" + std::to_string(8999 - i);
  }
  const std::string text = forth + "}\n" + back + "}\n" + forth + "}\n";
  JsonReader reader = open(text, lines({"m7", "m8998", "m4096"}));
  EXPECT_EQ(rows_of(reader), Rows(3, Row{"7", "8998", "4096"}));
}

TEST(JsonColumns, NamedTwice) {
  try {
    open("", lines({"a", "b", "a"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate, "42701");
  }
}

TEST(JsonColumns, OfTheSampleInOrderOfAppearance) {
  JsonOptions options = lines();
  options.sample = 2;
  const std::string text = "{\"b\":1,\"\":0}\nno json\n{\"c\":2,\"a\":3,\"b\":4}\n{\"late\":5,\"a\":6}\n";
  EXPECT_EQ(read(text, options), (Rows{{"1"}, {"22P02"}, {"4"}, {kNull}}));
  options.sample = 3;
  JsonReader reader = open(text, options);
  EXPECT_EQ(reader.columns(), (std::vector<std::string>{"b", "c", "a"}));
  EXPECT_EQ(rows_of(reader), (Rows{{"1", kNull, kNull}, {"22P02"}, {"4", "2", "3"}, {kNull, kNull, "6"}}));
}

TEST(JsonColumns, SampleIsBoundedInBytes) {
  Limits limits;
  limits.record_bytes = 20;
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "{\"m" + std::to_string(i % 1000) + "\":1}\n";
  EXPECT_LE(open(text, lines(), limits).columns().size(), 3u);
  // A record that is passed over is not kept either.
  const std::string huge = "{\"a\":\"" + std::string(4u << 20, 'x') + "\"}\n{\"b\":1}\n";
  EXPECT_EQ(read(huge, lines({"b"}), limits), (Rows{{"54000"}, {"1"}}));
  EXPECT_TRUE(open(huge, lines(), limits).columns().empty());
  auto source = std::make_unique<StringSource>(huge);
  source->fail_at(2u << 20);
  EXPECT_TRUE(JsonReader(std::move(source), lines(), limits).columns().empty());
}

TEST(JsonColumns, SampleIsOfTheFilesBeginningWhereverTheReaderStarts) {
  const std::string text = "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n";
  JsonOptions options = lines();
  options.sample = 1;
  for (const std::uint64_t byte : {std::uint64_t{8}, std::uint64_t{16}}) {
    JsonReader reader = open(text, options, {}, {byte, byte / 8});
    EXPECT_EQ(reader.columns(), std::vector<std::string>{"a"});
    EXPECT_EQ(rows_of(reader).size(), 3 - byte / 8);
  }
}

TEST(JsonColumns, NoneWithoutARecord) {
  for (const std::string text : {"", "\n\n", "\xef\xbb\xbf"}) {
    JsonReader reader = open(text, lines());
    EXPECT_TRUE(reader.columns().empty());
    EXPECT_TRUE(rows_of(reader).empty());
  }
}

TEST(JsonColumns, TooMany) {
  Limits limits;
  limits.fields = 2;
  EXPECT_EQ(open("{\"a\":1,\"b\":1,\"a\":1}", lines(), limits).columns().size(), 2u);
  try {
    open("{\"a\":1,\"b\":1}\n{\"c\":1}", lines(), limits);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate, "54011");
  }
  EXPECT_EQ(read("{\"a\":1,\"b\":1,\"c\":1}", lines({"c"}), limits), Rows{{"1"}});
}

TEST(JsonTypes, OfWhatTheSampleHas) {
  EXPECT_EQ(
      types_of(R"({"i":1,"n":1.5,"e":1e5,"b":true,"o":{},"a":[],"s":"x","z":null})"),
      (std::vector<std::string>{"bigint", "numeric", "double precision", "boolean", "jsonb", "jsonb", "text", "text"}));
  EXPECT_EQ(types_of(R"({"a":9223372036854775807,"b":9223372036854775808,"c":-9223372036854775809,"d":1e400})"),
            (std::vector<std::string>{"bigint", "numeric", "numeric", "numeric"}));
  EXPECT_TRUE(open("{\"a\":1}", lines({"a"})).types().empty());
}

TEST(JsonTypes, OfColumnsThatDiffer) {
  const auto type = [](const std::string& a, const std::string& b) {
    return types_of("{\"a\":" + a + "}\n{\"x\":0}\n{\"a\":" + b + "}\n").at(0);
  };
  EXPECT_EQ(type("1", "null"), "bigint");
  EXPECT_EQ(type("null", "true"), "boolean");
  EXPECT_EQ(type("1", "2.5"), "numeric");
  EXPECT_EQ(type("1", "2e5"), "double precision");
  EXPECT_EQ(type("2.5", "2e5"), "double precision");
  EXPECT_EQ(type("{}", "[]"), "jsonb");
  EXPECT_EQ(type("1", "\"1\""), "text");
  EXPECT_EQ(type("1", "true"), "text");
  EXPECT_EQ(type("{}", "1"), "text");
  EXPECT_EQ(type("{}", "\"\""), "text");
}

TEST(JsonLines, BlankLinesAndLineEnds) {
  const std::string text = "\xef\xbb\xbf\n{\"a\":1}\r\n \t\r\n\n{\"a\":2}\n{\"a\":3}";
  EXPECT_EQ(read(text, lines({"a"})), (Rows{{"1"}, {"2"}, {"3"}}));
  JsonReader reader = open(text, lines({"a"}));
  Record record;
  EXPECT_EQ(reader.next(record), Read::kRecord);
  EXPECT_EQ(record.raw, "{\"a\":1}");
  EXPECT_EQ(record.line, 2u);
  EXPECT_EQ(reader.next(record), Read::kRecord);
  EXPECT_EQ(record.line, 5u);
  EXPECT_EQ(reader.place().byte, text.size() - 7);
  EXPECT_EQ(reader.place().line, 5u);
}

TEST(JsonLines, BadLineIsNotTheEnd) {
  const std::string text =
      "{\"a\":1}\n{\"a\":\n[1]\n5\nnull\n{\"a\":2} {}\n{\"a\":3,}\n{'a':4}\n{\"a\":01}\n{\"a\":5}\n";
  EXPECT_EQ(
      read(text, lines({"a"})),
      (Rows{{"1"}, {"22P02"}, {"22P02"}, {"22P02"}, {"22P02"}, {"22P02"}, {"22P02"}, {"22P02"}, {"22P02"}, {"5"}}));
  EXPECT_EQ(error_of("[1]", lines({"a"})).message, "a record is not a JSON object");
  EXPECT_NE(error_of("{\"a\" 1}", lines({"a"})).detail.find("At offset 5."), std::string::npos);
}

TEST(JsonLines, BadTextIsNotTheEnd) {
  const Rows after(1, Row{"1"});
  const auto state = [](const std::string& bad) {
    const Rows rows = read(bad + "\n{\"a\":1}\n", lines({"a"}));
    EXPECT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[1], Row{"1"});
    return *rows[0][0];
  };
  EXPECT_EQ(state(R"({"a":"\u0000"})"), "22P05");
  EXPECT_EQ(state(R"({"x":[{"\u0000":1}]})"), "22P05");
  EXPECT_EQ(state(R"({"a":"\ud83d"})"), "22P02");
  EXPECT_EQ(state(R"({"a":"\ud83d\u0041"})"), "22P02");
  EXPECT_EQ(state(R"({"a":"\ude00"})"), "22P02");
  EXPECT_EQ(state("{\"a\":\"\xff\"}"), "22021");
  EXPECT_EQ(state("{\"a\":\"\xed\xa0\x80\"}"), "22021");
  EXPECT_EQ(state("{\"a\":\"\xc0\x80\"}"), "22021");
  EXPECT_EQ(state("{\"a\":\"\xf4\x90\x80\x80\"}"), "22021");
  EXPECT_EQ(state("{\"a\":\"\xe2\x82\"}"), "22021");
  EXPECT_EQ(state(std::string("{\"a\":\"x\0y\"}", 11)), "22021");
  EXPECT_EQ(state(std::string("{\"a\":1}\0", 8)), "22021");
  EXPECT_EQ(state("{\"a\":\"\x01\"}"), "22P02");
  // \\u0000 is a backslash and five letters.
  EXPECT_EQ(one(R"({"a":"\\u0000"})"), Row{"\\u0000"});
}

TEST(JsonLines, ControlCharacters) {
  for (char c = 1; c < 0x20; ++c) {
    if (c == '\n' || c == '\r') continue;
    for (const std::size_t before : {0, 5, 15, 16, 40}) {
      const std::string text = "{\"a\":\"" + std::string(before, 'x') + c + std::string(40, 'y') + "\"}";
      EXPECT_EQ(read(text, lines({"a"})), Rows{{"22P02"}}) << static_cast<int>(c) << " " << before;
    }
  }
  EXPECT_EQ(one("{\"a\":\"" + std::string(40, 'x') + "\x7f\xc2\x9a\"}"), Row{std::string(40, 'x') + "\x7f\xc2\x9a"});
}

TEST(JsonLines, TooLongIsNotTheEnd) {
  Limits limits;
  limits.record_bytes = 20;
  const std::string fits = "{\"a\":\"" + std::string(12, 'x') + "\"}";
  const std::string longer = "{\"a\":\"" + std::string(13, 'x') + "\"}";
  ASSERT_EQ(fits.size(), 20u);
  EXPECT_EQ(read(fits + "\n" + longer + "\n" + fits + "\n" + longer, lines({"a"}), limits),
            (Rows{{std::string(12, 'x')}, {"54000"}, {std::string(12, 'x')}, {"54000"}}));
  EXPECT_EQ(read("[" + fits + "," + longer + " , " + fits + "]", array({"a"}), limits),
            (Rows{{std::string(12, 'x')}, {"54000"}, {std::string(12, 'x')}}));
  JsonReader reader = open("{\"a\":\"" + std::string(5u << 20, 'x') + "\"}\n", lines({"a"}), limits);
  Record record;
  EXPECT_EQ(reader.next(record), Read::kBad);
  EXPECT_EQ(record.raw.size(), 20u);
  EXPECT_EQ(record.line, 1u);
}

TEST(JsonLines, DepthIsBounded) {
  Limits limits;
  limits.json_depth = 3;
  EXPECT_EQ(read("{\"a\":[[]]}\n{\"a\":[[[]]]}\n{\"a\":[{\"b\":{}}]}\n{\"a\":1}", lines({"a"}), limits),
            (Rows{{"[[]]"}, {"54001"}, {"54001"}, {"1"}}));
  const std::string deep = "{\"a\":" + std::string(3u << 20, '[') + "}";
  EXPECT_EQ(error_of(deep, lines({"a"})).sqlstate, "54001");
  EXPECT_EQ(read("[{\"a\":[[[]]]},{\"a\":1}]", array({"a"}), limits), (Rows{{"54001"}, {"1"}}));
}

TEST(JsonLines, PlaceIsWhereAnotherReaderGoesOn) {
  const std::string text = "{\"a\":1}\n\nbad\n{\"a\":2}\r\n{\"a\":3}";
  JsonReader reader = open(text, lines({"a"}));
  Record record;
  Rows rest = {{"1"}, {"22P02"}, {"2"}, {"3"}};
  for (Place place; !rest.empty(); place = reader.place()) {
    JsonReader again = open(text, lines({"a"}), {}, place);
    EXPECT_EQ(rows_of(again), rest);
    EXPECT_NE(reader.next(record), Read::kEnd);
    rest.erase(rest.begin());
  }
  EXPECT_EQ(reader.place().byte, text.size());
  EXPECT_EQ(reader.place().line, 5u);
  // The file grows.
  JsonReader grown = open(text + "\n{\"a\":4}\n", lines({"a"}), {}, reader.place());
  EXPECT_EQ(rows_of(grown), Rows{{"4"}});
}

TEST(JsonLines, TailLeavesALineWithoutEnd) {
  JsonOptions options = lines({"a"});
  options.tail = true;
  EXPECT_EQ(read("{\"a\":1}\n{\"a\":2}\n", options), (Rows{{"1"}, {"2"}}));
  EXPECT_EQ(read("{\"a\":1}\n{\"a\":2}", options), Rows{{"1"}});
  EXPECT_EQ(read("{\"a\":1}\n   ", options), Rows{{"1"}});
  JsonReader reader = open("{\"a\":1}\n{\"a\":2}", options);
  EXPECT_EQ(rows_of(reader).size(), 1u);
  EXPECT_EQ(reader.place().byte, 8u);
  Limits limits;
  limits.record_bytes = 10;
  EXPECT_EQ(read("{\"a\":1}\n{\"a\":20000}", options, limits), Rows{{"1"}});
  EXPECT_EQ(read("{\"a\":1}\n{\"a\":20000}\n", options, limits), (Rows{{"1"}, {"54000"}}));
  options.columns.clear();
  EXPECT_EQ(open("{\"a\":1}\n{\"b\":2}", options).columns(), std::vector<std::string>{"a"});
}

TEST(JsonArray, Elements) {
  EXPECT_TRUE(read("[]", array({"a"})).empty());
  EXPECT_EQ(read("\xef\xbb\xbf [ {\"a\":1} ,\n{\"a\":\"]},{\\\"[\\\\\"}] \n", array({"a"})),
            (Rows{{"1"}, {"]},{\"[\\"}}));
  JsonReader reader = open("[{\"a\":1}, {\"a\": 2}]", array({"a"}));
  Record record;
  EXPECT_EQ(reader.next(record), Read::kRecord);
  EXPECT_EQ(reader.next(record), Read::kRecord);
  EXPECT_EQ(record.raw, "{\"a\": 2}");
  EXPECT_EQ(record.line, 2u);
  EXPECT_EQ(reader.place().line, 2u);
  EXPECT_EQ(reader.place().byte, 18u);
  JsonReader learned = open("[{\"a\":1},{\"b\":\"x\"}]", array());
  EXPECT_EQ(learned.columns(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(learned.types(), (std::vector<std::string>{"bigint", "text"}));
  EXPECT_EQ(rows_of(learned), (Rows{{"1", kNull}, {kNull, "x"}}));
}

TEST(JsonArray, WhatIsNoObjectIsNotTheEnd) {
  EXPECT_EQ(read("[1,\"x\",null,[{\"a\":9}],{\"a\":\"\\ud800\"},{\"a\":\"\\udc00\"},{\"a\":\"\\u0000\"},{\"a\":"
                 "\"\xff\"},{\"a\":1}]",
                 array({"a"})),
            (Rows{{"22P02"}, {"22P02"}, {"22P02"}, {"22P02"}, {"22P02"}, {"22P02"}, {"22P05"}, {"22021"}, {"1"}}));
}

TEST(JsonArray, SyntaxErrorIsTheEnd) {
  for (const std::string bad :
       {"[{\"a\":1},{\"a\":},{\"a\":2}]", "[{\"a\":1},{\"a\":2]},{\"a\":3}]", "[{\"a\":1},tru,{\"a\":2}]",
        "[{\"a\":1} {\"a\":2}]", "[{\"a\":1},]", "[{\"a\":1},,{\"a\":2}]", "[{\"a\":1}", "[{\"a\":1},",
        "[{\"a\":1},{\"a\"", "[{\"a\":1}}", "[{\"a\":1}:1]", "[{\"a\":1}] []", "[{\"a\":1}]x", "[{\"a\":1},12"}) {
    EXPECT_EQ(read(bad, array({"a"})), (Rows{{"1"}, {"22P02"}})) << bad;
  }
  for (const std::string bad : {"", "  ", "{\"a\":1}", "5", "[", "[,{\"a\":1}]", "\"[\"", "{\"a\":1}\n{\"a\":2}\n"}) {
    EXPECT_EQ(read(bad, array({"a"})), Rows{{"22P02"}}) << bad;
  }
  EXPECT_EQ(error_of("[{\"a\":1} x]", array({"a"})).detail, "There is no \",\", at byte 9.");
  EXPECT_EQ(error_of("[{\"a\":1}", array({"a"})).detail, "The file ends where \",\" should stand, at byte 8.");
}

TEST(JsonArray, BeneathAPath) {
  const std::string rows = "[{\"a\":1},{\"a\":2}]";
  const auto path = array({"a"}, {"data", "items"});
  const Rows both = {{"1"}, {"2"}};
  EXPECT_EQ(read("{\"data\":{\"items\":" + rows + "}}", path), both);
  EXPECT_EQ(read(R"({"x":[{"data":1},"}{"],"items":[5],"data":{"y":{"items":[6]},"items":)" + rows +
                     R"(,"z":[[]], "items":[7]},"w":null} )",
                 path),
            both);
  EXPECT_EQ(read("{\"\\u0064ata\":{\"it\\u0065ms\":" + rows + "}}", path), both);
  EXPECT_EQ(read("{\"data\":{\"items\":[]}}", path), Rows{});
  for (const std::string bad :
       {"{}", "[]", "{\"data\":[]}", "{\"data\":{}}", "{\"data\":{\"items\":{}}}", "{\"data\":{\"items\":null}}",
        "{\"data\":{\"item\":[]}}", "", "{\"data\"", "{\"data\":{\"x\":", "{\"x\":1,}", "{\"x\":}", "{x:1}",
        "{\"x\" 1}", "{\"x\":1 \"data\":2}", "{\"\\x\":1}"}) {
    EXPECT_EQ(read(bad, path), Rows{{"22P02"}}) << bad;
  }
  for (const std::string bad : {"", "}", "}}}", "}} x", ",\"x\"}}", ",\"x\":1,}}", "]}"}) {
    EXPECT_EQ(read("{\"data\":{\"items\":[{\"a\":1}]" + bad, path), (Rows{{"1"}, {"22P02"}})) << bad;
  }
  EXPECT_EQ(error_of("{\"data\":{}}", path).message, "the file has no array at \"data.items\"");
}

TEST(JsonArray, WhatStandsBesideThePathIsNotKept) {
  Limits limits;
  limits.record_bytes = 100;
  const std::string big(3u << 20, 'x');
  EXPECT_EQ(
      read("{\"" + big + "\":[\"" + big + "\"],\"d\":[{\"a\":1}],\"e\":\"" + big + "\"}", array({"a"}, {"d"}), limits),
      Rows{{"1"}});
}

TEST(JsonArray, PlaceIsWhereAnotherReaderGoesOn) {
  const std::string text = "{\"d\":[{\"a\":1},5,{\"a\":2},{\"a\":]},{\"a\":3}]}";
  const auto options = array({"a"}, {"d"});
  JsonReader reader = open(text, options);
  Record record;
  Rows rest = {{"1"}, {"22P02"}, {"2"}, {"22P02"}};
  for (Place place;; place = reader.place()) {
    JsonReader again = open(text, options, {}, place);
    EXPECT_EQ(rows_of(again), rest);
    if (rest.empty()) break;
    EXPECT_NE(reader.next(record), Read::kEnd);
    EXPECT_EQ(reader.place().line, 5 - rest.size());
    rest.erase(rest.begin());
  }
}

TEST(JsonReader, ErrorsOfTheSourcePass) {
  for (const JsonOptions& options : {lines({"a"}), array({"a"})}) {
    auto source = std::make_unique<StringSource>("[{\"a\":1}", 3);
    source->fail_at(6);
    JsonReader reader(std::move(source), options, {});
    Record record;
    try {
      reader.next(record);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.sqlstate, "58030");
    }
  }
}

}  // namespace
}  // namespace etl::file
