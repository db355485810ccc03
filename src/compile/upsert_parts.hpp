// What the statements that write a batch are made of. The input's rows are called s.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compile/upsert.hpp"

namespace etl::compile {

std::string joined(const std::vector<std::string>& parts, const char* separator);

// A value of the input as the target has it: cast, or the constant that stands for it.
std::string typed(const UpsertColumn& column, const std::string& value);

// The input with every column in the target's type.
std::string typed_input(const Upsert& upsert);

// Whether the columns of the input have the target's types already.
enum class Input { kTyped, kRaw };
std::string value(const UpsertColumn& column, const std::string& row, Input input);

std::string same_key(const Upsert& upsert, const std::string& table, Input input = Input::kTyped);

// True when a column that may be set differs between `table` and `other`. Empty when there is no such column.
std::string differs(const Upsert& upsert, const std::string& table, const std::string& other,
                    Input input = Input::kTyped);

std::string assignments(const Upsert& upsert, const std::string& input);

std::string columns(const Upsert& upsert, std::string_view prefix = {}, bool keys_only = false);

}  // namespace etl::compile
