-- etl.alter_pipeline(): another target gets all rows, an incremental pipeline's too.
\a \t
CREATE SCHEMA run_other_target;
SET search_path = run_other_target, public;
DO $$ BEGIN PERFORM etl.allow_target('run_other_target.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, v text);
CREATE TABLE one (id int PRIMARY KEY, v text);
CREATE TABLE two (id int PRIMARY KEY, v text);
INSERT INTO src SELECT i, 'v' || i FROM generate_series(1, 100) i;
SET client_min_messages = error;
SELECT etl.create_pipeline('other', source => 'SELECT id, v FROM src', target => 'run_other_target.one', mode => 'incremental',
    incremental_key => 'id', incremental_id_key => 'id', options => '{"overlap": "0"}') > 0;
CALL t.run('other');
SELECT t.last_run('other');
SELECT etl.alter_pipeline('other', '{"target": "run_other_target.two"}') > 0;
CALL t.run('other');
SELECT t.last_run('other');
SELECT count(*) FROM two;
-- What does not say where or in which order keeps the checkpoint.
SELECT etl.alter_pipeline('other', '{"batch_size": 7, "description": "x"}') > 0;
CALL t.run('other');
SELECT t.last_run('other');
SELECT reason FROM etl.events WHERE pipeline = 'other' AND reason LIKE 'checkpoint%';
