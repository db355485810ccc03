// The checks of a target: is it allowed, is it there, may the owner write it, does the source fit it.
#pragma once

#include "run/plan.hpp"

namespace etl::run {

// Fills plan.table or plan.server with plan.index, and plan.keys.
void check_target(Plan& plan, unsigned owner);
// Fills plan.upsert and has the parser check that the source's types fit.
void prepare_upsert(Plan& plan);
// A target written as patterns are: schema.table, or server:index.
std::string target_as_listed(const Plan& plan);

}  // namespace etl::run
