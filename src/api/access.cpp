#include "api/access.hpp"

#include "catalog/pipelines.hpp"
#include "catalog/runs.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "worker/keeper.hpp"

namespace etl::api {

namespace {

const char* right_name(Right right) {
  switch (right) {
    case Right::kRun:
      return "RUN";
    case Right::kMonitor:
      return "MONITOR";
    default:
      return "ALTER";
  }
}

}  // namespace

bool may(const model::Definition& definition, Right right) {
  const pg::RoleId role = pg::current_role();
  if (pg::role_exists(definition.owner) ? pg::has_role(role, definition.owner) : pg::is_superuser(role)) return true;
  return right != Right::kOwner && catalog::is_granted(definition.id, right_name(right), role);
}

model::Definition check_right(model::Definition definition, Right right) {
  if (may(definition, right)) return definition;
  throw Error("42501", "permission denied for pipeline \"" + definition.name + "\"",
              "It belongs to " + pg::role_name(definition.owner) + ".",
              right == Right::kOwner ? "Only a member of that role can do this."
                                     : "The owner can run: SELECT etl.grant_pipeline('" + definition.name + "', '" +
                                           right_name(right) + "', '" + pg::role_name(pg::current_role()) + "');");
}

void want_at_rest(const model::Definition& definition, const char* what) {
  const auto state = catalog::read_state(definition.id, true);
  if (!state) return;
  using model::State;
  if (state->state == State::IDLE || state->state == State::PAUSED || state->state == State::FAILED) return;
  throw Error(
      "55006", "pipeline \"" + definition.name + "\" is " + std::string(model::name(state->state)),
      "Run " + std::to_string(state->run.value_or(0)) + " is under way; it cannot be " + std::string(what) + " now.",
      "Wait for it with etl.wait(), or stop it with etl.pause() or etl.cancel().");
}

void on_first_call() {
  static bool done = false;
  if (done) return;
  catalog::check_version();
  worker::ensure_keeper();
  done = true;
}

}  // namespace etl::api
