// What the caller may do to a pipeline.
#pragma once

#include <string>

#include "model/definition.hpp"

namespace etl::api {

// kRun and kMonitor: members of the owner who have his privileges, and grantees. kAlter and kOwner: roles that can SET
// ROLE to the owner; kAlter also grantees, who change no more than check_alter() lets them.
enum class Right { kRun, kMonitor, kAlter, kOwner };

// The definition, or 42501 when the caller is neither its owner nor granted `right`.
model::Definition check_right(model::Definition definition, Right right);
bool may(const model::Definition& definition, Right right);

// Recovery of what a restart left behind: starts the keeper if work is waiting and none lives. Once a session.
void on_first_call();

}  // namespace etl::api
