#!/usr/bin/env bash
# Pipelines of steps: what is wrong in a file is put aside by name, the rest is cleaned and delivered twice; five files become a
# star and an index, and the same files again change no table.
# shellcheck source=demo/scenarios/scenario.bash
. "$(dirname "$0")/scenario.bash"

need_flights
run_wait staff
"$demo/make_hr" "$scratch/hr.csv"
query 'DROP TABLE IF EXISTS hr.line; CREATE UNLOGGED TABLE hr.line (line text)'
query "\\copy hr.line FROM '$scratch/hr.csv' (DELIMITER E'\\x01')"
same_rows hr.staff hr.staff "
    WITH typed AS MATERIALIZED (
        SELECT f[1]::int AS id, f[2] AS name, f[3] AS email, f[4] AS department, f[5]::numeric AS salary,
            f[6]::date AS hired, f[7]::date AS left_on, f[8]::date AS changed
        FROM hr.line, string_to_array(line, ',', '') AS f
        WHERE cardinality(f) = 8 AND f[1] NOT IN ('employee_id', '2401', '2402')),
    checked AS (
        SELECT *, rank() OVER (PARTITION BY id ORDER BY changed DESC) AS age FROM typed
        WHERE name <> '' AND (salary BETWEEN 0 AND 1000000) IS NOT FALSE AND (email LIKE '%@%') IS NOT FALSE)
    SELECT id, name, email, department, salary, hired, left_on, changed FROM checked WHERE age = 1 AND left_on IS NULL
    UNION SELECT id, NULL, NULL, department, NULL, hired, left_on, NULL FROM checked WHERE left_on IS NOT NULL"
query 'DROP TABLE hr.line'
expect 'rows of the file beside the table' "SELECT $(figure staff "files -> 0 ->> 'rows'")" \
    "$(query 'SELECT count(*) FROM hr.staff')"

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
forget star_flights
run_wait star
expect 'what the same files write' "
    SELECT string_agg(operator || ' ' || n, ', ' ORDER BY operator) FROM (
        SELECT operator, sum(rows_out) AS n FROM etl.step_runs
        WHERE run_id = (SELECT max(id) FROM etl.runs WHERE pipeline = 'star') AND operator IN ('table', 'elasticsearch')
        GROUP BY 1) AS sinks" 'elasticsearch 336776, table 0'
es POST star_flights/_refresh >/dev/null
seen=$(es GET 'star_flights/_search?size=0&filter_path=hits.total,aggregations' -d '
    {"track_total_hits": true, "aggs": {"miles": {"sum": {"field": "distance"}}, "late": {"sum": {"field": "arr_delay"}},
     "warm": {"value_count": {"field": "temp"}}, "airlines": {"cardinality": {"field": "airline.keyword"}},
     "destinations": {"value_count": {"field": "destination.keyword"}},
     "models": {"value_count": {"field": "model.keyword"}}}}')
expect 'the index as the files joined' "
    SELECT concat_ws(' ', d #>> '{hits,total,value}', (d #>> '{aggregations,miles,value}')::numeric::bigint,
        (d #>> '{aggregations,late,value}')::numeric::bigint, d #>> '{aggregations,warm,value}',
        d #>> '{aggregations,airlines,value}', d #>> '{aggregations,destinations,value}', d #>> '{aggregations,models,value}')
    FROM (SELECT '$seen'::jsonb AS d) AS reply" "$(query '
    SELECT concat_ws($$ $$, count(*), sum(distance), sum(arr_delay), count(temp), count(DISTINCT l.name), count(a.name),
        count(model))
    FROM nyc.flights AS f JOIN nyc.airlines AS l USING (carrier) LEFT JOIN nyc.airports AS a ON a.faa = f.dest
        LEFT JOIN nyc.planes AS p USING (tailnum) LEFT JOIN nyc.weather AS w USING (origin, time_hour)')"
run_wait star_routes
expect 'routes' "SELECT $(figure star_routes rows_read)" "$(query '
    SELECT count(DISTINCT (carrier, origin, dest)) FROM nyc.flights WHERE dep_time IS NOT NULL')"
pass
