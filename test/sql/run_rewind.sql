-- etl.rewind() keeps a position as a worker reads it, whatever the caller's settings are; and moves it back, never forward.
\a \t
CREATE SCHEMA run_rewind;
SET search_path = run_rewind, public;
DO $$ BEGIN PERFORM etl.allow_target('run_rewind.*'); END $$;
CREATE FUNCTION position_of(pipeline text) RETURNS jsonb LANGUAGE sql AS $$ SELECT position FROM etl.checkpoints c WHERE c.pipeline = $1 $$;

-- A time, under settings whose output means another time elsewhere: IST is Israel's, too.
CREATE TABLE stamped (id int PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE stamped_dst (LIKE stamped INCLUDING ALL);
INSERT INTO stamped SELECT i, '2024-01-01 00:00+00'::timestamptz + i * interval '1 day' FROM generate_series(1, 300) i;
SELECT etl.create_pipeline('rewind', source => 'SELECT id, at FROM stamped', target => 'run_rewind.stamped_dst', mode => 'incremental', incremental_key => 'at',
    incremental_id_key => 'id', options => '{"settle": "0"}') > 0;
CALL t.run('rewind');
BEGIN;
SET LOCAL DateStyle = 'Postgres, DMY';
SET LOCAL TimeZone = 'Asia/Kolkata';
SELECT count(etl.rewind('rewind', to_time => '05/06/2024 16:00'));
SELECT position_of('rewind');
SELECT current_setting('DateStyle');
SELECT count(etl.rewind('rewind', '["2024-06-04 16:00", "7"]'));
SELECT position_of('rewind');
COMMIT;
CALL t.run('rewind');
SELECT t.last_run('rewind');
-- Forward: no, be it by the time or by the id at that time.
SELECT t.refused($$SELECT etl.rewind('rewind', to_time => '2025-01-01 00:00+00')$$);
SELECT t.refused($$SELECT etl.rewind('rewind', to_time => 'infinity')$$);
SELECT t.refused($$SELECT etl.rewind('rewind', jsonb_build_array(position_of('rewind') ->> 0, '301'))$$);
SELECT t.refused($$SELECT etl.rewind('rewind', to_time => (position_of('rewind') ->> 0)::timestamptz)$$);
SELECT count(etl.rewind('rewind', position_of('rewind')));
SELECT etl.drop_pipeline('rewind');

-- Numbers keep their digits.
CREATE TABLE floats (id float8 PRIMARY KEY);
CREATE TABLE floats_dst (LIKE floats INCLUDING ALL);
INSERT INTO floats VALUES (1000000000000000.125), (1e300);
SELECT etl.create_pipeline('rewind', source => 'SELECT id FROM floats', target => 'run_rewind.floats_dst', mode => 'incremental', incremental_key => 'id',
    incremental_id_key => 'id', options => '{"settle": "0"}') > 0;
CALL t.run('rewind');
SET extra_float_digits = -15;
SELECT count(etl.rewind('rewind', '1000000000000000.125'));
SELECT position_of('rewind');
RESET extra_float_digits;
SELECT etl.drop_pipeline('rewind');
CREATE TABLE exact (id numeric PRIMARY KEY);
CREATE TABLE exact_dst (LIKE exact INCLUDING ALL);
INSERT INTO exact VALUES (12345678901234567890.1), (12345678901234567890.2);
SELECT etl.create_pipeline('rewind', source => 'SELECT id FROM exact', target => 'run_rewind.exact_dst', mode => 'incremental', incremental_key => 'id',
    incremental_id_key => 'id', options => '{"settle": "0"}') > 0;
CALL t.run('rewind');
SELECT count(etl.rewind('rewind', '12345678901234567890.1'));
SELECT position_of('rewind');
CALL t.run('rewind');
SELECT t.last_run('rewind');
SELECT t.refused($$SELECT etl.rewind('rewind', '[12345678901234567890.3]')$$);
SELECT t.refused($$SELECT etl.rewind('rewind', '[null]')$$);
SELECT t.refused($$SELECT etl.rewind('rewind', 'null')$$);
SELECT t.refused($$SELECT etl.rewind('rewind', '[1, 2]')$$);
SELECT etl.drop_pipeline('rewind');

-- What is before the checkpoint is decided as the key's type and collation say.
CREATE TABLE words (k text COLLATE "C", n int, PRIMARY KEY (k, n));
CREATE TABLE words_dst (LIKE words INCLUDING ALL);
INSERT INTO words VALUES ('Z', 9), ('Z', 10);
SELECT etl.create_pipeline('rewind', source => 'SELECT k, n FROM words', target => 'run_rewind.words_dst') > 0;
CALL t.run('rewind');
SELECT position_of('rewind');
SELECT t.refused($$SELECT etl.rewind('rewind', '["a", 1]')$$);
SELECT t.refused($$SELECT etl.rewind('rewind', '["Z", 11]')$$);
SELECT count(etl.rewind('rewind', '["Z", 9]'));
SELECT position_of('rewind');
SELECT etl.drop_pipeline('rewind');

-- Slices: none that has not ended is moved over rows that it has still to read.
CREATE TABLE many (id int PRIMARY KEY);
CREATE TABLE many_dst (LIKE many INCLUDING ALL);
INSERT INTO many SELECT generate_series(1, 1000);
ANALYZE many;
SELECT etl.create_pipeline('rewind', source => 'SELECT id FROM many', target => 'run_rewind.many_dst', options => '{"slices": 2}') > 0;
CALL t.run('rewind');
SELECT count(*) FROM etl.checkpoints WHERE pipeline = 'rewind';
UPDATE etl.checkpoint SET position = '["300"]', done = false WHERE slice = 0 AND pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'rewind');
SELECT t.refused($$SELECT etl.rewind('rewind', '400')$$);
SELECT count(etl.rewind('rewind', '200'));
-- One that has not begun stands at its start.
UPDATE etl.checkpoint SET position = CASE slice WHEN 0 THEN '["499"]'::jsonb END, done = slice = 0 WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'rewind');
SELECT t.refused($$SELECT etl.rewind('rewind', '700')$$);
SELECT count(etl.rewind('rewind', '300'));
SELECT etl.drop_pipeline('rewind');
-- A slice begins where it begins, though its position lies before: no row is read by two.
CREATE TABLE once (id int CONSTRAINT stops CHECK (id <> 900));
SELECT etl.create_pipeline('rewind', source => 'SELECT id FROM many', target => 'run_rewind.once', key_columns => '{id}', batch_size => 100,
    options => '{"slices": 2, "write_mode": "append"}') > 0;
CALL t.run('rewind');
SELECT status FROM etl.runs WHERE pipeline = 'rewind';
-- One that has ended bars no key behind its end.
SELECT slice, done, position FROM etl.checkpoint WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'rewind') ORDER BY slice;
SELECT count(etl.rewind('rewind', '600'));
SELECT count(etl.rewind('rewind', '100'));
TRUNCATE once;
ALTER TABLE once DROP CONSTRAINT stops;
SELECT count(etl.retry('rewind'));
CALL t.until($$SELECT state = 'IDLE' FROM etl.pipelines WHERE name = 'rewind'$$);
SELECT count(*), count(DISTINCT id), min(id) FROM once;
SELECT etl.drop_pipeline('rewind');
SET client_min_messages = warning;
DROP SCHEMA run_rewind CASCADE;
