// The rules of operator check, each as SQL.
#pragma once

#include <string>
#include <vector>

#include "transform/transform.hpp"

namespace etl::transform {

struct CheckRule {
  std::string label;    // not_null(email), or the rule's name; unlike all others
  std::string message;  // as SQL: of a rule about all rows over what `set` selects
  // A rule about single rows, whose columns are qualified by the input's id: true for those that break it.
  std::string broken = {};
  std::string window = {};  // a window function over all rows, with the name under which `broken` knows it
  // A rule about all rows: SELECT without FROM, and what of it breaks the rule.
  std::string set = {};
  std::string set_broken = {};
};

// Errors: 22023 for params that a rule lacks or does not take, 42703, 42804, 42710 for two rules of one label.
std::vector<CheckRule> read_check_rules(const Call& call, const Input& input);

}  // namespace etl::transform
