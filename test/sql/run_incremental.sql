-- Incremental runs: only what is new, ties at a batch's edge, reset, rewind, pause and resume.
\a \t
CREATE SCHEMA run_incremental;
SET search_path = run_incremental, public;
DO $$ BEGIN PERFORM etl.allow_target('run_incremental.*'); END $$;
CREATE TABLE src (id serial PRIMARY KEY, v int);
CREATE TABLE dst (id int PRIMARY KEY, v int);
INSERT INTO src (v) SELECT i FROM generate_series(1, 100) i;
SELECT etl.create_pipeline('inc', source => 'SELECT id, v FROM src', target => 'run_incremental.dst', mode => 'incremental', incremental_key => 'v',
    incremental_id_key => 'id', batch_size => 30, options => '{"settle": "0"}') > 0;
SELECT t.refused($$SELECT etl.rewind('inc', '5')$$);
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT kind, position FROM etl.checkpoints WHERE pipeline = 'inc';
CALL t.run('inc');
SELECT t.last_run('inc');
INSERT INTO src (v) SELECT i FROM generate_series(101, 110) i;
UPDATE src SET v = 0 WHERE id = 1;
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT safety, safe_watermark IS NOT NULL, lag < '1 min', lag_bytes, held_by_pid, held_since, window_breaches FROM etl.lag WHERE pipeline = 'inc';
-- Rewound: the rows behind the key are read again; reset: all.
SELECT count(etl.rewind('inc', '100'));
SELECT position FROM etl.checkpoints WHERE pipeline = 'inc';
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT count(etl.rewind(id, '["90"]')) FROM etl.pipelines WHERE name = 'inc';
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT count(etl.reset('inc'));
SELECT count(*) FROM etl.checkpoints WHERE pipeline = 'inc';
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT count(etl.reset('inc', truncate_target => true));
SELECT count(*) FROM dst;
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT reason FROM etl.events WHERE pipeline = 'inc' AND to_state IS NULL ORDER BY at;
-- Other keys: the checkpoint is forgotten.
SELECT etl.alter_pipeline('inc', '{"mode": "full", "incremental_key": null, "incremental_id_key": null, "options": null}') > 0;
SELECT count(*) FROM etl.checkpoints WHERE pipeline = 'inc';
SELECT t.refused($$SELECT etl.rewind('inc', to_time => now())$$);
SELECT etl.drop_pipeline('inc');

-- A transaction that may have outlived the window is counted, run by run: nobody knows when a prepared one began.
CREATE TABLE plain (id int PRIMARY KEY, v int);
CREATE TABLE plain_dst (id int PRIMARY KEY, v int);
SET client_min_messages = error;
SELECT etl.create_pipeline('inc', source => 'SELECT id, v FROM plain', target => 'run_incremental.plain_dst', mode => 'incremental', incremental_key => 'v',
    incremental_id_key => 'id', options => '{"overlap": "1 hour"}') > 0;
RESET client_min_messages;
INSERT INTO plain VALUES (1, 1), (3, 3);
CALL t.run('inc');
SELECT safety, safe_watermark, held_by_pid, held_since, window_breaches FROM etl.lag WHERE pipeline = 'inc';
BEGIN;
INSERT INTO plain VALUES (2, 2);
PREPARE TRANSACTION 'run_incremental';
CALL t.run('inc');
CALL t.run('inc');
SELECT safety, safe_watermark, held_by_pid, held_since, window_breaches FROM etl.lag WHERE pipeline = 'inc';
COMMIT PREPARED 'run_incremental';
CALL t.run('inc');
SELECT window_breaches FROM etl.lag WHERE pipeline = 'inc';
SELECT id FROM plain_dst ORDER BY id;
SELECT etl.drop_pipeline('inc');

-- Many rows with the same key: none is lost at a batch's edge, and a time of now() is kept as it is stored.
CREATE TABLE stamped (id int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE stamped_dst (id int PRIMARY KEY, at timestamptz);
INSERT INTO stamped SELECT i, timestamptz '2024-01-01 00:00:00+00' + (i / 40) * interval '1 microsecond' FROM generate_series(1, 200) i;
CREATE INDEX ON stamped (at, id);
SELECT etl.create_pipeline('inc', source => 'SELECT id, at FROM stamped', target => 'run_incremental.stamped_dst', mode => 'incremental',
    incremental_key => 'at', incremental_id_key => 'id', batch_size => 7) > 0;
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT count(*) FROM stamped JOIN stamped_dst USING (id, at);
SELECT position FROM etl.checkpoints WHERE pipeline = 'inc';
SELECT count(etl.rewind('inc', to_time => '2024-01-01 00:00:00.000003+00'));
CALL t.run('inc');
SELECT t.last_run('inc');
SELECT count(etl.rewind('inc', '["2024-01-01 00:00:00.000003+00", "150"]'));
CALL t.run('inc');
SELECT t.last_run('inc');
-- Refused.
SELECT t.refused($$SELECT etl.rewind('inc')$$);
SELECT t.refused($$SELECT etl.rewind('inc', '5', now())$$);
SELECT t.refused($$SELECT etl.rewind('inc', '["a", "b", "c"]')$$);
SELECT t.refused($$SELECT etl.rewind('inc', '"yesterday morning"')$$);
SELECT t.refused($$SELECT etl.rewind('inc', '{"at": 1}')$$);
SELECT t.refused($$SELECT etl.rewind('inc', '[]')$$);
SELECT t.refused($$SELECT etl.rewind('inc', 'null')$$);
SELECT etl.drop_pipeline('inc');
-- A target that was looked at while it was empty: each row is found by its key all the same.
CREATE TABLE small (id int PRIMARY KEY, v int);
VACUUM ANALYZE small;
SELECT etl.create_pipeline('small', source => 'SELECT 1 AS id, 1 AS v', target => 'run_incremental.small', mode => 'incremental', incremental_key => 'v',
    incremental_id_key => 'id', options => '{"safety": "overlap"}') > 0;
SELECT substring(line FROM 'Index Cond.*') FROM etl.explain('small') AS line WHERE line LIKE '%Index Cond%';
SELECT etl.drop_pipeline('small');
