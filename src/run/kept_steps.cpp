#include "run/kept_steps.hpp"

#include "catalog/kept_steps.hpp"
#include "pg/analyze.hpp"
#include "pg/binary_rows.hpp"
#include "pg/transaction.hpp"
#include "run/parallel_steps.hpp"

namespace etl::run {

namespace {

constexpr std::size_t kPartBytes = 1 << 20;

// What is kept serves the same definition, and rows of the same types.
std::string shape_of(const Plan& plan, const std::string& step) {
  return std::to_string(plan.definition.version) + ", " + plan.graph->shape(step);
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
bool take_up(Evaluation& evaluation, const model::Step& step, Context& context) {
  const auto found = catalog::find_kept_step(context.run, step.id, shape_of(context.plan, step.id));
  if (!found) return false;
  load_rows(context.run, step.id, evaluation.relation(step.id));
  evaluation.add_found(*found);
  context.steps.done_before(step.id);
  return true;
}

void keep(Evaluation& evaluation, const model::Step& step, const Context& context) {
  catalog::keep_step(context.run, step.id, shape_of(context.plan, step.id), evaluation.found_by(step.id));
  keep_rows(context.run, step.id, evaluation.relation(step.id));
}

// Those that are not kept.
void run_and_keep(Evaluation& evaluation, const Stage& stage, Context& context) {
  Stage missing;
  for (const model::Step* step : stage) {
    if (!take_up(evaluation, *step, context)) missing.push_back(step);
  }
  if (missing.empty()) return;
  const std::size_t done = evaluation.work().size();
  run_stage(evaluation, context, missing);
  for (const model::Step* step : missing) keep(evaluation, *step, context);
  context.steps.add({evaluation.work().begin() + static_cast<std::ptrdiff_t>(done), evaluation.work().end()}, true);
}

}  // namespace

void evaluate_and_keep(Flow& flow, Context& context) {
  context.steps.rolled_back();
  pg::begin();
  Evaluation& evaluation = flow.start_evaluation();
  pg::commit(false);
  for (const Stage& stage : stages(context.plan)) {
    pg::begin_one_snapshot();
    run_and_keep(evaluation, stage, context);
    context.steps.save();
    pg::commit(false);
    context.steps.committed();
  }
}

}  // namespace etl::run
