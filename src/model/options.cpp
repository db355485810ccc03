#include "model/options.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "core/duration.hpp"
#include "core/json.hpp"
#include "core/nearest.hpp"

namespace etl::model {

namespace {

using json::Value;

constexpr std::array<std::string_view, 25> kBuilt = {
    "auto_recover", "bulk_bytes",     "bulk_items",     "compress",     "durability",
    "in_flight",    "index_mappings", "index_settings", "materialize",  "max_dead_letters",
    "max_retries",  "null_keys",      "observe",        "on_error",     "overlap",
    "priority",     "range",          "retry_backoff",  "run_timeout",  "safety",
    "settle",       "slices",         "snapshot",       "step_timeout", "write_mode"};
// How a run goes about it. What is in no list is the owner's: range is SQL, write_mode deletes.
constexpr std::array<std::string_view, 21> kOfAlter = {
    "auto_recover",     "bulk_bytes",  "bulk_items", "compress", "durability", "in_flight", "materialize",
    "max_dead_letters", "max_retries", "null_keys",  "observe",  "on_error",   "overlap",   "priority",
    "retry_backoff",    "run_timeout", "safety",     "settle",   "slices",     "snapshot",  "step_timeout"};
constexpr std::array<std::string_view, 5> kLater = {"capture", "copy_data", "delete_mode", "on_schema_change",
                                                    "tables"};

[[noreturn]] void wrong(const char* name, const Value& value, const std::string& expected) {
  throw Error("22023", "option \"" + std::string(name) + "\" cannot take this value",
              "It is " + json::write(value) + ".", "Use " + expected + ".");
}

std::int64_t whole(const char* name, const Value& value, std::int64_t low, std::int64_t high) {
  if (!value.IsInt64() || value.GetInt64() < low || value.GetInt64() > high) {
    wrong(name, value, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value.GetInt64();
}

bool boolean(const char* name, const Value& value) {
  if (!value.IsBool()) wrong(name, value, "true or false");
  return value.GetBool();
}

// The position of the value in the list of words.
std::size_t word(const char* name, const Value& value, const std::vector<std::string_view>& words) {
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (value.IsString() && json::text(value) == words[i]) return i;
    all += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + ("\"" + std::string(words[i]) + "\"");
  }
  wrong(name, value, all);
}

std::int64_t duration(const char* name, const Value& value) {
  if (!value.IsString()) wrong(name, value, "a duration such as \"5 minutes\"");
  return parse_duration_ms(json::text(value), name);
}

std::string object(const char* name, const Value& value) {
  if (!value.IsObject()) wrong(name, value, "a JSON object");
  return json::write(value);
}

std::vector<std::int64_t> durations(const char* name, const Value& value) {
  if (!value.IsArray() || value.Empty()) wrong(name, value, "a list of durations such as [\"1s\",\"2s\",\"4s\"]");
  std::vector<std::int64_t> all;
  for (const Value& item : value.GetArray()) all.push_back(duration(name, item));
  return all;
}

void read_safety(Options& options, const Value& value) {
  const std::vector<std::string_view> words = {"auto", "xact", "lock", "snapshot", "overlap"};
  options.safety = words[word("safety", value, words)];
  if (options.safety == "snapshot") {
    throw Error("0A000", "option \"safety\": \"snapshot\" is for mode stream, which is not built yet", {},
                "Use \"auto\", which picks \"xact\", \"lock\" or \"overlap\".");
  }
}

// A name is dispatched once, in the order of the list above.
void read_option(Options& o, const std::string& key, const Value& v) {
  if (key == "auto_recover") o.auto_recover = boolean("auto_recover", v);
  if (key == "bulk_bytes") {
    o.bulk_bytes = v.IsString() ? parse_bytes(json::text(v), "bulk_bytes") : whole("bulk_bytes", v, 1024, 1 << 30);
    if (o.bulk_bytes < 1024 || o.bulk_bytes > 100 * 1048576) wrong("bulk_bytes", v, "1 kB to 100 MB");
  }
  if (key == "bulk_items") o.bulk_items = static_cast<int>(whole("bulk_items", v, 1, 100000));
  if (key == "compress") o.compress = boolean("compress", v);
  if (key == "durability") o.durable_batches = word("durability", v, {"run", "batch"}) == 1;
  if (key == "in_flight") o.in_flight = static_cast<int>(whole("in_flight", v, 1, 64));
  if (key == "index_mappings") o.index_mappings = object("index_mappings", v);
  if (key == "index_settings") o.index_settings = object("index_settings", v);
  if (key == "max_dead_letters") o.max_dead_letters = whole("max_dead_letters", v, 0, 1000000000);
  if (key == "max_retries") o.max_retries = static_cast<int>(whole("max_retries", v, 0, 100));
  if (key == "null_keys") o.dead_letter_null_keys = word("null_keys", v, {"refuse", "dead_letter"}) == 1;
  if (key == "materialize") o.materialize = boolean("materialize", v);
  if (key == "observe") o.observe_steps = word("observe", v, {"run", "steps"}) == 1;
  if (key == "on_error") o.quarantine = word("on_error", v, {"fail", "quarantine"}) == 1;
  if (key == "overlap") o.overlap_ms = duration("overlap", v);
  if (key == "priority") o.priority = static_cast<int>(whole("priority", v, -100, 100));
  if (key == "retry_backoff") o.retry_backoff_ms = durations("retry_backoff", v);
  if (key == "safety") read_safety(o, v);
  if (key == "settle") o.settle_ms = duration("settle", v);
  if (key == "slices") o.slices = static_cast<int>(whole("slices", v, 1, 64));
  if (key == "snapshot") o.snapshot_run = word("snapshot", v, {"batch", "run"}) == 1;
  if (key == "step_timeout") o.step_timeout_ms = duration("step_timeout", v);
  if (key == "run_timeout") o.run_timeout_ms = duration("run_timeout", v);
  if (std::max(o.step_timeout_ms, o.run_timeout_ms) > INT32_MAX) wrong(key.c_str(), v, "at most 24 days");
}

bool is_owners(const std::string& option) {
  return std::find(kOfAlter.begin(), kOfAlter.end(), option) == kOfAlter.end();
}

}  // namespace

std::string owners_option(std::string_view old, std::string_view changed) {
  const json::Document was = json::parse(old, "options");
  const json::Document is = json::parse(changed, "options");
  std::set<std::string> seen;
  for (const auto& member : is.GetObject()) {
    const std::string key(json::text(member.name));
    if (!is_owners(key)) continue;
    const auto found = was.FindMember(member.name);
    // Of a name that comes twice the reader takes the first, the catalog keeps the last.
    if (found == was.MemberEnd() || found->value != member.value || !seen.insert(key).second) return key;
  }
  for (const auto& member : was.GetObject()) {
    const std::string key(json::text(member.name));
    if (is_owners(key) && !seen.contains(key)) return key;
  }
  return {};
}

Options parse_options(std::string_view text) {
  const json::Document document = json::parse(text, "options");
  if (!document.IsObject()) {
    throw Error("22023", "options must be a JSON object", "It is " + json::write(document) + ".",
                "For example '{\"on_error\": \"quarantine\"}'.");
  }
  Options options;
  for (const auto& member : document.GetObject()) {
    const std::string key(json::text(member.name));
    if (std::find(kBuilt.begin(), kBuilt.end(), key) != kBuilt.end()) {
      read_option(options, key, member.value);
    } else if (std::find(kLater.begin(), kLater.end(), key) != kLater.end()) {
      throw Error("0A000", "option \"" + key + "\" is not built yet", {}, "Leave it out in this version of pg_etl.");
    } else {
      std::vector<std::string_view> known(kBuilt.begin(), kBuilt.end());
      known.insert(known.end(), kLater.begin(), kLater.end());
      throw Error("22023", "unknown option \"" + key + "\"", {}, did_you_mean(key, known));
    }
  }
  options.write = read_write(document);
  return options;
}

}  // namespace etl::model
