#include "model/definition.hpp"

#include <algorithm>
#include <array>

#include "core/nearest.hpp"
#include "core/printable.hpp"
#include "model/options.hpp"

namespace etl::model {

namespace {

using json::Value;

constexpr std::array<std::string_view, 15> kKeys = {
    "name",       "source",   "target",  "mode",        "key_columns", "incremental_key", "incremental_id_key", "steps",
    "batch_size", "schedule", "options", "description", "tags",        "create_target",   "search_path"};

std::vector<std::string> names(const char* key, const Value& value) {
  std::vector<std::string> all;
  bool fine = value.IsArray();
  if (fine) {
    for (const Value& item : value.GetArray()) {
      fine = fine && item.IsString();
      if (fine) all.emplace_back(json::text(item));
    }
  }
  if (!fine) {
    throw Error("22023", "\"" + std::string(key) + "\" must be a list of names", "It is " + json::write(value) + ".",
                "Write it as in [\"id\"].");
  }
  return all;
}

std::string string_of(const char* key, const Value& value) {
  if (!value.IsString()) {
    throw Error("22023", "\"" + std::string(key) + "\" must be a string", "It is " + json::write(value) + ".",
                "Put it into double quotes, or write null for the default.");
  }
  return std::string(json::text(value));
}

void set_text_key(Definition& d, const std::string& key, const Value& v) {
  const bool null = v.IsNull();
  auto optional = [&]() -> std::optional<std::string> {
    return null ? std::nullopt : std::optional<std::string>(string_of(key.c_str(), v));
  };
  if (key == "name") d.name = string_of("name", v);
  if (key == "source") d.source = null ? "" : string_of("source", v);
  if (key == "target") d.target = null ? "" : string_of("target", v);
  if (key == "mode") d.mode = null ? "full" : string_of("mode", v);
  if (key == "incremental_key") d.incremental_key = optional();
  if (key == "incremental_id_key") d.incremental_id_key = optional();
  if (key == "schedule") d.schedule = optional();
  if (key == "description") d.description = optional();
  if (key == "search_path") d.search_path = null ? "" : string_of("search_path", v);
}

void set_key(Definition& d, const std::string& key, const Value& v) {
  const bool null = v.IsNull();
  if (key == "key_columns") {
    d.key_columns = null ? std::nullopt : std::optional(names("key_columns", v));
  } else if (key == "tags") {
    d.tags = null ? std::vector<std::string>() : names("tags", v);
  } else if (key == "options") {
    d.options = null ? "{}" : json::write(v);
  } else if (key == "steps") {
    d.steps = null ? std::nullopt : std::optional(json::write(v));
  } else if (key == "batch_size") {
    if (!null && !v.IsInt64()) {
      throw Error("22023", "\"batch_size\" must be a whole number", "It is " + json::write(v) + ".",
                  "Use 1 to 1000000 rows.");
    }
    d.batch_size = null ? 5000 : v.GetInt64();
  } else if (key == "create_target") {
    if (!null && !v.IsBool()) {
      throw Error("22023", "\"create_target\" must be true or false", "It is " + json::write(v) + ".",
                  "Leave it out for false.");
    }
    d.create_target = !null && v.GetBool();
  } else {
    set_text_key(d, key, v);
  }
}

std::string json_list(const std::vector<std::string>& list) {
  json::Texts texts(list.begin(), list.end());
  return json::write_texts(texts);
}

}  // namespace

void want_incremental_keys(const Definition& d) {
  const std::string subject = "incremental pipeline \"" + d.name + "\" needs ";
  if (!d.incremental_key) {
    throw Error(
        "22023", subject + "incremental_key", {},
        "Name an output column that grows with every change, such as updated_at or a serial id: a run reads the "
        "rows after the last key.");
  }
  if (!d.incremental_id_key) {
    throw Error("22023", subject + "incremental_id_key", {},
                "Name an output column that is unique, such as the source table's primary key: it tells rows with the "
                "same incremental_key apart.");
  }
}

namespace {

void check_incremental(const Definition& d) {
  // Whether the steps need keys depends on what they read.
  if (d.mode == "incremental" && !d.steps) want_incremental_keys(d);
  if (d.mode != "incremental" && (d.incremental_key || d.incremental_id_key)) {
    throw Error("22023", "incremental_key and incremental_id_key are for mode 'incremental'",
                "The mode is '" + d.mode + "'.", "Set mode => 'incremental', or leave the keys out.");
  }
}

}  // namespace

void apply_changes(Definition& definition, const Value& changes) {
  if (!changes.IsObject()) {
    throw Error("22023", "a pipeline is described by a JSON object",
                "It is " + printable(json::write(changes), 200) + ".", "Write it as in {\"batch_size\": 1000}.");
  }
  for (const auto& member : changes.GetObject()) {
    const std::string key(json::text(member.name));
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      throw Error("22023", "unknown key \"" + key + "\" in the definition", {},
                  did_you_mean(key, {kKeys.begin(), kKeys.end()}));
    }
    set_key(definition, key, member.value);
  }
}

Definition definition_from_json(const Value& object) {
  Definition definition;
  apply_changes(definition, object);
  return definition;
}

