-- Pause, resume and cancel of a run at work: the batch is finished first, the rest comes after; what a run shows meanwhile.
\a \t
CREATE SCHEMA run_pause;
SET search_path = run_pause, public;
DO $$ BEGIN PERFORM etl.allow_target('run_pause.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY);
CREATE TABLE dst (id int PRIMARY KEY, at int DEFAULT 0);
INSERT INTO src SELECT generate_series(1, 57);
ANALYZE src;
-- The gate lets a batch pass only when its rows are allowed: no clock decides what is seen here.
CREATE TABLE gate (up_to int);
INSERT INTO gate VALUES (0);
CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WHILE (SELECT up_to FROM run_pause.gate) < NEW.id LOOP
        PERFORM pg_sleep(0.005);
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER gate BEFORE INSERT ON dst FOR EACH ROW EXECUTE FUNCTION wait_at_gate();
SELECT etl.create_pipeline('pausing', source => 'SELECT id FROM src', target => 'run_pause.dst', batch_size => 10, key_columns => '{id}') > 0;
SELECT etl.run('pausing') AS run \gset
CALL t.until($$SELECT state = 'RUNNING' FROM etl.pipelines WHERE name = 'pausing'$$);
UPDATE gate SET up_to = 25;
CALL t.until($$SELECT count(*) = 2 FROM etl.batches WHERE pipeline = 'pausing'$$);
SELECT phase, step, rows_done, rows_total, percent, rows_per_s >= 0, eta IS NOT NULL, throttle_reason, run_id = :run FROM etl.progress WHERE pipeline = 'pausing';
SELECT status, worker_pid > 0, rows_read, rows_written, finished_at IS NULL FROM etl.runs WHERE id = :run;
SELECT etl.pause('pausing');
SELECT etl.pause('pausing');
SELECT state FROM etl.pipelines WHERE name = 'pausing';
SELECT count(*) FROM dst;
UPDATE gate SET up_to = 35;
CALL t.until($$SELECT state = 'PAUSED' FROM etl.pipelines WHERE name = 'pausing'$$);
SELECT etl.wait(:run);
SELECT count(*), max(id) FROM dst;
SELECT position FROM etl.checkpoints WHERE pipeline = 'pausing';
SELECT phase, rows_done FROM etl.progress WHERE pipeline = 'pausing';
SELECT t.masked(t.refused($$SELECT etl.run('pausing')$$));
-- The same run goes on.
SELECT etl.resume('pausing');
UPDATE gate SET up_to = 45;
CALL t.until($$SELECT count(*) = 4 FROM etl.batches WHERE pipeline = 'pausing'$$);
-- Paused and resumed before the batch has ended: it just goes on.
SELECT etl.pause('pausing'), etl.resume('pausing');
UPDATE gate SET up_to = 55;
CALL t.until($$SELECT count(*) = 5 FROM etl.batches WHERE pipeline = 'pausing'$$);
-- Paused in the last batch: it is done, not paused.
SELECT etl.pause('pausing');
UPDATE gate SET up_to = 100;
CALL t.until($$SELECT state = 'IDLE' FROM etl.pipelines WHERE name = 'pausing'$$);
SELECT count(*) FROM etl.runs WHERE pipeline = 'pausing';
SELECT t.last_run('pausing');
SELECT attempt FROM etl.runs WHERE id = :run;
SELECT batch_no, rows_read FROM etl.batches WHERE pipeline = 'pausing' ORDER BY batch_no;
SELECT count(*) FROM etl.progress WHERE pipeline = 'pausing';
SELECT from_state, to_state, reason FROM etl.events WHERE pipeline = 'pausing' ORDER BY at;
-- Cancelled in the middle of a batch: what was committed stays, the rest does not; a new run begins anew.
TRUNCATE dst;
UPDATE gate SET up_to = 15;
SELECT etl.run('pausing') AS run \gset
CALL t.until(format('SELECT count(*) = 1 FROM etl.batches WHERE run_id = %s', :run));
SELECT etl.cancel('pausing');
SELECT etl.wait(:run);
CALL t.until($$SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pg_etl worker' AND datname = current_database()$$);
SELECT count(*) FROM dst;
SELECT t.last_run('pausing');
UPDATE gate SET up_to = 100;
CALL t.run('pausing');
SELECT t.last_run('pausing');
-- Paused before it began, resumed later.
TRUNCATE dst;
BEGIN;
SELECT etl.run('pausing') AS run \gset
SELECT etl.pause('pausing');
COMMIT;
SELECT status FROM etl.runs WHERE id = :run;
SELECT count(*) FROM dst;
SELECT etl.resume('pausing');
SELECT etl.wait(:run);
CALL t.until($$SELECT state = 'IDLE' FROM etl.pipelines WHERE name = 'pausing'$$);
SELECT t.last_run('pausing');
-- Reset while paused: the run is over.
BEGIN;
SELECT etl.run('pausing') AS run \gset
SELECT etl.pause('pausing');
COMMIT;
SELECT count(etl.reset('pausing'));
SELECT status FROM etl.runs WHERE id = :run;
SELECT etl.drop_pipeline('pausing');
