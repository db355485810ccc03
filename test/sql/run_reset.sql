-- etl.reset() with truncate_target: the target's rows and the checkpoint go together, or stay together.
\a \t
CREATE SCHEMA run_reset;
DO $$ BEGIN PERFORM etl.allow_target('run_reset.*'); END $$;
CREATE TABLE run_reset.src (id int PRIMARY KEY);
CREATE TABLE run_reset.dst (id int PRIMARY KEY);
INSERT INTO run_reset.src SELECT generate_series(1, 9);
SELECT etl.create_pipeline('reset', source => 'SELECT id FROM run_reset.src', target => 'run_reset.dst') > 0;
CALL t.run('reset');
CREATE FUNCTION pg_temp.held() RETURNS text LANGUAGE sql AS $$
SELECT (SELECT count(*) FROM run_reset.dst) || ' rows, ' || (SELECT count(*) FROM etl.checkpoints WHERE pipeline = 'reset') || ' checkpoint, '
       || (SELECT state FROM etl.pipelines WHERE name = 'reset') $$;
SELECT pg_temp.held();
-- What ROLLBACK cannot take back is not begun.
BEGIN;
SELECT t.refused($$SELECT etl.reset('reset', truncate_target => true)$$);
ROLLBACK;
BEGIN;
SELECT etl.reset('reset', truncate_target => true);
ROLLBACK;
SELECT pg_temp.held();
-- The rest of a reset is the caller's transaction.
BEGIN;
SELECT count(etl.reset('reset'));
SELECT pg_temp.held();
ROLLBACK;
SELECT pg_temp.held();
-- A target that does not let its rows go keeps the checkpoint.
CREATE TABLE run_reset.refers (id int REFERENCES run_reset.dst DEFERRABLE INITIALLY DEFERRED);
INSERT INTO run_reset.refers VALUES (5);
SELECT etl.reset('reset', truncate_target => true);
SELECT pg_temp.held();
DROP TABLE run_reset.refers;
SELECT count(etl.reset('reset', truncate_target => true));
SELECT pg_temp.held();
SELECT role, reason FROM etl.events WHERE pipeline = 'reset' AND to_state IS NULL;
-- A failed run is over.
CALL t.run('reset');
UPDATE etl.pipeline_state SET state = 'FAILED' WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'reset');
SELECT count(etl.reset('reset', truncate_target => true));
SELECT pg_temp.held();
SELECT etl.drop_pipeline('reset');
-- An incremental run does not go on in a table that was made anew: it would lack what was loaded.
CREATE TABLE run_reset.log (id int PRIMARY KEY, at int NOT NULL);
CREATE TABLE run_reset.copy (id int PRIMARY KEY, at int);
INSERT INTO run_reset.log SELECT i, i FROM generate_series(1, 100) i;
SELECT etl.create_pipeline('anew', source => 'SELECT * FROM run_reset.log', target => 'run_reset.copy', mode => 'incremental', incremental_key => 'at',
    incremental_id_key => 'id', options => '{"safety": "overlap", "overlap": "0"}') > 0;
CALL t.run('anew');
DROP TABLE run_reset.copy;
CREATE TABLE run_reset.copy (id int PRIMARY KEY, at int);
INSERT INTO run_reset.log VALUES (101, 101);
CALL t.run('anew');
SELECT status, error_code, error_message, regexp_replace(error_detail, '\d+', 'N', 'g'), error_hint FROM etl.run_log
WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'anew') ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM run_reset.copy;
-- Nor when something else is altered.
SELECT count(etl.alter_pipeline('anew', '{"batch_size": 10}'));
CALL t.run('anew');
SELECT status, error_code FROM etl.runs WHERE pipeline = 'anew' ORDER BY id DESC LIMIT 1;
SELECT count(etl.reset('anew'));
CALL t.run('anew');
SELECT t.last_run('anew'), (SELECT count(*) FROM run_reset.copy);
-- Who has filled it says so.
CREATE TABLE run_reset.filled (LIKE run_reset.copy INCLUDING ALL);
INSERT INTO run_reset.filled SELECT * FROM run_reset.copy;
DROP TABLE run_reset.copy;
ALTER TABLE run_reset.filled RENAME TO copy;
INSERT INTO run_reset.log VALUES (102, 102);
CALL t.run('anew');
SELECT status, error_code FROM etl.runs WHERE pipeline = 'anew' ORDER BY id DESC LIMIT 1;
SELECT error_hint FROM etl.run_log WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'anew') ORDER BY id DESC LIMIT 1;
SELECT t.refused($$SELECT * FROM etl.dry_run('anew')$$) LIKE '55000%';
SELECT etl.accept_target('anew');
CALL t.run('anew');
SELECT t.last_run('anew'), (SELECT count(*) FROM run_reset.copy);
SELECT reason FROM etl.events WHERE pipeline = 'anew' AND reason LIKE 'the target%';
-- What was accepted is known from then on.
DROP TABLE run_reset.copy;
CREATE TABLE run_reset.copy (id int PRIMARY KEY, at int);
CALL t.run('anew');
SELECT status, error_code FROM etl.runs WHERE pipeline = 'anew' ORDER BY id DESC LIMIT 1;
-- A full run loads all rows anyway.
SELECT etl.drop_pipeline('anew');
SELECT etl.create_pipeline('anew', source => 'SELECT * FROM run_reset.log', target => 'run_reset.copy') > 0;
CALL t.run('anew');
DROP TABLE run_reset.copy;
CREATE TABLE run_reset.copy (id int PRIMARY KEY, at int);
CALL t.run('anew');
SELECT t.last_run('anew'), (SELECT count(*) FROM run_reset.copy);
SELECT etl.drop_pipeline('anew');
SET client_min_messages = warning;
DROP SCHEMA run_reset CASCADE;
