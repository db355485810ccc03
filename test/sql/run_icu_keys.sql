-- Keys in a collation that finds different texts equal: pages never part them, and the target says which rows are one.
-- Where PostgreSQL was built without ICU the answer is in run_icu_keys_1.out.
\a \t
CREATE SCHEMA run_icu_keys;
SET search_path = run_icu_keys, public;
DO $$ BEGIN CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
EXCEPTION WHEN feature_not_supported THEN NULL; END $$;
SELECT to_regcollation('any_case') IS NULL AS without_icu \gset
\if :without_icu
\quit
\endif
DO $$ BEGIN PERFORM etl.allow_target('run_icu_keys.*'); END $$;
CREATE TABLE src (k text COLLATE any_case, n int);
CREATE INDEX ON src (k);
INSERT INTO src SELECT k, n FROM generate_series(1, 3) n, unnest(ARRAY['a', 'A', 'b', 'B', 'c']) k;
CREATE TABLE any_dst (k text COLLATE any_case PRIMARY KEY, n int);
CREATE TABLE exact_dst (k text PRIMARY KEY, n int);
-- Equal texts stay on one page, which may be longer than batch_size; of each key one row is written.
SELECT etl.create_pipeline('icu', source => 'SELECT k, n FROM src', target => 'run_icu_keys.any_dst', batch_size => 2) > 0;
CALL t.run('icu');
SELECT t.last_run('icu');
SELECT batch_no, rows_read, lower(to_position->>0) FROM etl.batches WHERE pipeline = 'icu' ORDER BY batch_no;
SELECT lower(k) FROM any_dst ORDER BY k;
CALL t.run('icu');
SELECT t.last_run('icu');
-- The same without an index for the order.
SELECT etl.alter_pipeline('icu', $${"source": "SELECT k || '' AS k, n FROM src"}$$) > 0;
CALL t.run('icu');
SELECT rows_read, lower(to_position->>0) FROM etl.batches WHERE pipeline = 'icu' ORDER BY run_id DESC, batch_no LIMIT 3;
SELECT etl.drop_pipeline('icu');
-- A target that tells them apart gets each text, also when both are on one page.
SELECT etl.create_pipeline('icu', source => 'SELECT k, n FROM src', target => 'run_icu_keys.exact_dst', batch_size => 2) > 0;
CALL t.run('icu');
SELECT t.last_run('icu');
SELECT k FROM exact_dst ORDER BY k;
SELECT etl.drop_pipeline('icu');
-- A source that tells them apart, a target that does not: of a page's equal keys the last one in the source's order wins.
CREATE TABLE exact_src (k text PRIMARY KEY, n int);
INSERT INTO exact_src VALUES ('A', 1), ('B', 2), ('a', 3), ('b', 4), ('c', 5);
TRUNCATE any_dst;
SELECT etl.create_pipeline('icu', source => 'SELECT k, n FROM exact_src', target => 'run_icu_keys.any_dst', batch_size => 9) > 0;
CALL t.run('icu');
SELECT t.last_run('icu');
SELECT k, n FROM any_dst ORDER BY k;
CALL t.run('icu');
SELECT t.last_run('icu');
-- A key that is found equal keeps the text it was stored with; any other column follows.
UPDATE exact_src SET n = 30 WHERE k = 'a';
UPDATE any_dst SET k = 'A' WHERE k = 'a';
CALL t.run('icu');
SELECT t.last_run('icu');
SELECT k, n FROM any_dst ORDER BY k;
SELECT etl.drop_pipeline('icu');
-- As a value: the new case is written although the texts are equal.
CREATE TABLE value_src (id int PRIMARY KEY, v text);
CREATE TABLE value_dst (id int PRIMARY KEY, v text COLLATE any_case);
INSERT INTO value_src VALUES (1, 'a'), (2, 'b');
SELECT etl.create_pipeline('icu', source => 'SELECT id, v FROM value_src', target => 'run_icu_keys.value_dst') > 0;
CALL t.run('icu');
UPDATE value_src SET v = 'A' WHERE id = 1;
CALL t.run('icu');
SELECT t.last_run('icu');
SELECT id, v FROM value_dst ORDER BY id;
SELECT etl.drop_pipeline('icu');
-- As the incremental key: a resume from one of them does not leave out the other.
CREATE TABLE inc_dst (k text, n int, PRIMARY KEY (k, n));
SET client_min_messages = error;
SELECT etl.create_pipeline('icu', source => 'SELECT k, n FROM src', target => 'run_icu_keys.inc_dst', mode => 'incremental', incremental_key => 'k', incremental_id_key => 'n',
    batch_size => 1) > 0;
RESET client_min_messages;
CALL t.run('icu');
SELECT t.last_run('icu');
SELECT rows_read, lower(to_position->>0), to_position->1 FROM etl.batches WHERE pipeline = 'icu' ORDER BY batch_no;
SELECT count(*) FROM inc_dst;
SELECT count(etl.rewind('icu', '["A", "2"]'));
TRUNCATE inc_dst;
CALL t.run('icu');
SELECT t.last_run('icu');
SELECT etl.drop_pipeline('icu');
-- Held against a pattern, which wants a deterministic collation: mask and check.
CREATE TABLE patterns (id int PRIMARY KEY, v text COLLATE any_case);
INSERT INTO patterns VALUES (1, 'one@example.com'), (2, 'Two'), (3, NULL);
CREATE TABLE masked (id int PRIMARY KEY, v text);
SELECT etl.create_pipeline('icu', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "run_icu_keys.patterns"}},
  {"id": "small", "operator": "check", "params": {"rules": [{"rule": "regex", "column": "v", "pattern": "^[a-z@.]+$"}], "severity": "quarantine"}, "depends_on": "read"},
  {"id": "hidden", "operator": "mask", "params": {"columns": {"v": "partial"}}, "depends_on": "small"},
  {"id": "save", "operator": "table", "params": {"target": "run_icu_keys.masked"}, "depends_on": "hidden"}]') > 0;
CALL t.run('icu');
SELECT t.last_run('icu');
SELECT * FROM masked ORDER BY id;
SELECT original_record, error_message FROM etl.dead_letters WHERE pipeline = 'icu';
SELECT etl.drop_pipeline('icu');
