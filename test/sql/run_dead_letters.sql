-- Quarantine: poison rows become dead letters, the rest goes on; replay, patch, discard; NULL keys.
\a \t
CREATE SCHEMA run_dead_letters;
SET search_path = run_dead_letters, public;
DO $$ BEGIN PERFORM etl.allow_target('run_dead_letters.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, v int, note text);
CREATE TABLE dst (id int PRIMARY KEY, v int CHECK (v >= 0), note text NOT NULL);
INSERT INTO src SELECT i, i, 'n' || i FROM generate_series(1, 200) i;
UPDATE src SET v = -1 WHERE id IN (17, 150);
UPDATE src SET note = NULL WHERE id = 42;
CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('run_dead_letters.statements_seen'); RETURN NULL; END $$;
CREATE SEQUENCE statements_seen;
CREATE TRIGGER counts BEFORE INSERT ON dst FOR EACH STATEMENT EXECUTE FUNCTION counts();
-- Without quarantine the run fails and names the row's constraint; nothing of the batch stays.
SELECT etl.create_pipeline('dead', source => 'SELECT * FROM src', target => 'run_dead_letters.dst', batch_size => 100) > 0;
CALL t.run('dead');
SELECT t.last_error('dead');
SELECT count(*) FROM dst;
-- With it.
SELECT etl.alter_pipeline('dead', '{"options": {"on_error": "quarantine"}}') > 0;
CALL t.run('dead');
SELECT t.last_run('dead');
SELECT count(*) FROM dst;
SELECT step, original_record, error_code, error_message, context - 'correlation_id', retry_count, status, last_seen - first_seen < '0.1 s' FROM etl.dead_letters WHERE pipeline = 'dead' ORDER BY (original_record ->> 'id')::int;
SELECT rows_read, rows_written, rows_dead FROM etl.batches WHERE pipeline = 'dead' ORDER BY batch_no;
-- The same rows again: the same letters, seen again.
CALL t.run('dead');
SELECT t.last_run('dead');
SELECT count(*), sum(retry_count), bool_and(last_seen > first_seen) FROM etl.dead_letters WHERE pipeline = 'dead';
-- One poison row of 1024 costs at most 2 log2(n) + 1 statements.
CREATE TABLE many (id int PRIMARY KEY, v int, note text NOT NULL DEFAULT '');
INSERT INTO many SELECT i, CASE WHEN i = 777 THEN -1 ELSE i END FROM generate_series(1, 1024) i;
TRUNCATE dst;
SELECT etl.create_pipeline('dead_many', source => 'SELECT * FROM many', target => 'run_dead_letters.dst', batch_size => 1024, options => '{"on_error": "quarantine"}') > 0;
SELECT setval('statements_seen', 1, false);
CALL t.run('dead_many');
SELECT t.last_run('dead_many');
SELECT last_value BETWEEN 11 AND 21 AS bisected FROM statements_seen;
-- More than max_dead_letters: FAILED, and the batch is taken back.
UPDATE many SET v = -1 WHERE id % 100 = 0;
SELECT etl.alter_pipeline('dead_many', '{"options": {"on_error": "quarantine", "max_dead_letters": 5}}') > 0;
TRUNCATE dst;
CALL t.run('dead_many');
SELECT t.last_error('dead_many');
SELECT count(*) FROM dst;
SELECT etl.drop_pipeline('dead_many');

-- Replayed: some of them, with a patch; what still fails stays pending.
TRUNCATE dst;
\set SHOW_CONTEXT never
SELECT etl.dead_letter_replay('dead');
CREATE FUNCTION writes() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO run_dead_letters.dst VALUES (0, 0, ''); RETURN false; END $$;
SELECT etl.dead_letter_replay('dead', 'run_dead_letters.writes()');
SELECT count(*) FROM dst;
SELECT count(*) FROM etl.dead_letters WHERE pipeline = 'dead' AND status = 'pending';
SELECT etl.dead_letter_replay('dead', $$original_record ->> 'id' = '17'$$, '{"v": 1017}');
SELECT etl.dead_letter_replay(id, 'error_code = ''23502''', '{"note": "mended"}') FROM etl.pipelines WHERE name = 'dead';
SELECT * FROM dst ORDER BY id;
SELECT original_record ->> 'id', status, retry_count FROM etl.dead_letters WHERE pipeline = 'dead' ORDER BY 1;
SELECT etl.dead_letter_replay('dead', 'false');
ALTER TABLE dst DROP CONSTRAINT dst_v_check;
SELECT etl.dead_letter_replay('dead');
SELECT * FROM dst ORDER BY id;
SELECT etl.dead_letter_replay('dead');
-- Discarded.
UPDATE src SET note = NULL WHERE id IN (50, 51);
CALL t.run('dead');
SELECT etl.dead_letter_discard(array_agg(id)) FROM etl.dead_letters WHERE pipeline = 'dead' AND status = 'pending';
SELECT etl.dead_letter_discard(array_agg(id)) FROM etl.dead_letters WHERE pipeline = 'dead';
SELECT status, count(*) FROM etl.dead_letters WHERE pipeline = 'dead' GROUP BY status ORDER BY status;
-- Refused.
SELECT etl.dead_letter_replay('dead', 'nonsense');
SELECT etl.dead_letter_replay('dead', NULL, '[]');
-- What ROLLBACK cannot take back is not begun.
BEGIN;
SELECT t.refused($$SELECT etl.dead_letter_replay('dead')$$);
SELECT etl.dead_letter_replay('dead');
ROLLBACK;
-- where_sql is one expression, and only reads.
SELECT etl.dead_letter_replay('dead', 'true; DROP TABLE run_dead_letters.dst');
SELECT etl.dead_letter_replay('dead', $$false); CREATE TABLE run_dead_letters.injected (x int); SELECT ARRAY[]::bigint[] FROM (SELECT 1) AS q WHERE (true$$);
SELECT to_regclass('run_dead_letters.injected');
SELECT etl.dead_letter_replay('dead', $$false) UNION ALL SELECT '{1}' WHERE (true$$);
SELECT etl.dead_letter_replay('dead', 'true FROM pg_class');
SELECT etl.dead_letter_replay('dead', '');
SELECT etl.dead_letter_replay('dead', 'true -- all');
SELECT t.refused($$SELECT etl.dead_letter_discard(NULL)$$);
SELECT etl.dead_letter_discard('{}');
SELECT etl.drop_pipeline('dead');

-- NULL keys: refused with the row, or dead letters; in a spilled and in a paged source.
CREATE TABLE loose (id int, v int);
CREATE TABLE loose_dst (id int PRIMARY KEY, v int);
INSERT INTO loose VALUES (1, 1), (NULL, 2), (3, 3), (NULL, 4);
SELECT etl.create_pipeline('dead', source => 'SELECT * FROM loose', target => 'run_dead_letters.loose_dst') > 0;
CALL t.run('dead');
SELECT t.last_error('dead');
SELECT count(*) FROM loose_dst;
SELECT etl.alter_pipeline('dead', '{"options": {"null_keys": "dead_letter"}}') > 0;
CALL t.run('dead');
SELECT t.last_run('dead');
SELECT original_record, error_code FROM etl.dead_letters WHERE pipeline = 'dead' ORDER BY 1;
SELECT * FROM loose_dst ORDER BY id;
CREATE INDEX ON loose (id);
INSERT INTO loose SELECT i, i FROM generate_series(10, 3000) i;
ANALYZE loose;
SELECT etl.alter_pipeline('dead', '{"batch_size": 100}') > 0;
CALL t.run('dead');
SELECT t.last_run('dead');
SELECT count(*) FROM etl.dead_letters WHERE pipeline = 'dead';
SELECT etl.alter_pipeline('dead', '{"options": null}') > 0;
CALL t.run('dead');
SELECT t.last_error('dead');
SELECT etl.drop_pipeline('dead');

-- Of a long row whole characters are shown: the 500th byte is the first of two.
CREATE TABLE long AS SELECT NULL::int AS id, 'a' || repeat('é', 300) AS v;
CREATE TABLE long_dst (id int PRIMARY KEY, v text);
SELECT etl.create_pipeline('dead', source => 'TABLE long', target => 'run_dead_letters.long_dst') > 0;
CALL t.run('dead');
SELECT length(e), octet_length(convert_to(e, 'UTF8')), right(e, 3) FROM split_part(t.last_error('dead'), E'\n', 2) e;
SELECT etl.drop_pipeline('dead');

-- Letters of one key that do not stand side by side: the latest one counts.
CREATE TABLE twice (id int PRIMARY KEY, v text COLLATE "C");
CREATE TABLE twice_dst (id int PRIMARY KEY, v text CONSTRAINT good CHECK (v LIKE 'good%'));
INSERT INTO twice VALUES (1, 'bad 1'), (2, 'bad 1');
SELECT etl.create_pipeline('dead', source => 'SELECT * FROM twice', target => 'run_dead_letters.twice_dst', options => '{"on_error": "quarantine"}') > 0;
CALL t.run('dead');
UPDATE twice SET v = 'bad 2';
CALL t.run('dead');
SELECT original_record FROM etl.dead_letters WHERE pipeline = 'dead' ORDER BY original_record->>'v', original_record->>'id';
ALTER TABLE twice_dst DROP CONSTRAINT good;
SELECT etl.dead_letter_replay('dead');
SELECT * FROM twice_dst ORDER BY id;
SELECT etl.drop_pipeline('dead');
