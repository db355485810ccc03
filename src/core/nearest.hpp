// "Did you mean …": the nearest of some names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etl {

// A hint sentence: the nearest known name, or the list when none is near. Of any length, it costs and is little.
std::string did_you_mean(std::string_view wrong, const std::vector<std::string_view>& known);

}  // namespace etl
