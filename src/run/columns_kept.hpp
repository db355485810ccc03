// Whether rows keep their columns on the way from a step to a sink, so that a row that was put aside there can be found
// in the target.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/graph.hpp"

namespace etl::run {

// Whether each step from `step` (itself one, unless it is a source) to `sink` gives the columns of those names as they
// come in. False where it is not known, as of SQL. Nothing: no row of `step` comes to `sink`.
std::optional<bool> keeps_columns(const Graph& graph, const std::string& step, const std::string& sink,
                                  const std::vector<std::string>& names);

}  // namespace etl::run
