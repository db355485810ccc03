-- When a request takes effect: at COMMIT, never after a ROLLBACK; who waits, and where waiting is refused.
\a \t
\set SHOW_CONTEXT never
CREATE SCHEMA state_requests;
SET search_path = state_requests, public;
CREATE TABLE src (id int PRIMARY KEY);
CREATE TABLE dst (id int PRIMARY KEY);
INSERT INTO src SELECT generate_series(1, 3);
DO $$ BEGIN PERFORM etl.allow_target('state_requests.*'); END $$;
SELECT etl.create_pipeline('req', source => 'SELECT id FROM src', target => 'state_requests.dst') > 0;

-- Rolled back, whole or in a part: nothing is left of it.
BEGIN;
SELECT etl.run('req') > 0;
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT etl.run('req') > 0;
ROLLBACK TO a;
COMMIT;
SELECT state FROM etl.pipelines WHERE name = 'req';
SELECT count(*) FROM etl.runs WHERE pipeline = 'req';
SELECT count(*) FROM etl.events WHERE pipeline = 'req';
-- Taken back and asked for again in the same transaction.
BEGIN;
SAVEPOINT a;
SELECT etl.run('req') > 0;
ROLLBACK TO a;
SELECT etl.run('req') AS run \gset
SELECT status FROM etl.runs WHERE id = :run;
SELECT t.masked(t.refused('SELECT etl.wait(' || :run || ')'));
COMMIT;
SELECT etl.wait(:run);
SELECT t.last_run('req');

-- run_wait outside of a transaction block; its result is the run's id.
CALL etl.run_wait('req') \gset last_
SELECT :last_run_id = max(id) FROM etl.runs WHERE pipeline = 'req';
SELECT id FROM etl.pipelines WHERE name = 'req' \gset
CALL etl.run_wait(:id, '{}', '10 s') \gset last_
SELECT t.last_run('req');
-- A wait that is over before the run is.
CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN i; END';
SELECT etl.alter_pipeline('req', '{"source": "SELECT slow(id) AS id FROM src"}') > 0;
SELECT etl.run('req') AS run \gset
SELECT etl.wait(:run, '10 ms');
-- Cancelled while it works: gone within a second, nothing half-written.
CALL t.until($$SELECT state = 'RUNNING' FROM etl.pipelines WHERE name = 'req'$$);
SELECT clock_timestamp() AS before \gset
SELECT etl.cancel('req');
SELECT etl.wait(:run);
SELECT clock_timestamp() - :'before'::timestamptz < '1 s' AS in_time;
SELECT state FROM etl.pipelines WHERE name = 'req';
-- A second request of the same pipeline while one is under way.
SELECT etl.run('req') AS run \gset
SELECT replace(t.masked(t.refused($$SELECT etl.run('req')$$)), 'RUN_REQUESTED', 'RUNNING');
SELECT etl.cancel(id) FROM etl.pipelines WHERE name = 'req';
SELECT etl.wait(:run);

-- Refused.
BEGIN;
CALL etl.run_wait('req');
ROLLBACK;
SELECT t.refused($$CALL etl.run_wait('req')$$);
DO $$ BEGIN PERFORM etl.run('req'); END $$;
CALL t.until($$SELECT state = 'RUNNING' FROM etl.pipelines WHERE name = 'req'$$);
SELECT etl.cancel('req');
CALL t.until($$SELECT state = 'IDLE' FROM etl.pipelines WHERE name = 'req'$$);
BEGIN;
SELECT etl.run('req') > 0;
PREPARE TRANSACTION 'req';
SELECT count(*) FROM pg_prepared_xacts WHERE gid = 'req';
SELECT state FROM etl.pipelines WHERE name = 'req';
SELECT t.refused('SELECT etl.wait(0)');
SELECT t.refused('SELECT etl.wait(NULL)');
SELECT t.refused($$SELECT etl.run('req', '[]')$$);
SELECT t.refused($$SELECT etl.run('nope')$$);
SELECT t.refused($$SELECT etl.run(NULL::text)$$);
CALL etl.run_wait('nope');
-- run_wait raises the run's own error.
SELECT etl.alter_pipeline('req', '{"source": "SELECT 1 / (id - 2) AS id FROM src"}') > 0;
\set VERBOSITY sqlstate
CALL etl.run_wait('req');
\set VERBOSITY default
SELECT t.last_run('req');
SELECT state, state_reason FROM etl.pipelines WHERE name = 'req';
SELECT etl.drop_pipeline('req');
