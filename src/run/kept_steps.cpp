#include "run/kept_steps.hpp"

#include "catalog/kept_steps.hpp"
#include "pg/analyze.hpp"
#include "pg/binary_rows.hpp"
#include "pg/transaction.hpp"

namespace etl::run {

namespace {

constexpr std::size_t kPartBytes = 1 << 20;

// What is kept serves the same definition, and rows of the same types.
std::string shape_of(const Plan& plan, const std::string& step) {
  std::string shape = std::to_string(plan.definition.version);
  for (const pg::Column& column : plan.graph->columns(step)) {
    shape += ", " + column.name + " " + pg::type_name(column.type, column.typmod);
  }
  return shape;
}

void keep_rows(std::int64_t run, const std::string& step, pg::Relation& rows) {
  pg::BinaryWriter writer(rows.columns());
  pg::BinaryRows part;
  int number = 0;
  const auto save = [&] {
    if (part.size() > 0) catalog::keep_rows(run, step, number++, part.rows());
    part.clear();
  };
  writer.start(rows);
  while (writer.next(part)) {
    if (part.bytes() >= kPartBytes) save();
  }
  save();
}

void load_rows(std::int64_t run, const std::string& step, pg::Relation& rows) {
  pg::BinaryReader reader(rows);
  for (int number = 0;; ++number) {
    std::optional<std::string> part = catalog::read_kept_rows(run, step, number);
    if (!part) return;
    reader.append_all(part->data(), part->size(), rows);
  }
}

// True: it need not run.
bool take_up(Evaluation& evaluation, const model::Step& step, const std::string& shape, Context& context) {
  const auto found = catalog::find_kept_step(context.run, step.id, shape);
  if (!found) return false;
  load_rows(context.run, step.id, evaluation.relation(step.id));
  evaluation.add_found(*found);
  context.steps.done_before(step.id);
  return true;
}

void run_and_keep(Evaluation& evaluation, const model::Step& step, const std::string& shape, Context& context) {
  evaluation.run_one(step);
  catalog::keep_step(context.run, step.id, shape, evaluation.found_by(step.id));
  keep_rows(context.run, step.id, evaluation.relation(step.id));
  context.steps.add({evaluation.work().back()}, true);
}

}  // namespace

void evaluate_and_keep(Flow& flow, Context& context) {
  const Plan& plan = context.plan;
  context.steps.rolled_back();
  pg::begin();
  Evaluation& evaluation = flow.start_evaluation();
  pg::commit(false);
  for (const model::Step& step : plan.graph->steps()) {
    if (kind_of(plan.graph->steps(), step) == model::Kind::kSink) continue;
    pg::begin_one_snapshot();
    const std::string shape = shape_of(plan, step.id);
    if (!take_up(evaluation, step, shape, context)) run_and_keep(evaluation, step, shape, context);
    context.steps.save();
    pg::commit(false);
    context.steps.committed();
  }
}

}  // namespace etl::run
