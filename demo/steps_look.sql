-- What is known of the last runs of demo/hr_pay.sql and demo/star.sql.
\pset footer off
SELECT name, line FROM unnest('{staff_pay,star,star_routes}'::text[]) AS name, etl.explain(name) AS line
WHERE line ~ '^Layers';
SELECT step, operator, rows_in, rows_out, duration::interval(3), figures - '{path,rules,by_column}'::text[] AS figures
FROM etl.step_runs WHERE run_id = (SELECT max(id) FROM etl.runs WHERE pipeline = 'staff_pay') ORDER BY started_at;
SELECT DISTINCT ON (pipeline) pipeline, steps, rows_read, rows_written, slowest_step, slowest_duration::interval(3) AS slowest,
    bytes, wall::interval(3), overhead
FROM etl.run_insights WHERE pipeline ~ '^sta(ff|r)' ORDER BY pipeline, run_id DESC;
SELECT column_name, type, nulls, distinct_values, minimum, maximum, round(mean, 1) AS mean, quartiles
FROM etl.profile('hr.pay');
SELECT l.name AS airline, count(*) AS flights, count(p.tailnum) AS of_known_planes, round(avg(f.arr_delay), 1) AS minutes_late
FROM star.flight AS f JOIN star.airline AS l USING (carrier) LEFT JOIN star.plane AS p ON p.tailnum = f.tailnum AND p.is_current
GROUP BY 1 ORDER BY 2 DESC LIMIT 3;
