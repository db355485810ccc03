// etl.create_pipeline and its kin: definitions.
#include "api/open.hpp"
#include "api/request.hpp"
#include "catalog/checkpoints.hpp"
#include "catalog/pipelines.hpp"
#include "catalog/runs.hpp"
#include "core/json.hpp"
#include "core/yaml.hpp"
#include "model/options.hpp"
#include "model/steps.hpp"
#include "pg/log.hpp"
#include "pg/process.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"
#include "run/create_target.hpp"
#include "run/plan.hpp"
#include "run/rest.hpp"

namespace etl::api {

namespace {

using model::Definition;

void report(const run::Plan& plan) {
  for (const run::Finding& finding : plan.warnings) pg::warn_line(finding.message, finding.hint);
}

// old_target: what was stored; another one that is given beside steps is left out as a source is.
void settle_steps(Definition& definition, const std::string& old_target = {}) {
  const std::string target = definition.target;
  const bool source_left_out = model::settle(definition);
  const bool target_left_out =
      definition.steps && !target.empty() && target != old_target && target != definition.target;
  if (!source_left_out && !target_left_out) return;
  const char* what = source_left_out && target_left_out ? "source and target are"
                     : source_left_out                  ? "source is"
                                                        : "target is";
  pg::notice("steps are given: " + std::string(what) + " left out");
}

// Checks the definition as its owner's session will, makes the target if asked, and stores it.
std::int64_t create(Definition definition) {
  settle_steps(definition);
  definition.owner = pg::current_role();
  if (definition.search_path.empty()) definition.search_path = pg::setting("search_path");
  const run::Plan plan = plan_of(definition);
  if (!definition.key_columns) definition.key_columns = std::nullopt;
  const std::int64_t id = catalog::insert_pipeline(definition);
  run::note_objects(plan, id);
  report(plan);
  return id;
}

// As the owner, whose SQL the parser reads.
std::vector<run::Finding> faults_of(const Definition& definition) {
  pg::ActingAs owner(definition.owner, definition.search_path);
  std::vector<run::Finding> findings = run::find_faults(definition);
  owner.leave();
  return findings;
}

// What names code that runs with the owner's rights, or where it writes: the first key of it that differs.
std::string owners_change(const Definition& old, const Definition& changed) {
  if (changed.create_target) return "create_target";
  if (changed.incremental_id_key != old.incremental_id_key) return "incremental_id_key";
  if (changed.incremental_key != old.incremental_key) return "incremental_key";
  if (changed.key_columns != old.key_columns) return "key_columns";
  if (changed.steps != old.steps) return "steps";
  if (changed.mode != old.mode) return "mode";
  if (changed.search_path != old.search_path) return "search_path";
  if (changed.source != old.source) return "source";
  if (changed.target != old.target) return "target";
  (void)model::parse_options(changed.options);
  const std::string option = model::owners_option(old.options, changed.options);
  return option.empty() ? "" : "options." + option;
}

void check_alter(const Definition& old, const Definition& changed) {
  const std::string key = owners_change(old, changed);
  if (key.empty() || may(old, Right::kOwner)) return;
  throw Error(
      "42501", "permission denied to change \"" + key + "\" of pipeline \"" + old.name + "\"",
      "It says what runs with the rights of role \"" + pg::role_name(old.owner) + "\".",
      "ALTER is for batch_size, description, schedule, tags and most options. The rest is for roles that can SET "
      "ROLE to the owner.");
}

// `old` is locked.
void alter(const Definition& old, const Definition& changed) {
  check_alter(old, changed);
  run::want_at_rest(old, "altered");
  const run::Plan plan = plan_of(changed);
  catalog::update_pipeline(changed);
  run::note_objects(plan, changed.id);
  // A position says which rows the target holds: in another target, or another order, it is worth nothing.
  const bool same_place = old.target == changed.target && old.mode == changed.mode &&
                          old.key_columns == changed.key_columns && old.incremental_key == changed.incremental_key &&
                          old.incremental_id_key == changed.incremental_id_key;
  if (!same_place) {
    catalog::forget_checkpoints(changed.id);
    catalog::write_event(changed.id, std::nullopt, pg::role_name(pg::current_role()),
                         "checkpoint forgotten: mode, target or keys were altered");
  }
  report(plan);
}

Definition from_arguments(FunctionCallInfo fcinfo) {
  Definition d;
  d.name = pg::required_argument(fcinfo, 0, "name");
  d.source = pg::text_argument(fcinfo, 1).value_or("");
  d.target = pg::text_argument(fcinfo, 2).value_or("");
  d.mode = pg::text_argument(fcinfo, 3).value_or("full");
  d.key_columns = pg::text_array_argument(fcinfo, 4);
  d.incremental_key = pg::text_argument(fcinfo, 5);
  d.incremental_id_key = pg::text_argument(fcinfo, 6);
  d.steps = pg::text_argument(fcinfo, 7);
  d.batch_size = pg::long_argument(fcinfo, 8, 5000);
  d.schedule = pg::text_argument(fcinfo, 9);
  d.options = json::write(json::parse(pg::text_argument(fcinfo, 10).value_or("{}"), "options"));
  d.description = pg::text_argument(fcinfo, 11);
  d.tags = pg::text_array_argument(fcinfo, 12).value_or(std::vector<std::string>());
  d.create_target = pg::bool_argument(fcinfo, 13, false);
  return d;
}

// What begins with { or [ is JSON and never YAML in flow style, so that an error in it is told by the parser whose
// language was meant. Flow style is YAML behind ---.
json::Document read_definitions(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  return is_json ? json::parse_exact(text, "the definition") : yaml::parse(text, "the definition");
}

std::string import_one(const json::Value& object, bool replace) {
  Definition definition = model::definition_from_json(object);
  const auto seen = catalog::find_pipeline(definition.name);
  if (!seen) {
    (void)create(definition);
    return definition.name;
  }
  if (!replace) {
    throw Error("42710", "pipeline \"" + definition.name + "\" already exists", {}, "Call with replace => true.");
  }
  (void)check_right(*seen, Right::kAlter);
  const auto old = catalog::lock_pipeline(definition.name);
  if (!old) throw Error("42704", "pipeline \"" + definition.name + "\" does not exist", {}, "Call again to create it.");
  (void)check_right(*old, Right::kAlter);
  definition.id = old->id;
  definition.owner = old->owner;
  if (old->owner != pg::current_role()) {
    pg::notice("pipeline \"" + old->name + "\" stays that of role \"" + pg::role_name(old->owner) +
               "\", with whose rights it runs");
  }
  if (definition.search_path.empty()) definition.search_path = old->search_path;
  settle_steps(definition, old->target);
  if (model::definition_to_json(definition) != model::definition_to_json(*old)) alter(*old, definition);
  return definition.name;
}

}  // namespace

run::Plan plan_of(const Definition& definition) {
  pg::ActingAs owner(definition.owner, definition.search_path);
  if (definition.create_target) {
    for (const std::string& sql : run::create_target_sql(definition)) (void)pg::query_once(sql);
  }
  run::Plan plan = run::make_plan(definition, definition.owner);
  owner.leave();
  return plan;
}

ETL_FUNCTION(etl_create_pipeline) {
  return pg::boundary([&]() -> Datum {
    on_first_call();
    const Definition definition = from_arguments(fcinfo);
    const auto old = catalog::find_pipeline(definition.name);
    if (old && pg::bool_argument(fcinfo, 14, false)) {
      pg::notice("pipeline \"" + definition.name + "\" already exists, skipping");
      return Int64GetDatum(old->id);
    }
    if (old) {
      throw Error("42710", "pipeline \"" + definition.name + "\" already exists", {},
                  "Choose another name, or call with if_not_exists => true.");
    }
    return Int64GetDatum(create(definition));
  });
}

ETL_FUNCTION(etl_alter_pipeline) {
  return pg::boundary([&]() -> Datum {
    const Definition old = lock_pipeline(fcinfo, 0, Right::kAlter);
    Definition changed = old;
    model::apply_changes(changed, json::parse_exact(pg::required_argument(fcinfo, 1, "changes"), "changes"));
    if (changed.name != old.name) {
      throw Error("22023", "\"name\" cannot be altered", {}, "Use etl.rename_pipeline().");
    }
    if (changed.search_path.empty()) changed.search_path = pg::setting("search_path");
    settle_steps(changed, old.target);
    alter(old, changed);
    return Int64GetDatum(old.id);
  });
}

ETL_FUNCTION(etl_rename_pipeline) {
  return pg::boundary([&]() -> Datum {
    Definition definition = lock_pipeline(fcinfo, 0, Right::kOwner);
    definition.name = pg::required_argument(fcinfo, 1, "new_name");
    model::check_definition(definition);
    catalog::rename_pipeline(definition.id, definition.name);
    return Int64GetDatum(definition.id);
  });
}

ETL_FUNCTION(etl_alter_pipeline_owner) {
  return pg::boundary([&]() -> Datum {
    Definition definition = lock_pipeline(fcinfo, 0, Right::kOwner);
    (void)pg::required_argument(fcinfo, 1, "new_owner");
    run::want_at_rest(definition, "given away");
    const auto owner = static_cast<unsigned>(PG_GETARG_OID(1));
    if (!pg::can_become(pg::current_role(), owner)) {
      throw Error("42501", "must be able to SET ROLE \"" + pg::role_name(owner) + "\"", {},
                  "The pipeline gets the rights of its new owner.");
    }
    definition.owner = owner;
    (void)plan_of(definition);
    catalog::set_owner(definition.id, owner);
    return Int64GetDatum(definition.id);
  });
}

ETL_FUNCTION(etl_drop_pipeline) {
  return pg::boundary([&]() -> Datum {
    const bool if_exists = pg::bool_argument(fcinfo, 1, false);
    try {
      const Definition definition = lock_pipeline(fcinfo, 0, Right::kOwner);
      run::want_at_rest(definition, "dropped");
      catalog::delete_pipeline(definition.id);
      return BoolGetDatum(true);
    } catch (const Error& error) {
      if (error.sqlstate != "42704" || !if_exists) throw;
      pg::notice(error.message + ", skipping");
      return BoolGetDatum(false);
    }
  });
}

static void set_enabled(const Definition& definition, bool enabled, const pg::Text& reason) {
  catalog::set_enabled(definition.id, enabled, reason);
  if (enabled) go_on_at_commit(definition);
}

static Datum set_enabled(FunctionCallInfo fcinfo, bool enabled) {
  const pg::Text reason = enabled ? std::nullopt : pg::text_argument(fcinfo, 1);
  if (pg::text_argument(fcinfo, 0)) {
    set_enabled(lock_pipeline(fcinfo, 0, Right::kAlter), enabled, reason);
    return Int64GetDatum(1);
  }
  // Not all that he may change: of a superuser that would be everybody's.
  const pg::RoleId mine = pg::current_role();
  std::int64_t count = 0;
  for (const Definition& seen : catalog::all_pipelines()) {
    if (seen.owner != mine) continue;
    const auto definition = catalog::lock_pipeline(seen.id);
    if (!definition || definition->owner != mine) continue;
    set_enabled(*definition, enabled, reason);
    ++count;
  }
  return Int64GetDatum(count);
}

ETL_FUNCTION(etl_enable) {
  return pg::boundary([&]() -> Datum { return set_enabled(fcinfo, true); });
}

ETL_FUNCTION(etl_disable) {
  return pg::boundary([&]() -> Datum { return set_enabled(fcinfo, false); });
}

ETL_FUNCTION(etl_validate_pipeline) {
  return pg::boundary([&]() -> Datum {
    std::vector<std::vector<pg::Text>> rows;
    auto hint = [](const std::string& text) { return text.empty() ? std::nullopt : pg::Text(text); };
    const std::string text = pg::required_argument(fcinfo, 0, "definition");
    pg::Subtransaction attempt;
    try {
      Definition definition = model::definition_from_json(json::parse_exact(text, "the definition"));
      if (definition.search_path.empty()) definition.search_path = pg::setting("search_path");
      definition.owner = pg::current_role();
      definition.create_target = false;
      (void)model::settle(definition);
      std::vector<run::Finding> findings = faults_of(definition);
      if (findings.empty()) findings = plan_of(definition).warnings;
      for (const run::Finding& f : findings) {
        rows.push_back({f.severity == "error" ? f.sqlstate : f.rule, f.severity, f.message, hint(f.hint)});
      }
      attempt.rollback();  // and of what the errors behind the findings have left open
    } catch (const Error& error) {
      attempt.rollback();
      if (classify(error.sqlstate) == ErrorClass::kCancel || error.sqlstate.starts_with("XX")) throw;
      rows.push_back({error.sqlstate, "error", error.message, hint(error.hint)});
    }
    return pg::rows_result(fcinfo, rows);
  });
}

ETL_FUNCTION(etl_export_pipeline) {
  return pg::boundary([&]() -> Datum {
    const Definition definition = open_pipeline(fcinfo, 0, Right::kMonitor);
    const std::string format = pg::text_argument(fcinfo, 1).value_or("json");
    const std::string json = model::definition_to_json(definition);
    if (format == "json") return pg::text_result(fcinfo, json);
    if (format == "yaml") return pg::text_result(fcinfo, yaml::write(json::parse(json, "the definition")));
    throw Error("22023", "unknown format \"" + format + "\"", {}, "Use format 'json' or 'yaml'.");
  });
}

ETL_FUNCTION(etl_import_pipeline) {
  return pg::boundary([&]() -> Datum {
    on_first_call();
    const json::Document document = read_definitions(pg::required_argument(fcinfo, 0, "definition"));
    const bool replace = pg::bool_argument(fcinfo, 1, false);
    std::vector<std::vector<pg::Text>> names;
    if (document.IsArray()) {
      for (const json::Value& object : document.GetArray()) names.push_back({import_one(object, replace)});
    } else {
      names.push_back({import_one(document, replace)});
    }
    return pg::rows_result(fcinfo, names);
  });
}

}  // namespace etl::api
