// Types out of samples.
#include "file/infer.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace etl::file {
namespace {

std::string type_of(std::initializer_list<const char*> texts) {
  ColumnType column;
  for (const char* text : texts) column.add({text, text == nullptr ? 0 : std::string_view(text).size()});
  return std::string(column.type());
}

void expect_each(std::string_view type, std::initializer_list<std::string> texts) {
  for (const std::string& text : texts) EXPECT_EQ(type_of({text.c_str()}), type) << text;
}

TEST(Infer, Booleans) {
  expect_each("boolean", {"true", "false", "t", "f", "TRUE", "False", "T", "F"});
  expect_each("text", {"yes", "no", "on", "off", "y", "n", "tr", "true ", "truex"});
  EXPECT_EQ(type_of({"t", "false"}), "boolean");
  EXPECT_EQ(type_of({"t", "1"}), "text");
}

TEST(Infer, Numbers) {
  expect_each("bigint", {"0", "1", "-1", "+1", "-0", "9223372036854775807", "-9223372036854775808", "1000"});
  expect_each("numeric", {"9223372036854775808", "-9223372036854775809", "1.5", "-1.50", "+.5", "0.007", "5.", "-0.0",
                          std::string(131072, '9'), "1." + std::string(16383, '1')});
  expect_each("double precision", {"1e5", "1E5", "-1.5e-3", "+1e+10", ".5e3", "0e0", "1.7976931348623157e308"});
  expect_each("text", {"007",
                       "-007",
                       "00",
                       "00.5",
                       "01e5",
                       "+",
                       "-",
                       ".",
                       "-.",
                       "+-1",
                       "--1",
                       "-+1",
                       "1-",
                       "1.2.3",
                       "1,5",
                       "1 000",
                       "1_000",
                       "0x1F",
                       "1e",
                       "1e+",
                       "e5",
                       ".e5",
                       "1e5.5",
                       "1e400",
                       "1e-400",
                       "inf",
                       "Infinity",
                       "-inf",
                       "nan",
                       "NaN",
                       " 1",
                       "1 ",
                       "$1",
                       "1%",
                       "1f",
                       std::string(131073, '9'),
                       "1." + std::string(16384, '1')});
  EXPECT_EQ(type_of({"1", "1.5"}), "numeric");
  EXPECT_EQ(type_of({"1.5", "1"}), "numeric");
  EXPECT_EQ(type_of({"1", "99999999999999999999"}), "numeric");
  EXPECT_EQ(type_of({"1.5", "1e5", "1"}), "double precision");
  EXPECT_EQ(type_of({"1", "007"}), "text");
  EXPECT_EQ(type_of({"1", "true"}), "text");
}

TEST(Infer, Dates) {
  expect_each("date", {"2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"});
  expect_each("text", {"2023-02-29", "1900-02-29", "2024-02-30", "2024-13-01", "2024-00-01", "2024-01-00", "2024-04-31",
                       "0000-01-01", "24-01-01", "2024-1-1", "2024/01/01", "01.02.2024", "20240101x", "2024-01-01x",
                       "-2024-01-01", "12024-01-01", "2024-W01-1", "2024-060"});
  expect_each("bigint", {"20240101"});
}

TEST(Infer, Timestamps) {
  expect_each("timestamp without time zone", {"2024-02-29T23:59:59", "2024-02-29 00:00", "2024-02-29T12:00:00.5",
                                              "2024-02-29 12:00:00.123456", "2024-02-29 12:00:00.123456000"});
  expect_each("timestamp with time zone",
              {"2024-02-29T23:59:59Z", "2024-02-29 12:00:00.5+02", "2024-02-29 12:00:00-0330", "2024-02-29T12:00+05:45",
               "2024-02-29T12:00:00+00:00", "2024-02-29T12:00:00-15:59"});
  expect_each("text", {"2024-02-29T24:00:00", "2024-02-29T23:60", "2024-02-29T23:59:60", "2024-02-29T", "2024-02-29T12",
                       "2024-02-29T1:00", "2024-02-29  12:00", "2024-02-29T12:00:00.", "2024-02-29T12:00:00.1234567",
                       "2024-02-29T12:00:00 Z", "2024-02-29T12:00:00+", "2024-02-29T12:00:00+2",
                       "2024-02-29T12:00:00+16:00", "2024-02-29T12:00:00+02:", "2024-02-29T12:00:00+02:60",
                       "2024-02-29T12:00:00Zx", "2024-02-29T12:00:00 UTC", "2024-02-30T12:00:00", "12:00:00"});
}

TEST(Infer, MixturesOfTimes) {
  EXPECT_EQ(type_of({"2024-02-29", "2024-02-29 12:00"}), "timestamp without time zone");
  EXPECT_EQ(type_of({"2024-02-29 12:00", "2024-02-29"}), "timestamp without time zone");
  EXPECT_EQ(type_of({"2024-02-29 12:00Z", "2024-02-29T12:00+01"}), "timestamp with time zone");
  // Which instant a local time is depends on a setting of the session.
  EXPECT_EQ(type_of({"2024-02-29 12:00Z", "2024-02-29 12:00"}), "text");
  EXPECT_EQ(type_of({"2024-02-29 12:00Z", "2024-02-29"}), "text");
  EXPECT_EQ(type_of({"2024-02-29", "1"}), "text");
}

TEST(Infer, NullFitsAll) {
  EXPECT_EQ(type_of({}), "text");
  EXPECT_EQ(type_of({nullptr, nullptr}), "text");
  EXPECT_EQ(type_of({nullptr, "1", nullptr}), "bigint");
  EXPECT_EQ(type_of({"2024-02-29", nullptr}), "date");
  EXPECT_EQ(type_of({"1", ""}), "text");
  EXPECT_EQ(type_of({"x", "1"}), "text");
}

}  // namespace
}  // namespace etl::file
