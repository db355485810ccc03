// Errors, JSON, durations, names, foreign text.
#include <gtest/gtest.h>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "core/hex.hpp"
#include "core/json.hpp"
#include "core/log_record.hpp"
#include "core/member_path.hpp"
#include "core/nearest.hpp"
#include "core/printable.hpp"
#include "unit/error_of.hpp"

namespace etl {
namespace {

TEST(Error, ClassesFollowTheSqlstate) {
  for (const char* s : {"08006", "40001", "40P01", "53200", "55P03", "57P03", "PE001", "PE002"}) {
    EXPECT_EQ(classify(s), ErrorClass::kTransient) << s;
  }
  for (const char* s : {"22001", "23505", "PE010", "PE011"}) EXPECT_EQ(classify(s), ErrorClass::kData) << s;
  for (const char* s : {"42501", "0A000", "XX000", "PE020", "PE021", "PE030", "PE041"}) {
    EXPECT_EQ(classify(s), ErrorClass::kPermanent) << s;
  }
  for (const char* s : {"57014", "57P01"}) EXPECT_EQ(classify(s), ErrorClass::kCancel) << s;
}

TEST(Json, NumbersAreKeptOrRefused) {
  for (const char* kept : {"0", "-0", "0.1", "-1.5e-3", "1e1", "100", "1.0e2", "9223372036854775807",
                           "18446744073709551615", "1e308", "[1, {\"a\": 2.50}]", "\"0.1234567890123456789\""}) {
    EXPECT_NO_THROW(json::parse_exact(kept, "it")) << kept;
  }
  for (const char* lost :
       {"0.1234567890123456789", "18446744073709551616", "-9223372036854775809", "12345678901234567890123",
        "1.00000000000000000001", "[1, {\"a\": 0.1000000000000000000001}]"}) {
    EXPECT_EQ(error_of([&] { (void)json::parse_exact(lost, "it"); }).sqlstate, "22003") << lost;
  }
}

TEST(Json, NumbersBeyondDoublesAreRefused) {
  for (const char* text : {"9e308", "-1.8e308", "{\"a\": [1, 9e308]}", "1e400"}) {
    EXPECT_THROW((void)json::parse(text, "it"), Error) << text;
  }
  EXPECT_EQ(error_of([] { (void)json::parse("9e308", "it"); }).sqlstate, "22003");
}

TEST(Json, RefusesDepthAndGarbage) {
  const std::string deep(100000, '[');
  EXPECT_THROW((void)json::parse(deep, "it"), Error);
  for (const char* text : {"", "{", "{\"a\":}", "1 2", "\"\xff\"", "nul", R"(["\udc00"])", R"({"\udc00":1})"})
    EXPECT_THROW((void)json::parse(text, "it"), Error) << text;
  EXPECT_EQ(json::write(json::parse(R"({"a":[1,"x",null]})", "it")), R"({"a":[1,"x",null]})");
}

TEST(Json, PositionsRoundTrip) {
  const json::Texts texts = {"1", std::nullopt, "a\"b\n"};
  EXPECT_EQ(json::read_texts(json::parse(json::write_texts(texts), "it")), texts);
}

TEST(Json, MembersOfAType) {
  const json::Document o = json::parse(R"({"no":false,"null":null,"one":"|","two":"||","none":"","text":"x"})", "it");
  EXPECT_FALSE(json::flag_member(o, "no", true));
  EXPECT_EQ(json::byte_member(o, "one", ','), '|');
  EXPECT_EQ(json::text_member(o, "text"), "x");
  for (const char* name : {"null", "absent"}) {
    EXPECT_TRUE(json::flag_member(o, name, true));
    EXPECT_FALSE(json::flag_member(o, name, false));
    EXPECT_EQ(json::byte_member(o, name, ','), ',');
    EXPECT_EQ(json::text_member(o, name), std::nullopt);
  }
  EXPECT_EQ(error_of([&] { (void)json::flag_member(o, "text", true); }).sqlstate, "22023");
  EXPECT_EQ(error_of([&] { (void)json::text_member(o, "no"); }).sqlstate, "22023");
  for (const char* name : {"two", "none", "no"}) {
    EXPECT_EQ(error_of([&] { (void)json::byte_member(o, name, ','); }).sqlstate, "22023") << name;
  }
}

TEST(MemberPath, IsNames) {
  using Path = json::MemberPath;
  EXPECT_EQ(json::read_path("$", "p"), Path{});
  EXPECT_EQ(json::read_path("a", "p"), Path{"a"});
  EXPECT_EQ(json::read_path("$.a.b c", "p"), (Path{"a", "b c"}));
  for (const char* text : {"", ".", "a.", ".a", "a..b", "$.", "$a", "$.$", "a[0]", "a.*", "a.\"b\"", "'a'"}) {
    EXPECT_EQ(error_of([&] { (void)json::read_path(text, "p"); }).sqlstate, "22023") << text;
  }
}

TEST(MemberPath, FindsAValue) {
  const json::Document whole = json::parse(R"({"a":{"b":[1],"n":null}})", "it");
  EXPECT_EQ(json::find_at(whole, {}), &whole);
  EXPECT_EQ(json::write(*json::find_at(whole, {"a", "b"})), "[1]");
  EXPECT_TRUE(json::find_at(whole, {"a", "n"})->IsNull());
  for (const json::MemberPath& path : {json::MemberPath{"b"}, {"a", "c"}, {"a", "b", "c"}, {"a", "n", "c"}, {""}}) {
    EXPECT_EQ(json::find_at(whole, path), nullptr);
  }
  EXPECT_EQ(json::find_at(json::parse(R"({"a":1})", "it"), {std::string("a\0b", 3)}), nullptr);
}

TEST(Hex, IsPairsOfDigits) {
  const std::string bytes("\x00\x0f\x7f\x80\xff", 5);
  EXPECT_EQ(to_hex(bytes), "000f7f80ff");
  EXPECT_EQ(from_hex("000f7f80ff"), bytes);
  EXPECT_EQ(from_hex("aAbBcCdDeEfF"), "\xaa\xbb\xcc\xdd\xee\xff");
  EXPECT_EQ(to_hex(""), "");
  EXPECT_EQ(from_hex(""), "");
  for (const char* wrong : {"0", "000", "0g", "g0", "/0", ":0", "@0", "G0", "`0", "0 ", "0x00", "\\x00", "\xc3\xa9"}) {
    EXPECT_EQ(error_of([&] { (void)from_hex(wrong); }).sqlstate, "22023") << wrong;
  }
  EXPECT_EQ(error_of([&] { (void)from_hex(std::string_view("0f", 1)); }).sqlstate, "22023");
}

TEST(LogRecord, IsOneLineWhateverItHolds) {
  const std::string text = "a\"b\\\n\x1b[31m\x7f\xc2\x9b\u00e9\xff\xed\xa0\x80";
  const std::string line = to_json({1709251199999999, "info", text, std::nullopt, "\t"});
  EXPECT_EQ(line, R"({"timestamp":"2024-02-29T23:59:59.999Z","level":"info","service":"pg_etl",)"
                  R"("message":"a\"b\\\n\u001B[31m\u007f\u009b)"
                  "\u00e9\ufffd\ufffd\ufffd\ufffd"
                  R"(","correlation_id":null,"dataset_name":"\t"})");
  const json::Document parsed = json::parse(line, "it");
  EXPECT_EQ(parsed.MemberCount(), 6u);
}

TEST(LogRecord, HasTheIdsOfItsRun) {
  const json::Document line = json::parse(to_json({0, "error", "", "c\"1", "p\xff"}), "it");
  EXPECT_EQ(json::text(line["message"]), "");
  EXPECT_EQ(json::text(line["correlation_id"]), "c\"1");
  EXPECT_EQ(json::text(line["dataset_name"]), "p\xef\xbf\xbd");
}

// C1, as a terminal calls them, and not what comes before and behind them.
TEST(LogRecord, EscapesControlsOfTwoBytes) {
  const std::string line =
      to_json({0, "info", "~\x7f\xc2\x80\xc2\x9f\xc2\xa0\xc3\x82\xc2", std::nullopt, std::nullopt});
  EXPECT_NE(line.find("\"~\\u007f\\u0080\\u009f\xc2\xa0\xc3\x82\xef\xbf\xbd\""), line.npos) << line;
}

TEST(LogRecord, TimesAreUtcWithMilliseconds) {
  EXPECT_EQ(utc_timestamp(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_timestamp(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(utc_timestamp(253402300799999000), "9999-12-31T23:59:59.999Z");
}

TEST(Duration, ReadsWhatUsersWrite) {
  EXPECT_EQ(parse_duration_ms("5 minutes", "x"), 300000);
  EXPECT_EQ(parse_duration_ms("1 hour 30 minutes", "x"), 5400000);
  EXPECT_EQ(parse_duration_ms("250ms", "x"), 250);
  EXPECT_EQ(parse_duration_ms("0", "x"), 0);
  EXPECT_EQ(parse_duration_ms("1.5 s", "x"), 1500);
  for (const char* wrong : {"", "5", "five s", "5 s s", "-1 s", "1e3 s", "9999999999999 days", "1..2 s"}) {
    EXPECT_THROW((void)parse_duration_ms(wrong, "x"), Error) << wrong;
  }
  EXPECT_EQ(parse_bytes("10 MB", "x"), 10485760);
  EXPECT_EQ(parse_bytes("512 kB", "x"), 524288);
  EXPECT_EQ(parse_bytes("1000", "x"), 1000);
  EXPECT_THROW((void)parse_bytes("10 apples", "x"), Error);
}

TEST(Nearest, Suggests) {
  EXPECT_EQ(did_you_mean("slcies", {"slices", "settle"}), "Did you mean \"slices\"?");
  EXPECT_EQ(did_you_mean("zzzzzzzzz", {"a", "b"}), "Known are: a, b.");
}

TEST(Nearest, IsWithinHalfOfTheName) {
  EXPECT_EQ(did_you_mean("idx", {"id"}), "Did you mean \"id\"?");
  EXPECT_EQ(did_you_mean("slice", {"slices", "slicer"}), "Did you mean \"slices\"?");  // the first of equals
  EXPECT_EQ(did_you_mean("batchsize", {"batch", "batch_size"}), "Did you mean \"batch_size\"?");
  EXPECT_EQ(did_you_mean("abcd", {"abxy"}), "Did you mean \"abxy\"?");
  EXPECT_EQ(did_you_mean("abcd", {"axyz"}), "Known are: axyz.");
  EXPECT_EQ(did_you_mean("x", {"y"}), "Known are: y.");
  EXPECT_EQ(did_you_mean("", {"id", ""}), "Known are: id, .");
}

// A document of the user's may hold names of any length, and any number of them.
TEST(Nearest, LeavesOutWhatIsLong) {
  const std::string longest(256, 'a');
  const std::string shorter = longest.substr(1);
  EXPECT_EQ(did_you_mean(longest, {"b", shorter}), "Did you mean \"" + shorter + "\"?");
  EXPECT_EQ(did_you_mean(longest + "a", {"b", longest}), "Known are: b, " + longest + ".");
  EXPECT_EQ(did_you_mean(longest, {"b", longest + "a"}), "Known are: b.");
  const std::string all = did_you_mean("x", std::vector<std::string_view>(1000, longest));
  EXPECT_LT(all.size(), 5000u);
  EXPECT_TRUE(all.ends_with("a, …."));
}

TEST(Printable, ShowsWhatATerminalMayShow) {
  EXPECT_EQ(printable("a\x1b[31m\x7f", 100), "a\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\xc3\xa9\xff\xc3", 100), "\xc3\xa9\\xff\\xc3");
  EXPECT_EQ(printable("\xc2\x85", 100), "\\xc2\\x85");
  EXPECT_EQ(printable("\xed\xa0\x80", 100), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("ab\xc3\xa9", 3), "ab");
}

TEST(Printable, TakesValidUtf8Only) {
  for (const char* valid : {"\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                            "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(printable(valid, 100), valid);
    EXPECT_EQ(utf8_length(valid + std::string("x")), std::string_view(valid).size());
  }
  for (const std::string invalid : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xe2\x82", "\xf0\x8f\xbf\xbf",
                                    "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe"}) {
    EXPECT_EQ(utf8_length(invalid), 0u);
    EXPECT_EQ(utf8_length(invalid + "x"), 0u);
    EXPECT_EQ(printable(invalid, 100), printable(invalid.substr(0, 1), 100) + printable(invalid.substr(1), 100));
  }
  EXPECT_EQ(utf8_length(std::string_view("\xe2\x82\xac", 2)), 0u);
  EXPECT_EQ(printable(std::string_view("a\0b", 3), 100), "a\\x00b");
}

TEST(Printable, IsNeverLongerThanAsked) {
  EXPECT_EQ(printable("abc", 0), "");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_EQ(printable("ab\x1b", 5), "ab");  // \x1b or nothing of it
  EXPECT_EQ(printable("ab\x1b", 6), "ab\\x1b");
  EXPECT_EQ(printable("\xc2\x85z", 7), "");
  EXPECT_EQ(printable("\xf0\x9f\x98\x80z", 3), "");
  EXPECT_EQ(printable("\xf0\x9f\x98\x80z", 4), "\xf0\x9f\x98\x80");
}

}  // namespace
}  // namespace etl
