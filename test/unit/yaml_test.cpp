// YAML: what is read as which JSON, what is refused and where, limits against hostile texts, and the way back.
#include "core/yaml.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <cstring>
#include <random>

#include "core/yaml_scalar.hpp"

namespace etl::yaml {
namespace {

std::string read(std::string_view text) {
  return json::write(parse(text, "it"));
}

std::string written(std::string_view json) {
  return write(json::parse(json, "it"));
}

// "22P02 line:column", without the place where there is none.
std::string refusal(std::string_view text) {
  try {
    return read(text);
  } catch (const Error& error) {
    EXPECT_FALSE(error.detail.empty()) << text;
    const std::size_t line = error.detail.find("At line ");
    if (line == std::string::npos) return error.sqlstate;
    int at[2] = {0, 0};
    EXPECT_EQ(std::sscanf(error.detail.c_str() + line, "At line %d, column %d.", &at[0], &at[1]), 2) << error.detail;
    return error.sqlstate + " " + std::to_string(at[0]) + ":" + std::to_string(at[1]);
  }
}

std::string detail(std::string_view text) {
  try {
    return read(text);
  } catch (const Error& error) {
    return error.detail;
  }
}

std::string repeated(std::string_view unit, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += unit;
  return text;
}

TEST(YamlParse, ReadsADefinition) {
  EXPECT_EQ(read("# films\n"
                 "name: films\n"
                 "source: |\n"
                 "  SELECT id,\n"
                 "         'a: b # c' AS title\n"
                 "  FROM film\n"
                 "key_columns: [id]\n"
                 "options:\n"
                 "  slices: 4\n"
                 "  settle: \"0\"   # a string\n"
                 "tags:\n"
                 "- one\n"
                 "- two words\n"),
            R"({"name":"films","source":"SELECT id,\n       'a: b # c' AS title\nFROM film\n","key_columns":["id"],)"
            R"("options":{"slices":4,"settle":"0"},"tags":["one","two words"]})");
}

TEST(YamlParse, ScalarsAreThoseOfTheCoreSchema) {
  const std::pair<const char*, const char*> cases[] = {
      {"null", "null"},
      {"Null", "null"},
      {"~", "null"},
      {"true", "true"},
      {"True", "true"},
      {"FALSE", "false"},
      {"0", "0"},
      {"-0", "0"},
      {"+12", "12"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775808", "9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"1e3", "1000.0"},
      {"1.", "1.0"},
      {".5", "0.5"},
      {"-.5E-3", "-0.0005"},
      {"-0.0", "-0.0"},
      {"4.9406564584124654e-324", "5e-324"},
      {"0x1F", "31"},
      {"0o17", "15"},
      {"0xffffffffffffffff", "18446744073709551615"},
      {"!!str 12", "\"12\""},
      {"! 12", "\"12\""},
      {"!!int \"12\"", "12"},
      {"!!float 12", "12.0"},
      {"!!null ''", "null"},
      {"!<tag:yaml.org,2002:str> no", "\"no\""},
      {"'12'", "\"12\""},
      {"\"\\x41\\u20ac\\U0001f600\"", "\"A\u20ac\U0001f600\""},
  };
  for (const auto& [yaml, json] : cases)
    EXPECT_EQ(read(std::string("k: ") + yaml), "{\"k\":" + std::string(json) + "}");
  EXPECT_EQ(read("k:\n"), "{\"k\":null}");
  // Beyond 64 bits: the nearest double, as JSON has it.
  EXPECT_EQ(read("18446744073709551616"), json::write(json::parse("18446744073709551616", "it")));
}

TEST(YamlParse, TheTrapsOfOneOneAreStrings) {
  for (const char* text :
       {"no",   "NO",    "yes",  "on",  "Off",    "y",          "n",    "tRUE", "nULL", "012",  "-012",
        "00.5", "089",   "1:30", "1_0", "0b1010", "2024-05-31", "1e",   "e5",   "0x",   "0o8",  "+",
        ".",    "1.2.3", "=",    "inf", "nan",    "0x1.8p1",    "0X1F", "~~",   "--1",  "1e+-5"}) {
    EXPECT_EQ(read(std::string("k: ") + text), "{\"k\":\"" + std::string(text) + "\"}");
  }
  EXPECT_EQ(read("no: on"), R"({"no":"on"})");
}

TEST(YamlParse, DocumentsAreAnArray) {
  EXPECT_EQ(read("a: 1\n---\nb: 2\n...\n---\n- 3\n"), R"([{"a":1},{"b":2},[3]])");
  EXPECT_EQ(read("---\na: 1\n...\n"), R"({"a":1})");
  EXPECT_EQ(read("...\n---\na: 1"), R"({"a":1})");
  EXPECT_EQ(read(" ...\n"), R"("...")");  // neither at the beginning of its line
  EXPECT_EQ(refusal("[1]\n --- 2\n"), "22P02 2:2");
  EXPECT_EQ(read("a: 1\n---\n"), R"([{"a":1},null])");
  for (const char* empty : {"", " ", "\n", "# nothing\n", "...\n", "\xef\xbb\xbf"}) EXPECT_EQ(refusal(empty), "22P02");
  EXPECT_EQ(refusal("[1] [2]"), "22P02 1:5");
  EXPECT_EQ(refusal("a: 1\n...\nb: 2\n"), "22P02 3:1");
}

TEST(YamlParse, LineEndsAndByteOrderMark) {
  EXPECT_EQ(read("a: |\r\n  x\r\n  y\r\nb: 1\r\n"), R"({"a":"x\ny\n","b":1})");
  EXPECT_EQ(read("a: 1\rb: 2\r"), R"({"a":1,"b":2})");
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a: 1"),
            R"({"a":1})");
  EXPECT_EQ(refusal("\xef\xbb\xbf"
                    "a: 1\r\n\u00e9\u00e9: [\x01]"),
            "22P02 2:6");  // characters, not bytes
}

TEST(YamlParse, AnchorsAndAliases) {
  EXPECT_EQ(read("- &a {x: [1, &b two]}\n- *a\n- [*b, *b]\n"), R"([{"x":[1,"two"]},{"x":[1,"two"]},["two","two"]])");
  EXPECT_EQ(read("- &a 1\n- &a 2\n- *a\n"), "[1,2,2]");
  EXPECT_EQ(read("- &a\n- *a\n"), "[null,null]");
  EXPECT_EQ(refusal("- &a [1, *a]\n"), "22P02 1:10");
  EXPECT_EQ(refusal("- *a\n"), "22P02 1:3");
  EXPECT_EQ(refusal("- &a 1\n---\n- *a\n"), "22P02 3:3");  // an anchor ends with its document
  EXPECT_EQ(refusal("&a k: 1\nl: *a\n"), "22P02 1:1");
}

TEST(YamlParse, RefusesWhatJsonCannotHold) {
  EXPECT_EQ(refusal("1: x"), "22P02 1:1");
  EXPECT_EQ(refusal("a: {true: x}"), "22P02 1:5");
  EXPECT_EQ(refusal("? [a]\n: 1"), "22P02 1:3");
  EXPECT_EQ(refusal("? {a: b}\n: 1"), "22P02 1:3");
  EXPECT_EQ(refusal("a:\n  ~: x"), "22P02 2:3");
  EXPECT_EQ(refusal(": x"), "22P02 1:1");
  EXPECT_EQ(refusal("- &a k\n- *a : 1\n"), "22P02 2:3");
  EXPECT_EQ(read("\"1\": {!!str 2: x}"), R"({"1":{"2":"x"}})");
  EXPECT_EQ(refusal("a: 1\nb: {<<: 1}"), "22P02 2:5");
  EXPECT_EQ(read("'<<': 1"), R"({"<<":1})");
  for (const char* number : {".inf", "-.INF", "+.Inf", ".nan", "1e999", "-1e999", "1e-999", "0x10000000000000000"}) {
    EXPECT_EQ(refusal(std::string("a: ") + number), "22P02 1:4") << number;
  }
  for (const char* tagged : {"!foo 1", "!!binary aGk=", "!!int x", "!!bool 1", "!!null x", "!!float x", "!!map [1]",
                             "!!seq {a}", "!!set {a}", "!<str> 1", "!e!x 1"}) {
    EXPECT_EQ(refusal(std::string("a: ") + tagged), "22P02 1:4") << tagged;
  }
}

TEST(YamlParse, RefusesWhatIsNotYaml) {
  EXPECT_EQ(refusal("a: 1\nb: 2\n\"a\": 3\n"), "22P02 3:1");
  EXPECT_EQ(detail("a: 1\na: 2\n"), "Key \"a\" stands there twice. At line 2, column 1.");
  EXPECT_EQ(refusal("a: b: c"), "22P02 1:5");
  EXPECT_EQ(refusal("a: @b"), "22P02 1:4");
  EXPECT_EQ(refusal("a: [1, 2\n").substr(0, 5), "22P02");
  EXPECT_EQ(refusal("a: 1]"), R"({"a":"1]"})");
  EXPECT_EQ(refusal("name: a\nsource\n"), "22P02 2:1");
  EXPECT_EQ(read("{a, b: 1}"), R"({"a":null,"b":1})");
  EXPECT_EQ(refusal("%YAML 1.1\n---\nno\n"), "22P02 1:1");
  EXPECT_EQ(refusal("a: 1\n%b: 2\n"), "22P02 2:1");
  EXPECT_EQ(refusal("a: \xff"), "22P02 1:4");
  EXPECT_EQ(refusal(std::string_view("a\0: 1", 5)), "22P02 1:2");
  EXPECT_EQ(refusal("a: 1 # \x04\nb: \"\n"), "22P02 1:8");
  EXPECT_EQ(refusal("\"\\N\""), "22P02 1:1");
  EXPECT_EQ(refusal("\"\\_\""), "22P02 1:1");
  EXPECT_EQ(refusal("\"\\ud83d\\ude00\"").substr(0, 5), "22P02");
}

