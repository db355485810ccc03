-- Steps run: several sinks, figures of every step, incremental batches.
\a \t
CREATE SCHEMA steps_runs;
SET search_path = steps_runs, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_runs.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, grp int, v numeric, at timestamptz NOT NULL DEFAULT now());
INSERT INTO src SELECT i, i % 7, i * 1.5 FROM generate_series(1, 1000) i;
CREATE TABLE even (id int PRIMARY KEY, v numeric);
CREATE TABLE sums (grp int PRIMARY KEY, n bigint, total numeric);
CREATE FUNCTION looked(pipeline text) RETURNS SETOF text LANGUAGE sql AS $$
SELECT s.step || ' ' || s.operator || ' ' || s.status || ': ' || coalesce(s.rows_in::text, '-') || ' -> ' || coalesce(s.rows_out::text, '-')
       || CASE WHEN s.duration IS NULL THEN ' (a part)' WHEN s.duration > interval '0' AND s.finished_at >= s.started_at THEN '' ELSE ' (TIMES ARE WRONG)' END
       || coalesce(' ' || s.error_code || ': ' || s.error_message, '')
FROM etl.step_runs s WHERE s.run_id = (SELECT max(id) FROM etl.runs r WHERE r.pipeline = $1) $$;
-- Two sinks: one run, one checkpoint.
SELECT etl.create_pipeline('two', batch_size => 100, steps => '[
  {"id": "extract", "operator": "table", "params": {"table": "steps_runs.src"}},
  {"id": "half", "operator": "filter", "params": {"where": "id % 2 = 0"}, "depends_on": ["extract"]},
  {"id": "short", "operator": "sql", "params": {"query": "SELECT id, v FROM input"}, "depends_on": ["half"]},
  {"id": "grouped", "operator": "sql", "params": {"query": "SELECT grp, count(*) AS n, sum(v) AS total FROM extract GROUP BY grp"}, "depends_on": ["extract"]},
  {"id": "save_even", "operator": "table", "params": {"target": "steps_runs.even"}, "depends_on": ["short"]},
  {"id": "save_sums", "operator": "table", "params": {"target": "steps_runs.sums"}, "depends_on": ["grouped"]}]') > 0;
SELECT target FROM etl.pipelines WHERE name = 'two';
SELECT line FROM etl.explain('two') AS line WHERE line ~ '^(Layers|->)';
SELECT etl.preview('two', 1);
SELECT batch, action, key, after FROM etl.dry_run('two') WHERE key->>'id' IN ('2', '4') OR key->>'grp' = '0';
CALL t.run('two');
SELECT t.last_run('two');
SELECT * FROM looked('two');
SELECT count(*) FROM (SELECT id, v FROM src WHERE id % 2 = 0 EXCEPT SELECT * FROM even) d;
SELECT count(*) FROM (SELECT grp, count(*), sum(v) FROM src GROUP BY grp EXCEPT SELECT * FROM sums) d;
SELECT batch_no, rows_read, rows_written, to_position FROM etl.batches WHERE pipeline = 'two' ORDER BY batch_no;
CALL t.run('two');
SELECT t.last_run('two');
-- Figures of every step.
SELECT etl.alter_pipeline('two', '{"options": {"observe": "steps"}}') > 0;
CALL t.run('two');
SELECT t.last_run('two');
SELECT * FROM looked('two');
-- A step that fails, and what it kept from running.
SELECT etl.alter_pipeline('two', (etl.export_pipeline('two')::jsonb - 'name') #- '{steps,1}' || jsonb_build_object('steps',
  jsonb_set(etl.export_pipeline('two')::jsonb -> 'steps', '{2,params,query}', '"SELECT id, 1 / (id - 500) AS v FROM input"'))) > 0;
