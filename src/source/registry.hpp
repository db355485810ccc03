// All sources, by name. A source's own file has its entry.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "model/operator.hpp"
#include "source/origin.hpp"

namespace etl::source {

// Either a SELECT or another origin.
struct Source {
  model::Operator about;
  std::string (*query)(const json::Value& params);  // the SELECT that reads it
  std::shared_ptr<const Origin> (*origin)(const json::Value& params, const file::Limits& limits) = nullptr;
};

std::span<const Source> all();
const Source* find(std::string_view name);  // nullptr: there is none

}  // namespace etl::source
