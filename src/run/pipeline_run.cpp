#include "run/pipeline_run.hpp"

#include <optional>

#include "catalog/kept_steps.hpp"
#include "catalog/pipelines.hpp"
#include "catalog/runs.hpp"
#include "core/json.hpp"
#include "core/sqlstate.hpp"
#include "pg/fault.hpp"
#include "pg/gate.hpp"
#include "pg/log.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "pg/transaction.hpp"
#include "run/pass.hpp"
#include "run/queue.hpp"
#include "run/retry.hpp"
#include "run/session.hpp"
#include "run/slices.hpp"

namespace etl::run {

namespace {

using model::State;

constexpr char kClaimTimeout[] = "1s";
constexpr std::int64_t kClaimUs = 1'000'000;
constexpr long kClaimPollMs = 20;
constexpr char kStopped[] = "stopped here: it was cancelled, or another worker has it";

void enter_gate(const model::Definition& definition) {
  const std::string server = model::parse_target(definition.target).server;
  const auto gate = server.empty() ? std::nullopt : pg::find_gate(server);
  if (gate) pg::enter(*gate);
}

// Takes the lease and moves RUN_REQUESTED to RUNNING; nothing when there is nothing to do for this worker, or, `busy`,
// when a user's transaction keeps it from that. lock_claims() comes last: whoever has it waits for nothing that a user
// may hold, since all other claims of the database wait for him.
std::optional<Context> try_claim(const pg::Task& task, bool& busy) {
  pg::begin();
  pg::set_local("lock_timeout", kClaimTimeout);
  std::optional<Context> context;
  const auto definition = catalog::find_pipeline(task.pipeline);
  const auto state = catalog::read_state(task.pipeline, true);
  const bool mine = definition && state && state->state == State::RUN_REQUESTED && state->run == task.run &&
                    state->bound_here && !pg::suspended() && definition->owner == task.role;
  busy = mine && !catalog::try_hold_pipeline(task.pipeline);
  if (mine && !busy) pg::lock_claims();
  if (mine && !busy && may_lead(task, definition->target) && pg::try_lease(task.pipeline, 0)) {
    enter_gate(*definition);
    context.emplace();
    context->pipeline = task.pipeline;
    context->run = task.run;
    context->plan.definition = *definition;
    context->epoch = catalog::claim(task.pipeline, task.run, pg::own_pid());
    context->role = pg::role_name(pg::session_role());
    context->requested_us = pg::now_us();
    const auto run = catalog::read_run(task.run);
    context->correlation_id = run->correlation_id;
    context->recovering = run->attempt > 1;
    catalog::set_state(task.pipeline, State::RUN_REQUESTED, State::RUNNING, task.run, context->role, std::nullopt);
  }
  pg::commit(true);
  return context;
}

// Where a user's transaction is in the way for long, the worker gives its slot back and leaves the run to the keeper,
// if there is one.
std::optional<Context> claim(const pg::Task& task) {
  const std::int64_t end = pg::now_us() + kClaimUs;
  for (;;) {
    bool busy = true;
    try {
      std::optional<Context> context = try_claim(task, busy);
      if (!busy) return context;
    } catch (const Error& error) {
      pg::abort_transaction();
      if (error.sqlstate != "55P03") throw;
    }
    if (pg::now_us() > end && !pg::lease_is_free(pg::kKeeperLease, 0)) return std::nullopt;
    pg::sleep_ms(kClaimPollMs);
  }
}

// The id first: application_name has 63 characters.
std::string worker_name(const Context& context, const std::string& part) {
  return "pg_etl: " + context.correlation_id + " " + context.plan.definition.name + part;
}

void tell(const Context& context, pg::LogLevel level, const std::string& what) {
  pg::log_line(level, "pipeline \"" + context.plan.definition.name + "\"" + what,
               {.correlation_id = context.correlation_id, .dataset_name = context.plan.definition.name});
}

void tell_run(const Context& context, const std::string& how) {
  tell(context, pg::LogLevel::kInfo, ": run " + std::to_string(context.run) + " " + how);
}

// Moves the pipeline from wherever its run stands to `to`, unless somebody else has done so. False: it was to be
// paused, and was resumed meanwhile.
bool end_run(Context& context, State to, const std::string& status, const Error* error) {
  pg::begin();
  const auto state = catalog::read_state(context.pipeline, true);
  const bool mine = state && state->epoch == context.epoch && state->run == context.run &&
                    (state->state == State::RUNNING || state->state == State::PAUSE_REQUESTED);
  const bool resumed = mine && to == State::PAUSED && state->state == State::RUNNING;
  if (mine && !resumed) {
    catalog::set_run_status(context.run, status, error);
    if (to == State::IDLE) catalog::forget_kept_steps(context.pipeline, 0);
    context.steps.end(context.plan, status, error);
    catalog::set_state(context.pipeline, state->state, to, context.run, context.role,
                       error != nullptr ? std::optional(error->sqlstate + ": " + error->message) : std::nullopt);
  }
  pg::commit(true);
  if (!mine) {
    tell_run(context, kStopped);
  } else if (to == State::FAILED) {
    tell(context, pg::LogLevel::kError, " failed: " + error->sqlstate + ": " + error->message);
  } else if (!resumed) {
    tell_run(context, status);
  }
  return !resumed;
}

void fail_run(Context& context, const Error& error) {
  if (error.sqlstate == sqlstate::kFenced) return tell_run(context, kStopped);
  if (error.sqlstate == "57014" && pg::run_timer_fired()) {
    const Error late(
        "57014", "the run took longer than option \"run_timeout\" allows",
        "It is " + std::to_string(model::parse_options(context.plan.definition.options).run_timeout_ms) + " ms.",
        "etl.retry() goes on from the checkpoint, with as much time again.");
    (void)end_run(context, State::FAILED, "failed", &late);
    return;
  }
  if (error.sqlstate == "57014" && !context.timed_out) {
    const Error cancelled("57014", "the worker was cancelled by pg_cancel_backend()");
    (void)end_run(context, State::IDLE, "cancelled", &cancelled);
    return;
  }
  (void)end_run(context, State::FAILED, "failed", &error);
}

// The plan, checked anew with today's tables and rights.
void prepare(Context& context) {
  // Other servers are asked too, while the transaction has locks.
  const auto step_timeout = model::parse_options(context.plan.definition.options).step_timeout_ms;
  const pg::StatementTimer timer(static_cast<int>(step_timeout));
  pg::begin();
  context.plan = make_plan(context.plan.definition, context.plan.definition.owner);
  context.plan.correlation_id = context.correlation_id;
  pg::commit(false);
}

void prepare_with_retries(Context& context) {
  Retry retry(context);
  for (;;) {
    try {
      pg::fault_point(2);
      return prepare(context);
    } catch (const Error& error) {
      const bool timer_fired = pg::statement_timer_fired();
      pg::abort_transaction();
      context.plan.options = model::parse_options(context.plan.definition.options);
      if (retry.after(error, timer_fired) == Order::kStop) throw;
    }
  }
}

void check_positions(Context& context, const std::vector<catalog::Checkpoint>& slices) {
  for (const catalog::Checkpoint& slice : slices) {
    context.goes_on =
        context.goes_on || slice.position || (slice.kind == "file" && catalog::has_files(context.pipeline));
    if (slice.position || slice.from || slice.to) check_position(context.plan, slice.position_types);
  }
  if (context.goes_on) check_targets(context.plan, slices[0]);
}

Outcome move_data(Context& context) {
  prepare_with_retries(context);
  pg::begin();
  note_objects(context.plan, context.pipeline);
  std::vector<catalog::Checkpoint> slices = catalog::read_checkpoints(context.pipeline);
  const bool resumed = !slices.empty() && slices[0].run == context.run;
  if (resumed || context.plan.definition.mode == "incremental") check_positions(context, slices);
  context.resumed = resumed;
  if (resumed) {
    catalog::take_over_checkpoints(context.pipeline, context.epoch);
  } else {
    slices = make_slices(context.plan, slices);
    catalog::start_checkpoints(context.pipeline, context.run, context.epoch, slices);
  }
  catalog::forget_kept_steps(context.pipeline, context.run);
  context.steps.open(context.plan, context.run);
  pg::commit(false);
  return run_slices(context, slices);
}

// After a pause that was taken back.
Outcome go_on(Context& context) {
  pg::begin();
  std::vector<catalog::Checkpoint> slices = catalog::read_checkpoints(context.pipeline);
  pg::commit(false);
  return run_slices(context, slices);
}

// Option run_timeout counts from here.
Outcome move_in_time(Context& context) {
  const model::Options options = model::parse_options(context.plan.definition.options);
  const pg::RunTimer timer(static_cast<int>(options.run_timeout_ms));
  Outcome outcome = move_data(context);
  while (outcome == Outcome::kPaused && !end_run(context, State::PAUSED, "paused", nullptr)) outcome = go_on(context);
  return outcome;
}

}  // namespace

void lead_run(const pg::Task& task) {
  pg::fault_point(1);
  (void)pg::RunTimer(0);  // that of the run before has told what it had to tell
  std::optional<Context> claimed = claim(task);
  if (!claimed) return;
  Context& context = *claimed;
  try {
    tell_run(context, "started");
    pg::begin();
    catalog::check_version();
    pg::commit(false);
    pin_session(context.plan.definition);
    pg::set_worker_name(worker_name(context, ""));
    const Outcome outcome = move_in_time(context);
    if (outcome == Outcome::kDone) (void)end_run(context, State::IDLE, "succeeded", nullptr);
    if (outcome == Outcome::kStopped) tell_run(context, kStopped);
    pg::fault_point(15);
  } catch (const Error& error) {
    pg::abort_transaction();
    pg::ignore_cancel();
    fail_run(context, error);
  }
}

void work_on_slice(const pg::Task& task) {
  pg::begin();
  const std::string role = pg::role_name(pg::session_role());
  const auto definition = catalog::find_pipeline(task.pipeline);
  // First the lease, then the look: whoever ends the run after the look signals the holders of its leases.
  const bool leased = definition && pg::try_lease(task.pipeline, task.slice);
  pg::commit(false);
  if (!leased) return;
  pg::begin();
  const auto state = catalog::read_state(task.pipeline, false);
  const auto run = catalog::read_run(task.run);
  pg::commit(false);
  const bool mine = state && state->epoch == task.epoch && state->run == task.run && state->state == State::RUNNING;
  if (!mine || !run) return;
  Context context;
  context.pipeline = task.pipeline;
  context.run = task.run;
  context.epoch = task.epoch;
  context.plan.definition = *definition;
  context.role = role;
  context.requested_us = pg::now_us();
  context.correlation_id = run->correlation_id;
  context.recovering = run->attempt > 1;
  try {
    pin_session(*definition);
    pg::set_worker_name(worker_name(context, " slice " + std::to_string(task.slice)));
    prepare_with_retries(context);
    pg::begin();
    std::vector<catalog::Checkpoint> slices = catalog::read_checkpoints(task.pipeline);
    check_positions(context, slices);
    pg::commit(false);
    for (catalog::Checkpoint& slice : slices) {
      if (slice.slice == task.slice && !slice.done) (void)run_slice(context, slice);
    }
  } catch (const Error& error) {
    pg::abort_transaction();
    if (error.sqlstate == sqlstate::kFenced || (error.sqlstate == "57014" && !context.timed_out)) return;
    pg::begin();
    catalog::fail_slice(task.pipeline, task.epoch, task.slice, error_to_json(error));
    pg::commit(true);
  }
}

}  // namespace etl::run