// yaml-cpp alone takes a quote that is never closed for one that is closed at the end.
TEST(YamlParse, AnOpenQuoteIsSeen) {
  for (const char* text : {"a: \"x\n", "a: 'x\nb: 1\n", "a: \"x\n  ", "a: \"x", "a: \"x\n# y"}) {
    EXPECT_EQ(refusal(text).substr(0, 5), "22P02") << text;
  }
  EXPECT_EQ(detail("a: \"x\nb: 1\n"), "A quote is not closed. At line 3, column 1.");
  EXPECT_EQ(read("a: \"x\n  y\"\n"), R"({"a":"x y"})");
  EXPECT_EQ(read("a: |\n  x"), R"({"a":"x"})");
  EXPECT_EQ(read("a: |+\n  x\n\n"), R"({"a":"x\n\n"})");
}

TEST(YamlParse, MessagesAreUtf8AndShort) {
  for (const char* text : {"\"\\\u00e9\"", "!foo \"\\N\"", "!\u00e9 x", "\"\\\xff\""}) {
    const std::string said = detail(text);
    for (std::size_t at = 0; at < said.size();) ASSERT_TRUE(next_character(said, at)) << text;
  }
  const std::string key = repeated("\u00e9", 400);
  EXPECT_LT(detail(key + ": 1\n" + key + ": 2\n").size(), 250u);
}

