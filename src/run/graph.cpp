#include "run/graph.hpp"

#include <algorithm>

#include "core/quote.hpp"
#include "pg/function.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "run/operators.hpp"
#include "run/registered.hpp"
#include "source/registry.hpp"
#include "transform/columns.hpp"
#include "transform/registry.hpp"
#include "transform/union.hpp"

namespace etl::run {

namespace {

using model::Finding;
using model::Kind;
using transform::Input;
using transform::Rule;

transform::Function look_up_function(const std::string& signature) {
  const pg::RowFunction function = pg::find_row_function(signature);
  return {function.name, function.argument, function.columns, function.of_array};
}

}  // namespace

Graph::Graph(model::Steps steps, std::int64_t batch_size) : batch_size_(batch_size) {
  for (const auto& layer : model::layers(steps)) {
    for (const model::Step* step : layer) steps_.push_back(*step);
  }
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    index_[steps_[i].id] = i;
    all_.insert(steps_[i].id);
    for (const std::string& name : steps_[i].depends_on) ++consumers_[name];
  }
}

const model::Step& Graph::step(const std::string& id) const {
  return steps_.at(index_.at(id));
}

const std::vector<pg::Column>& Graph::columns(const std::string& id) const {
  return analyses_.at(id).columns;
}

std::string Graph::sink_call(const std::string& id) const {
  Input rows;
  rows.id = "input";
  rows.from = "input";
  for (const pg::Column& column : columns(id))
    rows.columns.push_back({column.name, pg::type_name(column.type, column.typmod)});
  return registered_sink(step(id), rows);
}

std::vector<const model::Step*> Graph::sinks() const {
  std::vector<const model::Step*> all;
  for (const model::Step& step : steps_) {
    if (kind_of(steps_, step) == Kind::kSink) all.push_back(&step);
  }
  return all;
}

std::string Graph::relation_name(const std::string& id) const {
  return "_etl_step_" + std::to_string(index_.at(id));
}

std::size_t Graph::consumers(const std::string& id) const {
  const auto found = consumers_.find(id);
  return found == consumers_.end() ? 0 : found->second;
}

Input Graph::input(const std::string& id, const Relations& relations) const {
  Input input;
  input.id = id;
  const bool named = relations.contains(id) || consumers(id) > 1;
  input.from = named ? quote_name(relation_name(id)) + " AS " + quote_name(id)
                     : "(" + rule(step(id), relations).sql + "\n) AS " + quote_name(id);
  for (const pg::Column& column : columns(id)) {
    const pg::TypeAndModifier base = pg::base_type(column.type, column.typmod);
    input.columns.push_back({column.name, pg::type_name(column.type, column.typmod), pg::type_name(column.type, -1),
                             pg::btree_operator(column.type, pg::Compare::kEqual),
                             pg::btree_operator(column.type, pg::Compare::kLess), pg::type_name(base.type, base.typmod),
                             pg::type_name(base.type, -1), pg::is_deterministic(column.collation)});
  }
  return input;
}

// A sink with several inputs takes the rows of all of them.
Rule Graph::sink_rule(const model::Step& step, const Relations& relations) const {
  std::vector<Input> inputs;
  for (const std::string& name : step.depends_on) inputs.push_back(input(name, relations));
  return {.sql = transform::union_sql(inputs, false)};
}

Rule Graph::rule(const model::Step& step, const Relations& relations) const {
  const json::Document params = json::parse(step.params, "params");
  const Kind kind = kind_of(steps_, step);
  if (kind == Kind::kSource && is_registered(step, kind)) return registered_rule(step, kind, {step.id, params, {}});
  if (kind == Kind::kSource) {
    const source::Source& source = *source::find(step.op);
    const auto shape = no_rows_.find(step.id);
    return {.sql = shape != no_rows_.end() ? shape->second : source.query(params)};
  }
  if (kind == Kind::kSink) return sink_rule(step, relations);
  transform::Call call{step.id, params, {}, batch_size_, look_up_function};
  for (const std::string& name : step.depends_on) call.inputs.push_back(input(name, relations));
  return is_registered(step, kind) ? registered_rule(step, kind, call) : transform::find(step.op)->compile(call);
}

std::shared_ptr<const source::Origin> Graph::origin(const model::Step& step) const {
  const source::Source* source = kind_of(steps_, step) == Kind::kSource ? source::find(step.op) : nullptr;
  if (source == nullptr || source->origin == nullptr) return nullptr;
  file::Limits limits;
  limits.record_bytes = pg::max_record_bytes();
  limits.json_depth = pg::max_json_depth();
  limits.archive_bytes = pg::max_archive_bytes();
  limits.check = pg::check_interrupts;
  return source->origin(json::parse(step.params, "params"), limits);
}

// A SELECT of the step's columns, which is all that the parser is to know of it.
std::string Graph::no_rows(const std::string& id) const {
  std::string list;
  for (const pg::Column& column : columns(id)) {
    list += (list.empty() ? "" : ", ") + ("CAST(NULL AS " + pg::type_name(column.type, column.typmod) + ")");
    if (column.collation != 0) list += " COLLATE " + pg::collation_name(column.collation);
    list += " AS " + quote_name(column.name);
  }
  return "SELECT " + list + " WHERE false";
}

