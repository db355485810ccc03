// What is written as JSON, and that JsonReader reads the same.
#include "file/json_writer.hpp"

#include <gtest/gtest.h>

#include <random>

#include "core/json.hpp"
#include "file/byte_source.hpp"
#include "file/json_reader.hpp"
#include "unit/rows.hpp"

namespace etl::file {
namespace {

using Kind = WriterColumn::Kind;

// Booleans are "1" and "0".
std::vector<Value> values_of(const Writer& writer, const Row& row) {
  std::vector<Value> values;
  for (std::size_t i = 0; i < row.size(); ++i) {
    Value& value = values.emplace_back();
    value.null = !row[i];
    if (!row[i]) continue;
    if (writer.wants()[i] == Want::kInteger) {
      value.integer = std::stoll(*row[i]);
    } else {
      value.text = *row[i];
    }
  }
  return values;
}

std::string written(const std::vector<WriterColumn>& columns, const Rows& rows, JsonShape shape = JsonShape::kLines) {
  std::string text;
  const auto writer = make_json_writer([&](std::string_view bytes) { text += bytes; }, columns, shape);
  for (const Row& row : rows) writer->row(values_of(*writer, row));
  writer->finish();
  return text;
}

std::string one(Kind kind, const std::string& text) {
  return written({{.name = "v", .kind = kind}}, {{text}});
}

TEST(JsonWriter, Kinds) {
  EXPECT_EQ(one(Kind::kBool, "1"), "{\"v\":true}\n");
  EXPECT_EQ(one(Kind::kBool, "0"), "{\"v\":false}\n");
  EXPECT_EQ(one(Kind::kInt64, "-9223372036854775808"), "{\"v\":-9223372036854775808}\n");
  EXPECT_EQ(one(Kind::kNumeric, "123456789012345678901234567890.10"), "{\"v\":123456789012345678901234567890.10}\n");
  EXPECT_EQ(one(Kind::kDouble, "1e-05"), "{\"v\":1e-05}\n");
  EXPECT_EQ(one(Kind::kDouble, "1e+300"), "{\"v\":1e+300}\n");
  for (const std::string text : {"NaN", "Infinity", "-Infinity"}) {
    for (const Kind kind : {Kind::kFloat, Kind::kDouble, Kind::kNumeric}) {
      EXPECT_EQ(one(kind, text), "{\"v\":\"" + text + "\"}\n");
    }
  }
  EXPECT_EQ(one(Kind::kText, "1"), "{\"v\":\"1\"}\n");
  EXPECT_EQ(one(Kind::kDate, "infinity"), "{\"v\":\"infinity\"}\n");
  EXPECT_EQ(one(Kind::kBytes, "\\x00ff"), "{\"v\":\"\\\\x00ff\"}\n");
  EXPECT_EQ(one(Kind::kText, "a\"\\\n\x01\xc3\xa9/"), "{\"v\":\"a\\\"\\\\\\n\\u0001\xc3\xa9/\"}\n");
  EXPECT_EQ(written({{.name = "v"}}, {{kNull}}), "{\"v\":null}\n");
}

// Should PostgreSQL ever write one of these, it is a string rather than a file that is not JSON.
TEST(JsonWriter, NoNumberIsAString) {
  for (const std::string text :
       {"", "-", "01", "-01", ".5", "1.", "1e", "1e+", "+1", "0x1", "1 ", " 1", "1,0", "1.5.2"}) {
    EXPECT_EQ(one(Kind::kNumeric, text), "{\"v\":\"" + text + "\"}\n");
  }
  for (const std::string text : {"0", "-0", "0.5", "-0.50", "10", "1e5", "1E-05", "0e0"}) {
    EXPECT_EQ(one(Kind::kNumeric, text), "{\"v\":" + text + "}\n");
  }
}

TEST(JsonWriter, JsonStaysOnItsLine) {
  EXPECT_EQ(one(Kind::kJson, "{\"a\": [1,\n 2],\r\n\"b\": \"x\\ny\"}"),
            "{\"v\":{\"a\": [1,  2],  \"b\": \"x\\ny\"}}\n");
  EXPECT_EQ(one(Kind::kJson, "null"), "{\"v\":null}\n");
}

TEST(JsonWriter, Names) {
  EXPECT_EQ(written({{.name = "a\"b"}, {.name = ""}}, {{"1", "2"}}), "{\"a\\\"b\":\"1\",\"\":\"2\"}\n");
}

TEST(JsonWriter, Array) {
  const std::vector<WriterColumn> columns = {{.name = "v", .kind = Kind::kInt32}};
  EXPECT_EQ(written(columns, {{"1"}, {"2"}}, JsonShape::kArray), "[\n{\"v\":1},\n{\"v\":2}\n]\n");
  EXPECT_EQ(written(columns, {}, JsonShape::kArray), "[\n]\n");
  EXPECT_EQ(written(columns, {}, JsonShape::kLines), "");
}

TEST(JsonWriter, IsReadAsItWas) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t bound) { return random() % bound; };
  const std::vector<std::string> pieces = {"a",    "\"",      "\\",          "\n", "\r", "\t",       "\x01",
                                           "\x7f", "{",       "}",           "[",  ",",  "\xc3\xa9", "\xf0\x9f\x98\x80",
                                           "/",    "\\u0041", "\xe2\x80\xa8"};
  const std::vector<WriterColumn> columns = {{.name = "t"},
                                             {.name = "n", .kind = Kind::kNumeric},
                                             {.name = "b", .kind = Kind::kBool},
                                             {.name = "j", .kind = Kind::kJson}};
  for (int round = 0; round < 1000; ++round) {
    Rows rows(below(6)), expected;
    for (Row& row : rows) {
      std::string text;
      for (std::size_t n = below(6); n > 0; --n) text += pieces[below(pieces.size())];
      row = {text, std::to_string(random()) + "." + std::to_string(random()), std::to_string(below(2)),
             json::write(rapidjson::Value(rapidjson::StringRef(text.data(), text.size())))};
      row[3] = "{\"k\":[" + *row[3] + "]}";
      for (auto& field : row) {
        if (below(6) == 0) field.reset();
      }
      expected.push_back(row);
      if (row[2]) expected.back()[2] = *row[2] == "1" ? "true" : "false";
    }
    for (const JsonShape shape : {JsonShape::kLines, JsonShape::kArray}) {
      JsonOptions options;
      options.format = shape == JsonShape::kLines ? JsonOptions::Format::kNdjson : JsonOptions::Format::kArray;
      options.columns = {"t", "n", "b", "j"};
      const std::string text = written(columns, rows, shape);
      JsonReader reader(std::make_unique<TextSource>(text), options, {});
      EXPECT_EQ(rows_of(reader), expected) << text;
    }
  }
}

}  // namespace
}  // namespace etl::file
