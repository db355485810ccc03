// Dead letters, back into the targets.
#pragma once

#include "run/inspect.hpp"
#include "run/plan.hpp"

namespace etl::run {

// Arguments: where_sql (a condition on the columns of etl.dead_letters), patch (a JSON object laid over each record).
// A row that a sink refused goes into that sink, one that a check found the rest of its way (late_rows.hpp). Tables of
// this database get all that match, or none; what is elsewhere gets them first, and again when that fails. Emits how
// many.
void replay(const Plan& plan, const json::Value& arguments, const Emit& emit);

}  // namespace etl::run
