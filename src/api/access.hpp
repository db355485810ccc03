// How every function of the SQL surface begins: which pipeline is meant, and may the caller do this to it.
#pragma once

#include <string>

#include "model/definition.hpp"
#include "pg/entry.hpp"

namespace etl::api {

enum class Right { kRun, kMonitor, kAlter, kOwner };

// The pipeline that argument `index` names: a name (text) or an id (bigint). Errors: 22004 null, 42704 no such
// pipeline, 42501 the caller is neither its owner nor granted `right`.
model::Definition open_pipeline(FunctionCallInfo fcinfo, int index, Right right);
model::Definition check_right(model::Definition definition, Right right);
bool may(const model::Definition& definition, Right right);

// "pipeline "x" is RUNNING" as 55000 unless it is IDLE, PAUSED or FAILED. Locks the state row.
void want_at_rest(const model::Definition& definition, const char* what);

// Recovery of what a restart left behind: starts the keeper if work is waiting and none lives. Once a session.
void on_first_call();

}  // namespace etl::api
