#include "run/create_target.hpp"

#include "core/quote.hpp"
#include "pg/target.hpp"
#include "run/plan_steps.hpp"
#include "run/source_check.hpp"

namespace etl::run {

namespace {

std::string create_sql(const SinkPlan& sink) {
  if (!model::parse_target(sink.target).server.empty()) {
    throw Error("22023", "create_target is for tables", "The target is " + sink.target + ".",
                "Leave it out: a missing index is created by the first run.");
  }
  pg::Analysis source;
  source.columns = sink.columns;
  check_source_names(source);
  if (!sink.key_columns) {
    throw Error("22023", "create_target needs key_columns", {}, "Name the columns that are to be the primary key.");
  }
  std::string columns;
  for (const pg::Column& column : sink.columns) {
    columns +=
        (columns.empty() ? "" : ", ") + quote_name(column.name) + " " + pg::type_name(column.type, column.typmod);
  }
  for (const std::string& key : *sink.key_columns) {
    if (find_column(sink.columns, key) == nullptr) {
      throw Error("42703", "key column \"" + key + "\" is not a column of the source's output", {},
                  known_columns_hint(source, key));
    }
  }
  return "CREATE TABLE IF NOT EXISTS " + pg::quoted_target(sink.target) + " (" + columns + ", PRIMARY KEY (" +
         name_list(*sink.key_columns) + "))";
}

}  // namespace

std::vector<std::string> create_target_sql(const model::Definition& definition) {
  model::check_definition(definition);
  check_owner(definition.owner);
  std::vector<std::string> all;
  if (!definition.steps) {
    SinkPlan sink;
    sink.target = definition.target;
    sink.key_columns = definition.key_columns;
    if (model::parse_target(sink.target).server.empty()) sink.columns = pg::analyze_select(definition.source).columns;
    return {create_sql(sink)};
  }
  const Graph graph = make_graph(definition);
  for (const model::Step* step : graph.sinks()) {
    const SinkPlan sink = sink_of(definition, graph, *step);
    if (!sink.target.empty() && !sink.file) all.push_back(create_sql(sink));
  }
  return all;
}

}  // namespace etl::run
