#include "run/target_check.hpp"

#include <algorithm>
#include <array>

#include "catalog/pipelines.hpp"
#include "core/nearest.hpp"
#include "core/quote.hpp"
#include "file/beneath.hpp"
#include "file/directory.hpp"
#include "pg/catalog_changes.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "pg/statement.hpp"
#include "remote/named_server.hpp"
#include "run/ownership.hpp"
#include "run/remote_target.hpp"
#include "run/write_check.hpp"
#include "source/file_access.hpp"

namespace etl::run {

namespace {

using pg::TargetColumn;
using pg::TargetTable;

std::string quoted(const std::string& name) {
  return "\"" + name + "\"";
}

// The unquoted form under which the allow-list knows a table that may not exist.
std::string listed_name(const std::string& target) {
  std::string plain;
  for (const char c : target) {
    if (c != '"') plain += c;
  }
  return plain;
}

void check_allowed(const std::string& listed, unsigned owner) {
  if (catalog::is_target_allowed(listed, owner)) return;
  throw Error("42501", "target " + quoted(listed) + " is not allowed for role " + quoted(pg::role_name(owner)),
              "No entry of etl.allowed_targets matches it.",
              "A superuser or the database's owner can run: SELECT etl.allow_target('" + listed + "', '" +
                  pg::role_name(owner) + "');");
}

std::string key_list(const std::vector<std::string>& keys) {
  std::string list;
  for (const std::string& key : keys) list += (list.empty() ? "" : ", ") + key;
  return list;
}

std::string create_table_hint(const SinkPlan& sink) {
  std::string columns;
  for (const pg::Column& column : sink.columns) {
    columns +=
        (columns.empty() ? "" : ", ") + quote_name(column.name) + " " + pg::type_name(column.type, column.typmod);
  }
  const std::string keys = sink.key_columns ? ", PRIMARY KEY (" + name_list(*sink.key_columns) + ")" : "";
  return "Create it: CREATE TABLE " + sink.target + " (" + columns + keys +
         "); or pass create_target => true with key_columns.";
}

void check_kind(const SinkPlan& sink, const TargetTable& table, unsigned owner) {
  if (table.kind != 'r' && table.kind != 'p') {
    throw Error("42809", "target " + quoted(table.plain_name) + " is " + pg::kind_in_words(table.kind), {},
                "Name an ordinary or partitioned table as target.");
  }
  if (table.has_rules) {
    const pg::Rows rules = pg::catalog_query(
        "SELECT string_agg(quote_ident(rulename), ', ' ORDER BY rulename) FROM pg_rewrite WHERE ev_class = $1::oid",
        {std::to_string(table.oid)});
    throw Error("42809", "target " + quoted(table.plain_name) + " has rewrite rules",
                "MERGE, which writes a batch, takes no table with rules: " + rules.at(0).at(0).value_or("") + ".",
                "Do in a trigger what the rule does and drop the rule, or name another table as target.");
  }
  const unsigned needed = privileges(sink.write.mode);
  const std::string missing = pg::missing_privilege(owner, table.oid, needed);
  if (!missing.empty()) {
    throw Error("42501",
                "target " + quoted(table.plain_name) + " is not writable by role " + quoted(pg::role_name(owner)),
                "The role lacks " + missing + " on it.",
                "Run: GRANT " + pg::privilege_list(needed) + " ON " + table.name + " TO " +
                    quote_name(pg::role_name(owner)) + ";");
  }
  if (pg::is_superuser(owner) && !pg::is_superuser(table.owner)) {
    throw Error("42501", "a superuser's pipeline cannot write target " + quoted(table.plain_name),
                "It belongs to role " + quoted(pg::role_name(table.owner)) +
                    ", whose triggers would run with a superuser's rights.",
                "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
  }
}

// Code of others that writing the table would run.
SinkPlan::Watched refuse_foreign_code(const TargetTable& table) {
  SinkPlan::Watched watched;
  Reach reach{{table.oid}, {}};
  do {
    watched.tables = reach.tables;
    pg::lock_to_write(watched.tables);
    watched.changes = pg::catalog_changes();
    reach = reach_of({table.oid}, true, {}, {});
  } while (reach.tables != watched.tables);
  if (reach.foreign.empty()) return watched;
  throw Error("42501", "a superuser's pipeline cannot write target " + quoted(table.plain_name),
              "With it goes " + reach.foreign + ", which does not belong to a superuser.",
              "Let an ordinary role own the pipeline: etl.alter_pipeline_owner().");
}

void check_keys(const SinkPlan& sink, const TargetTable& table) {
  if (sink.keys.empty() && sink.write.mode == model::WriteMode::kAppend) return;
  if (sink.keys.empty()) {
    throw Error(
        "42P10", "target " + quoted(table.plain_name) + " has no primary key", "key_columns was not given either.",
        "Add one: ALTER TABLE " + table.name + " ADD PRIMARY KEY (…); or name key_columns that a unique index covers.");
  }
  for (const std::string& key : sink.keys) {
    if (find_target_column(table, key) == nullptr) {
      std::vector<std::string_view> names;
      for (const TargetColumn& column : table.columns) names.push_back(column.name);
      throw Error("42703", "key column \"" + key + "\" is not a column of target " + quoted(table.plain_name), {},
                  did_you_mean(key, names));
    }
    if (find_column(sink.columns, key) == nullptr) {
      std::vector<std::string_view> names;
      for (const pg::Column& column : sink.columns) names.push_back(column.name);
      throw Error("42703", "key column \"" + key + "\" is not a column of the source's output", {},
                  did_you_mean(key, names));
    }
  }
  if (!table.key_is_unique && sink.write.mode != model::WriteMode::kAppend) {
    throw Error("42P10",
                "no unique index of target " + quoted(table.plain_name) + " is on just (" +
                    key_list(unique_columns(sink)) + ")",
                {},
                "Run: CREATE UNIQUE INDEX ON " + table.name + " (" + name_list(unique_columns(sink)) +
                    "); an upsert needs one that is valid, and not partial, deferrable or on expressions.");
  }
}

void check_table(SinkPlan& sink, unsigned owner) {
  std::vector<std::string> wanted = sink.key_columns.value_or(std::vector<std::string>());
  if (const auto seen = pg::look_up_target(sink.target)) {  // before its lock is taken
    check_allowed(seen->plain_name, owner);
    check_kind(sink, *seen, owner);
  }
  const unsigned needed = privileges(sink.write.mode);
  sink.keys = wanted;
  std::optional<TargetTable> table = pg::find_target(sink.target, unique_columns(sink), needed);
  check_allowed(table ? table->plain_name : listed_name(sink.target), owner);
  if (!table) {
    throw Error("42P01", "target " + quoted(listed_name(sink.target)) + " does not exist", {}, create_table_hint(sink));
  }
  check_kind(sink, *table, owner);
  sink.watched.reset();
  if (pg::is_superuser(owner)) sink.watched = refuse_foreign_code(*table);
  if (wanted.empty()) {
    sink.keys = default_keys(sink, *table);
    if (!sink.keys.empty()) table = pg::find_target(sink.target, unique_columns(sink), needed);
  }
  check_managed(sink, *table, owner);
  check_keys(sink, *table);
  check_columns(sink, *table);
  sink.table = table;
  sink.identity = "the table with OID " + std::to_string(table->oid);
}

void check_server(SinkPlan& sink, const Plan& plan, const model::TargetName& target, unsigned owner) {
  check_allowed(target.server + ":" + target.object, owner);
  sink.server = remote::find_server(target.server, owner, {"elasticsearch", "opensearch", "postgres"});
  sink.object = target.object;
  sink.identity = sink.server->options.at("url");
  if (sink.server->type == "postgres") return check_remote_table(sink, plan);
  if (sink.write.mode != model::WriteMode::kUpsert) {
    throw Error("22023", "write_mode \"" + std::string(model::name_of(sink.write.mode)) + "\" is for tables",
                "The target is " + sink.target + ".", "Leave it out: an index gets the last version of each document.");
  }
  model::check_index_name(target.object);
  if (!sink.key_columns) {
    throw Error("22023", "pipeline \"" + plan.definition.name + "\" needs key_columns", {},
                "Name the output columns that identify a row: a document's _id is made of them.");
  }
  sink.keys = *sink.key_columns;
}

constexpr unsigned kBpchar = 1042;

// Whether two different values are different after the cast, too. What is not known to be costs a batch a sort.
bool keeps_apart(unsigned from, unsigned to) {
  constexpr std::array<unsigned, 3> kWider = {21, 23, 20};   // int2, int4, int8
  constexpr std::array<unsigned, 2> kSameText = {25, 1043};  // text, varchar
  const auto is_in = [](const auto& types, unsigned type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  if (is_in(kSameText, from) && is_in(kSameText, to)) return true;
  return is_in(kWider, from) &&
         std::find(std::find(kWider.begin(), kWider.end(), from), kWider.end(), to) != kWider.end();
}

}  // namespace

void check_columns(const SinkPlan& sink, const TargetTable& table) {
  for (const pg::Column& column : sink.columns) {
    const TargetColumn* target = find_target_column(table, column.name);
    if (target == nullptr) {
      std::vector<std::string_view> names;
      for (const TargetColumn& c : table.columns) names.push_back(c.name);
      throw Error(
          "42703",
          "the source returns column \"" + column.name + "\", which target " + quoted(table.plain_name) + " lacks", {},
          did_you_mean(column.name, names));
    }
    if (target->generated) {
      throw Error("428C9", "target column \"" + column.name + "\" is generated", {},
                  "Leave it out of the source: PostgreSQL computes it.");
    }
  }
  for (const TargetColumn& column : table.columns) {
    if (!column.not_null || column.has_default || column.generated || is_managed(sink, column.name) ||
        find_column(sink.columns, column.name) != nullptr) {
      continue;
    }
    throw Error("23502", "the source does not return column \"" + column.name + "\"",
                "It is NOT NULL in target " + quoted(table.plain_name) + " and has no default.",
                "Add it to the source's SELECT.");
  }
}

bool cast_cuts(const std::string& type) {
  return type.starts_with("character") || type.starts_with("bit") || type.starts_with("pg_catalog.bpchar") ||
         type.starts_with("pg_catalog.varchar") || type.starts_with("pg_catalog.bit");
}

std::string target_as_listed(const SinkPlan& sink) {
  if (sink.file) return sink.file->path;
  if (!sink.call.empty()) return sink.step;
  return sink.table ? sink.table->plain_name : sink.server->name + ":" + sink.object;
}

void check_target(SinkPlan& sink, const Plan& plan, unsigned owner) {
  const model::TargetName target = model::parse_target(sink.target);
  if (target.server.empty()) {
    check_table(sink, owner);
  } else {
    check_server(sink, plan, target, owner);
  }
}

void look_again(SinkPlan& sink) {
  if (!sink.watched) return;
  pg::lock_to_write(sink.watched->tables);
  if (pg::catalog_changes() != sink.watched->changes) sink.watched = refuse_foreign_code(*sink.table);
}

void check_file(SinkPlan& sink) {
  const std::string directories = source::file_directories(source::FileUse::kWrite);
  (void)file::check_path(sink.file->path);
  if (file::parse_directories(directories).empty()) {
    file::refuse(sink.file->path, "Setting etl.data_directory is empty.");
  }
  sink.keys = sink.key_columns.value_or(std::vector<std::string>());
}

void prepare_upsert(SinkPlan& sink, const std::vector<std::string>& order) {
  sink.upsert.target = sink.table->name;
  for (pg::Column& column : sink.columns) {
    const TargetColumn& target = *find_target_column(*sink.table, column.name);
    compile::UpsertColumn c;
    c.name = column.name;
    c.key = std::find(sink.keys.begin(), sink.keys.end(), column.name) != sink.keys.end();
    c.set = !target.identity_always;
    const pg::TypeAndModifier base = pg::base_type(target.type, target.typmod);
    if (base.type == kBpchar) c.image = "pg_catalog.text";
    if (c.key) c.operators = operators_of(target.type);
    if (column.type != target.type || (column.typmod != target.typmod && target.typmod != -1)) {
      const bool cuts = cast_cuts(pg::type_name(base.type, base.typmod));
      if (!cuts) c.cast = pg::type_name(target.type, target.typmod);
      if (cuts && column.type != base.type) c.cast = pg::type_name(base.type, -1);
      if (cuts && base.type != target.type && c.image.empty()) c.image = pg::type_name(base.type, -1);
    }
    if (c.key && !c.cast.empty() && !keeps_apart(column.type, base.type)) sink.upsert.keys_may_merge = true;
    sink.upsert.columns.push_back(c);
    if (!sink.keys.empty() && column.name == sink.keys[0]) {
      sink.key_range = sink.keys.size() == 1 && order == sink.keys && c.cast.empty() && column.type == target.type &&
                       column.collation == target.collation;
    }
    // From here on the rows are compared as the target compares them: its keys decide which rows are one, and two
    // collations in one comparison would be 42P22.
    if (column.collation != 0) column.compared = target.collation;
  }
  prepare_write_mode(sink);
  // The parser decides whether the types fit: as an assignment, which is stricter than the casts above.
  pg::Relation shape(sink.columns, false);
  std::vector<std::string> names;
  for (const pg::Column& column : sink.columns) names.push_back(column.name);
  const std::string list = name_list(names);
  try {
    pg::Statement insert(
        "INSERT INTO " + sink.table->name + " (" + list + ") OVERRIDING SYSTEM VALUE SELECT " + list + " FROM input",
        {}, {{"input", &shape}}, pg::Planning::kFree);
    check_statements(sink, shape);
  } catch (Error& error) {
    error.query.clear();  // of ours, not of the user's
    throw;
  }
}

}  // namespace etl::run
