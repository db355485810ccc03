#include "catalog/pipelines.hpp"

#include "core/json.hpp"
#include "model/steps.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace etl::catalog {

namespace {

#define ETL_DEFINITION_COLUMNS                                                                             \
  "p.id, p.name, p.owner::oid, p.description, to_json(p.tags), p.mode, p.source, p.target, "               \
  "to_json(p.key_columns), p.incremental_key, p.incremental_id_key, p.batch_size, p.schedule, p.options, " \
  "p.search_path, p.enabled, p.version, p.steps"
#define ETL_DEFINITION_WHERE "SELECT " ETL_DEFINITION_COLUMNS " FROM etl.pipeline p WHERE "

std::vector<std::string> list_of(const std::string& json) {
  std::vector<std::string> list;
  for (const auto& item : json::read_texts(json::parse(json, "a list in the catalog")))
    list.push_back(item.value_or(""));
  return list;
}

std::string json_of(const std::vector<std::string>& list) {
  return json::write_texts({list.begin(), list.end()});
}

Definition definition_of(const pg::Row& row) {
  Definition d;
  d.id = std::stoll(*row[0]);
  d.name = *row[1];
  d.owner = static_cast<unsigned>(std::stoul(*row[2]));
  d.description = row[3];
  d.tags = list_of(*row[4]);
  d.mode = *row[5];
  d.source = row[6].value_or("");
  d.target = *row[7];
  if (row[8]) d.key_columns = list_of(*row[8]);
  d.incremental_key = row[9];
  d.incremental_id_key = row[10];
  d.batch_size = std::stoll(*row[11]);
  d.schedule = row[12];
  d.options = json::write(json::parse(*row[13], "options"));
  d.search_path = *row[14];
  d.enabled = *row[15] == "t";
  d.version = std::stoi(*row[16]);
  d.steps = row[17];
  (void)model::settle(d);
  return d;
}

std::optional<Definition> first_of(const pg::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return definition_of(rows[0]);
}

std::vector<pg::Text> values_of(const Definition& d) {
  return {d.name,
          std::to_string(d.owner),
          d.description,
          json_of(d.tags),
          d.mode,
          d.steps ? std::nullopt : pg::Text(d.source),
          d.target,
          d.key_columns ? pg::Text(json_of(*d.key_columns)) : std::nullopt,
          d.incremental_key,
          d.incremental_id_key,
          std::to_string(d.batch_size),
          d.schedule,
          d.options,
          d.search_path,
          d.steps};
}

pg::Text role_text(std::optional<unsigned> role) {
  return role ? pg::Text(std::to_string(*role)) : std::nullopt;
}

}  // namespace

std::optional<Definition> find_pipeline(const std::string& name) {
  return first_of(pg::catalog_query(ETL_DEFINITION_WHERE "p.name = $1", {name}));
}

std::optional<Definition> find_pipeline(std::int64_t id) {
  return first_of(pg::catalog_query(ETL_DEFINITION_WHERE "p.id = $1::bigint", {std::to_string(id)}));
}

std::optional<Definition> find_pipeline_latest(std::int64_t id) {
  return first_of(pg::catalog_query_latest(ETL_DEFINITION_WHERE "p.id = $1::bigint", {std::to_string(id)}));
}

std::optional<Definition> lock_pipeline(const std::string& name) {
  return first_of(pg::catalog_query(ETL_DEFINITION_WHERE "p.name = $1 FOR NO KEY UPDATE", {name}));
}

std::optional<Definition> lock_pipeline(std::int64_t id) {
  return first_of(pg::catalog_query(ETL_DEFINITION_WHERE "p.id = $1::bigint FOR NO KEY UPDATE", {std::to_string(id)}));
}

bool try_hold_pipeline(std::int64_t id) {
  return !pg::catalog_query("SELECT FROM etl.pipeline WHERE id = $1::bigint FOR KEY SHARE SKIP LOCKED",
                            {std::to_string(id)})
              .empty();
}

std::vector<Definition> all_pipelines() {
  std::vector<Definition> all;
  for (const pg::Row& row :
       pg::catalog_query("SELECT " ETL_DEFINITION_COLUMNS " FROM etl.pipeline p ORDER BY p.name")) {
    all.push_back(definition_of(row));
  }
  return all;
}

