-- Dead letters of steps: back into the sink that refused them, or the rest of the way behind a check.
\a \t
CREATE SCHEMA steps_replay;
SET search_path = steps_replay, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_replay.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, grp int, v int);
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 300) i;
UPDATE src SET v = NULL WHERE id IN (7, 8);
UPDATE src SET v = -1 WHERE id = 100;
UPDATE src SET v = 5000 WHERE id = 200;
CREATE TABLE names (grp int PRIMARY KEY, name text);
INSERT INTO names VALUES (0, 'none'), (1, 'one'), (2, 'two');
CREATE TABLE good (id int PRIMARY KEY, name text, twice int CHECK (twice > 0));
CREATE TABLE small (id int PRIMARY KEY, twice int CHECK (twice < 5000));
CREATE TABLE audit (id int PRIMARY KEY, v int);
SELECT etl.create_pipeline('late', batch_size => 50, options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_replay.src"}},
  {"id": "names", "operator": "table", "params": {"table": "steps_replay.names"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "not_null", "column": "v"}]}, "depends_on": ["read"]},
  {"id": "twice", "operator": "derive", "params": {"columns": {"twice": "v * 2"}}, "depends_on": ["look"]},
  {"id": "named", "operator": "join", "params": {"left": "twice", "right": "names", "keys": ["grp"]}, "depends_on": ["twice", "names"]},
  {"id": "slim", "operator": "drop_columns", "params": {"columns": ["grp", "v"]}, "depends_on": ["named"]},
  {"id": "pair", "operator": "drop_columns", "params": {"columns": ["grp", "v"]}, "depends_on": ["twice"]},
  {"id": "raw", "operator": "drop_columns", "params": {"columns": ["grp"]}, "depends_on": ["read"]},
  {"id": "save_good", "operator": "table", "params": {"target": "steps_replay.good"}, "depends_on": ["slim"]},
  {"id": "save_small", "operator": "table", "params": {"target": "steps_replay.small"}, "depends_on": ["pair"]},
  {"id": "save_raw", "operator": "table", "params": {"target": "steps_replay.audit"}, "depends_on": ["raw"]}]') > 0;
CALL t.run('late');
SELECT t.last_run('late');
SELECT step, original_record, error_code FROM etl.dead_letters WHERE pipeline = 'late' ORDER BY step, original_record ->> 'id';
SELECT (SELECT count(*) FROM good), (SELECT count(*) FROM small), (SELECT count(*) FROM audit);
-- Of one sink; the others keep what they have.
DELETE FROM small WHERE id = 1;
SELECT etl.dead_letter_replay('late', 'step = ''save_good''', '{"twice": 77}');
SELECT * FROM good WHERE twice = 77;
SELECT count(*) FROM small;
-- What a check has found goes on behind it: not back into the sink that had the row already, and not past the check.
DELETE FROM audit WHERE id = 7;
\set SHOW_CONTEXT never
SELECT etl.dead_letter_replay('late', 'step = ''look''');
SELECT etl.dead_letter_replay('late', 'step = ''look''', '{"v": 3}');
SELECT * FROM good WHERE id IN (7, 8) ORDER BY id;
SELECT * FROM small WHERE id IN (7, 8) ORDER BY id;
SELECT count(*) FROM audit WHERE id = 7;
-- All that are left, or none.
SELECT etl.dead_letter_replay('late', patch => '{"twice": 9999}');
SELECT etl.dead_letter_replay('late', patch => '{"twice": 4999}');
SELECT step, status FROM etl.dead_letters WHERE pipeline = 'late' ORDER BY step, original_record ->> 'id';
SELECT etl.drop_pipeline('late');
-- Where the steps behind it look at all rows of a set, a row alone cannot go.
CREATE TABLE sums (grp int PRIMARY KEY, total bigint);
SELECT etl.create_pipeline('late', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_replay.src"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "not_null", "column": "v"}]}, "depends_on": ["read"]},
  {"id": "sum", "operator": "aggregate", "params": {"group_by": ["grp"], "columns": {"total": "sum(v)"}}, "depends_on": ["look"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_replay.sums"}, "depends_on": ["sum"]}]') > 0;
CALL t.run('late');
SELECT etl.dead_letter_replay('late', patch => '{"v": 1}');
SELECT etl.drop_pipeline('late');
-- Two branches of a union: the other one's rows stay away; two checks.
TRUNCATE audit;
SELECT etl.create_pipeline('late', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "low", "operator": "sql", "params": {"query": "SELECT id, v FROM steps_replay.src WHERE id <= 150"}},
  {"id": "high", "operator": "sql", "params": {"query": "SELECT id, v FROM steps_replay.src WHERE id > 150"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "not_null", "column": "v"}]}, "depends_on": ["low"]},
  {"id": "both", "operator": "union", "params": {}, "depends_on": ["look", "high"]},
  {"id": "again", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "range", "column": "v", "min": 0, "max": 1000}]}, "depends_on": ["both"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_replay.audit"}, "depends_on": ["again"]}]') > 0;
CALL t.run('late');
SELECT step, original_record FROM etl.dead_letters WHERE pipeline = 'late' ORDER BY id;
TRUNCATE audit;
SELECT etl.dead_letter_replay('late', 'step = ''look''', '{"v": -5}');
SELECT etl.dead_letter_replay('late', 'step = ''look''', '{"v": 5}');
SELECT etl.dead_letter_replay('late', patch => '{"v": 6}');
SELECT * FROM audit ORDER BY id;
SELECT etl.drop_pipeline('late');
-- Of a pipeline that was altered since.
TRUNCATE audit;
UPDATE src SET v = NULL WHERE id = 9;
SELECT etl.create_pipeline('late', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id, v AS raw FROM steps_replay.src"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "not_null", "column": "raw"}]}, "depends_on": ["read"]},
  {"id": "named", "operator": "rename_columns", "params": {"columns": {"raw": "v"}}, "depends_on": ["look"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_replay.audit"}, "depends_on": ["named"]}]') > 0;
CALL t.run('late');
SELECT count(*) FROM etl.dead_letters WHERE pipeline = 'late';
SELECT etl.alter_pipeline('late', '{"steps": [
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id, v FROM steps_replay.src"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "not_null", "column": "v"}]}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_replay.audit"}, "depends_on": ["look"]}]}') > 0;
\set VERBOSITY sqlstate
SELECT etl.dead_letter_replay('late', 'original_record ->> ''id'' = ''7''');
\set VERBOSITY default
SELECT etl.dead_letter_replay('late', 'original_record ->> ''id'' = ''7''', '{"v": 70}');
SELECT * FROM audit WHERE id = 7;
SELECT etl.alter_pipeline('late', '{"steps": [
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id, v FROM steps_replay.src"}},
  {"id": "save", "operator": "table", "params": {"target": "steps_replay.audit"}, "depends_on": ["read"]}]}') > 0;
SELECT etl.dead_letter_replay('late');
SELECT etl.drop_pipeline('late');
