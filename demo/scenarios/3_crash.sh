#!/usr/bin/env bash
# Crash in the middle: kill -9 of the pipeline's worker takes the whole cluster through crash
# recovery; the run goes on from its checkpoint by itself, and no row is lost or doubled.
#
# Every session of the cluster ends, so it must be the demo's own: a file "pg_etl_demo" in its data
# directory says so. KILL (default "kill -9") is the command that ends a process of the server, for
# example "docker compose exec -T postgres kill -9".
# shellcheck source=demo/scenarios/scenario.bash
. "$(dirname "$0")/scenario.bash"
# shellcheck source=demo/scenarios/expected.bash
. "$(dirname "$0")/expected.bash"

own=$(sql -U "$superuser" -c "SELECT (pg_stat_file('pg_etl_demo', true)).size IS NOT NULL") || fail_sql 'no superuser'
[ "$own" = t ] || fail 'this cluster is not the demo'\''s: no file "pg_etl_demo" in its data directory'
need_flights
fresh fact_flight
# shellcheck disable=SC2317
cleanup() { sql -c "SELECT etl.alter_pipeline('fact_flight', '{\"batch_size\": null}')" >/dev/null || true; }
query "SELECT etl.alter_pipeline('fact_flight', '{\"batch_size\": 500}')" >/dev/null

run=$(query "SELECT etl.run('fact_flight')")
wait_until 'the first rows' 'SELECT EXISTS (SELECT FROM analytics.fact_flight)'
worker=$(query "SELECT worker_pid FROM etl.runs WHERE id = $run AND status = 'running'")
[ -n "$worker" ] || fail 'the run ended before it could be killed'
known=$(sql -U "$superuser" -c "SELECT count(*) FROM pg_stat_activity WHERE pid = $worker AND backend_type <> 'client backend'")
[ "$known" = 1 ] || fail "process $worker is no background worker of this server"
started=$(query 'SELECT pg_postmaster_start_time()')
${KILL:-kill -9} "$worker" || fail "could not kill process $worker"

wait_until 'the server to be back' "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $worker"
expect 'start of the postmaster' 'SELECT pg_postmaster_start_time()' "$started"
resumed_at=$(query 'SELECT count(*) FROM analytics.fact_flight')
[ "$resumed_at" -lt 336776 ] || fail 'the run ended before it was killed'
wait_until 'the run to end' "SELECT status IN ('succeeded', 'failed', 'cancelled') FROM etl.runs WHERE id = $run
    AND (status <> 'failed' OR EXISTS (SELECT FROM etl.pipelines WHERE name = 'fact_flight' AND state = 'FAILED'
         AND state_reason NOT LIKE 'worker lost%'))"
expect 'status of the run' "SELECT status FROM etl.runs WHERE id = $run" succeeded
expect 'a second attempt' "SELECT attempt > 1 FROM etl.runs WHERE id = $run" t
expect 'trace of the lost worker' "
    SELECT EXISTS (SELECT FROM etl.events WHERE run_id = $run AND to_state = 'FAILED' AND reason LIKE '%worker lost%')" t
same_rows fact_flight analytics.fact_flight "$fact_flight_expected"
expect 'rows that were inserted, over both attempts' "SELECT rows_inserted FROM etl.runs WHERE id = $run" 336776
pass
