// Any two lines as an entry of the allow-list and a target: a refused pattern is 22023; an accepted one allows its own
// text, and nothing outside of the schema or server that it names.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "model/definition.hpp"

namespace {

void require(bool holds) {
  if (!holds) abort();
}

bool accepted(std::string_view pattern) {
  try {
    etl::model::check_pattern(pattern);
    return true;
  } catch (const etl::Error& error) {
    require(error.sqlstate == "22023");
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using etl::model::pattern_matches;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), size);
  const std::string_view pattern = text.substr(0, line);
  const std::string_view target = text.substr(std::min(line + 1, size));
  const bool matches = pattern_matches(pattern, target);
  require(pattern_matches(pattern, pattern));
  if (!accepted(pattern)) return 0;

  const bool wild = pattern.back() == '*';
  const std::string_view fixed = pattern.substr(0, pattern.size() - (wild ? 1 : 0));
  require(fixed.find('*') == fixed.npos);
  require(matches == (wild ? target.substr(0, fixed.size()) == fixed : target == pattern));
  require(pattern_matches(pattern, std::string(fixed) + "x") == wild);
  if (!matches) return 0;
  // The schema or server of what matches is the pattern's own, never a longer or an empty name.
  const std::size_t separator = pattern.find_first_of(".:");
  require(separator > 0 && target.find_first_of(".:") == separator);
  require(target.substr(0, separator + 1) == pattern.substr(0, separator + 1));
  require(pattern[separator] == '.' || etl::model::parse_target(std::string(target)).server.empty() ==
                                           (pattern.substr(0, separator).find('"') != pattern.npos));
  return 0;
}