std::int64_t insert_pipeline(const Definition& definition) {
  try {
    const pg::Rows rows = pg::catalog_query(
        "INSERT INTO etl.pipeline (name, owner, description, tags, mode, source, target, key_columns, incremental_key,"
        " incremental_id_key, batch_size, schedule, options, search_path, steps) VALUES ($1, $2::oid::regrole, $3,"
        " ARRAY(SELECT json_array_elements_text($4::json)), $5, $6, $7,"
        " CASE WHEN $8 IS NOT NULL THEN ARRAY(SELECT json_array_elements_text($8::json)) END, $9, $10, $11::int, $12,"
        " $13::jsonb, $14, $15::jsonb) RETURNING id",
        values_of(definition));
    (void)pg::catalog_query(
        "INSERT INTO etl.pipeline_state (pipeline_id, system_identifier, database_oid) VALUES ($1::bigint, $2, "
        "$3::oid)",
        {rows[0][0], pg::system_identifier(), std::to_string(pg::database_id())});
    return std::stoll(*rows[0][0]);
  } catch (const Error& error) {
    if (error.sqlstate != "23505") throw;
    throw Error("42710", "pipeline \"" + definition.name + "\" already exists", {},
                "Choose another name, or call with if_not_exists => true.");
  }
}

void update_pipeline(const Definition& definition) {
  std::vector<pg::Text> values = values_of(definition);
  values.push_back(std::to_string(definition.id));
  (void)pg::catalog_query(
      "UPDATE etl.pipeline SET description = $3,"
      " tags = ARRAY(SELECT json_array_elements_text($4::json)), mode = $5, source = $6, target = $7,"
      " key_columns = CASE WHEN $8 IS NOT NULL THEN ARRAY(SELECT json_array_elements_text($8::json)) END,"
      " incremental_key = $9, incremental_id_key = $10, batch_size = $11::int, schedule = $12, options = $13::jsonb,"
      " search_path = $14, steps = $15::jsonb, version = version + 1, updated_at = now() WHERE id = $16::bigint",
      values);
}

void rename_pipeline(std::int64_t id, const std::string& name) {
  try {
    (void)pg::catalog_query(
        "UPDATE etl.pipeline SET name = $2, version = version + 1, updated_at = now()"
        " WHERE id = $1::bigint",
        {std::to_string(id), name});
  } catch (const Error& error) {
    if (error.sqlstate != "23505") throw;
    throw Error("42710", "pipeline \"" + name + "\" already exists", {}, "Choose another name.");
  }
}

void set_owner(std::int64_t id, unsigned owner) {
  (void)pg::catalog_query(
      "UPDATE etl.pipeline SET owner = $2::oid::regrole, version = version + 1, updated_at = now()"
      " WHERE id = $1::bigint",
      {std::to_string(id), std::to_string(owner)});
}

void delete_pipeline(std::int64_t id) {
  (void)pg::catalog_query("DELETE FROM etl.pipeline WHERE id = $1::bigint", {std::to_string(id)});
}

void set_enabled(std::int64_t id, bool enabled, const std::optional<std::string>& reason) {
  (void)pg::catalog_query("UPDATE etl.pipeline SET enabled = $2::bool, disabled_reason = $3 WHERE id = $1::bigint",
                          {std::to_string(id), enabled ? "t" : "f", reason});
  if (!enabled) return;
  (void)pg::catalog_query(
      "INSERT INTO etl.pipeline_state (pipeline_id, system_identifier, database_oid) VALUES ($1::bigint, $2, $3::oid)"
      " ON CONFLICT (pipeline_id) DO UPDATE SET system_identifier = excluded.system_identifier,"
      " database_oid = excluded.database_oid",
      {std::to_string(id), pg::system_identifier(), std::to_string(pg::database_id())});
}

