// An order of rows as a param: "updated_at desc", or a list ["day", "updated_at desc nulls last"].
#pragma once

#include <string>
#include <vector>

#include "transform/transform.hpp"

namespace etl::transform {

struct OrderTerm {
  std::string column;
  bool descending = false;
  bool nulls_first = false;  // as ORDER BY has it by default: first when descending, else last
};

// A text that is a column's name as a whole is that column. Error 42703. Empty: the param is absent.
std::vector<OrderTerm> read_order(const Call& call, const char* param, const Input& input);

// "id"."a" ASC NULLS LAST, …; reversed: the same rows from the other end.
std::string order_list(const std::vector<OrderTerm>& order, const Input& input, bool reversed = false);

}  // namespace etl::transform
