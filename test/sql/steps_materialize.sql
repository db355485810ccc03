-- Option materialize: etl.retry() goes on with the step that failed.
\a \t
CREATE SCHEMA steps_materialize;
SET search_path = steps_materialize, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_materialize.*'); END $$;
-- Every run of a step draws a number.
CREATE SEQUENCE loads;
CREATE SEQUENCE doubles;
CREATE TYPE size AS ENUM ('small', 'large');
CREATE TABLE src (id int PRIMARY KEY, name text, size size, at timestamptz, tags text[], kind regclass);
INSERT INTO src SELECT i, 'n' || i, CASE WHEN i % 3 = 0 THEN 'large'::size END, timestamptz '2024-01-01 00:00+00' + i * interval '1 h',
    ARRAY['a', NULL, i::text], 'pg_class' FROM generate_series(1, 5000) i;
CREATE TABLE dst (id int PRIMARY KEY, name text, size size, at timestamptz, tags text[], kind regclass, double int);
CREATE TABLE other (id int PRIMARY KEY, divisor int);
INSERT INTO other SELECT i, CASE WHEN i = 77 THEN 0 ELSE 1 END FROM generate_series(1, 5000) i;
CREATE FUNCTION divide(a int, b int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  IF b = 0 THEN RAISE 'nothing to divide by'; END IF;  -- no fault of the row: it is no data error
  RETURN a / b;
END $$;
CREATE FUNCTION kept() RETURNS SETOF text LANGUAGE sql AS $$
SELECT k.step || ': ' || (SELECT count(*) > 0 FROM etl.kept_rows r WHERE (r.run_id, r.step) = (k.run_id, k.step)) FROM etl.kept_step k
WHERE k.run_id = (SELECT max(id) FROM etl.runs) ORDER BY k.step COLLATE "C" $$;
SELECT etl.create_pipeline('materialized', options => '{"materialize": true, "on_error": "quarantine"}', steps => '[
  {"id": "load", "operator": "sql", "params": {"query": "SELECT *, (SELECT count(nextval(''steps_materialize.loads''))) AS n FROM steps_materialize.src"}},
  {"id": "checked", "operator": "check", "depends_on": ["load"], "params": {"severity": "quarantine", "rules": [
    {"rule": "expression", "expression": "id <> 13"}]}},
  {"id": "doubled", "operator": "sql", "depends_on": ["checked"], "params": {"query":
    "SELECT id, name, size, at, tags, kind, 2 * id AS double, (SELECT count(nextval(''steps_materialize.doubles''))) AS n FROM checked"}},
  {"id": "divided", "operator": "sql", "depends_on": ["doubled"], "params": {"query":
    "SELECT id, name, size, at, tags, kind, steps_materialize.divide(double, o.divisor) AS double FROM doubled JOIN steps_materialize.other o USING (id)"}},
  {"id": "save", "operator": "table", "depends_on": ["divided"], "params": {"target": "steps_materialize.dst"}}]') > 0;
CALL t.run('materialized');
SELECT t.last_run('materialized');
SELECT last_value FROM loads UNION ALL SELECT last_value FROM doubles;
SELECT * FROM kept();
SELECT step || ': ' || status FROM etl.step_runs WHERE run_id = (SELECT max(id) FROM etl.runs) ORDER BY step COLLATE "C";
-- Mended, and gone on with: what went before is not run again, and its dead letters are not lost.
UPDATE other SET divisor = 1;
SELECT etl.retry('materialized') > 0;
SELECT etl.wait((SELECT max(id) FROM etl.runs));
SELECT t.last_run('materialized');
SELECT last_value FROM loads UNION ALL SELECT last_value FROM doubles;
SELECT count(*) FROM (SELECT id, name, size, at, tags, kind, 2 * id FROM src WHERE id <> 13 EXCEPT SELECT * FROM dst) d;
SELECT step, error_code, original_record ->> 'id' FROM etl.dead_letters WHERE pipeline = 'materialized';
SELECT step || ': ' || status || coalesce(' ' || rows_out, '') FROM etl.step_runs WHERE run_id = (SELECT max(id) FROM etl.runs) ORDER BY step COLLATE "C";
SELECT count(*) FROM etl.kept_step;
-- A definition that was changed meanwhile begins anew.
UPDATE other SET divisor = 0 WHERE id = 78;
CALL t.run('materialized');
SELECT * FROM kept();
SELECT etl.alter_pipeline('materialized', '{"batch_size": 1000}') > 0;
UPDATE other SET divisor = 1;
SELECT etl.retry('materialized') > 0;
SELECT etl.wait((SELECT max(id) FROM etl.runs));
SELECT last_value FROM loads UNION ALL SELECT last_value FROM doubles;
-- A run that is given up leaves nothing.
UPDATE other SET divisor = 0 WHERE id = 78;
CALL t.run('materialized');
SELECT count(*) FROM etl.kept_step;
UPDATE other SET divisor = 1;
CALL t.run('materialized');
SELECT count(*) FROM etl.kept_step;
-- Nobody else sees what is kept.
SELECT has_table_privilege('etl_alice', 'etl.kept_rows', 'SELECT');
