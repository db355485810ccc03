#include "catalog/health.hpp"

#include "pg/process.hpp"
#include "pg/spi.hpp"

namespace etl::catalog {

namespace {

// In the caller's own eyes: the views are filtered by owner.
constexpr const char* kPipelines = R"(
SELECT coalesce(pg_catalog.jsonb_object_agg(state, n), '{}')
FROM (SELECT state, count(*) AS n FROM etl.pipelines GROUP BY state) AS s)";

constexpr const char* kProblems = R"(
SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('pipeline', p.name, 'state', p.state,
    'target', p.target, 'reason', coalesce(p.suspended_reason, p.state_reason)) ORDER BY p.name), '[]')
FROM etl.pipelines AS p WHERE p.state = 'FAILED' OR p.suspended_reason IS NOT NULL)";

constexpr const char* kLag = R"(
SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('pipeline', l.pipeline, 'safety', l.safety,
    'lag', l.lag, 'held_by_pid', l.held_by_pid, 'held_since', l.held_since) ORDER BY l.pipeline), '[]')
FROM etl.lag AS l)";

constexpr const char* kCircuits = R"(
SELECT coalesce(pg_catalog.jsonb_object_agg(s.server, s.circuit), '{}') FROM etl.servers AS s)";

constexpr const char* kHealth = R"(
SELECT jsonb_build_object(
    'status', CASE WHEN $2::jsonb = '[]' THEN 'ok' ELSE 'degraded' END,
    'database', current_database(),
    'version', (SELECT extversion FROM pg_extension WHERE extname = 'pg_etl'),
    'launcher', EXISTS (SELECT FROM pg_stat_get_activity(NULL) AS a WHERE a.backend_type = 'pg_etl launcher'),
    'keeper', $4::bool,
    'workers', (SELECT count(*) FROM pg_stat_get_activity(NULL) AS a WHERE a.backend_type = 'pg_etl worker'
                AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())),
    'worker_slots', current_setting('max_worker_processes')::int,
    'pipelines', $1::jsonb,
    'problems', $2::jsonb,
    'lag', $3::jsonb,
    'servers', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', s.srvname, 'type', s.srvtype,
                    'circuit', $5::jsonb ->> s.srvname, 'failed_pipelines',
                    (SELECT count(*) FROM jsonb_array_elements($2::jsonb) AS p
                     WHERE p ->> 'state' = 'FAILED' AND starts_with(p ->> 'target', s.srvname || ':')))
                    ORDER BY s.srvname), '[]')
                FROM pg_foreign_server AS s JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
                WHERE w.fdwname = 'etl')))";

}  // namespace

std::string health_json() {
  const bool keeper = !pg::lease_is_free(pg::kKeeperLease, 0);
  const auto seen = [](const char* sql) { return pg::query(sql).at(0)[0]; };
  return *pg::catalog_query(kHealth,
                            {seen(kPipelines), seen(kProblems), seen(kLag), keeper ? "t" : "f", seen(kCircuits)})
              .at(0)[0];
}

}  // namespace etl::catalog
