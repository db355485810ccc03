// A step's params against its operator's JSON schema.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "model/finding.hpp"

namespace etl::model {

// Every param that is unknown, missing or of a wrong type, each as a finding of its own: 22023. `step` is its id.
void check_params(const std::string& step, std::string_view schema, const json::Value& params,
                  std::vector<Finding>& findings);

// Calls `each` with every string in params whose schema has a "format", however deep: (format, param, text).
using Formatted = std::function<void(const std::string& format, const std::string& param, const std::string& text)>;
void each_formatted(std::string_view schema, const json::Value& params, const Formatted& each);

}  // namespace etl::model
