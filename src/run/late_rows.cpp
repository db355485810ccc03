#include "run/late_rows.hpp"

#include <algorithm>

#include "pg/read_only.hpp"
#include "run/operators.hpp"

namespace etl::run {

using model::Kind;

namespace {

[[noreturn]] void refuse(const std::string& step, const std::string& why) {
  throw Error("0A000", "dead letters of step \"" + step + "\" cannot be replayed", why,
              "Mend the source and run the pipeline again, or leave them out by where_sql: step <> '" + step + "'.");
}

}  // namespace

LateRows::LateRows(const Plan& plan, const std::string& step) : plan_(plan) {
  const Graph& graph = *plan_.graph;
  want_rows(graph.step(step));
  const bool transforms = !graph.step(step).depends_on.empty();
  plan_.paged_step = transforms ? graph.step(step).depends_on[0] : step;
  plan_.relations = {plan_.paged_step};
  plan_.definition.mode = "full";  // what is joined is read from its beginning
  if (transforms) behind_.insert(step);
  find_way(step);
  page_ = std::make_unique<pg::Relation>(graph.columns(plan_.paged_step), true);
  page_->clear();
  evaluation_ = std::make_unique<Evaluation>(plan_, page_.get());
}

void LateRows::want_rows(const model::Step& step) const {
  const bool source = step.depends_on.empty();
  const auto origin = source ? plan_.graph->origin(step) : nullptr;
  if (origin != nullptr && !origin->has_order()) refuse(step.id, "They are what could not be read as rows.");
  if (step.depends_on.size() > 1) refuse(step.id, "The step takes rows of several others.");
  if (!source && plan_.way != Way::kBatch && !takes_rows_alone(step)) {
    refuse(step.id, "The step looks at all rows of a set.");
  }
}

// Whether what the step gives for these rows is the same when others come with them.
bool LateRows::takes_rows_alone(const model::Step& step) const {
  if (find_operator(step.op, Kind::kTransform)->of_batch.empty() || step.op == "union" || step.op == "check")
    return true;
  if (step.op != "join") return false;
  const json::Document params = json::parse(step.params, "params");
  const std::string type = json::text_member(params, "type").value_or("inner");
  const auto late = [&](const char* side) {
    const std::string input(json::text(params[side]));
    return input == plan_.paged_step || behind_.contains(input);
  };
  if (type == "inner") return !late("left") || !late("right");
  if (type == "right") return !late("left");
  return type != "full" && !late("right");
}

// Finds what is behind the step, and which relations that needs.
void LateRows::find_way(const std::string& step) {
  const Graph& graph = *plan_.graph;
  for (const model::Step& next : graph.steps()) {
    const bool follows = std::any_of(next.depends_on.begin(), next.depends_on.end(), [&](const std::string& input) {
      return input == step || behind_.contains(input);
    });
    if (!follows) continue;
    behind_.insert(next.id);
    const Kind kind = kind_of(graph.steps(), next);
    if (kind == Kind::kTransform && plan_.way != Way::kBatch && !takes_rows_alone(next)) {
      refuse(step, "Step \"" + next.id + "\" behind it looks at all rows of a set.");
    }
    if (graph.rules().contains(next.id)) plan_.relations.insert(next.depends_on.begin(), next.depends_on.end());
    const bool merges = kind == Kind::kSink || next.op == "union";
    for (const std::string& input : next.depends_on) {
      if (input == step || behind_.contains(input)) continue;
      if (input == plan_.paged_step && !merges)
        refuse(step, "Step \"" + next.id + "\" behind it takes its input, too.");
      if (merges) {
        plan_.relations.insert(input);  // stays empty: the rows of other branches have gone their way
      } else {
        need(input);
      }
    }
  }
  for (std::size_t i = 0; i < plan_.sinks.size(); ++i) {
    if (behind_.contains(plan_.sinks[i].step)) sinks_.push_back(i);
  }
}

// Of what is joined, the sources that PostgreSQL cannot read.
void LateRows::need(const std::string& step) {
  if (plan_.graph->origin(plan_.graph->step(step)) != nullptr) {
    plan_.relations.insert(step);
    read_.insert(step);
  }
  for (const std::string& input : plan_.graph->step(step).depends_on) need(input);
}

void LateRows::run() {
  evaluation_->start();
  for (const model::Step& step : plan_.graph->steps()) {
    if (kind_of(plan_.graph->steps(), step) == Kind::kSink) continue;
    if (step.id != plan_.paged_step && (behind_.contains(step.id) || read_.contains(step.id))) {
      evaluation_->run_one(step);
    }
  }
  if (evaluation_->violations().empty()) return;
  const Violation& first = evaluation_->violations().front();
  Error error("23514", first.message, "Rule " + first.rule + " of check \"" + first.step + "\" finds the row still.",
              "Mend it by a patch, or leave it out by where_sql.");
  error.step = first.step;
  throw error;
}

void LateRows::read(std::size_t sink, pg::Relation& rows) {
  const pg::ReadOnlyScope read_only;
  pg::Statement statement(plan_.graph->query(plan_.sinks[sink].step, plan_.relations), {}, evaluation_->relations(),
                          pg::Planning::kFree);
  statement.read(rows);
}

}  // namespace etl::run
