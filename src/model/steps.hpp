// The steps of a pipeline: a directed graph without cycles. A step's kind follows from its place: without depends_on it
// is a source, with dependants a transform, else a sink.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "model/finding.hpp"
#include "model/operator.hpp"

namespace etl::model {

struct Definition;

struct Step {
  std::string id;
  std::string op;             // name of its operator
  std::string params = "{}";  // JSON object
  std::vector<std::string> depends_on;
};
using Steps = std::vector<Step>;

// Reads [{"id", "operator", "params", "depends_on"}] and checks all that needs no operator: ids, dependencies, cycles.
// What is wrong is added to `findings`; where that is anything, the steps are of no use.
Steps read_steps(std::string_view json, std::vector<Finding>& findings);

// With the members in this order, and those left out that are empty.
std::string steps_to_json(const Steps& steps);

// Brings a definition of steps into its form: steps with their members in order, the sinks' targets as target, no
// source. True when a source was left out, which steps win over. Steps that cannot be read stay as they are.
bool settle(Definition& definition);

// Those of the definition; of one with source and target, the two that it stands for.
Steps steps_of(const Definition& definition);

Kind kind_of(const Steps& steps, const Step& step);

// Kahn's layers: the steps of one depend on those of earlier ones only. Within a layer, the order of definition.
std::vector<std::vector<const Step*>> layers(const Steps& steps);

// [extract] [quality] [clean, remove] [save]
std::string layers_text(const Steps& steps);

}  // namespace etl::model
