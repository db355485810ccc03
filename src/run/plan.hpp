// A definition checked against the database: what a worker needs to run it, or the error that says why it cannot.
//
// Made by parse analysis only (never the planner, which would run user functions), with the rights and the search_path
// of the session: once when the pipeline is defined, and again by the worker before each run, since the definition, the
// tables and the rights may have changed behind our back.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/checkpoints.hpp"
#include "compile/history.hpp"
#include "compile/sweep.hpp"
#include "compile/upsert.hpp"
#include "core/error.hpp"
#include "model/definition.hpp"
#include "model/finding.hpp"
#include "model/options.hpp"
#include "pg/analyze.hpp"
#include "pg/server.hpp"
#include "pg/target.hpp"
#include "run/graph.hpp"
#include "sink/file_sink.hpp"
#include "sink/postgres_sender.hpp"
#include "source/origin.hpp"

namespace etl::run {

using model::Finding;

// One SELECT that is read in pages, in an order.
struct Feed {
  std::string query;
  pg::Analysis source;
  std::vector<std::string> order;  // columns in which it is read
  std::vector<unsigned> order_types;
  std::vector<std::string> position_types;  // name, type and collation of each: a position is good for these only
  std::vector<compile::Operators> order_operators;
  bool keys_may_be_null = true;                  // of the order, or of the sink's keys
  std::shared_ptr<const source::Origin> origin;  // then this instead of a query

  bool by_order() const { return !origin || origin->has_order(); }  // else the origin says where it stands
};

// One target.
struct SinkPlan {
  std::string step;    // id
  std::string target;  // as the definition names it
  std::optional<std::vector<std::string>> key_columns;
  std::vector<pg::Column> columns;       // of the rows that it takes
  std::vector<std::string> keys;         // identify a row in the target
  std::optional<pg::TargetTable> table;  // target in this database
  // Of `table`, for a superuser who is to run their code: what is written with it, and the changes of the catalogs when
  // it was looked at.
  struct Watched {
    std::vector<unsigned> tables;
    std::uint64_t changes = 0;
  };
  std::optional<Watched> watched;
  model::Write write;  // of `table`
  compile::Upsert upsert;
  std::optional<compile::Sweep> sweep;      // write modes replace, replace_range, soft_delete
  unsigned range_type = 0;                  // of its range's column
  std::optional<compile::History> history;  // write mode scd2
  bool key_range = false;                   // pages come in the order of the target's key, in its type and collation
  std::optional<sink::FileTarget> file;     // or a file
  std::string call;                         // or what etl.register_operator() made: the SELECT that takes `input`
  std::optional<pg::Server> server;         // or what a server has: an index, or
  std::string object;
  std::optional<sink::RemoteTable> remote_table;
  // Tells a target from one that was made anew or is elsewhere: a table by its OID, what a server has by the server's
  // url. Empty where no run goes on with what is there (a file).
  std::string identity;

  bool is_index() const { return server && !remote_table; }
};

// How rows get from the feeds to the sinks.
enum class Way {
  kDirect,  // the one feed's pages are what the one sink takes
  kBatch,   // the one feed's page is a relation that the steps are run on; the sinks take what comes out
  kWhole,   // the steps are run on all rows; each sink has a feed of its own, in the order of its keys
};

struct Plan {
  model::Definition definition;
  model::Options options;
  std::optional<Graph> graph;  // of the steps; nothing: source and target
  Way way = Way::kDirect;
  bool straight = false;  // kBatch of an origin: no step lies between the page and the one sink
  // The rows of every step wait in a relation, so that rows on which one fails can be found, and left out.
  bool each_step = false;
  bool at_once = false;        // a run is one batch: a sink needs all rows, or the source's rows are in no order
  Graph::Relations relations;  // steps whose rows wait in a relation
  // kWhole: groups of these that run on workers of their own, each of one layer.
  std::vector<Graph::Relations> parallel;
  std::string paged_step;             // kBatch: whose rows the feed reads
  std::vector<pg::BaseTable> tables;  // all that is read
  std::vector<Feed> feeds;
  std::vector<SinkPlan> sinks;
  std::string safety;  // incremental: xact, lock or overlap
  std::string safety_reason;
  std::vector<Finding> warnings;
  std::string correlation_id;  // of the run; empty: there is none

  const Feed& feed() const { return feeds[0]; }
  const SinkPlan& sink() const { return sinks[0]; }
  // Of an index alone, to which several batches are under way at once.
  bool is_remote() const { return sinks.size() == 1 && sinks[0].is_index(); }
  bool sends() const {
    return std::any_of(sinks.begin(), sinks.end(), [](const SinkPlan& sink) { return sink.server.has_value(); });
  }
};

// How many rows a page has, at least.
std::uint64_t page_rows(const Plan& plan);

// A key of the whole plan: that of every feed, one after the other.
std::vector<std::string> position_types(const Plan& plan);

// Throws the first broken rule; of steps, all of them in one. `owner` is the role that will run it.
Plan make_plan(const model::Definition& definition, unsigned owner, bool each_step = false);

// Everything that is wrong with the definition's steps, found as their owner. A definition without steps has none.
std::vector<Finding> find_faults(const model::Definition& definition);

// Keeps what the plan reads and writes in the catalog.
void note_objects(const Plan& plan, std::int64_t pipeline);

// Why `owner` can have no session in this database, which a worker needs.
std::optional<Error> missing_session(unsigned owner);

// nullptr: there is none of that name.
const pg::Column* find_column(const std::vector<pg::Column>& columns, const std::string& name);

// The identities of the sinks.
std::vector<std::string> identities(const Plan& plan);

// Throws 55000 unless each sink is one that holds the rows up to the checkpoint.
void check_targets(const Plan& plan, const catalog::Checkpoint& checkpoint);

// Throws 55000 unless a position, which was saved in the order of `types`, stands in the plan's order, too.
void check_position(const Plan& plan, const std::vector<std::string>& types);

// By which generated SQL compares values of the type.
compile::Operators operators_of(unsigned type);

// Checks that the owner can have a session, and what else comes before all other checks.
void check_owner(unsigned owner);

}  // namespace etl::run
