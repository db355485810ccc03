#include "run/parallel_steps.hpp"

#include <algorithm>
#include <list>

#include "catalog/pipelines.hpp"
#include "catalog/runs.hpp"
#include "core/json.hpp"
#include "pg/exchange.hpp"
#include "pg/row_stream.hpp"
#include "pg/settings.hpp"
#include "pg/transaction.hpp"
#include "run/session.hpp"
#include "run/slices.hpp"

namespace etl::run {

namespace {

// Messages to the worker: the rows of each of the step's inputs, and kEnd behind them. From it: the rows of the step
// and kDone with what Evaluation::report() gives, or kError with {"error", "timed_out"}. The first character says
// which.
constexpr char kRows = 'R';
constexpr char kEnd = 'N';
constexpr char kDone = 'D';
constexpr char kError = 'E';

// False: nobody takes them any more.
template <class Send>
bool send_rows(pg::Relation& rows, Send send) {
  pg::RowStream stream(rows);
  for (std::string part; stream.next(part);) {
    if (!send(kRows + part)) return false;
  }
  return true;
}

// What the worker's plan must be like.
std::string shape_of(const Plan& plan, const std::string& step) {
  std::string shape = std::to_string(plan.definition.version) + ", " + plan.graph->shape(step);
  for (const std::string& input : plan.graph->inputs(step, plan.relations)) shape += "; " + plan.graph->shape(input);
  return shape;
}

class StepWorker {
 public:
  StepWorker(const Context& context, const model::Step& step, const std::string& snapshot)
      : plan_(context.plan),
        step_(step),
        asker_(helper_task(context, pg::Job::kStep), question(context, step, snapshot)) {}

  bool started() const { return asker_.started(); }
  std::int64_t failed_us() const { return asker_.failed_us(); }

  void send_inputs(Evaluation& evaluation) {
    const auto send = [&](const std::string& message) { return asker_.send(message); };
    for (const std::string& input : plan_.graph->inputs(step_.id, plan_.relations)) {
      if (!send_rows(evaluation.relation(input), send) || !send({kEnd})) return;  // take() tells why
    }
  }

  // Waits for the step's rows. What no worker has begun, the leader does.
  void take(Evaluation& evaluation) {
    bool begun = false;
    while (const auto message = asker_.receive()) {
      begun = true;
      const std::string body = message->substr(1);
      if (message->front() == kError) throw_error(body);
      if (message->front() == kRows) {
        pg::append_rows(body, evaluation.relation(step_.id));
        continue;
      }
      asker_.finish();
      return evaluation.add_report(body);
    }
    if (begun) throw lost();
    evaluation.run_one(step_);
  }

  void ignore_failure() { asker_.ignore_failure(); }
  // Why it failed, when that has not been thrown already.
  void throw_failure() {
    while (const auto message = told_ ? std::nullopt : asker_.receive()) {
      if (message->front() == kError) throw_error(message->substr(1));
    }
    if (!told_) throw lost();
  }

 private:
  static std::string question(const Context& context, const model::Step& step, const std::string& snapshot) {
    return json::Object()
        .add("step", step.id)
        .add("snapshot", snapshot)
        .add("shape", shape_of(context.plan, step.id))
        .add("correlation_id", context.correlation_id)
        .add_raw("each_step", context.plan.each_step ? "true" : "false")
        .str();
  }

  [[noreturn]] void throw_error(const std::string& body) {
    told_ = true;
    asker_.finish();
    const json::Document failure = json::parse(body, "a step's failure");
    if (failure["timed_out"].GetBool()) pg::count_as_timer();
    throw error_from_json(json::write(failure["error"]));
  }

  Error lost() const {
    Error error("53000", "the worker of step \"" + step_.id + "\" ended before the step was done", {},
                "Look into the server's log.");
    error.step = step_.id;
    return error;
  }

