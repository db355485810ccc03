// A pipeline's definition: what create_pipeline stores and export_pipeline gives, without its state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace etl::model {

struct Definition {
  std::int64_t id = 0;
  std::string name;
  unsigned owner = 0;
  std::optional<std::string> description;
  std::vector<std::string> tags;
  std::string mode = "full";  // full | incremental
  std::string source;
  std::string target;
  std::optional<std::vector<std::string>> key_columns;
  std::optional<std::string> incremental_key;
  std::optional<std::string> incremental_id_key;
  std::optional<std::string> steps;  // JSON
  std::int64_t batch_size = 5000;
  std::optional<std::string> schedule;
  std::string options = "{}";
  std::string search_path;  // of the user's SQL, kept from the definition
  bool enabled = true;
  int version = 1;
  bool create_target = false;
};

// Reads {"name": …, "source": …}: the keys of create_pipeline. Error 22023 for an unknown key or a wrong type.
Definition definition_from_json(const json::Value& object);
// Applies `changes` (same keys; null resets to the default) to a definition.
void apply_changes(Definition& definition, const json::Value& changes);
// With the keys in create_pipeline's order; defaults are left out, so that a round trip is byte for byte.
std::string definition_to_json(const Definition& definition);

// What target names: a table of this database, or <server>:<object>.
struct TargetName {
  std::string server;  // empty: a table
  std::string object;
};
TargetName parse_target(const std::string& target);

// An incremental pipeline that reads queries has both keys: 22023 with the missing one.
void want_incremental_keys(const Definition& definition);

// The checks that need no database: names, numbers, contract of the modes. The first broken rule is thrown.
void check_definition(const Definition& definition);

// The rules of an index name: lower case, no wildcard, comma, blank, date math, or leading . _ - +. Error 22023.
void check_index_name(const std::string& index);

// Allow-list: an exact name, or * as the last part.
bool pattern_matches(std::string_view pattern, std::string_view target);
void check_pattern(std::string_view pattern);  // Error 22023

}  // namespace etl::model
