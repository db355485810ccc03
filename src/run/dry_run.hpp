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

// Rows that checks would quarantine, as errors.
void tell_violations(const Flow& flow, const std::string& batch, const Emit& emit);

// Where the next run would start: the checkpoint of an incremental pipeline, otherwise the beginning.
std::optional<pg::Key> resume_position(const Plan& plan);

}  // namespace etl::run
