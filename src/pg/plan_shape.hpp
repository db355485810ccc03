// Reads a plan: does a page of it cost no more than its rows? For pg/*.cpp only.
#pragma once

#include "pg/headers.hpp"

extern "C" {
#include "nodes/plannodes.h"
}

namespace etl::pg {

// C only. True when the order comes from an index along the outer spine, and everything beside it is looked up by index
// or so small that reading it again for each page does not matter (internals.md 12).
bool page_is_cheap(PlannedStmt* statement);

}  // namespace etl::pg
