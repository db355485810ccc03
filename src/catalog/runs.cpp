#include "catalog/runs.hpp"

#include "core/sqlstate.hpp"
#include "pg/role.hpp"
#include "pg/spi.hpp"
#include "pg/transaction.hpp"

namespace etl::catalog {

namespace {

#define ETL_STATE_COLUMNS "state, run_id, coalesce(worker_pid, 0), epoch, system_identifier, database_oid"

std::optional<PipelineState> state_of(const pg::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  const pg::Row& row = rows[0];
  PipelineState state;
  state.state = model::state_from(*row[0]);
  if (row[1]) state.run = std::stoll(*row[1]);
  state.worker_pid = std::stoi(*row[2]);
  state.epoch = std::stoll(*row[3]);
  state.bound_here = *row[4] == pg::system_identifier() && *row[5] == std::to_string(pg::database_id());
  return state;
}

#define ETL_RUN_COLUMNS                                                                                            \
  "id, pipeline_id, status, attempt, correlation_id, params, coalesce(worker_pid, 0), error_code, error_message, " \
  "coalesce(error_detail, ''), coalesce(error_hint, ''), coalesce(error_context, '')"

std::optional<Run> run_of(const pg::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  const pg::Row& row = rows[0];
  Run run;
  run.id = std::stoll(*row[0]);
  run.pipeline = std::stoll(*row[1]);
  run.status = *row[2];
  run.attempt = std::stoi(*row[3]);
  run.correlation_id = *row[4];
  run.params = *row[5];
  run.worker_pid = std::stoi(*row[6]);
  if (row[7]) {
    run.error.emplace(*row[7], row[8].value_or(""), *row[9], *row[10]);
    run.error->context = *row[11];
  }
  return run;
}

pg::Text id_text(std::optional<std::int64_t> id) {
  return id ? pg::Text(std::to_string(*id)) : std::nullopt;
}

}  // namespace

std::optional<PipelineState> read_state(std::int64_t pipeline, bool lock) {
  if (lock) {
    return state_of(pg::catalog_query("SELECT " ETL_STATE_COLUMNS
                                      " FROM etl.pipeline_state WHERE pipeline_id = $1::bigint"
                                      " FOR UPDATE",
                                      {std::to_string(pipeline)}));
  }
  return state_of(pg::catalog_query("SELECT " ETL_STATE_COLUMNS
                                    " FROM etl.pipeline_state WHERE pipeline_id = $1::bigint",
                                    {std::to_string(pipeline)}));
}

std::optional<PipelineState> try_lock_state(std::int64_t pipeline) {
  return state_of(pg::catalog_query("SELECT " ETL_STATE_COLUMNS
                                    " FROM etl.pipeline_state WHERE pipeline_id = $1::bigint"
                                    " FOR UPDATE SKIP LOCKED",
                                    {std::to_string(pipeline)}));
}

std::optional<PipelineState> read_state_latest(std::int64_t pipeline) {
  return state_of(pg::catalog_query_latest("SELECT " ETL_STATE_COLUMNS " FROM etl.pipeline_state"
                                           " WHERE pipeline_id = $1::bigint",
                                           {std::to_string(pipeline)}));
}

void set_state(std::int64_t pipeline, State from, State to, std::optional<std::int64_t> run, const std::string& role,
               const std::optional<std::string>& reason) {
  (void)pg::catalog_query(
      "WITH moved AS (UPDATE etl.pipeline_state SET state = $3, state_reason = $6, run_id = $4::bigint,"
      " changed_at = clock_timestamp(),"
      " worker_pid = CASE WHEN $3 IN ('RUNNING', 'PAUSE_REQUESTED') THEN worker_pid END WHERE pipeline_id = $1::bigint)"
      " INSERT INTO etl.event (pipeline_id, run_id, role, from_state, to_state, reason)"
      " VALUES ($1::bigint, $4::bigint, $5, $2, $3, $6)",
      {std::to_string(pipeline), std::string(model::name(from)), std::string(model::name(to)), id_text(run), role,
       reason});
}

void write_event(std::int64_t pipeline, std::optional<std::int64_t> run, const std::string& role,
                 const std::optional<std::string>& reason) {
  (void)pg::catalog_query(
      "INSERT INTO etl.event (pipeline_id, run_id, role, reason) VALUES ($1::bigint, $2::bigint, $3, $4)",
      {std::to_string(pipeline), id_text(run), role, reason});
}

std::int64_t insert_run(std::int64_t pipeline, const std::string& trigger, unsigned role, const std::string& params) {
  const pg::Rows rows = pg::catalog_query(
      "INSERT INTO etl.run_log (pipeline_id, status, trigger, requested_by, params)"
      " VALUES ($1::bigint, 'requested', $2, $3::oid::regrole, $4::jsonb) RETURNING id",
      {std::to_string(pipeline), trigger, std::to_string(role), params});
  return std::stoll(*rows[0][0]);
}

std::optional<Run> read_run(std::int64_t run) {
  return run_of(
      pg::catalog_query("SELECT " ETL_RUN_COLUMNS " FROM etl.run_log WHERE id = $1::bigint", {std::to_string(run)}));
}

std::optional<Run> read_run_latest(std::int64_t run) {
  return run_of(pg::catalog_query_latest("SELECT " ETL_RUN_COLUMNS " FROM etl.run_log WHERE id = $1::bigint",
                                         {std::to_string(run)}));
}

std::int64_t claim(std::int64_t pipeline, std::int64_t run, int pid) {
  const pg::Rows rows = pg::catalog_query(
      "WITH ran AS (UPDATE etl.run_log SET status = 'running', worker_pid = $3::int,"
      " started_at = coalesce(started_at, clock_timestamp()), finished_at = NULL WHERE id = $2::bigint)"
      " UPDATE etl.pipeline_state SET epoch = greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * "
      "1e6)::bigint),"
      " worker_pid = $3::int WHERE pipeline_id = $1::bigint RETURNING epoch",
      {std::to_string(pipeline), std::to_string(run), std::to_string(pid)});
  return std::stoll(*rows.at(0)[0]);
}

void set_run_status(std::int64_t run, const std::string& status, const Error* error) {
  auto part = [&](const std::string Error::*field) -> pg::Text {
    if (error == nullptr || (error->*field).empty()) return std::nullopt;
    return error->*field;
  };
  (void)pg::catalog_query(
      "UPDATE etl.run_log SET status = $2, finished_at = CASE WHEN $2 IN ('succeeded', 'failed', 'cancelled')"
      " THEN clock_timestamp() END, error_code = $3, error_message = $4, error_detail = $5, error_hint = $6,"
      " error_context = $7 WHERE id = $1::bigint",
      {std::to_string(run), status, part(&Error::sqlstate), part(&Error::message), part(&Error::detail),
       part(&Error::hint), part(&Error::context)});
}

void count_attempt(std::int64_t run) {
  (void)pg::catalog_query("UPDATE etl.run_log SET attempt = attempt + 1 WHERE id = $1::bigint", {std::to_string(run)});
}

void count_recovery(std::int64_t run) {
  (void)pg::catalog_query(
      "UPDATE etl.run_log SET attempt = attempt + 1, recoveries = recoveries + 1 WHERE id = $1::bigint",
      {std::to_string(run)});
}

void forget_recoveries(std::int64_t run) {
  (void)pg::catalog_query("UPDATE etl.run_log SET recoveries = 0 WHERE id = $1::bigint AND recoveries > 0",
                          {std::to_string(run)});
}

std::vector<ActiveRun> active_runs() {
  std::vector<ActiveRun> all;
  for (const pg::Row& row : pg::catalog_query_latest(
           "WITH known AS (SELECT s.pipeline_id, s.run_id, p.owner::oid AS owner, s.state, p.enabled, r.recoveries,"
           " p.target, s.state = 'RUN_REQUESTED' AS waits, max(r.started_at) OVER (PARTITION BY p.owner) AS served,"
           // Options that were altered behind our back must not stop the keeper: the worker refuses them.
           " p.options->'auto_recover' IS DISTINCT FROM 'false' AS auto_recover,"
           " CASE jsonb_typeof(p.options->'max_retries') WHEN 'number' THEN"
           " least(greatest((p.options->>'max_retries')::numeric, 0), 1000)::int ELSE 3 END AS max_retries,"
           // The difference of two such weights is that of the priorities and of the times waited, at any moment.
           " CASE jsonb_typeof(p.options->'priority') WHEN 'number' THEN (p.options->>'priority')::numeric ELSE 0 END"
           " - extract(epoch FROM s.changed_at) / 10 AS weight"
           " FROM etl.pipeline_state s JOIN etl.pipeline p ON p.id = s.pipeline_id"
           " JOIN etl.run_log r ON r.id = s.run_id"
           " WHERE s.system_identifier = $1 AND s.database_oid = $2::oid)"
           " SELECT pipeline_id, run_id, owner, state, auto_recover, enabled, recoveries, max_retries, target FROM "
           "known"
           " WHERE state IN ('RUN_REQUESTED', 'RUNNING', 'PAUSE_REQUESTED')"
           " ORDER BY row_number() OVER (PARTITION BY owner ORDER BY waits, weight DESC, run_id), served NULLS FIRST,"
           " weight DESC, run_id",
           {pg::system_identifier(), std::to_string(pg::database_id())})) {
    ActiveRun run;
    run.pipeline = std::stoll(*row[0]);
    run.run = std::stoll(*row[1]);
    run.owner = static_cast<unsigned>(std::stoul(*row[2]));
    run.state = model::state_from(*row[3]);
    run.auto_recover = *row[4] == "t";
    run.enabled = *row[5] == "t";
    run.recoveries = std::stoi(*row[6]);
    run.max_retries = std::stoi(*row[7]);
    run.target = row[8].value_or("");
    all.push_back(run);
  }
  return all;
}

void check_version() {
  const pg::Rows rows = pg::catalog_query("SELECT extversion FROM pg_extension WHERE extname = 'pg_etl'");
  if (!rows.empty() && rows[0][0] == ETL_VERSION) return;
  throw Error(sqlstate::kVersionMismatch, "the library of pg_etl is not of the version of its SQL objects",
              "The library is " ETL_VERSION ", the extension in this database " +
                  (rows.empty() ? "missing" : *rows[0][0]) + ".",
              "Run ALTER EXTENSION pg_etl UPDATE, or install the library of that version.");
}

Load count_active() {
  const pg::Rows rows = pg::catalog_query_latest(
      "SELECT count(*) FILTER (WHERE state <> 'RUN_REQUESTED'), count(*) FILTER (WHERE state = 'RUN_REQUESTED')"
      " FROM etl.pipeline_state WHERE state IN ('RUN_REQUESTED', 'RUNNING', 'PAUSE_REQUESTED')");
  return {std::stoll(*rows.at(0)[0]), std::stoll(*rows.at(0)[1])};
}

}  // namespace etl::catalog
