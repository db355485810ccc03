#include "run/plan_steps.hpp"

#include <algorithm>

#include "pg/function.hpp"
#include "pg/row_stream.hpp"
#include "pg/transaction.hpp"
#include "run/operators.hpp"
#include "run/registered.hpp"
#include "run/source_check.hpp"
#include "run/target_check.hpp"
#include "run/write_check.hpp"
#include "sink/function_sink.hpp"

namespace etl::run {

namespace {

Graph make_graph(const model::Definition& definition, std::vector<Finding>& findings) {
  const model::Steps steps = model::read_steps(*definition.steps, findings);
  check_operators(steps, findings);
  Graph graph(steps, definition.batch_size);
  graph.analyze(findings);
  return graph;
}

// Steps whose rows are wanted more than once: by several steps, by a check and what follows it, by those who look.
Graph::Relations relations_of(const Graph& graph, bool observed) {
  Graph::Relations relations;
  for (const model::Step& step : graph.steps()) {
    if (kind_of(graph.steps(), step) == model::Kind::kSink) continue;
    if (observed || graph.consumers(step.id) > 1 || graph.origin(step) != nullptr) relations.insert(step.id);
    if (!graph.rules().contains(step.id)) continue;
    relations.insert(step.depends_on.begin(), step.depends_on.end());
    // What it keeps is seen in the snapshot in which it looks for the others.
    if (graph.rule(step, {}).severity == transform::Severity::kQuarantine) relations.insert(step.id);
  }
  return relations;
}

// What a worker of its own may be worth: PostgreSQL knows neither how long it takes nor how to run it in parallel.
bool is_opaque(const Graph& graph, const model::Step& step) {
  if (kind_of(graph.steps(), step) == model::Kind::kSink) return false;
  const pg::Analysis& analysis = graph.analysis(step.id);
  return graph.origin(step) != nullptr ||
         std::any_of(analysis.functions.begin(), analysis.functions.end(), pg::is_opaque);
}

// The opaque steps of a layer, where it has several.
std::vector<Graph::Relations> parallel_steps(const Graph& graph) {
  std::vector<Graph::Relations> groups;
  const bool can_stream = std::all_of(graph.steps().begin(), graph.steps().end(),
                                      [&](const model::Step& step) { return pg::can_stream(graph.columns(step.id)); });
  if (!can_stream) return groups;
  for (const auto& layer : model::layers(graph.steps())) {
    Graph::Relations group;
    for (const model::Step* step : layer) {
      if (is_opaque(graph, *step)) group.insert(step->id);
    }
    if (group.size() > 1) groups.push_back(std::move(group));
  }
  return groups;
}

// The sources that are no SELECT.
std::vector<std::string> origin_steps(const Graph& graph) {
  std::vector<std::string> found;
  for (const model::Step& step : graph.steps()) {
    if (graph.origin(step) != nullptr) found.push_back(step.id);
  }
  return found;
}

// Each row that comes out of a step comes out of one row that goes in, whatever the others are.
bool is_row_by_row(const Graph& graph) {
  return std::all_of(graph.steps().begin(), graph.steps().end(), [&](const model::Step& step) {
    const model::Kind kind = kind_of(graph.steps(), step);
    return kind != model::Kind::kTransform || find_operator(step.op, kind)->of_batch.empty();
  });
}

// The source whose rows carry the incremental keys.
std::string find_paged_step(const Graph& graph, const model::Definition& d) {
  model::want_incremental_keys(d);
  std::vector<std::string> found;
  std::string sources;
  for (const model::Step& step : graph.steps()) {
    if (kind_of(graph.steps(), step) != model::Kind::kSource) continue;
    sources += (sources.empty() ? "" : ", ") + step.id;
    if (find_column(graph.columns(step.id), *d.incremental_key) != nullptr &&
        find_column(graph.columns(step.id), *d.incremental_id_key) != nullptr) {
      found.push_back(step.id);
    }
  }
  if (found.size() == 1) return found[0];
  const std::string keys =
      "incremental_key \"" + *d.incremental_key + "\" and incremental_id_key \"" + *d.incremental_id_key + "\"";
  if (found.empty()) {
    throw Error("42703", "no source returns both " + keys, "The sources are " + sources + ".",
                "Let the source that is to be read incrementally return both.");
  }
  throw Error("42702", "more than one source returns " + keys, "Steps " + found[0] + " and " + found[1] + " do.",
              "Rename them in all but the one that is to be read incrementally.");
}

SinkPlan plan_sink(const Plan& plan, const model::Step& step, unsigned owner) {
  SinkPlan sink = sink_of(plan.definition, *plan.graph, step);
  if (sink.file) {
    check_file(sink);
    return sink;
  }
  if (is_registered(step, model::Kind::kSink)) {
    sink.call = plan.graph->sink_call(step.id);
    sink.keys = sink.key_columns.value_or(std::vector<std::string>());
    pg::Relation shape(sink.columns, false);
    sink::FunctionSink(sink.call).open(shape);
    return sink;
  }
  check_target(sink, plan, owner);
  if (sink.is_index() != (step.op == "elasticsearch")) {
    throw Error("22023",
                "step \"" + step.id + "\": target \"" + sink.target + "\" does not fit operator \"" + step.op + "\"",
                {}, "A table's target is schema.table or server:schema.table, that of an index server:index.");
  }
  return sink;
}

// Runs `look`; the error that it ends with is a finding.
template <class Look>
void note_fault(const std::string& step, std::vector<Finding>& findings, Look look) {
  pg::Subtransaction attempt;
  try {
    look();
    attempt.release();
  } catch (const Error& error) {
    attempt.rollback();
    // A server that cannot be reached is waited for once, not for each sink.
    const ErrorClass kind = classify(error.sqlstate);
    const bool says_nothing = kind == ErrorClass::kCancel || kind == ErrorClass::kTransient;
    if (says_nothing || error.sqlstate.starts_with("XX")) throw;
    if (findings.size() >= model::kMaxFindings) return;
    findings.push_back({"sink", "error", error.sqlstate, error.message, error.detail, error.hint, step});
  }
}

void plan_sinks(Plan& plan, unsigned owner, std::vector<Finding>& findings) {
  for (const model::Step* step : plan.graph->sinks()) {
    note_fault(step->id, findings, [&] {
      check_source(plan.graph->analysis(step->id), owner);
      plan.sinks.push_back(plan_sink(plan, *step, owner));
    });
  }
}

void add_tables(Plan& plan, const pg::Analysis& analysis) {
  for (const pg::BaseTable& table : analysis.tables) {
    const auto same = [&](const pg::BaseTable& known) { return known.oid == table.oid; };
    if (std::none_of(plan.tables.begin(), plan.tables.end(), same)) plan.tables.push_back(table);
  }
}

// Of an incremental pipeline. Files and APIs know themselves what they have read, and may do without keys.
std::string choose_paged_step(const Graph& graph, const model::Definition& d, const std::vector<std::string>& origins) {
  if (origins.size() > 1) {
    throw Error("0A000", "more than one source of files or of an API cannot be read incrementally", {},
                "Use mode 'full', or make a pipeline of each.");
  }
  const bool keys = d.incremental_key || d.incremental_id_key;
  if (!origins.empty() && !keys && !graph.origin(graph.step(origins[0]))->has_order()) return origins[0];
  const std::string paged = find_paged_step(graph, d);
  if (origins.empty() || paged == origins[0]) return paged;
  throw Error("0A000", "step \"" + paged + "\" cannot be read incrementally beside step \"" + origins[0] + "\"",
              "Beside a file, an API or another server no SELECT of this database is read incrementally.",
              "Load step \"" + origins[0] + "\" into a table by a pipeline of its own, and read that table here.");
}

std::size_t sources(const Graph& graph) {
  return static_cast<std::size_t>(
      std::count_if(graph.steps().begin(), graph.steps().end(),
                    [&](const model::Step& step) { return kind_of(graph.steps(), step) == model::Kind::kSource; }));
}

void choose_way(Plan& plan) {
  const Graph& graph = *plan.graph;
  const bool plain = graph.steps().size() == plan.sinks.size() + 1 && plan.sinks.size() == 1;  // no step in between
  const bool observed = plan.each_step || (plan.options.observe_steps && !plan.sinks.empty());
  const std::vector<std::string> origins = origin_steps(graph);
  if (plan.definition.mode == "incremental") {
    plan.paged_step = choose_paged_step(graph, plan.definition, origins);
    if (origins.empty() && plain && !observed) return;
    plan.way = Way::kBatch;
  } else if (!origins.empty() && sources(graph) == 1 && is_row_by_row(graph)) {  // other rows come once, not by page
    plan.paged_step = origins[0];
    plan.way = Way::kBatch;
  } else if (plan.parallel = parallel_steps(graph); !plan.parallel.empty() || plan.sinks.size() > 1 || observed ||
                                                    !graph.rules().empty() || !origins.empty() ||
                                                    plan.options.materialize) {
    plan.way = Way::kWhole;
  }
  if (plan.way == Way::kDirect) return;
  plan.relations = relations_of(graph, observed || (plan.options.materialize && plan.way == Way::kWhole));
  for (const Graph::Relations& group : plan.parallel) plan.relations.insert(group.begin(), group.end());
  if (plan.way == Way::kBatch) plan.relations.insert(plan.paged_step);
}

// The keys of the first sink, where the source has columns of those names: an order in which a run can go on.
std::vector<std::string> keys_of_source(const Plan& plan, const Feed& feed) {
  std::vector<std::string> keys = plan.sinks[0].keys;
  const bool all = std::all_of(keys.begin(), keys.end(), [&](const std::string& key) {
    const pg::Column* column = find_column(feed.source.columns, key);
    return column != nullptr && pg::is_orderable(column->type);
  });
  return all ? keys : std::vector<std::string>();
}

// Whether rows that come in the order of the sink's keys from another server do so here: collations may differ.
bool sorts_alike(const Feed& feed, const SinkPlan& sink) {
  return std::all_of(sink.keys.begin(), sink.keys.end(), [&](const std::string& key) {
    const pg::Column* column = find_column(feed.source.columns, key);
    constexpr unsigned kJsonb = 3802;  // its strings have a collation all the same
    return column != nullptr && column->collation == 0 && column->type != kJsonb;
  });
}

void plan_feeds(Plan& plan, const std::vector<pg::Analysis>& inputs) {
  const model::Definition& definition = plan.definition;
  if (plan.way == Way::kBatch) {
    Feed feed;
    feed.origin = plan.graph->origin(plan.graph->step(plan.paged_step));
    feed.query = plan.graph->query(plan.paged_step);
    feed.source = pg::analyze_select(feed.query);
    if (!feed.by_order()) {
      feed.position_types = feed.origin->position_types();
      for (const std::string& part : feed.position_types) feed.order.push_back(part.substr(0, part.find(' ')));
    } else {
      choose_order(feed, definition, feed.origin ? keys_of_source(plan, feed) : std::vector<std::string>());
      plan.at_once = plan.at_once || feed.order.empty();
    }
    plan.feeds.push_back(std::move(feed));
  }
  plan.straight = plan.way == Way::kBatch && plan.feeds[0].origin && plan.sinks.size() == 1 &&
                  plan.graph->step(plan.sinks[0].step).depends_on == std::vector{plan.paged_step};
  const bool sorted = plan.straight && plan.feed().by_order() && sorts_alike(plan.feed(), plan.sink());
  for (std::size_t i = 0; i < plan.sinks.size(); ++i) {
    SinkPlan& sink = plan.sinks[i];
    Feed feed;
    feed.query = plan.graph->query(sink.step, plan.relations);
    feed.source = inputs[i];
    if (plan.way != Way::kBatch) choose_order(feed, definition, sink.keys);
    if (sink.table) prepare_upsert(sink, sorted ? plan.feed().order : feed.order);
    feed.source.columns = sink.columns;  // with the collations in which the target compares
    if (plan.way != Way::kBatch) plan.feeds.push_back(std::move(feed));
  }
  if (plan.straight) plan.feeds[0].source.columns = plan.sinks[0].columns;
}

}  // namespace

std::vector<Finding> find_faults(const model::Definition& definition) {
  std::vector<Finding> findings;
  if (!definition.steps) return findings;
  Plan plan;
  plan.definition = definition;
  plan.graph = make_graph(definition, findings);
  note_fault({}, findings, [&] { plan.options = model::parse_options(definition.options); });
  if (findings.empty()) plan_sinks(plan, definition.owner, findings);
  return findings;
}

Graph make_graph(const model::Definition& definition) {
  std::vector<Finding> findings;
  Graph graph = make_graph(definition, findings);
  model::throw_errors(findings);
  return graph;
}

SinkPlan sink_of(const model::Definition& definition, const Graph& graph, const model::Step& step) {
  const json::Document params = json::parse(step.params, "params");
  SinkPlan sink;
  sink.step = step.id;
  sink.key_columns = definition.key_columns;
  if (step.op == "file") {
    sink.file = sink::read_file_target(params);
    sink.target = sink.file->path;
    sink.columns = graph.columns(step.id);
    return sink;
  }
  if (is_registered(step, model::Kind::kSink)) {
    sink.columns = graph.columns(step.id);
    return sink;
  }
  sink.target = std::string(json::text(params["target"]));
  if (const auto keys = params.FindMember("key_columns"); keys != params.MemberEnd()) {
    sink.key_columns.emplace();
    for (const auto& name : json::read_texts(keys->value)) sink.key_columns->push_back(*name);
  }
  sink.columns = graph.columns(step.id);
  sink.write = params.HasMember("write_mode") || params.HasMember("range")
                   ? model::read_write(params)
                   : model::parse_options(definition.options).write;
  return sink;
}

void plan_steps(Plan& plan, unsigned owner) {
  plan.options = model::parse_options(plan.definition.options);
  plan.graph = make_graph(plan.definition);
  std::vector<Finding> findings;
  plan_sinks(plan, owner, findings);
  model::throw_errors(findings);
  std::vector<pg::Analysis> inputs;
  for (const model::Step* step : plan.graph->sinks()) {
    inputs.push_back(plan.graph->analysis(step->id));
    add_tables(plan, inputs.back());
  }
  for (const auto& [step, rules] : plan.graph->rules()) {  // are no part of a sink's query
    check_source(rules, owner);
    add_tables(plan, rules);
  }
  for (const SinkPlan& sink : plan.sinks) {
    if (plan.sinks.size() == 1 || !sink.remote_table || !sink.remote_table->append) continue;
    throw Error("0A000", "step \"" + sink.step + "\" appends to a table of another server beside other sinks",
                "A batch that another sink refuses is delivered again, and would be appended twice.",
                "Use write_mode \"upsert\", or make a pipeline of its own for it.");
  }
  choose_way(plan);
  plan.at_once = needs_all_rows(plan);
  plan_feeds(plan, inputs);
}

}  // namespace etl::run