TEST(YamlLimits, Depth) {
  const auto nested = [](std::size_t depth) { return repeated("[", depth) + repeated("]", depth); };
  EXPECT_EQ(read(nested(kMaxDepth)), nested(kMaxDepth));
  EXPECT_EQ(refusal(nested(kMaxDepth + 1)), "54001 1:257");
  EXPECT_EQ(refusal(repeated("- ", 100000)).substr(0, 5), "54001");
  EXPECT_EQ(refusal(repeated("? ", 100000)).substr(0, 5), "22P02");
  EXPECT_EQ(refusal(nested(kMaxDepth) + "\n--- 1").substr(0, 5), "54001");  // the documents' array is a level
  // By aliases: a level of 200 in one of 100.
  EXPECT_EQ(refusal("- &a " + nested(200) + "\n- " + repeated("[", 100) + "*a" + repeated("]", 100)).substr(0, 5),
            "54001");
  for (const char* open : {"[", "{", "[[{", "{a: ", "[a, ", "\"", "? ", "- ", ": ", "!a ", "&a ", "[? ", "[: "}) {
    for (const std::size_t bytes : {std::size_t{100000}, kMaxText / 4}) {
      EXPECT_NE(refusal(repeated(open, bytes / std::strlen(open))).find(' '), std::string::npos) << open;
    }
  }
}

