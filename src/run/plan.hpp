// A definition checked against the database: what a worker needs to run it, or the error that says why it cannot.
//
// Made by parse analysis only (never the planner, which would run user functions), with the rights and the search_path
// of the session: once when the pipeline is defined, and again by the worker before each run, since the definition, the
// tables and the rights may have changed behind our back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compile/upsert.hpp"
#include "core/error.hpp"
#include "model/definition.hpp"
#include "model/finding.hpp"
#include "model/options.hpp"
#include "pg/analyze.hpp"
#include "pg/server.hpp"
#include "pg/target.hpp"
#include "run/graph.hpp"

namespace etl::run {

using model::Finding;

struct Plan {
  model::Definition definition;  // one of steps has its source, target and key_columns from them here
  std::optional<Graph> graph;    // of the steps
  model::Options options;
  pg::Analysis source;
  std::vector<std::string> keys;   // identify a row in the target
  std::vector<std::string> order;  // in which the source is read
  std::vector<unsigned> order_types;
  std::vector<std::string> position_types;  // name, type and collation of each: a position is good for these only
  std::vector<compile::Operators> order_operators;
  std::optional<pg::TargetTable> table;  // target in this database
  compile::Upsert upsert;                // of `table`
  bool key_range = false;                // pages come in the order of the target's key, in its type and collation
  std::optional<pg::Server> server;      // or a remote one
  std::string index;
  std::string safety;  // incremental: xact, lock or overlap
  std::string safety_reason;
  bool keys_may_be_null = true;
  std::vector<Finding> warnings;
};

// Throws the first broken rule; of steps, all of them in one. `owner` is the role that will run it.
Plan make_plan(const model::Definition& definition, unsigned owner);

// Everything that is wrong with the definition's steps, found as their owner. A definition without steps has none.
std::vector<Finding> find_faults(const model::Definition& definition);

// Keeps what the plan reads and writes in the catalog.
void note_objects(const Plan& plan, std::int64_t pipeline);

// Why `owner` can have no session in this database, which a worker needs.
std::optional<Error> missing_session(unsigned owner);

// nullptr: the source has no output column of that name.
const pg::Column* find_column(const pg::Analysis& source, const std::string& name);

// Throws 55000 unless a position, which was saved in the order of `types`, stands in the plan's order, too.
void check_position(const Plan& plan, const std::vector<std::string>& types);

// By which generated SQL compares values of the type.
compile::Operators operators_of(unsigned type);

// CREATE TABLE for the source's columns, with key_columns as primary key.
std::string create_target_sql(const model::Definition& definition);

}  // namespace etl::run
