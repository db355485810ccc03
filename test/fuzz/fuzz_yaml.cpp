// Any bytes as YAML: an etl::Error of one of three kinds, or a value that is written and read back as the same. Any
// bytes as JSON: if that can be read, its YAML means the same; and as a string, which is quoted rightly.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/yaml.hpp"
#include "core/yaml_scalar.hpp"

namespace {

void require(bool holds) {
  if (!holds) abort();
}

// Larger than YAML may be are values that took little room in flow style, by aliases or in JSON.
void check_round_trip(const etl::json::Value& value) {
  std::string text;
  try {
    text = etl::yaml::write(value);
  } catch (const etl::Error& error) {
    require(error.sqlstate == "54000" || error.sqlstate == "54001");
    return;
  }
  const etl::json::Document again = etl::yaml::parse(text, "what was written");
  require(etl::json::write(again) == etl::json::write(value));
  require(etl::yaml::write(again) == text);
}

void check_yaml(std::string_view text) {
  try {
    check_round_trip(etl::yaml::parse(text, "a text"));
  } catch (const etl::Error& error) {
    require(error.sqlstate == "22P02" || error.sqlstate == "54000" || error.sqlstate == "54001");
    require(!error.detail.empty());
  }
}

bool has_duplicates(const etl::json::Value& value) {
  if (value.IsObject()) {
    for (auto i = value.MemberBegin(); i != value.MemberEnd(); ++i) {
      if (value.FindMember(i->name) != i || has_duplicates(i->value)) return true;
    }
  } else if (value.IsArray()) {
    for (const etl::json::Value& item : value.GetArray()) {
      if (has_duplicates(item)) return true;
    }
  }
  return false;
}

void check_json(std::string_view text) {
  etl::json::Document document;
  try {
    document = etl::json::parse(text, "a text");
  } catch (const etl::Error&) {
    return;
  }
  if (!has_duplicates(document)) check_round_trip(document);
}

// The middle of two texts, so that what it ends with is told from what follows.
void check_string(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (!etl::yaml::next_character(text, at)) return;
  }
  etl::json::Document list(rapidjson::kArrayType);
  const auto size = static_cast<rapidjson::SizeType>(text.size());
  list.PushBack(etl::json::Value(text.data(), size, list.GetAllocator()), list.GetAllocator());
  list.PushBack(1, list.GetAllocator());
  check_round_trip(list);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_yaml(text);
  check_json(text);
  check_string(text);
  return 0;
}
