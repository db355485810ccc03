// Quoting for generated SQL: every name is quoted, always.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etl::compile {

std::string quote_name(std::string_view name);
// quote_name of each, with `prefix` before it, joined by ", ".
std::string name_list(const std::vector<std::string>& names, std::string_view prefix = {});

}  // namespace etl::compile
