// One slice, start to end: the passes over its source that its mode asks for.
#pragma once

#include "run/context.hpp"

namespace etl::run {

// Reads and writes what is left of a slice; marks it done.
Outcome run_slice(Context& context, catalog::Checkpoint& slice);

}  // namespace etl::run
