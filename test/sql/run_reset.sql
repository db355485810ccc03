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
SET client_min_messages = warning;
DROP SCHEMA run_reset CASCADE;
