#!/usr/bin/env bash
# Pipelines of steps: what is wrong in a file is put aside by name, the rest is cleaned and delivered twice; five files become a
# star, and the same files again change nothing.
# shellcheck source=demo/scenarios/scenario.bash
. "$(dirname "$0")/scenario.bash"

need_flights
run_wait staff_pay
last="(SELECT max(id) FROM etl.runs WHERE pipeline = 'staff_pay')"
expect 'rows, filled salaries and people of the pay table' "
    SELECT count(*) || ' ' || count(DISTINCT employee_id) || ' ' || (SELECT figures ->> 'nulls_filled' FROM etl.step_runs
    WHERE run_id = $last AND step = 'clean') FROM hr.pay WHERE salary BETWEEN 20000 AND 100000" '1972 1972 60'
expect 'dead letters by step and error' "
    SELECT string_agg(step || ' ' || error_code || ' ' || n, ', ' ORDER BY step, error_code) FROM (
        SELECT step, error_code, count(*) AS n FROM etl.dead_letters WHERE run_id = $last GROUP BY 1, 2) AS letters
    " 'extract 22008 1, extract 22P02 1, quality 23514 20'
expect 'rows of the file' "SELECT files -> 0 ->> 'rows' FROM etl.runs WHERE id = $last" 1972

[ "$(query 'SELECT count(*) FROM star.flight')" = 336776 ] || run_wait star
same_rows star.airline star.airline 'TABLE nyc.airlines'
same_rows star.flight star.flight '
    SELECT time_hour, f.carrier, f.flight, f.tailnum, origin, f.dest, make_date(f.year, f.month, f.day), f.dep_time IS NULL,
           f.dep_delay, f.arr_delay, f.distance, w.temp, w.wind_speed
    FROM nyc.flights AS f LEFT JOIN nyc.weather AS w USING (origin, time_hour)'
run_wait star
expect 'rows that the same files change' "SELECT $(figure star rows_written)" 0
run_wait star_routes
expect 'routes' "SELECT $(figure star_routes rows_read)" "$(query '
    SELECT count(DISTINCT (carrier, origin, dest)) FROM nyc.flights WHERE dep_time IS NOT NULL')"
pass