  const Plan& plan_;
  const model::Step& step_;
  pg::Asker asker_;
  bool told_ = false;
};

// The one that failed first; nullptr: none has.
StepWorker* first_failed(std::list<StepWorker>& workers) {
  StepWorker* first = nullptr;
  for (StepWorker& worker : workers) {
    if (worker.failed_us() == 0) continue;
    if (first == nullptr || worker.failed_us() < first->failed_us()) first = &worker;
  }
  return first;
}

// In a worker. Runs the step that the question names.
void serve(pg::Answerer& exchange, const pg::Task& task) {
  const json::Document question = json::parse(exchange.question(), "a question");
  const std::string step(json::text(question["step"]));
  const std::string correlation_id(json::text(question["correlation_id"]));
  pg::begin();
  const auto definition = catalog::find_pipeline(task.pipeline);
  pg::commit(false);
  const Error changed("40001", "the pipeline, or what it reads, was changed as step \"" + step + "\" began");
  if (!definition || definition->owner != task.role) throw changed;
  pin_session(*definition);
  pg::set_worker_name("pg_etl: " + correlation_id + " " + definition->name + " step " + step);
  const auto step_timeout = static_cast<int>(model::parse_options(definition->options).step_timeout_ms);
  std::optional<pg::StatementTimer> planning(step_timeout);
  pg::begin();
  catalog::check_version();
  Plan plan = make_plan(*definition, definition->owner, question["each_step"].GetBool());
  plan.correlation_id = correlation_id;
  if (!plan.relations.contains(step) || shape_of(plan, step) != json::text(question["shape"])) throw changed;
  pg::commit(false);
  planning.reset();

  pg::begin_one_snapshot(std::string(json::text(question["snapshot"])));
  Evaluation evaluation(plan, nullptr);
  evaluation.start();
  for (const std::string& input : plan.graph->inputs(step, plan.relations)) {
    for (std::string message = exchange.receive(); message.front() == kRows; message = exchange.receive()) {
      pg::append_rows(message.substr(1), evaluation.relation(input));
    }
  }
  evaluation.run_one(plan.graph->step(step));
  pg::commit(false);  // what it has locked may be what the leader waits for
  (void)send_rows(evaluation.relation(step), [&](const std::string& message) {
    exchange.send(message);
    return true;
  });
  exchange.send(kDone + evaluation.report(step));
}

}  // namespace

std::vector<Stage> stages(const Plan& plan) {
  std::vector<Stage> all;
  std::set<std::string> placed;
  for (const model::Step& step : plan.graph->steps()) {
    if (kind_of(plan.graph->steps(), step) == model::Kind::kSink || placed.contains(step.id)) continue;
    const auto group = std::find_if(plan.parallel.begin(), plan.parallel.end(),
                                    [&](const Graph::Relations& ids) { return ids.contains(step.id); });
    Stage& stage = all.emplace_back();
    if (group == plan.parallel.end()) {
      stage.push_back(&step);
      continue;
    }
    for (const std::string& id : *group) stage.push_back(&plan.graph->step(id));
    placed.insert(group->begin(), group->end());
  }
  return all;
}

void run_stage(Evaluation& evaluation, Context& context, const Stage& stage) {
  std::list<StepWorker> workers;
  Stage own = {stage.front()};
  const std::string snapshot = stage.size() > 1 ? pg::export_snapshot() : "";
  for (std::size_t i = 1; i < stage.size(); ++i) {
    bool started = false;
    if (workers.size() + 1 < static_cast<std::size_t>(pg::max_workers())) {
      started = workers.emplace_back(context, *stage[i], snapshot).started();
      if (!started) workers.pop_back();
    }
    if (!started) own.push_back(stage[i]);
  }
  try {
    for (StepWorker& worker : workers) worker.send_inputs(evaluation);
    for (const model::Step* step : own) evaluation.run_one(*step);
    for (StepWorker& worker : workers) worker.take(evaluation);
  } catch (const Error&) {
    // What was interrupted is not what failed. From here on nobody interrupts.
    StepWorker* first = first_failed(workers);
    for (StepWorker& worker : workers) worker.ignore_failure();
    if (first == nullptr) first = first_failed(workers);
    if (first == nullptr) throw;
    pg::abort_transaction();
    pg::ignore_cancel();
    first->throw_failure();
    throw;
  }
}

void work_on_step(const pg::Task& task) {
  pg::Answerer exchange(task);
  try {
    serve(exchange, task);
  } catch (const Error& error) {
    const bool timed_out = pg::statement_timer_fired();
    pg::abort_transaction();
    exchange.fail();
    exchange.send(
        kError +
        json::Object().add_raw("error", error_to_json(error)).add_raw("timed_out", timed_out ? "true" : "false").str());
  }
}

}  // namespace etl::run
