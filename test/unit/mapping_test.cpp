// The mapping of an index: every kind has one, and the user's options win.
#include "sink/mapping.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/json.hpp"

namespace etl::sink {
namespace {

std::string mapping_of(const std::string& kind) {
  const json::Document body = json::parse(index_body({{"f", kind, {}}}, "", ""), "body");
  return json::write(body["mappings"]["properties"]["f"]);
}

TEST(Mapping, EveryKindHasOne) {
  EXPECT_EQ(mapping_of("boolean"), R"({"type":"boolean"})");
  EXPECT_EQ(mapping_of("bytea"), R"({"type":"binary"})");
  EXPECT_EQ(mapping_of("int2"), R"({"type":"integer"})");
  EXPECT_EQ(mapping_of("int4"), R"({"type":"integer"})");
  EXPECT_EQ(mapping_of("int8"), R"({"type":"long"})");
  EXPECT_EQ(mapping_of("float4"), R"({"type":"float","ignore_malformed":true})");
  EXPECT_EQ(mapping_of("json"), R"({"type":"object","enabled":false})");
  EXPECT_EQ(mapping_of("keyword"), R"({"type":"keyword","ignore_above":8191})");
  EXPECT_EQ(mapping_of("text"), R"({"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}})");
  for (const char* kind : {"float8", "numeric"}) {
    EXPECT_EQ(mapping_of(kind), R"({"type":"double","ignore_malformed":true})");
  }
  for (const char* kind : {"date", "timestamp", "timestamptz"}) {
    EXPECT_EQ(mapping_of(kind), R"({"type":"date","ignore_malformed":true})");
  }
}

TEST(Mapping, UnknownKindIsAnError) {
  try {
    mapping_of("colour");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate, "XX000");
  }
}

TEST(Mapping, ObjectsNest) {
  const MappedField inner{"zip", "int4", {}};
  EXPECT_EQ(index_body({{"address", "object", {inner}}}, "", ""),
            R"({"mappings":{"properties":{"address":{"type":"object","properties":{"zip":{"type":"integer"}}}}}})");
}

TEST(Mapping, NamesAreEscaped) {
  const json::Document body = json::parse(index_body({{"a\"b\n", "int4", {}}}, "", ""), "body");
  EXPECT_EQ(json::text(body["mappings"]["properties"].MemberBegin()->name), "a\"b\n");
}

TEST(Mapping, OptionsWinPropertyByProperty) {
  const std::string body =
      index_body({{"a", "int4", {}}, {"b", "text", {}}}, R"({"number_of_replicas":0})",
                 R"({"dynamic":false,"properties":{"a":{"type":"short"},"c":{"type":"keyword"}}})");
  EXPECT_EQ(body, R"({"settings":{"number_of_replicas":0},"mappings":{"properties":{"a":{"type":"short"},)"
                  R"("b":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}},)"
                  R"("c":{"type":"keyword"}},"dynamic":false}})");
}

TEST(Mapping, TheLastOfTwoPropertiesWins) {
  EXPECT_EQ(index_body({}, "", R"({"properties":1,"properties":{"a":{}}})"), R"({"mappings":{"properties":{"a":{}}}})");
}

TEST(Mapping, OptionsMustBeObjects) {
  const auto sqlstate = [](const char* settings, const char* mappings) -> std::string {
    try {
      index_body({}, settings, mappings);
    } catch (const Error& error) {
      return error.sqlstate;
    }
    return "";
  };
  EXPECT_EQ(sqlstate("[]", ""), "22023");
  EXPECT_EQ(sqlstate("", "5"), "22023");
  EXPECT_EQ(sqlstate("{", ""), "22P02");
  EXPECT_EQ(sqlstate("", R"({"properties":5})"), "");
}

}  // namespace
}  // namespace etl::sink
