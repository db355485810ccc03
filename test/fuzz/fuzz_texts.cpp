// Any bytes as an array of texts, as a position, its types or a key are kept: what is read and written again is the
// same, and so are any texts that are written and read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace {

using etl::json::Texts;

void require(bool holds) {
  if (!holds) abort();
}

Texts read(std::string_view text) {
  return etl::json::read_texts(etl::json::parse(text, "texts"));
}

void require_round_trip(const Texts& texts) {
  const std::string written = etl::json::write_texts(texts);
  try {
    require(read(written) == texts);
  } catch (const etl::Error&) {
    abort();  // what was read can be written and read
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    require_round_trip(read(text));
  } catch (const etl::Error& error) {
    require(error.sqlstate == "22P02" || error.sqlstate == "22023" || error.sqlstate == "54001");
  }
  // The bytes themselves as values: cut at each 0xff, which no UTF-8 has; an empty piece is a null.
  Texts values;
  for (std::size_t at = 0; at <= size;) {
    const std::size_t end = std::min(text.find('\xff', at), size);
    values.push_back(end == at ? std::nullopt : std::optional(std::string(text.substr(at, end - at))));
    at = end + 1;
  }
  const std::string written = etl::json::write_texts(values);
  try {
    require(read(written) == values);
  } catch (const etl::Error& error) {
    require(error.sqlstate == "22P02");  // not UTF-8
    for (const auto& value : values) {
      if (!value) continue;
      for (const char c : *value) {
        if (static_cast<unsigned char>(c) >= 0x80) return 0;
      }
    }
    abort();  // ASCII can always be read back
  }
  return 0;
}
