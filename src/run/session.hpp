// What a worker's session must look like before it touches a pipeline.
#pragma once

#include "model/definition.hpp"

namespace etl::run {

// The settings on which checkpoints and JSON depend, and the owner's search_path (internals.md 19).
void pin_session(const model::Definition& definition);
// Of these, what decides how a value is written as text: until the end of the transaction, or of pg::ActingAs.
void pin_formats();

}  // namespace etl::run
