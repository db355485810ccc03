// No statement of a superuser's session runs what others wrote (internals.md 21). For pg/*.cpp only. C only.
//
// A name means what the search_path finds when a statement is analysed, and that is done anew whenever an operator, a
// type or a table it uses has changed: so what was looked at when a run began is looked at again before each planning
// (which runs functions too, as it folds constants).
#pragma once

#include "pg/headers.hpp"

extern "C" {
#include "executor/spi.h"
}

namespace etl::pg {

// SPI_plan_get_cached_plan; 42501 if the statement has to be planned and calls a function that is not a superuser's.
CachedPlan* checked_plan(SPIPlanPtr plan);

}  // namespace etl::pg
