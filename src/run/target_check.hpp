// The checks of a target: is it allowed, is it there, may the owner write it, does the source fit it.
#pragma once

#include "run/plan.hpp"

namespace etl::run {

// Fills table, or server with object and remote_table, and keys.
void check_target(SinkPlan& sink, const Plan& plan, unsigned owner);
// In each transaction that writes the target, before it does: 42501 when a superuser's pipeline would run code of
// somebody else's that has come since.
void look_again(SinkPlan& sink);
// 42703, 428C9, 23502: the table lacks a column that the source returns, or computes it, or the source lacks one that
// the table needs.
void check_columns(const SinkPlan& sink, const pg::TargetTable& table);
// Types whose length a cast would silently cut: they are compared without it, and the assignment checks it.
bool cast_cuts(const std::string& type);
// Of a file: 42501 when the owner may not write files, or not that one; fills keys, in whose order rows are written.
void check_file(SinkPlan& sink);
// Fills upsert and key_range, and has the parser check that the types fit. `order`: in which the rows come, if in one.
void prepare_upsert(SinkPlan& sink, const std::vector<std::string>& order);
// A target written as patterns are: schema.table, or server:index.
std::string target_as_listed(const SinkPlan& sink);

}  // namespace etl::run
