#include "core/quote.hpp"

namespace etl {

std::string quote_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string quote_literal(std::string_view text) {
  std::string quoted = text.find('\\') == std::string_view::npos ? "'" : " E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

std::string name_list(const std::vector<std::string>& names, std::string_view prefix) {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ", ";
    list += prefix;
    list += quote_name(name);
  }
  return list;
}

}  // namespace etl