// Instead of all that is before it: n steps take n analyses of one step, not of n.
std::string Graph::over_no_rows(const model::Step& step, const std::string& sql) const {
  std::string with;
  for (const std::string& id : step.depends_on) {
    with += (with.empty() ? "WITH " : ", ") + quote_name(relation_name(id)) + " AS (" + no_rows(id) + ")";
  }
  return with.empty() ? sql : with + " SELECT * FROM (" + sql + "\n) AS _etl_step";
}

std::vector<std::string> Graph::inputs(const std::string& id, const Relations& relations) const {
  std::vector<std::string> all;
  for (const std::string& name : step(id).depends_on) {
    for (const std::string& input : relations.contains(name) ? std::vector{name} : inputs(name, relations)) {
      if (std::find(all.begin(), all.end(), input) == all.end()) all.push_back(input);
    }
  }
  return all;
}

std::string Graph::shape(const std::string& id) const {
  std::string shape;
  for (const pg::Column& column : columns(id)) {
    shape += (shape.empty() ? "" : ", ") + quote_name(column.name) + " " + std::to_string(column.type) + " " +
             std::to_string(column.typmod) + " " + std::to_string(column.collation);
  }
  return shape;
}

void Graph::collect_shared(const std::string& id, const Relations& relations, std::set<std::string>& shared) const {
  for (const std::string& name : step(id).depends_on) {
    if (relations.contains(name)) continue;
    if (consumers(name) > 1 && !shared.insert(name).second) continue;
    collect_shared(name, relations, shared);
  }
}

// A rule may begin with WITH itself, so that what goes before it takes a SELECT of its own.
std::string Graph::with_shared(const std::string& id, const Relations& relations, const std::string& sql) const {
  std::set<std::string> shared;
  collect_shared(id, relations, shared);
  std::string with;
  for (const model::Step& step : steps_) {
    if (!shared.contains(step.id)) continue;
    with += (with.empty() ? "WITH " : ", ") + quote_name(relation_name(step.id)) + " AS (" + rule(step, relations).sql +
            "\n)";
  }
  return with.empty() ? sql : with + " SELECT * FROM (" + sql + "\n) AS _etl_step";
}

std::string Graph::query(const std::string& id, const Relations& relations) const {
  return with_shared(id, relations, rule(step(id), relations).sql);
}

// What cannot be said of an input without its rows (a type that its owner may use and not name, the columns of a
// record) takes the whole before the step.
pg::Analysis Graph::analyze(const model::Step& step, const Rule& made, std::string Rule::*sql) const {
  try {
    return pg::analyze_select(over_no_rows(step, made.*sql));
  } catch (const Error& error) {
    if (classify(error.sqlstate) == ErrorClass::kCancel || step.depends_on.empty()) throw;
    return pg::analyze_select(with_shared(step.id, {}, rule(step, {}).*sql));
  }
}

void Graph::analyze_step(const model::Step& step) {
  if (const auto source = origin(step)) {
    std::string list;
    for (const source::RecordColumn& column : source->columns()) {
      list += (list.empty() ? "" : ", ") + ("CAST(NULL AS " + column.type + ") AS ") + quote_name(column.name);
    }
    no_rows_[step.id] = "SELECT " + list + " WHERE false";
  }
  const Rule made = rule(step, all_);
  const bool sink = kind_of(steps_, step) == Kind::kSink;
  analyses_[step.id] = sink ? pg::analyze_select(query(step.id)) : analyze(step, made, &Rule::sql);
  if (!made.violations.empty()) rules_[step.id] = analyze(step, made, &Rule::violations);
  std::vector<std::string> names;
  for (const pg::Column& column : columns(step.id)) names.push_back(column.name);
  transform::want_unique(names);
}

void Graph::analyze(std::vector<Finding>& findings) {
  std::set<std::string> faulty;
  for (const Finding& finding : findings) faulty.insert(finding.step);
  for (const model::Step& step : steps_) {
    if (faulty.contains(step.id)) continue;
    const bool known = find_operator(step.op, kind_of(steps_, step)) != nullptr;
    if (!known && findings.empty()) {  // else that says why
      findings.push_back(
          {"operator", "error", "42704", "step \"" + step.id + "\": unknown operator \"" + step.op + "\"", {}, {}});
    }
    if (!known) continue;
    const bool inputs_known = std::all_of(step.depends_on.begin(), step.depends_on.end(),
                                          [&](const std::string& name) { return analyses_.contains(name); });
    if (!inputs_known) continue;
    try {
      analyze_step(step);
    } catch (const Error& error) {
      if (classify(error.sqlstate) == ErrorClass::kCancel || error.sqlstate.starts_with("XX")) throw;
      analyses_.erase(step.id);
      findings.push_back(
          {"step", "error", error.sqlstate, "step \"" + step.id + "\": " + error.message, error.detail, error.hint});
    }
  }
}

}  // namespace etl::run
