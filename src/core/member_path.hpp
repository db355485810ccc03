// Where something stands within JSON: the names of the members that lead to it, from the outermost object on. Written
// "a.b.c" or "$.a.b.c"; "$" is the whole, and no names at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace etl::json {

using MemberPath = std::vector<std::string>;

// Of a param's text. Error 22023 for what is none: an empty name, or one with any of []*$"'.
MemberPath read_path(std::string_view text, std::string_view param);

// nullptr: there is no such member, or what should have it is no object.
const Value* find_at(const Value& whole, const MemberPath& path);

}  // namespace etl::json
