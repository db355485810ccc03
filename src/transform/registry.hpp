// All transforms, by name.
#pragma once

#include <span>
#include <string_view>

#include "transform/transform.hpp"

namespace etl::transform {

std::span<const Transform> all();
const Transform* find(std::string_view name);  // nullptr: there is none

}  // namespace etl::transform
