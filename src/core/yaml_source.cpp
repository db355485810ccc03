#include "core/yaml_source.hpp"

#include <algorithm>

#include "core/yaml.hpp"
#include "core/yaml_scalar.hpp"

namespace etl::yaml {

namespace {

// CR LF and CR are line ends to YAML, as LF is; yaml-cpp does not know the second.
std::string with_line_feeds(std::string_view text) {
  if (text.find('\r') == std::string_view::npos) return std::string(text);
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      result += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      result += '\n';
    }
  }
  return result;
}

}  // namespace

Source::Source(std::string_view text, std::string_view what) : what_(what), size_(0) {
  if (text.size() > kMaxText) {
    too_large(-1, "It has " + std::to_string(text.size()) + " bytes, and the most is " + std::to_string(kMaxText) + ".",
              "Split the text.");
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text_ = with_line_feeds(text);
  size_ = text_.size();
  check_characters();
  check_directives();
  const std::size_t last_line = text_.rfind('\n') + 1;  // npos + 1 is 0
  if (text_.find_first_not_of(" \t", last_line) != std::string::npos) return;
  text_ += size_ > last_line ? "\n...\n" : "...\n";
}

// To yaml-cpp a NUL among the first bytes means UTF-16, and a 0x04 ends the text.
void Source::check_characters() const {
  for (std::size_t at = 0; at < text_.size();) {
    const int here = static_cast<int>(at);
    const auto character = next_character(text_, at);
    if (!character) invalid(here, "It is not UTF-8.");
    if (*character < 0x20 && *character != '\t' && *character != '\n') {
      invalid(here, "It holds a control character.", "Write it as an escape in double quotes.");
    }
  }
}

// yaml-cpp takes a line that begins with % for a directive wherever it stands between two tokens, and drops what it
// does not know.
void Source::check_directives() const {
  const std::size_t line = text_.starts_with('%') ? 0 : text_.find("\n%") + 1;
  if (line == 0 && !text_.starts_with('%')) return;
  invalid(static_cast<int>(line), "A line begins with %, and directives are not read.", "Leave it out, or indent it.");
}

bool Source::is_marker(int position, std::string_view marker) const {
  const auto begin = static_cast<std::size_t>(position);
  if (begin >= text_.size() || (begin > 0 && text_[begin - 1] != '\n')) return false;
  const std::string_view rest = std::string_view(text_).substr(begin);
  return rest.starts_with(marker) && (rest.size() == marker.size() || rest.find_first_of(" \t\n", 3) == 3);
}

void Source::invalid(int position, const std::string& detail, const std::string& hint) const {
  throw Error("22P02", what_ + " is not valid YAML", detail + place(position), hint);
}

void Source::not_json(int position, const std::string& detail, const std::string& hint) const {
  throw Error("22P02", what_ + " is YAML that has no form in JSON", detail + place(position), hint);
}

void Source::too_large(int position, const std::string& detail, const std::string& hint) const {
  throw Error("54000", what_ + " is too large", detail + place(position), hint);
}

void Source::too_deep(int position) const {
  throw Error("54001", what_ + " is nested too deeply",
              "More than " + std::to_string(kMaxDepth) + " levels were found." + place(position),
              "Nest sequences and mappings less deeply.");
}

std::string Source::place(int position) const {
  if (position < 0) return {};
  const std::string_view before = std::string_view(text_).substr(0, static_cast<std::size_t>(position));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::string_view in_line = before.substr(before.rfind('\n') + 1);
  const auto column = std::count_if(in_line.begin(), in_line.end(), [](char c) { return (c & 0xc0) != 0x80; }) + 1;
  return " At line " + std::to_string(line) + ", column " + std::to_string(column) + ".";
}

}  // namespace etl::yaml
