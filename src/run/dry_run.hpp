// Batches with all their effects, to be rolled back by the caller: what would be inserted, updated, refused or sent.
#pragma once

#include <optional>

#include "pg/relation.hpp"
#include "run/flow.hpp"
#include "run/inspect.hpp"
#include "run/plan.hpp"

namespace etl::run {

// Emits (batch, action, key, before, after, payload, error_code, error_message). Nothing is sent to a remote system.
void dry_run(const Plan& plan, const json::Value& arguments, const Emit& emit);

// Rows of a batch, or of the whole set, that would become dead letters before a sink sees them, as errors.
void tell_left_out(const Flow& flow, const std::string& batch, const Emit& emit);

// Where the next run would start: the checkpoint of an incremental pipeline, otherwise the beginning.
std::optional<pg::Key> resume_position(const Plan& plan);

}  // namespace etl::run
