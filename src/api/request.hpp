// Requests on runs, as the state machine allows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "catalog/checkpoints.hpp"
#include "catalog/runs.hpp"
#include "model/definition.hpp"
#include "model/state.hpp"
#include "run/plan.hpp"

namespace etl::api {

struct Requested {
  model::State state;
  std::optional<std::int64_t> run;
};

// A new run; its worker starts at COMMIT.
std::int64_t request_run(const model::Definition& definition, const std::string& params);
// pause, resume, cancel or retry.
Requested request_call(const model::Definition& definition, model::Call what);
// A reset pipeline's paused or failed run is over.
void end_paused_run(const model::Definition& definition, const char* why);

// The plan under the definition's own search_path, not the caller's: the same text means the same tables here and in
// the worker. Makes the target first if create_target is set. After an error the end of the (sub)transaction takes the
// setting back.
run::Plan plan_of(const model::Definition& definition);

// Error 22023 unless the key's texts can be read as the types of the pipeline's order.
void check_rewind(const model::Definition& definition, catalog::Key& key);
// Of pipelines that the caller owns; returns how many.
std::int64_t discard_dead_letters(const std::string& ids);

}  // namespace etl::api
