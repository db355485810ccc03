// etl.transform_sql: a transform as a SELECT over tables, without a pipeline and without a worker.
#include "core/json.hpp"
#include "model/finding.hpp"
#include "pg/entry.hpp"
#include "run/graph.hpp"
#include "run/operators.hpp"
#include "run/registered.hpp"

namespace etl::api {

namespace {

constexpr std::int64_t kBatchSize = 5000;  // of functions that take arrays of rows

// Each input is a step that reads its table, and has its id. What stands for the sink is never run.
model::Steps steps_over(const std::string& op, const std::string& params, const std::vector<std::string>& ids,
                        const std::vector<std::string>& tables) {
  model::Steps steps;
  std::string id = op;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    steps.push_back({ids[i], "table", json::Object().add("table", tables[i]).str(), {}});
    if (ids[i] == id) id += "_";
  }
  steps.push_back({id, op, params, ids});
  steps.push_back({id + " sink", "table", R"({"target": "a.b"})", {id}});
  return steps;
}

void want_different(const std::vector<std::string>& ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (ids[i] != ids[j]) continue;
      throw Error("42712", "two inputs are named \"" + ids[i] + "\"",
                  "A transform knows its inputs by the names of the tables.", "Make a view of another name of one.");
    }
  }
}

}  // namespace

ETL_FUNCTION(etl_compile_transform) {
  return pg::boundary([&]() -> Datum {
    const std::string op = pg::required_argument(fcinfo, 0, "operator");
    const std::string params = pg::required_argument(fcinfo, 1, "params");
    const auto ids = pg::text_array_argument(fcinfo, 2);
    const auto tables = pg::text_array_argument(fcinfo, 3);
    if (!ids || !tables || ids->empty()) throw Error("22004", "inputs must not be NULL or empty");
    want_different(*ids);
    run::load_registered();
    const model::Steps steps = steps_over(op, params, *ids, *tables);
    std::vector<model::Finding> findings;
    run::check_operators(steps, findings);
    run::Graph graph(steps, kBatchSize);
    graph.analyze(findings);
    model::throw_errors(findings);
    return pg::text_result(fcinfo, graph.query(steps[ids->size()].id));
  });
}

}  // namespace etl::api
