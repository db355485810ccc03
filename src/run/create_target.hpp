// Tables made for a pipeline: create_target.
#pragma once

#include <string>
#include <vector>

#include "model/definition.hpp"

namespace etl::run {

// CREATE TABLE for the rows that each sink takes, with key_columns as primary key.
std::vector<std::string> create_target_sql(const model::Definition& definition);

}  // namespace etl::run