void note_objects(std::int64_t id, const Objects& objects) {
  const auto list = [](const std::vector<unsigned>& oids) {
    std::string text;
    for (const unsigned oid : oids) text += (text.empty() ? "" : ",") + std::to_string(oid);
    return "{" + text + "}";
  };
  (void)pg::catalog_query(
      "WITH given AS (SELECT 'pg_class'::regclass::oid AS classid, unnest($2::oid[]) AS objid, 'read' AS use"
      " UNION SELECT 'pg_class'::regclass, unnest($3::oid[]), 'written'"
      " UNION SELECT 'pg_foreign_server'::regclass, unnest($4::oid[]), 'written'),"
      " gone AS (DELETE FROM etl.pipeline_object AS o WHERE o.pipeline_id = $1::bigint AND NOT EXISTS"
      " (SELECT FROM given AS g WHERE (g.classid, g.objid, g.use) = (o.classid, o.objid, o.use)))"
      " INSERT INTO etl.pipeline_object (pipeline_id, classid, objid, use)"
      " SELECT $1::bigint, classid, objid, use FROM given ON CONFLICT DO NOTHING",
      {std::to_string(id), list(objects.read), list(objects.written), list(objects.servers)});
}

bool is_granted(std::int64_t id, const std::string& privilege, unsigned role) {
  return !pg::catalog_query(
              "SELECT FROM etl.pipeline_grant WHERE pipeline_id = $1::bigint AND privilege = $2"
              " AND pg_has_role($3::oid, role::oid, 'USAGE')",
              {std::to_string(id), privilege, std::to_string(role)})
              .empty();
}

void grant(std::int64_t id, const std::string& privilege, unsigned role) {
  (void)pg::catalog_query(
      "INSERT INTO etl.pipeline_grant (pipeline_id, role, privilege)"
      " VALUES ($1::bigint, $2::oid::regrole, $3) ON CONFLICT DO NOTHING",
      {std::to_string(id), std::to_string(role), privilege});
}

bool revoke(std::int64_t id, const std::string& privilege, unsigned role) {
  return !pg::catalog_query(
              "DELETE FROM etl.pipeline_grant WHERE pipeline_id = $1::bigint AND role = $2::oid::regrole"
              " AND privilege = $3 RETURNING 1",
              {std::to_string(id), std::to_string(role), privilege})
              .empty();
}

bool is_target_allowed(const std::string& target, unsigned role) {
  for (const pg::Row& row : pg::catalog_query("SELECT pattern FROM etl.allowed_target WHERE role IS NULL"
                                              " OR pg_has_role($1::oid, role::oid, 'USAGE')",
                                              {std::to_string(role)})) {
    if (model::pattern_matches(*row[0], target)) return true;
  }
  return false;
}

void allow_target(const std::string& pattern, std::optional<unsigned> role) {
  (void)pg::catalog_query(
      "INSERT INTO etl.allowed_target (pattern, role) VALUES ($1, $2::oid::regrole)"
      " ON CONFLICT DO NOTHING",
      {pattern, role_text(role)});
}

bool revoke_target(const std::string& pattern, std::optional<unsigned> role) {
  return !pg::catalog_query(
              "DELETE FROM etl.allowed_target WHERE pattern = $1 AND role IS NOT DISTINCT FROM"
              " $2::oid::regrole RETURNING 1",
              {pattern, role_text(role)})
              .empty();
}

bool is_function_allowed(const std::string& function, unsigned role) {
  return !pg::catalog_query(
              "SELECT 1 FROM etl.allowed_function WHERE function = $1"
              " AND (role IS NULL OR pg_has_role($2::oid, role::oid, 'USAGE'))",
              {function, std::to_string(role)})
              .empty();
}

void allow_function(const std::string& function, std::optional<unsigned> role) {
  (void)pg::catalog_query(
      "INSERT INTO etl.allowed_function (function, role) VALUES ($1, $2::oid::regrole)"
      " ON CONFLICT DO NOTHING",
      {function, role_text(role)});
}

bool revoke_function(const std::string& function, std::optional<unsigned> role) {
  return !pg::catalog_query(
              "DELETE FROM etl.allowed_function WHERE function = $1 AND role IS NOT DISTINCT FROM"
              " $2::oid::regrole RETURNING 1",
              {function, role_text(role)})
              .empty();
}

}  // namespace etl::catalog
