// A pipeline at rest: what may be done to it only then.
#pragma once

#include <string>

#include "model/definition.hpp"

namespace etl::run {

// 55006 unless the pipeline is IDLE, PAUSED or FAILED, so that it cannot be `what` ("altered"). Locks its state row.
void want_at_rest(const model::Definition& definition, const char* what);

// The next run starts at the beginning; a paused or failed run is over. `role` wants it: for the events.
void forget_position(const model::Definition& definition, const std::string& role);

}  // namespace etl::run
