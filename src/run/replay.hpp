// Dead letters, back into the target.
#pragma once

#include "run/inspect.hpp"
#include "run/plan.hpp"

namespace etl::run {

// Arguments: where_sql (a condition on the columns of etl.dead_letters), patch (a JSON object laid over each record).
// Writes all that match, or none; emits how many.
void replay(const Plan& plan, const json::Value& arguments, const Emit& emit);

// Marks those of the letters (an array of ids) that are still pending; returns how many.
std::int64_t mark_replayed(const Plan& plan, const std::string& letters);
// The same for an index, and for a table of another server: sent, acknowledged, then marked. A crash between leaves the
// letters pending.
void replay_documents(const Plan& plan, pg::Relation& page, const std::string& letters, const Emit& emit);
void replay_rows(const Plan& plan, pg::Relation& page, const std::string& letters, const Emit& emit);

}  // namespace etl::run
