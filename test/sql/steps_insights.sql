-- Looking back: insights, timeline, comparison of runs, profile of a table.
\a \t
CREATE SCHEMA steps_insights;
SET search_path = steps_insights, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_insights.*'); END $$;
CREATE FUNCTION slow(v int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.4); RETURN v; END $$;
CREATE TABLE src (id int PRIMARY KEY, v int);
INSERT INTO src SELECT i, i FROM generate_series(1, 3) i;
CREATE TABLE dst (id int PRIMARY KEY, v int);
SELECT etl.create_pipeline('insights', options => '{"observe": "steps"}', steps => '[
  {"id": "extract", "operator": "table", "params": {"table": "steps_insights.src"}},
  {"id": "quick", "operator": "filter", "params": {"where": "id < 3"}, "depends_on": ["extract"]},
  {"id": "sluggish", "operator": "sql", "params": {"query": "SELECT id, steps_insights.slow(v) AS v FROM input"}, "depends_on": ["quick"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_insights.dst"}, "depends_on": ["sluggish"]}]') > 0;
CALL t.run('insights');
SELECT t.last_run('insights');
SELECT status, steps, succeeded_steps, slowest_step, slowest_duration > interval '0.8 s', active > interval '0.8 s', wall >= active, overhead BETWEEN 0 AND 0.5, bytes > 0
FROM etl.run_insights WHERE pipeline = 'insights';
SELECT step, operator, status, finished_at >= started_at, waiting >= interval '0', active > interval '0'
FROM etl.run_timeline((SELECT max(id) FROM etl.runs WHERE pipeline = 'insights'));
SELECT measure, a_value, b_value, change FROM etl.compare_runs((SELECT max(id) FROM etl.runs WHERE pipeline = 'insights')) WHERE measure !~ 'duration|bytes';
INSERT INTO src VALUES (0, 0), (-1, -1);
CALL t.run('insights');
SELECT measure, a_value, b_value, change FROM etl.compare_runs((SELECT max(id) FROM etl.runs WHERE pipeline = 'insights')) WHERE measure !~ 'duration|bytes';
SELECT count(*), bool_and(change > 0) FROM etl.compare_runs((SELECT max(id) FROM etl.runs WHERE pipeline = 'insights')) WHERE measure IN ('duration', 'sluggish.duration');
-- To the microsecond, of a DAG whose times are set: a, then b beside c, then d; a second lies between b and d.
SELECT etl.create_pipeline('times', steps => '[
  {"id": "a", "operator": "table", "params": {"table": "steps_insights.src"}},
  {"id": "b", "operator": "filter", "params": {"where": "id < 3"}, "depends_on": ["a"]},
  {"id": "c", "operator": "filter", "params": {"where": "id > 2"}, "depends_on": ["a"]},
  {"id": "d", "operator": "union", "depends_on": ["b", "c"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_insights.dst"}, "depends_on": ["d"]}]') > 0;
CALL t.run('times');
CREATE TABLE spans (step text, starts int, lasts int);
INSERT INTO spans VALUES ('a', 0, 2000), ('b', 2000, 3000), ('c', 2500, 2000), ('d', 6000, 1000), ('save', 7000, 1000);
UPDATE etl.run_log SET started_at = 'epoch', finished_at = timestamptz 'epoch' + interval '10 s'
WHERE id = (SELECT id FROM etl.runs WHERE pipeline = 'times');
UPDATE etl.step_run_log l SET started_at = timestamptz 'epoch' + starts * interval '1 ms', active_us = lasts * 1000,
    finished_at = timestamptz 'epoch' + (starts + lasts) * interval '1 ms'
FROM spans s WHERE s.step = l.step AND l.run_id = (SELECT id FROM etl.runs WHERE pipeline = 'times');
SELECT slowest_step, slowest_duration, active, wall, overhead FROM etl.run_insights WHERE pipeline = 'times';
-- What the pipeline is made of since then changes nothing.
SELECT etl.alter_pipeline('times', '{"steps": [
  {"id": "a", "operator": "table", "params": {"table": "steps_insights.src"}},
  {"id": "save", "operator": "table", "params": {"target": "steps_insights.dst"}, "depends_on": ["a"]}]}') > 0;
SELECT step, waiting, active FROM etl.run_timeline((SELECT id FROM etl.runs WHERE pipeline = 'times'));
-- The figures of operators stand beside those of the run before.
CREATE TABLE pay (id int PRIMARY KEY, v int);
INSERT INTO pay SELECT i, CASE WHEN i % 50 = 0 THEN 100000 ELSE i % 7 END FROM generate_series(1, 100) i;
SELECT etl.create_pipeline('fair', options => '{"observe": "steps"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_insights.pay"}},
  {"id": "fair", "operator": "outliers", "params": {"columns": ["v"]}, "depends_on": "read"},
  {"id": "save", "operator": "table", "params": {"target": "steps_insights.dst"}, "depends_on": "fair"}]') > 0;
CALL t.run('fair');
UPDATE pay SET v = 100000 WHERE id = 7;
CALL t.run('fair');
SELECT measure, a_value, b_value, change FROM etl.compare_runs((SELECT max(id) FROM etl.runs WHERE pipeline = 'fair')) WHERE measure ~ '^(rows_written|fair)' AND measure !~ 'duration';
SELECT etl.drop_pipeline('fair');
-- Who may not see the pipeline sees nothing of it.
SET ROLE etl_alice;
SELECT count(*) FROM etl.run_insights WHERE pipeline = 'insights';
RESET ROLE;
-- A table's columns.
CREATE TABLE wide (i int, n numeric(6, 2), f float8, t text, b bool, d date, j jsonb, a int[], o oid);
INSERT INTO wide SELECT nullif(i, 4), i / 4.0, i, 't' || i % 2, i > 2, date '2024-01-01' + i, '{}', ARRAY[i], i::oid FROM generate_series(1, 5) i;
SELECT column_name, type, row_count, nulls, distinct_values, minimum, maximum, round(mean, 3), round(standard_deviation, 3), quartiles FROM etl.profile('wide');
SELECT * FROM etl.profile('src') WHERE column_name = 'v';
SELECT t.refused($$ SELECT etl.profile('nowhere') $$);
