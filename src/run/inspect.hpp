// Looking at a pipeline in its owner's session, without moving anything: preview, dry_run, explain; and what must be
// done there on request: emptying the target of a pipeline that is reset, replaying dead letters.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "model/definition.hpp"

namespace etl::run {

using Emit = std::function<void(const std::vector<std::optional<std::string>>&)>;

void inspect(const model::Definition& definition, const std::string& kind, const json::Value& arguments,
             const Emit& emit);

}  // namespace etl::run
