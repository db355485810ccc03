#include "api/request.hpp"

#include "api/access.hpp"
#include "catalog/pipelines.hpp"
#include "core/json.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "pg/settings.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "worker/keeper.hpp"

namespace etl::api {

namespace {

using model::Call;
using model::State;
using model::Transition;

void start_at_commit(const model::Definition& definition, std::int64_t run) {
  pg::Task task;
  task.job = pg::Job::kPipeline;
  task.database = pg::database_id();
  task.role = definition.owner;
  task.pipeline = definition.id;
  task.run = run;
  pg::start_worker_at_commit(task);
  worker::ensure_keeper_at_commit();
}

void want_runnable(const model::Definition& definition, const std::optional<catalog::PipelineState>& state) {
  const std::string subject = "pipeline \"" + definition.name + "\" ";
  const std::string enable = "Run: SELECT etl.enable('" + definition.name + "');";
  if (!definition.enabled) throw Error("55000", subject + "is disabled", {}, enable);
  if (!state)
    throw Error("55000", subject + "is suspended", "It was restored into this database and has never run here.",
                enable);
  if (!state->bound_here)
    throw Error("55000", subject + "is suspended", "This database is a copy of the one where it ran last.", enable);
  if (pg::suspended())
    throw Error("55000", subject + "is suspended", "The setting etl.suspended is on.", "Turn it off and reload.");
}

[[noreturn]] void refuse(const model::Definition& definition, const catalog::PipelineState& state, Call what,
                         const Transition& transition) {
  const std::string run = state.run ? "Its run is " + std::to_string(*state.run) + "." : "";
  throw Error(transition.sqlstate,
              "pipeline \"" + definition.name + "\" is " + std::string(model::name(state.state)) +
                  ", so it cannot take \"" + std::string(model::name(what)) + "\"",
              run, std::string(transition.hint));
}

const char* run_status(State state) {
  switch (state) {
    case State::IDLE:
      return "cancelled";
    case State::PAUSED:
      return "paused";
    case State::RUN_REQUESTED:
      return "requested";
    default:
      return nullptr;  // the worker's own business
  }
}

}  // namespace

std::int64_t request_run(const model::Definition& definition, const std::string& params) {
  const json::Document given = json::parse(params, "params");
  if (!given.IsObject())
    throw Error("22023", "params must be a JSON object", "It is " + params + ".", "Leave it out, or write '{}'.");
  const auto state = catalog::read_state(definition.id, true);
  want_runnable(definition, state);
  const Transition& transition = model::transition(state->state, Call::run);
  if (transition.kind != Transition::Kind::kMove) refuse(definition, *state, Call::run, transition);
  const pg::RoleId role = pg::current_role();
  const std::int64_t run = catalog::insert_run(definition.id, "manual", role, params);
  catalog::set_state(definition.id, state->state, transition.to, run, pg::role_name(role), std::nullopt);
  start_at_commit(definition, run);
  return run;
}

void go_on_at_commit(const model::Definition& definition) {
  const auto state = catalog::read_state(definition.id, true);
  if (!state || !state->run) return;
  if (state->state == State::RUN_REQUESTED) start_at_commit(definition, *state->run);
  if (state->state == State::RUNNING || state->state == State::PAUSE_REQUESTED) worker::ensure_keeper_at_commit();
}

Requested request_call(const model::Definition& definition, Call what) {
  const auto state = catalog::read_state(definition.id, true);
  if (what == Call::resume || what == Call::retry) want_runnable(definition, state);
  if (!state) want_runnable(definition, state);
  const Transition& transition = model::transition(state->state, what);
  if (transition.kind == Transition::Kind::kRefuse) refuse(definition, *state, what, transition);
  if (transition.kind == Transition::Kind::kSame) return {state->state, state->run};
  const std::int64_t run = state->run.value_or(0);
  // A failed run stays failed when its pipeline is laid to rest.
  const bool keep_status = state->state == State::FAILED && what == Call::cancel;
  if (const char* status = run_status(transition.to); status != nullptr && !keep_status) {
    catalog::set_run_status(run, status, nullptr);
  }
  catalog::set_state(definition.id, state->state, transition.to, state->run, pg::role_name(pg::current_role()),
                     "etl." + std::string(model::name(what)));
  if (transition.to == State::RUN_REQUESTED) {
    if (what == Call::retry) {
      catalog::count_attempt(run);
      catalog::forget_recoveries(run);
    }
    start_at_commit(definition, run);
  }
  pg::signal_workers_at_commit(definition.id, what == Call::cancel);
  return {transition.to, run};
}

std::int64_t discard_dead_letters(const std::string& ids) {
  std::int64_t count = 0;
  for (const pg::Row& row : pg::catalog_query("SELECT id, pipeline_id FROM etl.dead_letter WHERE status = 'pending'"
                                              " AND id = ANY ($1::bigint[]) ORDER BY id",
                                              {ids})) {
    const auto definition = catalog::find_pipeline(std::stoll(*row[1]));
    if (!definition) continue;  // dropped meanwhile, with its letters
    (void)check_right(*definition, Right::kAlter);
    count += static_cast<std::int64_t>(
        pg::catalog_query("UPDATE etl.dead_letter SET status = 'discarded', last_seen = clock_timestamp()"
                          " WHERE id = $1::bigint AND status = 'pending' RETURNING 1",
                          {row[0]})
            .size());
  }
  return count;
}

}  // namespace etl::api