TEST(YamlLimits, BillionLaughs) {
  std::string text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = std::to_string(i - 1);
    const std::string name = "a" + std::to_string(i);
    text += name + ": &" + name + " [*a" + before + repeated(", *a" + before, 8) + "]\n";
  }
  EXPECT_EQ(refusal(text).substr(0, 5), "54000");
  // The same by few nodes of many bytes.
  EXPECT_EQ(refusal("- &a " + std::string(200000, 'x') + "\n" + repeated("- *a\n", 100)).substr(0, 5), "54000");
}

TEST(YamlLimits, Nodes) {
  EXPECT_EQ(refusal(repeated("- x\n", kMaxNodes)).substr(0, 5), "54000");  // and the sequence itself
  EXPECT_EQ(refusal(repeated("- x\n", kMaxNodes - 1)).substr(0, 5), "[\"x\",");
}

TEST(YamlLimits, Bytes) {
  EXPECT_EQ(refusal(std::string(kMaxText + 1, '\n')), "54000");
  EXPECT_EQ(refusal("a: " + std::string(kMaxScalar, 'x')).substr(0, 5), "{\"a\":");
  EXPECT_EQ(refusal("a: " + std::string(kMaxScalar + 16384, 'x')).substr(0, 5), "54000");
  EXPECT_EQ(refusal("a: [" + repeated("1,", kMaxScalar) + "]").substr(0, 5), "54000");
  // Each value may be that long, however many there are.
  const std::string line = std::string(kMaxScalar - 100, 'x');
  const std::string text = repeated("- " + line + "\n- |\n  " + line + "\n# " + line + "\n- k: [" + line + "]\n", 10);
  EXPECT_EQ(read(text).size(), 1 + 10 * (3 * line.size() + std::strlen("\"\",\"\\n\",{\"k\":[\"\"]},")));
}

// yaml-cpp alone would take 4 GB for these.
TEST(YamlLimits, HostileTextsTakeLittleMemory) {
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // kB
  };
  [[maybe_unused]] const long before = peak();
  for (const char* open : {"[", "{", "[1,", "{a,", "[[],", "{a: 1,"}) {
    EXPECT_EQ(refusal("a: " + repeated(open, kMaxText / std::strlen(open) - 3)).substr(0, 5), "54000") << open;
  }
#if !defined(__SANITIZE_ADDRESS__)  // which keeps freed memory
  EXPECT_LT(peak() - before, 250 * 1024);
#endif
}

TEST(YamlWrite, ReadsWell) {
  EXPECT_EQ(written(R"({"name":"films","source":"SELECT 1 AS id\nFROM film\n","key_columns":["id"],"batch_size":7,
                        "options":{"settle":"0","retry_backoff":["1s","2s"]},"tags":[],"steps":{},"x":null,"y":[{"a":1,"b":[2]},[]]})"),
            "name: films\n"
            "source: |\n"
            "  SELECT 1 AS id\n"
            "  FROM film\n"
            "key_columns:\n"
            "  - id\n"
            "batch_size: 7\n"
            "options:\n"
            "  settle: \"0\"\n"
            "  retry_backoff:\n"
            "    - 1s\n"
            "    - 2s\n"
            "tags: []\n"
            "steps: {}\n"
            "x: null\n"
            "\"y\":\n"
            "  - a: 1\n"
            "    b:\n"
            "      - 2\n"
            "  - []\n");
  EXPECT_EQ(written("1e21"), "1.0e+21\n");
  EXPECT_EQ(written("1.5e-7"), "1.5e-7\n");
  EXPECT_EQ(written(R"("a\nb")"), "\"a\\nb\"\n");  // a block at the top has nothing to be indented from
}

