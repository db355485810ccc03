#include "run/columns_kept.hpp"

#include <algorithm>
#include <set>

#include "core/json.hpp"

namespace etl::run {

namespace {

bool names_any(const json::Value& columns, const std::vector<std::string>& names) {
  const auto is_one = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (columns.IsArray()) {
    return std::any_of(columns.Begin(), columns.End(), [&](const json::Value& c) { return is_one(json::text(c)); });
  }
  return std::any_of(columns.MemberBegin(), columns.MemberEnd(), [&](const auto& member) {
    return is_one(json::text(member.name)) || (member.value.IsString() && is_one(json::text(member.value)));
  });
}

bool keeps(const model::Step& step, const std::vector<std::string>& names) {
  static constexpr std::string_view kAll[] = {"filter", "check", "dedupe", "cast", "drop_columns", "union"};
  static constexpr std::string_view kOthers[] = {"clean_nulls", "derive", "mask", "outliers", "rename_columns"};
  if (std::find(std::begin(kAll), std::end(kAll), step.op) != std::end(kAll)) return true;
  if (std::find(std::begin(kOthers), std::end(kOthers), step.op) == std::end(kOthers)) return false;
  const json::Document params = json::parse(step.params, "params");
  const auto columns = params.FindMember("columns");
  return columns != params.MemberEnd() && !names_any(columns->value, names);
}

// The steps from which rows come to `sink`, and itself.
std::set<std::string> before(const Graph& graph, const std::string& sink) {
  std::set<std::string> found = {sink};
  for (auto step = graph.steps().rbegin(); step != graph.steps().rend(); ++step) {
    if (found.contains(step->id)) found.insert(step->depends_on.begin(), step->depends_on.end());
  }
  return found;
}

}  // namespace

std::optional<bool> keeps_columns(const Graph& graph, const std::string& step, const std::string& sink,
                                  const std::vector<std::string>& names) {
  const std::set<std::string> to_sink = before(graph, sink);
  if (!to_sink.contains(step)) return std::nullopt;
  std::set<std::string> behind = {step};
  for (const model::Step& next : graph.steps()) {
    const auto& inputs = next.depends_on;
    if (std::any_of(inputs.begin(), inputs.end(), [&](const std::string& id) { return behind.contains(id); })) {
      behind.insert(next.id);
    }
    const bool between = behind.contains(next.id) && to_sink.contains(next.id) && next.id != sink;
    if (between && !inputs.empty() && !keeps(next, names)) return false;
  }
  return true;
}

}  // namespace etl::run
