// A table of another PostgreSQL server as a target.
#pragma once

#include "run/plan.hpp"

namespace etl::run {

// Looks it up there, as the user mapping's role, and fills keys and remote_table. Errors as those of a table of this
// database, but that rights over there show when it is written; 22023 for a write mode that needs to be near it.
void check_remote_table(SinkPlan& sink, const Plan& plan);

}  // namespace etl::run