TEST(YamlWrite, BlocksKeepTheirEnds) {
  EXPECT_EQ(written(R"(["a\nb"])"), "- |-\n  a\n  b\n");
  EXPECT_EQ(written(R"(["a\nb\n"])"), "- |\n  a\n  b\n");
  EXPECT_EQ(written(R"(["a\n\n\n", 1])"), "- |+\n  a\n\n\n- 1\n");
  EXPECT_EQ(written(R"([" a\nb"])"), "- |2-\n   a\n  b\n");
  EXPECT_EQ(written(R"(["\na\n"])"), "- |2\n\n  a\n");
  EXPECT_EQ(written(R"(["\ta\n"])"), "- |2\n  \ta\n");
  EXPECT_EQ(written(R"(["a \n  \nb"])"), "- |-\n  a \n    \n  b\n");
  EXPECT_EQ(written(R"(["\n"," \n"])"), "- \"\\n\"\n- \" \\n\"\n");
  EXPECT_EQ(written(R"(["a\r\nb","a\n\u0001","a\n\u2028"])"), "- \"a\\r\\nb\"\n- \"a\\n\\u0001\"\n- \"a\\n\\u2028\"\n");
}

TEST(YamlWrite, QuotesWhatSomeReaderTakesForSomethingElse) {
  for (const char* text :
       {"",       " a",     "a ",     "a: b",   "a:",   "a #b", "#a",         "- a",   "-",
        "?",      "? a",    ":",      "&a",     "*a",   "!a",   "|",          ">",     "'a'",
        "\"a\"",  "%a",     "@a",     "`a`",    "[a]",  "{a}",  "a\tb",       ",a",    "]",
        "---",    "--- a",  "...",    "null",   "~",    "True", "false",      "y",     "N",
        "yes",    "No",     "on",     "OFF",    "=",    "<<",   "12",         "-12",   "+12",
        "012",    "089",    "1_000",  "0x1f",   "0o17", "0b11", "1.5",        "1.",    ".5",
        "-.5e-3", "1e5",    ".inf",   "-.INF",  ".NaN", "1:30", "1:2.5",      "..",    ".",
        "1.2.3",  "\u2028", "\u0085", "\ufeff", "\x7f", "\x01", "2024-05-31", "1_0e5", "2024-5-3 1:02:03"}) {
    EXPECT_FALSE(is_plain_string(text)) << text;
  }
  for (const char* text :
       {"a",         "a b",         "a:b",           "a#b",     "-a",           "?a",           ":a",         "a'b\"c",
        "5 minutes", "1s",          "10 MB",         "a, b",    "SELECT 1 + 2", "---a",         "....a",      "\u00e9",
        "a*",        "a\\b",        "1.5x",          "es:film", "0xg",          "0b2",          "e5",         "_1",
        "8080:80",   "1:60",        "10.0.0.1:9200", "nullify", "Yess",         "analytics",    "\U0001f600", "a|b",
        "<a>",       "2024-05-31x", "2024-05",       "1-2-3",   "/path",        "2024-05-31 x", "(a)",        "$1",
        "a=b",       "<<<",         "nan",           "\u00a0"}) {
    EXPECT_TRUE(is_plain_string(text)) << text;
  }
}

TEST(YamlWrite, RefusesWhatItCouldNotReadAgain) {
  const auto state = [](const std::string& json) {
    try {
      return read(written(json)) == json::write(json::parse(json, "it")) ? std::string() : std::string("differs");
    } catch (const Error& error) {
      return error.sqlstate;
    }
  };
  const auto nested = [](std::size_t depth, const std::string& inner) {
    return repeated("[", depth) + inner + repeated("]", depth);
  };
  const auto quoted = [](std::size_t size, const std::string& unit = "x") {
    return "\"" + repeated(unit, size) + "\"";
  };
  EXPECT_EQ(state(nested(kMaxDepth, "1")), "");
  EXPECT_EQ(state(nested(kMaxDepth, "")), "");
  EXPECT_EQ(state(nested(kMaxDepth + 1, "1")), "54001");
  EXPECT_EQ(state(nested(kMaxDepth + 1, "")), "54001");
  EXPECT_EQ(state(nested(kMaxDepth, "\"a\\n b\"")), "");
  EXPECT_EQ(state("[0" + repeated(",0", kMaxNodes - 2) + "]"), "");
  EXPECT_EQ(state("[0" + repeated(",0", kMaxNodes - 1) + "]"), "54000");
  EXPECT_EQ(state("{" + quoted(1000) + ":" + quoted(kMaxScalar - 1) + "}"), "");
  EXPECT_EQ(state("[" + quoted(kMaxScalar) + "]"), "54000");
  EXPECT_EQ(state("[" + quoted(100000, "\\u0001") + "]"), "54000");
  EXPECT_EQ(state("{" + quoted(1001) + ":1}"), "54000");
  EXPECT_EQ(state(nested(200, quoted(60000, "\\n"))), "");                        // all escaped
  EXPECT_EQ(state(nested(200, "\"" + repeated("\\na", 60000) + "\"")), "54000");  // all indented
  EXPECT_EQ(state("[" + quoted(kMaxScalar - 1) + repeated("," + quoted(kMaxScalar - 1), 70) + "]"), "54000");
  json::Document bad;
  bad.SetString("\xff", 1);
  EXPECT_THROW((void)write(bad), Error);
}