CALL t.run('two');
SELECT t.last_run('two');
SELECT * FROM looked('two');
-- A chain in one statement: its steps have no rows of their own.
SELECT etl.create_pipeline('line', steps => '[
  {"id": "extract", "operator": "table", "params": {"table": "steps_runs.src"}},
  {"id": "half", "operator": "filter", "params": {"where": "id % 2 = 0"}, "depends_on": ["extract"]},
  {"id": "short", "operator": "drop_columns", "params": {"columns": ["grp", "at"]}, "depends_on": ["half"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_runs.even"}, "depends_on": ["short"]}]') > 0;
CALL t.run('line');
SELECT t.last_run('line');
SELECT * FROM looked('line');
-- Incremental: the steps see a batch.
TRUNCATE even, sums;
SELECT etl.create_pipeline('inc', mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id', batch_size => 300,
  options => '{"safety": "overlap", "overlap": "0s", "settle": "0s"}', steps => '[
  {"id": "extract", "operator": "table", "params": {"table": "steps_runs.src"}},
  {"id": "names", "operator": "sql", "params": {"query": "SELECT g AS grp, ''g'' || g AS name FROM generate_series(0, 3) g"}},
  {"id": "known", "operator": "sql", "params": {"query": "SELECT e.id, e.v FROM extract e JOIN names USING (grp)"}, "depends_on": ["extract", "names"]},
  {"id": "numbers", "operator": "sql", "params": {"query": "SELECT min(id) AS grp, count(*) AS n FROM input"}, "depends_on": ["extract"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_runs.even"}, "depends_on": ["known"]},
  {"id": "save_sums", "operator": "table", "params": {"target": "steps_runs.sums"}, "depends_on": ["numbers"]}]') > 0;
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT * FROM looked('inc');
SELECT count(*) FROM (SELECT id, v FROM src WHERE grp <= 3 EXCEPT SELECT * FROM even) d;
SELECT * FROM sums ORDER BY grp;
SELECT kind, position FROM etl.checkpoints WHERE pipeline = 'inc';
INSERT INTO src SELECT i, i % 7, i * 1.5 FROM generate_series(1001, 1010) i;
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT count(*) FROM (SELECT id, v FROM src WHERE grp <= 3 EXCEPT SELECT * FROM even) d;
-- `input` in any case is the input, and no table that is called so.
CREATE TABLE input (id int PRIMARY KEY, v numeric);
INSERT INTO input VALUES (-1, 0);
CREATE TABLE upper_case (id int PRIMARY KEY, v numeric);
SELECT etl.create_pipeline('upper', steps => '[
  {"id": "extract", "operator": "table", "params": {"table": "steps_runs.src"}},
  {"id": "first", "operator": "sql", "params": {"query": "SELECT id, v FROM INPUT WHERE Input.id <= 3"}, "depends_on": ["extract"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_runs.upper_case"}, "depends_on": ["first"]}]') > 0;
CALL t.run('upper');
SELECT t.last_run('upper');
SELECT id FROM upper_case ORDER BY id;
DROP TABLE input;
-- Errors.
SELECT t.refused($$ SELECT etl.create_pipeline('bad', mode => 'incremental', incremental_key => 'at', incremental_id_key => 'nr', steps => '[
  {"id": "a", "operator": "table", "params": {"table": "steps_runs.src"}},
  {"id": "b", "operator": "table", "params": {"target": "steps_runs.even"}, "depends_on": ["a"]}]') $$);
SELECT t.refused($$ SELECT etl.create_pipeline('bad', steps => '[
  {"id": "a", "operator": "sql", "params": {"query": "SELECT 1 AS id"}},
  {"id": "b", "operator": "table", "params": {"target": "es:even"}, "depends_on": ["a"]}]') $$);
SELECT t.refused($$ SELECT etl.rewind('two', to_key => '[1]') $$);
-- An audit record of each step; of batches the columns affected are a set.
CREATE TABLE holes (id int PRIMARY KEY, a int, b text, c int);
INSERT INTO holes SELECT i, CASE WHEN i <> 2 THEN i END, CASE WHEN i <> 9 THEN 'b' END, i FROM generate_series(1, 10) i;
CREATE TABLE filled (LIKE holes INCLUDING ALL);
SELECT etl.create_pipeline('audit', mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id', batch_size => 5,
  options => '{"safety": "overlap", "overlap": "0s", "settle": "0s", "observe": "steps"}', steps => '[
  {"id": "extract", "operator": "table", "params": {"table": "steps_runs.holes"}},
  {"id": "fill", "operator": "clean_nulls", "params": {"strategy": "constant", "value": "0", "columns": ["a", "b", "c"]}, "depends_on": ["extract"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_runs.filled"}, "depends_on": ["fill"]}]') > 0;
CALL t.run('audit');
SELECT step, service, dataset_name, "timestamp" = started_at, rows_in, rows_out, duration_sec > 0 AND duration_sec = extract(epoch FROM duration) AS same,
       strategy, columns_affected, nulls_filled FROM etl.step_runs WHERE pipeline = 'audit' ORDER BY step;
