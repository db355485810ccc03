#include "model/steps.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/nearest.hpp"
#include "core/printable.hpp"
#include "model/definition.hpp"

namespace etl::model {

namespace {

using json::Value;

constexpr std::size_t kMaxSteps = 500;
constexpr std::size_t kMaxDependencies = 500;  // of a step
constexpr std::size_t kMaxIdBytes = 63;

// A name as it stands in messages; one that is too long to be right is cut, and so is still none.
std::string shown(std::string_view name) {
  return name.size() <= kMaxIdBytes ? std::string(name) : printable(name, kMaxIdBytes) + "…";
}

void add(std::vector<Finding>& findings, std::string_view rule, std::string_view sqlstate, std::string message,
         std::string detail, std::string hint, const std::string& step = {}) {
  if (findings.size() >= kMaxFindings) return;
  findings.push_back({std::string(rule), "error", std::string(sqlstate), std::move(message), std::move(detail),
                      std::move(hint), step});
}

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > kMaxIdBytes || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// Names of dependencies; a single one may stand without a list.
bool read_dependencies(const Value& value, std::vector<std::string>& names) {
  if (value.IsString()) {
    names.emplace_back(shown(json::text(value)));
    return true;
  }
  if (value.IsNull()) return true;
  if (!value.IsArray() || value.Size() > kMaxDependencies) return false;
  for (const Value& item : value.GetArray()) {
    if (!item.IsString()) return false;
    names.emplace_back(shown(json::text(item)));
  }
  return true;
}

void read_member(Step& step, const std::string& key, const Value& value, const std::string& subject,
                 std::vector<Finding>& findings) {
  constexpr std::string_view kHint = R"(Write a step as {"id": …, "operator": …, "params": {…}, "depends_on": […]}.)";
  const std::string seen = "It is " + printable(json::write(value), 200) + ".";
  if (key == "id" || key == "operator") {
    if (!value.IsString())
      return add(findings, "step", "22023", subject + ": \"" + key + "\" must be a string", seen, std::string(kHint));
    (key == "id" ? step.id : step.op) = shown(json::text(value));
  } else if (key == "params") {
    if (!value.IsObject())
      return add(findings, "step", "22023", subject + ": \"params\" must be a JSON object", seen, std::string(kHint));
    step.params = json::write(value);
  } else if (key == "depends_on") {
    if (!read_dependencies(value, step.depends_on))
      add(findings, "step", "22023",
          subject + ": \"depends_on\" must be a list of up to " + std::to_string(kMaxDependencies) + " step ids", seen,
          std::string(kHint));
  } else {
    add(findings, "step", "22023", subject + ": unknown key \"" + shown(key) + "\"", {},
        did_you_mean(key, {"id", "operator", "params", "depends_on"}));
  }
}

Step read_step(const Value& value, std::size_t number, std::vector<Finding>& findings) {
  Step step;
  const std::string nth = "step number " + std::to_string(number);
  if (!value.IsObject()) {
    add(findings, "step", "22023", nth + " is not a JSON object", "It is " + printable(json::write(value), 200) + ".",
        R"(Write it as {"id": "clean", "operator": "filter", "params": {…}, "depends_on": ["extract"]}.)");
    return step;
  }
  const auto id = value.FindMember("id");
  const bool named = id != value.MemberEnd() && id->value.IsString();
  const std::string subject = named ? "step \"" + shown(json::text(id->value)) + "\"" : nth;
  for (const auto& member : value.GetObject()) {
    if (findings.size() >= kMaxFindings) break;
    read_member(step, std::string(json::text(member.name)), member.value, subject, findings);
  }
  if (id == value.MemberEnd()) {
    add(findings, "step", "22023", nth + " has no id", {}, "Give it one: lower-case letters, digits and _.");
  } else if (named && (!is_id(step.id) || step.id.starts_with("_etl_") || step.id == "input" || step.id == "output")) {
    add(findings, "step", "22023", "step id \"" + step.id + "\" is not allowed",
        "Other steps name its rows by it in SQL.",
        "Use 1 to 63 lower-case letters, digits and _, not starting with a digit or _etl_, and neither input nor "
        "output.");
  }
  if (!value.HasMember("operator"))
    add(findings, "step", "22023", subject + " has no operator", {}, "Name one of etl.operators.");
  return step;
}

void check_names(const Steps& steps, std::vector<Finding>& findings) {
  std::set<std::string> seen;
  std::vector<std::string_view> ids;
  for (const Step& step : steps) {
    if (!seen.insert(step.id).second && !step.id.empty())
      add(findings, "duplicate id", "42710", "two steps have the id \"" + step.id + "\"", {}, "Rename one of them.",
          step.id);
    ids.push_back(step.id);
  }
  for (const Step& step : steps) {
    std::set<std::string> own;
    for (const std::string& name : step.depends_on) {
      if (findings.size() >= kMaxFindings) return;
      if (!own.insert(name).second) {
        add(findings, "dependency", "42710", "step \"" + step.id + "\" depends on \"" + name + "\" twice", {},
            "Name each step once.", step.id);
      }
      if (seen.contains(name)) continue;
      add(findings, "dependency", "42704",
          "step \"" + step.id + "\" depends on step \"" + name + "\", which does not exist", {},
          did_you_mean(name, ids), step.id);
    }
  }
}

const Step* find(const Steps& steps, const std::string& id) {
  for (const Step& step : steps) {
    if (step.id == id) return &step;
  }
  return nullptr;
}

// What is left when Kahn's algorithm has taken all that it can: each of these depends on another of them. Empty when
// ids that come twice hide the cycle.
std::vector<const Step*> cycle_in(const Steps& steps, const std::set<const Step*>& left) {
  std::vector<const Step*> way;
  const Step* at = *left.begin();
  while (std::find(way.begin(), way.end(), at) == way.end()) {
    way.push_back(at);
    const Step* next = nullptr;
    for (const std::string& name : at->depends_on) {
      const Step* step = find(steps, name);
      if (left.contains(step)) {
        next = step;
        break;
      }
    }
    if (next == nullptr) return {};
    at = next;
  }
  // From dependency to dependant, as the rows would flow, starting with the step that is defined first.
  std::vector<const Step*> cycle(std::find(way.begin(), way.end(), at), way.end());
  std::reverse(cycle.begin(), cycle.end());
  std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
  return cycle;
}

// Takes layer after layer; `left` are those that no layer could take. A dependency that does not exist is no hindrance.
std::vector<std::vector<const Step*>> take_layers(const Steps& steps, std::set<const Step*>& left) {
  std::map<std::string_view, std::vector<std::size_t>> dependants;  // by id, as often as they name it
  for (const Step& step : steps) dependants[step.id];
  std::vector<std::size_t> awaited(steps.size(), 0);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const std::string& name : steps[i].depends_on) {
      const auto found = dependants.find(name);
      if (found == dependants.end()) continue;
      found->second.push_back(i);
      ++awaited[i];
    }
  }
  std::vector<std::vector<const Step*>> layers;
  left.clear();
  for (const Step& step : steps) left.insert(&step);
  while (!left.empty()) {
    std::vector<const Step*> layer;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (awaited[i] == 0 && left.contains(&steps[i])) layer.push_back(&steps[i]);
    }
    if (layer.empty()) break;
    for (const Step* step : layer) {
      left.erase(step);
      for (const std::size_t i : std::exchange(dependants[step->id], {})) --awaited[i];
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

// Each cycle once: it is cut where it was told.
void check_cycles(const Steps& steps, std::vector<Finding>& findings) {
  for (Steps rest = steps;;) {
    std::set<const Step*> left;
    (void)take_layers(rest, left);
    const std::vector<const Step*> cycle = left.empty() ? std::vector<const Step*>() : cycle_in(rest, left);
    if (cycle.empty()) return;
    std::string text;
    for (const Step* step : cycle) text += step->id + " → ";
    add(findings, "cycle", "22023", "the steps form a cycle: " + text + cycle.front()->id, {},
        "Take one of these dependencies out of depends_on.", cycle.front()->id);
    rest[static_cast<std::size_t>(cycle.front() - rest.data())].depends_on.clear();
  }
}

std::string params_with(std::initializer_list<std::pair<const char*, std::string>> texts,
                        const std::optional<std::vector<std::string>>& keys) {
  json::Object params;
  for (const auto& [name, text] : texts) params.add(name, text);
  if (keys) params.add_raw("key_columns", json::write_texts({keys->begin(), keys->end()}));
  return params.str();
}

}  // namespace

std::string_view name(Kind kind) {
  return kind == Kind::kSource ? "source" : kind == Kind::kTransform ? "transform" : "sink";
}

Steps read_steps(std::string_view text, std::vector<Finding>& findings) {
  const json::Document document = json::parse_exact(text, "steps");
  Steps steps;
  if (!document.IsArray() || document.Empty() || document.Size() > kMaxSteps) {
    add(findings, "steps", "22023", "steps must be a list of 1 to " + std::to_string(kMaxSteps) + " steps",
        "It is " + printable(json::write(document), 200) + ".",
        R"(Write it as [{"id": "extract", "operator": "sql", "params": {"query": "SELECT …"}}, …].)");
    return steps;
  }
  for (const Value& value : document.GetArray()) steps.push_back(read_step(value, steps.size() + 1, findings));
  check_names(steps, findings);
  check_cycles(steps, findings);
  return steps;
}

std::string steps_to_json(const Steps& steps) {
  std::string list;
  for (const Step& step : steps) {
    json::Object out;
    out.add("id", step.id).add("operator", step.op);
    if (step.params != "{}") out.add_raw("params", step.params);
    if (!step.depends_on.empty())
      out.add_raw("depends_on", json::write_texts({step.depends_on.begin(), step.depends_on.end()}));
    list += (list.empty() ? "" : ",") + out.str();
  }
  return "[" + list + "]";
}

bool settle(Definition& definition) {
  if (!definition.steps) return false;
  const bool source_left_out = !definition.source.empty();
  definition.source.clear();
  std::vector<Finding> findings;
  const Steps steps = read_steps(*definition.steps, findings);
  if (!findings.empty()) return source_left_out;
  definition.steps = steps_to_json(steps);
  definition.target.clear();
  for (const Step& step : steps) {
    const json::Document params = json::parse(step.params, "params");
    const bool file = step.op == "file";
    const auto target = params.FindMember(file ? "path" : "target");
    if (kind_of(steps, step) != Kind::kSink || target == params.MemberEnd() || !target->value.IsString()) continue;
    definition.target += (definition.target.empty() ? "" : ", ") + std::string(file ? "file:" : "");
    definition.target += json::text(target->value);
  }
  return source_left_out;
}

Steps steps_of(const Definition& d) {
  if (d.steps) {
    std::vector<Finding> findings;
    Steps steps = read_steps(*d.steps, findings);
    throw_errors(findings);
    return steps;
  }
  const bool remote = !parse_target(d.target).server.empty();
  return {{"source", "sql", params_with({{"query", d.source}}, {}), {}},
          {"sink", remote ? "elasticsearch" : "table", params_with({{"target", d.target}}, d.key_columns), {"source"}}};
}

Kind kind_of(const Steps& steps, const Step& step) {
  if (step.depends_on.empty()) return Kind::kSource;
  for (const Step& other : steps) {
    if (std::find(other.depends_on.begin(), other.depends_on.end(), step.id) != other.depends_on.end())
      return Kind::kTransform;
  }
  return Kind::kSink;
}

std::vector<std::vector<const Step*>> layers(const Steps& steps) {
  std::set<const Step*> left;
  return take_layers(steps, left);
}

std::string layers_text(const Steps& steps) {
  std::string text;
  for (const auto& layer : layers(steps)) {
    std::string ids;
    for (const Step* step : layer) ids += (ids.empty() ? "" : ", ") + step->id;
    text += (text.empty() ? "[" : " [") + ids + "]";
  }
  return text;
}

}  // namespace etl::model
