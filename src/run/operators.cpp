#include "run/operators.hpp"

#include "core/nearest.hpp"
#include "model/params.hpp"
#include "pg/analyze.hpp"
#include "pg/text_rows.hpp"
#include "run/function_check.hpp"
#include "run/registered.hpp"
#include "sink/registry.hpp"
#include "source/registry.hpp"
#include "transform/registry.hpp"

namespace etl::run {

namespace {

using model::Finding;
using model::Kind;

std::string subject_of(const model::Step& step) {
  return "step \"" + step.id + "\"";
}

void add(std::vector<Finding>& findings, std::string_view rule, std::string_view sqlstate, std::string message,
         std::string hint, const std::string& step = {}) {
  if (findings.size() >= model::kMaxFindings) return;
  findings.push_back(
      {std::string(rule), "error", std::string(sqlstate), std::move(message), {}, std::move(hint), step});
}

// The operator exists, but not in this place.
void refuse_place(const model::Step& step, Kind kind, std::vector<Finding>& findings) {
  const std::string subject = subject_of(step);
  const std::string named = "operator \"" + step.op + "\"";
  if (kind == Kind::kSource) {
    return add(findings, "place", "22023", subject + " has no inputs, which " + named + " needs",
               "Name the steps whose rows it takes in depends_on.", step.id);
  }
  if (find_operator(step.op, Kind::kSource) != nullptr && find_operator(step.op, Kind::kSink) == nullptr) {
    return add(findings, "place", "22023", subject + " has inputs, but " + named + " is a source",
               "Leave depends_on out, or use another operator.", step.id);
  }
  if (kind == Kind::kTransform) {
    return add(findings, "place", "22023", subject + " has dependants, but " + named + " is a sink",
               "Let the others depend on the step that comes before it.", step.id);
  }
  add(findings, "place", "22023", "no step takes the rows of step \"" + step.id + "\"",
      "Let a sink, such as table, depend on it, or leave the step out.", step.id);
}

void check_sql(const model::Step& step, const std::string& format, const std::string& param, const std::string& text,
               std::vector<Finding>& findings) {
  try {
    if (format == "query") pg::want_select(text);
    if (format == "expression") pg::want_expression(text);
    if (format == "row_expression") pg::want_row_expression(text);
    if (format == "type") pg::want_type(text);
    if (format == "encoding") pg::want_text_encoding(text);
    if (format == "table") pg::want_table(text);
    if (format == "function") check_function(text);
  } catch (const Error& error) {
    if (classify(error.sqlstate) == ErrorClass::kCancel || error.sqlstate.starts_with("XX")) throw;
    findings.push_back({"params", "error", error.sqlstate,
                        subject_of(step) + ": param \"" + param + "\": " + error.message, error.detail, error.hint,
                        step.id});
  }
}

void check_inputs(const model::Step& step, Kind kind, std::vector<Finding>& findings) {
  const transform::Transform* transform = kind == Kind::kTransform ? transform::find(step.op) : nullptr;
  if (transform == nullptr && !(kind == Kind::kTransform && is_registered(step, kind))) return;
  const std::size_t least = transform != nullptr ? transform->least_inputs : 1;
  const std::size_t most = transform != nullptr ? transform->most_inputs : 1;
  const std::size_t count = step.depends_on.size();
  if (count >= least && count <= most) return;
  const std::string wanted = least == most ? std::to_string(least) : "at least " + std::to_string(least);
  add(findings, "place", "22023",
      subject_of(step) + " has " + std::to_string(count) + " inputs, but operator \"" + step.op + "\" takes " + wanted,
      "Mend its depends_on.", step.id);
}

void check_step(const model::Steps& steps, const model::Step& step, std::vector<Finding>& findings) {
  const Kind kind = kind_of(steps, step);
  const model::Operator* op = find_operator(step.op, kind);
  if (op == nullptr) {
    std::vector<std::string_view> names;
    bool known = false;
    for (const model::Operator* other : all_operators()) {
      names.push_back(other->name);
      known = known || other->name == step.op;
    }
    if (!known)
      return add(findings, "operator", "42704", subject_of(step) + ": unknown operator \"" + step.op + "\"",
                 did_you_mean(step.op, names), step.id);
    refuse_place(step, kind, findings);
    for (const model::Operator* other : all_operators()) {
      if (other->name == step.op) op = other;
    }
  }
  check_inputs(step, kind, findings);
  const json::Document params = json::parse(step.params, "params");
  const std::size_t before = findings.size();
  model::check_params(step.id, op->params_schema, params, findings);
  if (findings.size() > before) return;
  model::each_formatted(op->params_schema, params,
                        [&](const std::string& format, const std::string& param, const std::string& text) {
                          check_sql(step, format, param, text, findings);
                        });
}

}  // namespace

std::vector<const model::Operator*> all_operators() {
  std::vector<const model::Operator*> all;
  for (const source::Source& source : source::all()) all.push_back(&source.about);
  for (const transform::Transform& transform : transform::all()) all.push_back(&transform.about);
  for (const model::Operator* sink : sink::all()) all.push_back(sink);
  for (const model::Operator& one : registered_operators()) all.push_back(&one);
  return all;
}

const model::Operator* find_operator(std::string_view name, Kind kind) {
  for (const model::Operator* op : all_operators()) {
    if (op->name == name && op->kind == kind) return op;
  }
  return nullptr;
}

void check_operators(const model::Steps& steps, std::vector<Finding>& findings) {
  load_registered();
  bool any_sink = false;
  for (const model::Step& step : steps) {
    if (!step.id.empty() && !step.op.empty()) check_step(steps, step, findings);
    any_sink = any_sink || (kind_of(steps, step) == Kind::kSink && find_operator(step.op, Kind::kSink) != nullptr);
  }
  if (any_sink || steps.empty()) return;
  add(findings, "no sink", "22023", "no step writes the rows anywhere",
      "End with a sink, such as {\"id\": \"save\", \"operator\": \"table\", \"params\": {\"target\": …}, "
      "\"depends_on\": […]}.");
}

}  // namespace etl::run
