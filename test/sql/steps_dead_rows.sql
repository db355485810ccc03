-- Rows on which a step fails become dead letters of the step, with on_error "quarantine"; the rest goes on.
\a \t
CREATE SCHEMA steps_dead_rows;
SET search_path = steps_dead_rows, public;
\set SHOW_CONTEXT never
DO $$ BEGIN PERFORM etl.allow_target('steps_dead_rows.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, grp int, v text, at timestamptz DEFAULT '2026-01-01');
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 300) i;
UPDATE src SET v = 'seven' WHERE id = 7;
UPDATE src SET v = 'eight' WHERE id = 8;
UPDATE src SET v = '-' WHERE id = 299;
CREATE TABLE good (id int PRIMARY KEY, n int);
CREATE TABLE copy (id int PRIMARY KEY, v text);
-- Steps that are one statement: read, computed, filtered.
SELECT etl.create_pipeline('dead_rows', batch_size => 50, options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "number", "operator": "derive", "params": {"columns": {"n": "v::int"}}, "depends_on": ["read"]},
  {"id": "even", "operator": "filter", "params": {"where": "n % 2 = 0"}, "depends_on": ["number"]},
  {"id": "slim", "operator": "drop_columns", "params": {"columns": ["v", "grp", "at"]}, "depends_on": ["even"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.good"}, "depends_on": ["slim"]}]') > 0;
SELECT preview FROM etl.preview('dead_rows', 3);
SELECT batch, action, key, payload, error_code, error_message FROM etl.dry_run('dead_rows', 1) WHERE action <> 'insert' ORDER BY error_message;
SELECT count(*) > 5 FROM etl.explain('dead_rows', "analyze" => true);
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT count(*), sum(n), bool_and(id = n) FROM good;
SELECT step, original_record, error_code, error_message, retry_count FROM etl.dead_letters WHERE pipeline = 'dead_rows' ORDER BY (original_record ->> 'id')::int;
SELECT step, status, rows_in, rows_out FROM etl.step_runs WHERE pipeline = 'dead_rows' ORDER BY run_id, started_at;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT original_record ->> 'id', retry_count, status FROM etl.dead_letters WHERE pipeline = 'dead_rows' ORDER BY (original_record ->> 'id')::int;
-- Replayed, they take the rest of the way.
SELECT etl.dead_letter_replay('dead_rows', patch => '{"v": "nine"}');
SELECT etl.dead_letter_replay('dead_rows', 'original_record ->> ''id'' = ''8''', '{"v": "8"}');
SELECT etl.dead_letter_replay('dead_rows', 'original_record ->> ''id'' = ''7''', '{"v": "7"}');
SELECT * FROM good WHERE id IN (7, 8);
SELECT original_record ->> 'id', status FROM etl.dead_letters WHERE pipeline = 'dead_rows' ORDER BY (original_record ->> 'id')::int;
-- More of them than are allowed; none is.
SELECT etl.alter_pipeline('dead_rows', '{"options": {"on_error": "quarantine", "max_dead_letters": 2}}') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT etl.alter_pipeline('dead_rows', '{"options": {}}') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT etl.drop_pipeline('dead_rows');
-- In slices, each of which finds out by itself.
TRUNCATE good;
SELECT etl.create_pipeline('dead_rows', batch_size => 20, options => '{"on_error": "quarantine", "slices": 2}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "number", "operator": "sql", "params": {"query": "SELECT id, v::int AS n FROM input"}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.good"}, "depends_on": ["number"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT count(*), sum(n) FROM good;
SELECT step, original_record ->> 'id' FROM etl.dead_letters WHERE pipeline = 'dead_rows' ORDER BY (original_record ->> 'id')::int;
SELECT etl.drop_pipeline('dead_rows');
-- By batches, of which one is clean; a second sink takes what the first one's branch cannot.
TRUNCATE good;
SELECT etl.create_pipeline('dead_rows', mode => 'incremental', incremental_key => 'at', incremental_id_key => 'id', batch_size => 100,
  options => '{"on_error": "quarantine", "safety": "overlap", "settle": "0s"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "number", "operator": "derive", "params": {"columns": {"n": "v::int"}}, "depends_on": ["read"]},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "expression", "expression": "100 / (n - 50) < 100"}]}, "depends_on": ["number"]},
  {"id": "slim", "operator": "drop_columns", "params": {"columns": ["v", "grp", "at"]}, "depends_on": ["look"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.good"}, "depends_on": ["slim"]},
  {"id": "raw", "operator": "drop_columns", "params": {"columns": ["grp", "at"]}, "depends_on": ["read"]},
  {"id": "save_raw", "operator": "table", "params": {"target": "steps_dead_rows.copy"}, "depends_on": ["raw"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT batch_no, rows_read, rows_dead FROM etl.batches WHERE pipeline = 'dead_rows' ORDER BY batch_no;
SELECT (SELECT count(*) FROM good), (SELECT count(*) FROM copy);
SELECT step, original_record ->> 'id', original_record ? 'n', error_code FROM etl.dead_letters WHERE pipeline = 'dead_rows' ORDER BY (original_record ->> 'id')::int;
DELETE FROM copy WHERE id IN (7, 50);
SELECT etl.dead_letter_replay('dead_rows', 'step = ''number''', '{"v": "1000"}');
SELECT etl.dead_letter_replay('dead_rows', 'step = ''look''', '{"n": 1000}');
SELECT * FROM good WHERE n = 1000 ORDER BY id;
SELECT count(*) FROM copy WHERE id IN (7, 50);
SELECT etl.drop_pipeline('dead_rows');
-- Steps of a whole set: left out of its figures too. A row alone cannot be taken up again.
CREATE TABLE sums (grp int PRIMARY KEY, total bigint);
SELECT etl.create_pipeline('dead_rows', options => '{"on_error": "quarantine", "materialize": true}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "sum", "operator": "aggregate", "params": {"group_by": ["grp"], "columns": {"total": "sum(v::int)"}}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.sums"}, "depends_on": ["sum"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT * FROM sums EXCEPT SELECT grp, sum(v::int) FROM src WHERE v ~ '^\d+$' GROUP BY 1;
SELECT count(*) FROM sums;
SELECT step, count(*) FROM etl.dead_letters WHERE pipeline = 'dead_rows' GROUP BY 1;
SELECT etl.dead_letter_replay('dead_rows', patch => '{"v": "1"}');
SELECT etl.drop_pipeline('dead_rows');
-- Rows that fail only together are nobody's fault.
SELECT etl.create_pipeline('dead_rows', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "sum", "operator": "aggregate", "params": {"group_by": ["grp"], "columns": {"total": "sum(id)::smallint * 10::smallint"}}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.sums"}, "depends_on": ["sum"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT step, status, error_code FROM etl.step_runs WHERE pipeline = 'dead_rows' ORDER BY step;
SELECT count(*) FROM etl.dead_letters WHERE pipeline = 'dead_rows';
SELECT etl.drop_pipeline('dead_rows');
-- A step of two inputs: whose row it is, is not asked.
SELECT etl.create_pipeline('dead_rows', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "other", "operator": "table", "params": {"table": "steps_dead_rows.copy"}},
  {"id": "both", "operator": "sql", "params": {"query": "SELECT r.id, o.v::int AS n FROM read r JOIN other o USING (id)"}, "depends_on": ["read", "other"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.good"}, "depends_on": ["both"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT etl.drop_pipeline('dead_rows');
-- A function that gets all rows of a batch at once.
CREATE TYPE num AS (id int, n int);
CREATE FUNCTION numbers(rows src[]) RETURNS SETOF num LANGUAGE plpgsql AS $$
DECLARE r src;
BEGIN
  FOREACH r IN ARRAY rows LOOP
    IF r.v !~ '^\d+$' THEN RAISE EXCEPTION 'row % has no number', r.id USING ERRCODE = '22023'; END IF;
    RETURN NEXT (r.id, r.v::int)::num;
  END LOOP;
END $$;
SELECT etl.allow_function('steps_dead_rows.numbers(steps_dead_rows.src[])');
TRUNCATE good;
SELECT etl.create_pipeline('dead_rows', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "number", "operator": "function", "params": {"function": "steps_dead_rows.numbers(steps_dead_rows.src[])"}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.good"}, "depends_on": ["number"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT step, error_code, error_message FROM etl.dead_letters WHERE pipeline = 'dead_rows' ORDER BY error_message;
SELECT count(*) FROM good;
SELECT etl.drop_pipeline('dead_rows');
-- A row that fails alone only since the step looks at several is none: 6 would divide by zero.
CREATE TABLE scores (id int PRIMARY KEY, score int);
CREATE TABLE few (id int PRIMARY KEY, v text);
INSERT INTO few VALUES (1, '10'), (2, '20'), (3, '30'), (4, '40'), (5, 'x'), (6, '60'), (7, '70'), (8, '80');
SELECT etl.create_pipeline('dead_rows', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.few"}},
  {"id": "score", "operator": "sql", "params": {"query": "SELECT id, (v::int - min(v::int) OVER ()) * 100 / (max(v::int) OVER () - min(v::int) OVER ()) AS score FROM input"}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.scores"}, "depends_on": ["score"]}]') > 0;
CALL t.run('dead_rows');
SELECT original_record, error_code FROM etl.dead_letters WHERE pipeline = 'dead_rows';
SELECT * FROM scores ORDER BY id;
SELECT etl.drop_pipeline('dead_rows');
-- What a step leaves out fails nothing behind it, in whatever order PostgreSQL would compute the two.
CREATE FUNCTION is_number(v text) RETURNS bool LANGUAGE plpgsql COST 10000 AS $$ BEGIN RETURN v ~ '^\d+$'; END $$;
TRUNCATE good;
SELECT etl.create_pipeline('dead_rows', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "numbers", "operator": "filter", "params": {"where": "steps_dead_rows.is_number(v)"}, "depends_on": ["read"]},
  {"id": "number", "operator": "sql", "params": {"query": "SELECT id, v::int AS n FROM input"}, "depends_on": ["numbers"]},
  {"id": "large", "operator": "filter", "params": {"where": "n > 10"}, "depends_on": ["number"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.good"}, "depends_on": ["large"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT etl.drop_pipeline('dead_rows');
-- A run goes on where a step computes the key.
CREATE TABLE raw (id text, v int);
INSERT INTO raw SELECT i, i FROM generate_series(1, 200) i;
INSERT INTO raw VALUES ('x7', 0);
CREATE TABLE stop (at int);
INSERT INTO stop VALUES (150);
CREATE FUNCTION pass(v int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  IF v = (SELECT at FROM steps_dead_rows.stop) THEN RAISE 'stopped'; END IF;
  RETURN v;
END $$;
CREATE FUNCTION check_stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := steps_dead_rows.pass(NEW.n); RETURN NEW; END $$;
CREATE TRIGGER stop BEFORE INSERT ON good FOR EACH ROW EXECUTE FUNCTION check_stop();
TRUNCATE good;
SELECT etl.create_pipeline('dead_rows', batch_size => 20, options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.raw"}},
  {"id": "number", "operator": "cast", "params": {"columns": {"id": "int"}}, "depends_on": ["read"]},
  {"id": "named", "operator": "rename_columns", "params": {"columns": {"v": "n"}}, "depends_on": ["number"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.good"}, "depends_on": ["named"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
DELETE FROM stop;
SELECT etl.retry('dead_rows') > 0;
SELECT etl.wait((SELECT max(id) FROM etl.runs));
SELECT t.last_run('dead_rows');
SELECT count(*) FROM good;
SELECT step, original_record FROM etl.dead_letters WHERE pipeline = 'dead_rows';
SELECT etl.drop_pipeline('dead_rows');
DROP TRIGGER stop ON good;
-- What the target has of a row that was put aside stays; of which nobody knows the key, nothing goes.
CREATE TABLE state (id int PRIMARY KEY, n int, is_deleted bool DEFAULT false);
INSERT INTO state (id, n) VALUES (7, 70), (8, 80), (1000, 10000);
SELECT etl.create_pipeline('dead_rows', options => '{"on_error": "quarantine", "write_mode": "soft_delete"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.src"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "expression", "expression": "id <> 8"}]}, "depends_on": ["read"]},
  {"id": "number", "operator": "derive", "params": {"columns": {"n": "v::int"}}, "depends_on": ["look"]},
  {"id": "slim", "operator": "drop_columns", "params": {"columns": ["v", "grp", "at"]}, "depends_on": ["number"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.state"}, "depends_on": ["slim"]}]') > 0;
SELECT action, key, after FROM etl.dry_run('dead_rows') WHERE action = 'delete';
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT * FROM state WHERE id IN (7, 8, 1000) ORDER BY 1;
UPDATE state SET is_deleted = false;
SELECT etl.alter_pipeline('dead_rows', '{"options": {"on_error": "quarantine", "write_mode": "replace"}}') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT id, n FROM state WHERE id IN (7, 8, 1000) ORDER BY 1;
INSERT INTO state (id, n) VALUES (1000, 10000);
SELECT etl.alter_pipeline('dead_rows', '{"steps": [
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id AS number, 1000 AS id, v FROM steps_dead_rows.src"}},
  {"id": "number", "operator": "sql", "params": {"query": "SELECT number AS id, v::int AS n FROM input"}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.state"}, "depends_on": ["number"]}]}') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT id, n FROM state WHERE id IN (7, 8, 1000) ORDER BY 1;
SELECT reason FROM etl.events WHERE pipeline = 'dead_rows' AND reason LIKE 'rows whose%';
SELECT etl.drop_pipeline('dead_rows');
-- Equal rows are as many dead letters, and come back as many.
CREATE TABLE words (v text);
INSERT INTO words VALUES ('1'), ('x'), ('x'), ('x'), ('y');
CREATE TABLE numbers (v int);
SELECT etl.create_pipeline('dead_rows', options => '{"on_error": "quarantine", "write_mode": "append"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_dead_rows.words"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "in_set", "column": "v", "values": ["1", "x"]}, {"rule": "regex", "column": "v", "pattern": "[^y]"}]}, "depends_on": ["read"]},
  {"id": "number", "operator": "cast", "params": {"columns": {"v": "int"}}, "depends_on": ["look"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.numbers"}, "depends_on": ["number"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT step, original_record, retry_count FROM etl.dead_letters WHERE pipeline = 'dead_rows' ORDER BY step, id;
TRUNCATE numbers;
SELECT etl.dead_letter_replay('dead_rows', 'step = ''number''', '{"v": "7"}');
TABLE numbers;
SELECT etl.drop_pipeline('dead_rows');
-- A step's time is its own: the batch's goes on behind it.
CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
CREATE TRIGGER hang BEFORE INSERT ON scores FOR EACH ROW EXECUTE FUNCTION hang();
TRUNCATE scores;
SELECT etl.create_pipeline('dead_rows', mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id',
  options => '{"observe": "steps", "step_timeout": "1s", "max_retries": 0, "settle": "0s"}', steps => '[
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id, 1 AS score FROM steps_dead_rows.few"}},
  {"id": "same", "operator": "filter", "params": {"where": "id > 0"}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.scores"}, "depends_on": ["same"]}]') > 0;
CALL t.run('dead_rows');
SELECT t.last_run('dead_rows');
SELECT etl.drop_pipeline('dead_rows');
-- Rows that need others of their set: those that could be looked at bring them.
CREATE TABLE heirs_dst (id int PRIMARY KEY, one int);
SELECT etl.create_pipeline('heirs', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "sql", "params": {"query": "SELECT * FROM (VALUES (1, 1), (2, 1), (3, 2), (4, 3), (5, 99)) AS v (id, parent)"}},
  {"id": "found", "operator": "sql", "params": {"query": "SELECT id, (1 / (SELECT count(*) FROM input p WHERE p.id = i.parent))::int AS one FROM input i"}, "depends_on": "read"},
  {"id": "save", "operator": "table", "params": {"target": "steps_dead_rows.heirs_dst"}, "depends_on": "found"}]') > 0;
CALL t.run('heirs');
SELECT t.last_run('heirs'), (SELECT string_agg(original_record ->> 'id', ' ') FROM etl.dead_letters WHERE pipeline = 'heirs');
SELECT etl.drop_pipeline('heirs');
SET client_min_messages = warning;
DROP SCHEMA steps_dead_rows CASCADE;
