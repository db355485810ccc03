// Definitions in etl.pipeline, the allow-list and the grants.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/definition.hpp"

namespace etl::catalog {

using model::Definition;

std::optional<Definition> find_pipeline(const std::string& name);
std::optional<Definition> find_pipeline(std::int64_t id);
std::optional<Definition> find_pipeline_latest(std::int64_t id);  // also inside an older snapshot
std::vector<Definition> all_pipelines();

// The same, locked until the end of the transaction: whoever is to change a definition, or to act on what it says,
// reads it so. FOR NO KEY UPDATE, because a worker's rows refer to the pipeline. Lock order: this row, then the
// pipeline's state row, then everything else.
std::optional<Definition> lock_pipeline(const std::string& name);
std::optional<Definition> lock_pipeline(std::int64_t id);

// Locks the row against renaming and dropping, so that a row that refers to it waits for nobody. False, without
// waiting, when another session is renaming or dropping it.
bool try_hold_pipeline(std::int64_t id);

// With its state row, bound to this database. Error 42710 when the name is taken.
std::int64_t insert_pipeline(const Definition& definition);
// By id, all but name and owner; raises the version.
void update_pipeline(const Definition& definition);
void rename_pipeline(std::int64_t id, const std::string& name);
void set_owner(std::int64_t id, unsigned owner);
void delete_pipeline(std::int64_t id);
void set_enabled(std::int64_t id, bool enabled, const std::optional<std::string>& reason);

// What a pipeline reads and writes, for whoever drops it (event trigger etl_dropped). OIDs of pg_class, and of
// pg_foreign_server.
struct Objects {
  std::vector<unsigned> read;
  std::vector<unsigned> written;
  std::vector<unsigned> servers;
};
void note_objects(std::int64_t id, const Objects& objects);

bool is_granted(std::int64_t id, const std::string& privilege, unsigned role);
void grant(std::int64_t id, const std::string& privilege, unsigned role);
bool revoke(std::int64_t id, const std::string& privilege, unsigned role);

// Whether an entry of the allow-list lets `role` name `target` (in the form that patterns are written in).
bool is_target_allowed(const std::string& target, unsigned role);
void allow_target(const std::string& pattern, std::optional<unsigned> role);
bool revoke_target(const std::string& pattern, std::optional<unsigned> role);

// The same for functions that steps call, by qualified name and argument types: no patterns.
bool is_function_allowed(const std::string& function, unsigned role);
void allow_function(const std::string& function, std::optional<unsigned> role);
bool revoke_function(const std::string& function, std::optional<unsigned> role);

}  // namespace etl::catalog
