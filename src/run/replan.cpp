#include "run/replan.hpp"

#include <algorithm>

#include "pg/transaction.hpp"
#include "run/kept_steps.hpp"
#include "run/parallel_steps.hpp"

namespace etl::run {

namespace {

// Runs the steps of a whole set, in a transaction of its own, and notes what they did.
void evaluate(Flow& flow, Context& context) {
  if (context.plan.options.materialize) return evaluate_and_keep(flow, context);
  context.steps.rolled_back();
  pg::begin_one_snapshot();
  Evaluation& evaluation = flow.start_evaluation();
  try {
    for (const Stage& stage : stages(context.plan)) run_stage(evaluation, context, stage);
  } catch (const Error&) {
    context.steps.add(evaluation.work(), true);
    throw;
  }
  pg::commit(false);
  context.steps.add(evaluation.work(), true);
}

}  // namespace

void plan_anew(Context& context, bool each_step) {
  const std::vector<std::string> types = position_types(context.plan);
  pg::begin();
  context.plan = make_plan(context.plan.definition, context.plan.definition.owner, each_step);
  context.plan.correlation_id = context.correlation_id;
  pg::commit(false);
  check_position(context.plan, types);
}

bool helps_each_step(const Plan& plan, const Error& error) {
  if (classify(error.sqlstate) != ErrorClass::kData || !plan.graph || plan.each_step) return false;
  const model::Steps& steps = plan.graph->steps();
  return std::any_of(steps.begin(), steps.end(),
                     [&](const model::Step& step) { return kind_of(steps, step) == model::Kind::kTransform; });
}

std::unique_ptr<Flow> start_flow(Context& context, const source::Range& range) {
  for (;;) {
    auto flow = std::make_unique<Flow>(context.plan, range);
    if (context.plan.way != Way::kWhole) return flow;
    try {
      evaluate(*flow, context);
      return flow;
    } catch (const Error& error) {
      if (!helps_each_step(context.plan, error)) throw;
      pg::abort_transaction();
    }
    flow.reset();
    plan_anew(context, true);
  }
}

}  // namespace etl::run
