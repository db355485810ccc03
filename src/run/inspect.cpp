#include "run/inspect.hpp"

#include "catalog/pipelines.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "run/dry_run.hpp"
#include "run/explain.hpp"
#include "run/plan.hpp"
#include "run/replan.hpp"
#include "run/replay.hpp"
#include "run/rest.hpp"
#include "run/session.hpp"
#include "run/table_loop.hpp"

namespace etl::run {

namespace {

void preview(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  Plan small = plan;
  small.at_once = false;
  small.definition.batch_size = arguments["rows"].GetInt64();
  Flow flow(small, {});
  flow.evaluate();
  flow.open();
  (void)flow.read(std::nullopt);
  flow.run_steps();
  pg::Relation& rows = flow.input(0);
  for (std::uint64_t i = 0; i < rows.rows() && i < static_cast<std::uint64_t>(small.definition.batch_size); ++i) {
    emit({rows.row_json(i)});
  }
}

// The target's rows and the checkpoint go in this one transaction.
void truncate(const Plan& plan, const json::Value& arguments, const Emit& emit) {
  const model::Definition& definition = plan.definition;
  if (plan.sends()) {
    throw Error("0A000", "only a table can be emptied by truncate_target", {},
                "Empty the index, or the table of the other server, by hand.");
  }
  const auto now = catalog::lock_pipeline(definition.id);
  if (!now || now->version != definition.version) {
    throw Error("40001", "pipeline \"" + definition.name + "\" was changed meanwhile", {}, "Try again.");
  }
  want_at_rest(definition, "reset");
  // First the checkpoint: a worker of the run before that is at its last batch has it locked, and that batch is to go
  // too.
  forget_position(definition, json::text_member(arguments, "role").value_or(""));
  std::uint64_t rows = 0;
  for (const SinkPlan& sink : plan.sinks) {
    if (!sink.table) continue;  // a file is written anew by the next run
    (void)pg::query_once("DELETE FROM " + sink.table->name);
    rows += pg::processed();
  }
  emit({std::to_string(rows)});
}

void look(const Plan& plan, const std::string& kind, const json::Value& arguments, const Emit& emit) {
  if (kind == "preview") preview(plan, arguments, emit);
  if (kind == "explain") explain(plan, arguments, emit);
  if (kind == "dry_run") dry_run(plan, arguments, emit);
}

// As a run would: each step by itself, from the moment that one fails.
void look_as_a_run_would(const model::Definition& definition, const std::string& kind, const json::Value& arguments,
                         const Emit& emit) {
  std::vector<std::vector<std::optional<std::string>>> told;  // nothing, if there is a second time
  const Plan plan = make_plan(definition, definition.owner);
  if (!plan.graph) return look(plan, kind, arguments, emit);
  try {
    look(plan, kind, arguments, [&](const auto& row) { told.push_back(row); });
  } catch (const Error& error) {
    if (!helps_each_step(plan, error)) throw;
    pg::abort_transaction();
    pg::begin();
    return look(make_plan(definition, definition.owner, true), kind, arguments, emit);
  }
  for (const auto& row : told) emit(row);
}

}  // namespace

void inspect(const model::Definition& definition, const std::string& kind, const json::Value& arguments,
             const Emit& emit) {
  pin_session(definition);
  pg::begin();
  // A DO block that asks may hold a lock that is wanted here, and no deadlock check sees it wait for the answer.
  if (kind == "truncate") pg::set_local("lock_timeout", "10s");
  const bool changes = kind == "truncate" || kind == "replay";
  if (!changes) {
    look_as_a_run_would(definition, kind, arguments, emit);
    return pg::abort_transaction();
  }
  const Plan plan = make_plan(definition, definition.owner);
  if (kind == "truncate") truncate(plan, arguments, emit);
  if (kind == "replay") replay(plan, arguments, emit);
  pg::commit(true);
}

}  // namespace etl::run
