// What each write mode asks of a target, and the statements that it needs.
#pragma once

#include "run/plan.hpp"

namespace etl::run {

// Bits of pg::Privileges.
unsigned privileges(model::WriteMode mode);

// The keys of a definition that names none.
std::vector<std::string> default_keys(const SinkPlan& sink, const pg::TargetTable& table);
// Which columns must have a unique index: the keys, and of a history also the version's begin.
std::vector<std::string> unique_columns(const SinkPlan& sink);

// Whether the write mode fills that column of the target.
bool is_managed(const SinkPlan& sink, const std::string& column);
// 42703, 42804: the target lacks a column that the write mode fills, or it has the wrong type; 42701: the source
// returns it; 22023: a range of another column. The expressions of a range are checked as a source is.
void check_managed(const SinkPlan& sink, const pg::TargetTable& table, unsigned owner);

// Fills sweep or history, and completes upsert, whose columns are those of the source.
void prepare_write_mode(SinkPlan& sink);
// The parser's errors of the mode's own statements. shape: of the sink's rows.
void check_statements(const SinkPlan& sink, pg::Relation& shape);

// 22023 when the mode of the pipeline and that of a sink do not go together. True: a run must be one batch.
bool needs_all_rows(const Plan& plan);

// 22023: what is read again would be appended again.
void check_append(const Plan& plan);

const pg::TargetColumn* find_target_column(const pg::TargetTable& table, const std::string& name);

}  // namespace etl::run