// Random values, of the pieces that YAML finds a meaning in.
class Values {
 public:
  explicit Values(unsigned seed) : random_(seed) {}

  json::Document next() {
    json::Document document;
    fill(document, document.GetAllocator(), 0);
    return document;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }

  std::string text() {
    static const std::string kPieces[] = {" ",    "  ",   "\n",         "\n\n",
                                          "\t",   "#",    " #",         ": ",
                                          ":",    "-",    "- ",         "---",
                                          "...",  "a",    "b",          "yes",
                                          "no",   "012",  "1:5",        "0x",
                                          "e5",   ".5",   "~",          "é",
                                          "€",    "😀",    "\x01",       "\x7f",
                                          "\"",   "'",    "\\",         "|",
                                          ">",    "%",    "@",          "`",
                                          "*",    "&",    "!",          "?",
                                          "? ",   "{",    "}",          "[",
                                          "]",    ",",    "=",          "<<",
                                          ".inf", "_",    "1",          "1_0",
                                          "0b1",  "0o7",  "2024-05-31", "\u0085",
                                          "\r\n", "\r",   "\u2028",     "\ufeff",
                                          "\x1b", "y",    "\u00a0",     "+",
                                          "null", "true", "\uffff",     std::string(1, '\0')};
    std::string all;
    for (std::size_t n = below(8); n > 0; --n) all += kPieces[below(std::size(kPieces))];
    return all;
  }

  double real() {
    const std::uint64_t bits = (std::uint64_t{random_()} << 32) | random_();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return std::isfinite(value) ? value : 0;
  }

  void fill(json::Value& value, json::Document::AllocatorType& memory, int depth) {
    const std::size_t kind = below(depth < 5 ? 10 : 6);
    if (kind < 3) {
      const std::string s = text();
      value.SetString(s.data(), static_cast<rapidjson::SizeType>(s.size()), memory);
    } else if (kind == 3) {
      value.SetDouble(real());
    } else if (kind == 4) {
      const std::uint64_t bits = (std::uint64_t{random_()} << 32) | random_();
      below(2) == 0 ? value.SetUint64(bits) : value.SetInt64(static_cast<std::int64_t>(bits));
    } else if (kind == 5) {
      below(2) == 0 ? value.SetBool(below(2) == 0) : value.SetNull();
    } else if (kind < 8) {
      value.SetArray();
      for (std::size_t n = below(5); n > 0; --n) {
        json::Value item;
        fill(item, memory, depth + 1);
        value.PushBack(item, memory);
      }
    } else {
      value.SetObject();
      for (std::size_t n = below(5); n > 0; --n) {
        const std::string s = text();
        json::Value name(s.data(), static_cast<rapidjson::SizeType>(s.size()), memory);
        json::Value item;
        fill(item, memory, depth + 1);
        if (value.FindMember(name) == value.MemberEnd()) value.AddMember(name, item, memory);
      }
    }
  }

  std::mt19937 random_;
};

TEST(YamlWrite, ReadsBackAsItWas) {
  for (unsigned seed = 0; seed < 20000; ++seed) {
    const json::Document value = Values(seed).next();
    const std::string json = json::write(value);
    const std::string yaml = write(value);
    ASSERT_EQ(refusal(yaml), json) << "seed " << seed << "\n" << yaml;
    ASSERT_EQ(write(parse(yaml, "it")), yaml) << "seed " << seed;
  }
}

}  // namespace
}  // namespace etl::yaml