std::string definition_to_json(const Definition& d) {
  json::Object out;
  out.add("name", d.name);
  if (!d.steps) out.add("source", d.source).add("target", d.target);
  out.add("mode", d.mode);
  if (d.key_columns) out.add_raw("key_columns", json_list(*d.key_columns));
  if (d.incremental_key) out.add("incremental_key", *d.incremental_key);
  if (d.incremental_id_key) out.add("incremental_id_key", *d.incremental_id_key);
  if (d.steps) out.add_raw("steps", *d.steps);
  out.add_number("batch_size", d.batch_size);
  if (d.schedule) out.add("schedule", *d.schedule);
  if (d.options != "{}") out.add_raw("options", d.options);
  if (d.description) out.add("description", *d.description);
  if (!d.tags.empty()) out.add_raw("tags", json_list(d.tags));
  out.add("search_path", d.search_path);
  return out.str();
}

TargetName parse_target(const std::string& target) {
  // "es:index", but not "schema.table" nor a quoted name that holds a colon.
  const std::size_t colon = target.find(':');
  if (colon == std::string::npos || target.find('"') < colon) return {"", target};
  return {target.substr(0, colon), target.substr(colon + 1)};
}

// A character of a name in an error's detail; a byte that is not printable ASCII is not shown.
static std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f ? "the character \"" + std::string(1, c) + "\""
                                    : "a character that is not printable ASCII";
}

void check_index_name(const std::string& index) {
  const std::string subject = "index name \"" + index + "\" is not allowed";
  const std::string hint =
      "Use lower-case letters, digits, _ and -, starting with a letter or a digit, as in film_dim.";
  if (index.empty()) throw Error("22023", "the target names no index", {}, "Write it as server:index.");
  if (index.size() > 255) throw Error("22023", subject, "It is longer than 255 bytes.", hint);
  const char first = index[0];
  if (!((first >= 'a' && first <= 'z') || (first >= '0' && first <= '9'))) {
    throw Error("22023", subject, "It starts with " + shown(first) + ".", hint);
  }
  for (const char c : index) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.') continue;
    throw Error("22023", subject, "It holds " + shown(c) + ".", hint);
  }
}

void check_definition(const Definition& d) {
  if (d.name.empty()) throw Error("22023", "a pipeline needs a name", {}, "Give one that is not empty.");
  if (d.name.size() > 200)
    throw Error("22023", "the pipeline's name is longer than 200 bytes",
                "It has " + std::to_string(d.name.size()) + " bytes.", "Give a shorter one.");
  for (const char c : d.name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      throw Error("22023", "the pipeline's name holds a control character", {},
                  "Leave line ends, tabs and the like out of it.");
    }
  }
  if (d.schedule) {
    throw Error("0A000", "schedules are not built yet", {}, "Leave schedule out and call etl.run() from a scheduler.");
  }
  if (d.mode == "stream") {
    throw Error("0A000", "mode 'stream' is not built yet", {}, "Use mode 'incremental' with an incremental_key.");
  }
  if (d.mode != "full" && d.mode != "incremental") {
    throw Error("22023", "unknown mode \"" + d.mode + "\"", {}, "Use 'full' or 'incremental'.");
  }
  if (d.source.empty() && !d.steps)
    throw Error("22023", "pipeline \"" + d.name + "\" needs a source", {}, "Give one SELECT as source.");
  if (d.target.empty() && !d.steps) {
    throw Error("22023", "pipeline \"" + d.name + "\" needs a target", {},
                "Give a table as 'schema.table', or 'server:index'.");
  }
  if (d.batch_size < 1 || d.batch_size > 1000000) {
    throw Error("22023", "batch_size is out of range", "It is " + std::to_string(d.batch_size) + ".",
                "Use 1 to 1000000 rows.");
  }
  if (d.key_columns && d.key_columns->empty()) {
    throw Error("22023", "key_columns is empty", {}, "Name the columns that identify a row, or leave it out.");
  }
  if (d.key_columns && d.key_columns->size() > 16)
    throw Error("54011", "key_columns holds more than 16 columns",
                "It names " + std::to_string(d.key_columns->size()) + ".", "Name the columns of a shorter unique key.");
  for (std::size_t i = 1; d.key_columns && i < d.key_columns->size(); ++i) {
    const auto here = d.key_columns->begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(d.key_columns->begin(), here, *here) == here) continue;
    throw Error("42701", "key_columns names column \"" + *here + "\" twice", {}, "Name each column once.");
  }
  check_incremental(d);
  const Options options = parse_options(d.options);
  if (options.slices > 1 && d.mode != "full") {
    throw Error("0A000", "slices are for mode 'full'", {}, "Leave \"slices\" out of an incremental pipeline.");
  }
  const TargetName target = parse_target(d.target);
  if (!d.steps && !target.server.empty()) check_index_name(target.object);
}

bool pattern_matches(std::string_view pattern, std::string_view target) {
  if (!pattern.empty() && pattern.back() == '*') return target.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == target;
}

void check_pattern(std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  const std::size_t separator = pattern.find_first_of(".:");
  const bool fine = separator != std::string_view::npos && separator > 0 && separator + 1 < pattern.size() &&
                    (star == std::string_view::npos || (star == pattern.size() - 1 && star > separator));
  if (!fine) {
    throw Error("22023", "pattern \"" + std::string(pattern) + "\" cannot be read", {},
                "Write an exact name, or * as the last part: 'analytics.film_dim', 'analytics.*' or 'es:film_*'.");
  }
}

}  // namespace etl::model
