// JSON through RapidJSON: the few shapes that pg_etl needs, with our errors.
#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace etl::json {

using Value = rapidjson::Value;
using Document = rapidjson::Document;
using Buffer = rapidjson::StringBuffer;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

// Iterative (depth costs no stack), whole text or Error 22P02 with the offset. Depth is bounded by kMaxDepth: 54001.
inline constexpr int kMaxDepth = 512;
Document parse(std::string_view text, std::string_view what);
// Likewise what a user has written: 22003 for a number that would not be kept as it stands there, since it is neither a
// 64-bit integer nor what a double tells apart from its neighbours.
Document parse_exact(std::string_view text, std::string_view what);

std::string write(const Value& value);
std::string_view text(const Value& value);  // of a string value

// A string value, or nullopt when the member is absent or null; another type is 22023 with the member's name.
std::optional<std::string> text_member(const Value& object, const char* name);
// Likewise true or false, and a string of one byte; `otherwise` when the member is absent or null.
bool flag_member(const Value& object, const char* name, bool otherwise);
char byte_member(const Value& object, const char* name, char otherwise);

// ["a", null] <-> {"a", nullopt}: positions and rows of text.
using Texts = std::vector<std::optional<std::string>>;
std::string write_texts(const Texts& texts);
Texts read_texts(const Value& array);

// Builds {"name": value, …} of text, number, bool and raw JSON members.
class Object {
 public:
  Object();
  Object& add(const char* name, std::string_view value);
  Object& add(const char* name, const char* value) { return add(name, std::string_view(value)); }
  Object& add(const char* name, const std::string& value) { return add(name, std::string_view(value)); }
  Object& add(const char* name, const std::optional<std::string>& value);
  Object& add_number(const char* name, std::int64_t value);
  Object& add_bool(const char* name, bool value);
  Object& add_raw(const char* name, std::string_view json);
  std::string str();

 private:
  Buffer buffer_;
  Writer writer_;
};

}  // namespace etl::json
