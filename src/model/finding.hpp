// One thing that is wrong, or worth knowing, about a definition.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"

namespace etl::model {

struct Finding {
  std::string rule;      // name of the check
  std::string severity;  // error | warning | info
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  std::string step = {};  // id of the step that it is about, if one
};

// So many are told of a definition that may have any number.
inline constexpr std::size_t kMaxFindings = 100;

// The findings of severity error as one: the first one's, with the others in the detail. Nothing: there is none.
void throw_errors(const std::vector<Finding>& findings);

}  // namespace etl::model
