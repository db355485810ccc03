// What the caller may do to a pipeline.
#pragma once

#include <string>

#include "model/definition.hpp"

namespace etl::api {

enum class Right { kRun, kMonitor, kAlter, kOwner };

// The definition, or 42501 when the caller is neither its owner nor granted `right`.
model::Definition check_right(model::Definition definition, Right right);
bool may(const model::Definition& definition, Right right);

// "pipeline "x" is RUNNING" as 55000 unless it is IDLE, PAUSED or FAILED. Locks the state row.
void want_at_rest(const model::Definition& definition, const char* what);

// Recovery of what a restart left behind: starts the keeper if work is waiting and none lives. Once a session.
void on_first_call();

}  // namespace etl::api
