// The checks of what is read: its columns, its order, and whose code it would run.
#pragma once

#include "run/plan.hpp"

namespace etl::run {

// Names of the output, and for a superuser's pipeline the owners of all that it reads and calls.
void check_source(const pg::Analysis& source, unsigned owner);
// The names alone: every column has one, no two the same, none of ours.
void check_source_names(const pg::Analysis& source);

// The hint of a column that the source lacks.
std::string known_columns_hint(const pg::Analysis& source, const std::string& wrong);

// In which the feed is read: an incremental pipeline in that of its keys, another in that of the sink's.
void choose_order(Feed& feed, const model::Definition& definition, const std::vector<std::string>& keys);

}  // namespace etl::run
