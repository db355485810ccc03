// Requests on runs, as the state machine allows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

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
// Of a pipeline that was enabled: what it was disabled or suspended in goes on at COMMIT.
void go_on_at_commit(const model::Definition& definition);
// pause, resume, cancel or retry.
Requested request_call(const model::Definition& definition, model::Call what);

// The plan with the owner's rights and under the definition's own search_path, not the caller's: the same text means
// the same tables here and in the worker, and what of it the parser runs (a literal of an array of a domain is checked
// there) runs as the owner. Makes the target first if create_target is set.
run::Plan plan_of(const model::Definition& definition);

// Of pipelines that the caller owns or may alter; returns how many.
std::int64_t discard_dead_letters(const std::string& ids);

}  // namespace etl::api
