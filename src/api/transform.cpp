// etl.transform_sql: a transform as a SELECT over tables, without a pipeline and without a worker.
#include <algorithm>
#include <set>

#include "core/json.hpp"
#include "model/finding.hpp"
#include "pg/entry.hpp"
#include "pg/role.hpp"
#include "run/graph.hpp"
#include "run/operators.hpp"
#include "run/registered.hpp"
#include "run/source_check.hpp"

namespace etl::api {

namespace {

constexpr std::int64_t kBatchSize = 5000;  // of functions that take arrays of rows

// Each input is a step that reads its table, and has its id. What stands for the sink is never run.
model::Steps steps_over(const std::string& op, const std::string& params, const std::vector<std::string>& ids,
                        const std::vector<std::string>& tables) {
  model::Steps steps;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    steps.push_back({ids[i], "table", json::Object().add("table", tables[i]).str(), {}});
  }
  const auto unused = [&](std::string id) {
    while (std::find(ids.begin(), ids.end(), id) != ids.end()) id += "_";
    return id;
  };
  const std::string id = unused(op);
  steps.push_back({id, op, params, ids});
  steps.push_back({unused(id + " sink"), "table", R"({"target": "a.b"})", {id}});
  return steps;
}

void want_inputs(const std::vector<std::string>& ids, const std::vector<std::string>& tables) {
  constexpr std::size_t kMost = 100;
  if (ids.empty() || ids.size() > kMost || ids.size() != tables.size()) {
    throw Error("22023", "a transform takes 1 to " + std::to_string(kMost) + " inputs",
                "There are " + std::to_string(ids.size()) + ".");
  }
  std::set<std::string> seen;
  for (const std::string& id : ids) {
    if (seen.insert(id).second) continue;
    throw Error("42712", "two inputs are named \"" + id + "\"",
                "A transform knows its inputs by the names of the tables.", "Make a view of another name of one.");
  }
}

}  // namespace

ETL_FUNCTION(etl_compile_transform) {
  return pg::boundary([&]() -> Datum {
    const std::string op = pg::required_argument(fcinfo, 0, "operator");
    const std::string params = pg::required_argument(fcinfo, 1, "params");
    const auto ids = pg::text_array_argument(fcinfo, 2);
    const auto tables = pg::text_array_argument(fcinfo, 3);
    if (op.empty()) throw Error("22023", "operator must not be empty");
    if (!ids || !tables) throw Error("22004", "inputs must not be NULL or empty");
    want_inputs(*ids, *tables);
    run::load_registered();
    const model::Steps steps = steps_over(op, params, *ids, *tables);
    std::vector<model::Finding> findings;
    run::check_operators(steps, findings);
    run::Graph graph(steps, kBatchSize);
    graph.analyze(findings);
    model::throw_errors(findings);
    // What others wrote does not run with a superuser's rights, be it by a cast.
    const unsigned role = pg::current_role();
    run::check_source(graph.analysis(steps.back().id), role);
    for (const auto& [step, rules] : graph.rules()) run::check_source(rules, role);
    return pg::text_result(fcinfo, graph.query(steps[ids->size()].id));
  });
}

}  // namespace etl::api
