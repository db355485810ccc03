#include "run/rest.hpp"

#include "catalog/checkpoints.hpp"
#include "catalog/runs.hpp"

namespace etl::run {

using model::State;

void want_at_rest(const model::Definition& definition, const char* what) {
  const auto state = catalog::read_state(definition.id, true);
  if (!state) return;
  if (state->state == State::IDLE || state->state == State::PAUSED || state->state == State::FAILED) return;
  throw Error(
      "55006", "pipeline \"" + definition.name + "\" is " + std::string(model::name(state->state)),
      "Run " + std::to_string(state->run.value_or(0)) + " is under way; it cannot be " + std::string(what) + " now.",
      "Wait for it with etl.wait(), or stop it with etl.pause() or etl.cancel().");
}

void forget_position(const model::Definition& definition, const std::string& role) {
  catalog::forget_checkpoints(definition.id);
  const auto state = catalog::read_state(definition.id, true);
  if (state && state->state != State::IDLE) {
    if (state->state == State::PAUSED) catalog::set_run_status(state->run.value_or(0), "cancelled", nullptr);
    catalog::set_state(definition.id, state->state, State::IDLE, state->run, role, "reset");
  }
  catalog::write_event(definition.id, std::nullopt, role, "checkpoint reset");
}

}  // namespace etl::run
