// All sources, by name. A source's own file has its entry.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "model/operator.hpp"

namespace etl::source {

struct Source {
  model::Operator about;
  // The SELECT that reads it.
  std::string (*query)(const json::Value& params);
};

std::span<const Source> all();
const Source* find(std::string_view name);  // nullptr: there is none

}  // namespace etl::source
