#!/usr/bin/env bash
# Pause and resume: the running batch is committed first, PAUSED shows a checkpoint equal to the
# last row in the target, and the resumed run moves the rest.
# shellcheck source=demo/scenarios/scenario.bash
. "$(dirname "$0")/scenario.bash"
# shellcheck source=demo/scenarios/expected.bash
. "$(dirname "$0")/expected.bash"

need_flights
fresh fact_flight
# shellcheck disable=SC2317
cleanup() { sql -c "SELECT etl.alter_pipeline('fact_flight', '{\"batch_size\": null}')" >/dev/null || true; }
query "SELECT etl.alter_pipeline('fact_flight', '{\"batch_size\": 500}')" >/dev/null

run=$(query "SELECT etl.run('fact_flight')")
wait_until 'the first rows' 'SELECT EXISTS (SELECT FROM analytics.fact_flight)'
query "SELECT etl.pause('fact_flight')" >/dev/null
wait_until 'the pause' "SELECT state NOT IN ('RUNNING', 'PAUSE_REQUESTED') FROM etl.pipelines WHERE name = 'fact_flight'"
expect 'state of the pipeline' "SELECT state FROM etl.pipelines WHERE name = 'fact_flight'" PAUSED
expect 'status of the run' "SELECT status FROM etl.runs WHERE id = $run" paused

# flight_id has no gaps: the last row of the target is also the number of its rows.
last=$(query 'SELECT max(flight_id) FROM analytics.fact_flight')
[ "$last" -lt 336776 ] || fail 'the run was over before the pause'
expect 'number of rows in the target' 'SELECT count(*) FROM analytics.fact_flight' "$last"
expect "whether the checkpoint holds flight_id $last" "
    SELECT EXISTS (SELECT FROM etl.checkpoints, jsonb_path_query(position, 'strict \$.**') AS value
                   WHERE pipeline = 'fact_flight' AND value #>> '{}' = '$last')" t
if sql -v VERBOSITY=sqlstate -c "SELECT etl.run('fact_flight')" >/dev/null; then fail 'a paused pipeline was run'; fi
grep -q 55000 "$error_log" || fail_sql 'no 55000 for a paused pipeline'
expect 'number of rows while paused' 'SELECT count(*) FROM analytics.fact_flight' "$last"

query "SELECT etl.resume('fact_flight')" >/dev/null
wait_until 'the run to end' "SELECT status IN ('succeeded', 'failed', 'cancelled') FROM etl.runs WHERE id = $run"
expect 'status of the resumed run' "SELECT status FROM etl.runs WHERE id = $run" succeeded
expect 'rows that were inserted in all' "SELECT rows_inserted FROM etl.runs WHERE id = $run" 336776
same_rows fact_flight analytics.fact_flight "$fact_flight_expected"
pass
