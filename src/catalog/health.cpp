#include "catalog/health.hpp"

#include "pg/process.hpp"
#include "pg/spi.hpp"

namespace etl::catalog {

std::string health_json() {
  const bool keeper = !pg::lease_is_free(pg::kKeeperLease, 0);
  // In the caller's own eyes: the views are filtered by owner.
  const pg::Rows mine = pg::query(
      "SELECT coalesce(pg_catalog.jsonb_object_agg(state, n), '{}') FROM (SELECT state, count(*) AS n FROM "
      "etl.pipelines"
      " GROUP BY state) s");
  const pg::Rows failed = pg::query(
      "SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('pipeline', p.name, 'state', p.state, "
      "'reason',"
      " coalesce(p.suspended_reason, p.state_reason)) ORDER BY p.name), '[]') FROM etl.pipelines p"
      " WHERE p.state = 'FAILED' OR p.suspended_reason IS NOT NULL");
  const pg::Rows lag = pg::query(
      "SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('pipeline', l.pipeline, 'safety', l.safety,"
      " 'held_by_pid', l.held_by_pid) ORDER BY l.pipeline), '[]') FROM etl.lag l WHERE l.held_by_pid IS NOT NULL");
  return *pg::catalog_query(
              "SELECT jsonb_build_object('status', CASE WHEN $2::jsonb = '[]' THEN 'ok' ELSE 'degraded' END,"
              " 'database', current_database(), 'version', (SELECT extversion FROM pg_extension WHERE extname = "
              "'pg_etl'),"
              " 'keeper', $4::bool, 'workers', (SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE a.datid = "
              "(SELECT oid"
              " FROM pg_database WHERE datname = current_database()) AND a.backend_type = 'pg_etl worker'),"
              " 'worker_slots', current_setting('max_worker_processes')::int, 'pipelines', $1::jsonb, 'problems', "
              "$2::jsonb,"
              " 'held_back', $3::jsonb, 'servers', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', s.srvname, "
              "'type',"
              " s.srvtype) ORDER BY s.srvname), '[]') FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid "
              "="
              " s.srvfdw WHERE w.fdwname = 'etl'))",
              {mine.at(0)[0], failed.at(0)[0], lag.at(0)[0], keeper ? "t" : "f"})
              .at(0)[0];
}

}  // namespace etl::catalog
