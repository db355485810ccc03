// Quoting for generated SQL: every name is quoted, always. A literal is quoted as PostgreSQL reads it whatever
// standard_conforming_strings says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etl {

std::string quote_name(std::string_view name);
std::string quote_literal(std::string_view text);
// quote_name of each, with `prefix` before it, joined by ", ".
std::string name_list(const std::vector<std::string>& names, std::string_view prefix = {});

}  // namespace etl
