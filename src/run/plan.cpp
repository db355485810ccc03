#include "run/plan.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "catalog/pipelines.hpp"
#include "core/nearest.hpp"
#include "core/quote.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "pg/statement.hpp"
#include "run/plan_steps.hpp"
#include "run/safety.hpp"
#include "run/source_check.hpp"
#include "run/target_check.hpp"
#include "run/write_check.hpp"

namespace etl::run {

const pg::Column* find_column(const std::vector<pg::Column>& columns, const std::string& name) {
  for (const pg::Column& column : columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

namespace {

// Integers of any width are in the same order, and have the same texts.
std::string order_of(const std::string& position_type) {
  for (const std::string_view type : {" smallint", " bigint"}) {
    if (position_type.ends_with(type)) return position_type.substr(0, position_type.size() - type.size()) + " integer";
  }
  return position_type;
}

std::string list_of(const std::vector<std::string>& parts) {
  std::string list;
  for (const std::string& part : parts) list += (list.empty() ? "" : ", ") + part;
  return list;
}

// The id of the source that a user most likely means: an output column that is unique by itself.
std::string unique_column(const pg::Analysis& source) {
  for (const pg::Column& column : source.columns) {
    pg::Origin origin;
    if (pg::find_origin(column, origin) && pg::is_unique_column(column.origin_table, column.origin_column)) {
      return column.name;
    }
  }
  return {};
}

// The pure rules, with hints that need the database.
void check_contract(const model::Definition& definition, const pg::Analysis& source) {
  try {
    model::check_definition(definition);
  } catch (Error& error) {
    if (definition.mode == "incremental" && definition.incremental_key && !definition.incremental_id_key) {
      const std::string id = unique_column(source);
      if (!id.empty()) {
        error.hint = "The source returns " + id + ", which is unique: try incremental_id_key => '" + id + "'.";
      }
    }
    throw;
  }
}

void plan_direct(Plan& plan, unsigned owner) {
  const model::Definition& definition = plan.definition;
  Feed feed;
  feed.query = definition.source;
  // The contract's hints look at the source; a source that cannot be analysed is the error to report only after it.
  try {
    feed.source = pg::analyze_select(feed.query);
  } catch (const Error&) {
    model::check_definition(definition);
    throw;
  }
  check_contract(definition, feed.source);
  plan.options = model::parse_options(definition.options);
  check_source(feed.source, owner);
  SinkPlan sink;
  sink.step = "sink";
  sink.target = definition.target;
  sink.key_columns = definition.key_columns;
  sink.columns = feed.source.columns;
  sink.write = plan.options.write;
  check_target(sink, plan, owner);
  choose_order(feed, definition, sink.keys);
  if (sink.table) prepare_upsert(sink, feed.order);
  feed.source.columns = sink.columns;
  plan.tables = feed.source.tables;
  plan.feeds.push_back(std::move(feed));
  plan.sinks.push_back(std::move(sink));
  plan.at_once = needs_all_rows(plan);
}

}  // namespace

Plan make_plan(const model::Definition& definition, unsigned owner, bool each_step) {
  Plan plan;
  plan.each_step = each_step;
  plan.definition = definition;
  if (definition.source.empty() || definition.steps) model::check_definition(definition);
  check_owner(owner);
  if (definition.steps) {
    plan_steps(plan, owner);
  } else {
    plan_direct(plan, owner);
  }
  if (definition.mode == "incremental" && plan.feed().by_order()) choose_safety(plan);
  check_append(plan);
  return plan;
}

std::uint64_t page_rows(const Plan& plan) {
  return plan.at_once ? static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                      : static_cast<std::uint64_t>(plan.definition.batch_size);
}

void check_owner(unsigned owner) {
  if (const auto error = missing_session(owner)) throw *error;
}

std::vector<std::string> position_types(const Plan& plan) {
  std::vector<std::string> all;
  for (const Feed& feed : plan.feeds) all.insert(all.end(), feed.position_types.begin(), feed.position_types.end());
  return all;
}

std::optional<Error> missing_session(unsigned owner) {
  if (!pg::role_exists(owner)) {
    return Error("42704", "the pipeline's owner does not exist any more", "It had OID " + std::to_string(owner) + ".",
                 "Give it another owner with etl.alter_pipeline_owner().");
  }
  const std::string role = "role \"" + pg::role_name(owner) + "\"";
  if (!pg::can_login(owner)) {
    return Error("42501", role + " cannot log in", "It is the pipeline's owner.",
                 "Use a role with LOGIN: a worker's session is the owner's session.");
  }
  if (!pg::can_connect(owner)) {
    return Error("42501", role + " cannot connect to this database", "It is the pipeline's owner.",
                 "Run: GRANT CONNECT ON DATABASE … TO " + quote_name(pg::role_name(owner)) +
                     "; a worker's session is the owner's session.");
  }
  return std::nullopt;
}

void check_position(const Plan& plan, const std::vector<std::string>& types) {
  const std::vector<std::string> now = position_types(plan);
  if (std::equal(types.begin(), types.end(), now.begin(), now.end(),
                 [](const std::string& was, const std::string& is) { return order_of(was) == order_of(is); })) {
    return;
  }
  throw Error(
      "55000", "the order of the source has changed since its position was saved",
      "The position is one of (" + list_of(types) + "), the source is in the order of (" + list_of(now) + ") now.",
      "Use etl.reset() to read the source from its start.");
}

std::vector<std::string> identities(const Plan& plan) {
  std::vector<std::string> targets;
  for (const SinkPlan& sink : plan.sinks) {
    if (!sink.identity.empty()) targets.push_back(sink.identity);
  }
  return targets;
}

void check_targets(const Plan& plan, const catalog::Checkpoint& checkpoint) {
  if (!checkpoint.targets) return;
  const std::vector<std::string>& known = *checkpoint.targets;
  for (const SinkPlan& sink : plan.sinks) {
    if (sink.identity.empty() || std::find(known.begin(), known.end(), sink.identity) != known.end()) continue;
    const std::string was = known.empty() ? "a file" : list_of(known);
    const std::string name = quote_literal(plan.definition.name);
    throw Error("55000", "target \"" + sink.target + "\" is not the one that was loaded so far",
                "It is " + sink.identity + ", and was " + was + ": rows up to the checkpoint may be missing in it.",
                "To load all rows: SELECT etl.reset(" + name +
                    "). If it holds those up to the checkpoint: SELECT etl.accept_target(" + name + ").");
  }
}

compile::Operators operators_of(unsigned type) {
  return {pg::btree_operator(type, pg::Compare::kLess), pg::btree_operator(type, pg::Compare::kLessOrEqual),
          pg::btree_operator(type, pg::Compare::kEqual), pg::btree_operator(type, pg::Compare::kGreaterOrEqual),
          pg::btree_operator(type, pg::Compare::kGreater)};
}

void note_objects(const Plan& plan, std::int64_t pipeline) {
  catalog::Objects objects;
  for (const pg::BaseTable& table : plan.tables) objects.read.push_back(table.oid);
  for (const SinkPlan& sink : plan.sinks) {
    if (sink.table) objects.written.push_back(sink.table->oid);
    if (sink.server) objects.servers.push_back(sink.server->gate.server);
  }
  for (std::size_t i = 0; plan.graph && i < plan.graph->steps().size(); ++i) {
    const auto origin = plan.graph->origin(plan.graph->steps()[i]);
    const std::optional<pg::Server> server = origin ? origin->server() : std::nullopt;
    if (server) objects.servers.push_back(server->gate.server);
  }
  catalog::note_objects(pipeline, objects);
}

}  // namespace etl::run
