// Any two lines as index_settings and index_mappings: refused with an error of theirs, or a body that is JSON and holds
// the settings as they are and the mappings' members over the derived ones.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "sink/mapping.hpp"

namespace {

using etl::json::Document;

void require(bool holds) {
  if (!holds) abort();
}

// As written in a document that was read again: a number may have another last digit than the first time.
std::string twice(std::string_view text) {
  const std::string once = etl::json::write(etl::json::parse(text, "settings"));
  return etl::json::write(etl::json::parse(once, "settings"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), size);
  const std::string_view settings = text.substr(0, line);
  const std::string_view mappings = text.substr(std::min(line + 1, size));
  const std::vector<etl::sink::MappedField> fields = {
      {"id", "int8", {}}, {"name", "text", {}}, {"o", "object", {{"x", "date", {}}}}};
  try {
    const std::string body = etl::sink::index_body(fields, settings, mappings);
    const Document read = etl::json::parse(body, "the body");
    require(read.IsObject() && read.HasMember("mappings") && read.HasMember("settings") == !settings.empty());
    if (!settings.empty()) require(etl::json::write(read["settings"]) == twice(settings));
    require(read["mappings"].IsObject());
    if (mappings.empty()) {
      require(read["mappings"]["properties"]["o"]["properties"].HasMember("x"));
    } else {
      const Document own = etl::json::parse(mappings, "mappings");
      for (const auto& member : own.GetObject()) require(read["mappings"].HasMember(member.name));
    }
  } catch (const etl::Error& error) {
    require(error.sqlstate == "22P02" || error.sqlstate == "22023" || error.sqlstate == "54001");
  }
  return 0;
}
