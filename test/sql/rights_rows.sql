-- Dead letters are rows of the source: shown whole to the owner and to ALTER, as etl.preview() shows rows; others see that
-- there are some, and their SQLSTATE.
\a \t
CREATE SCHEMA rights_rows AUTHORIZATION etl_alice;
DO $$ BEGIN PERFORM etl.allow_target('rights_rows.*'); END $$;
SET SESSION AUTHORIZATION etl_alice;
CREATE TABLE rights_rows.src (id int PRIMARY KEY, v text);
CREATE TABLE rights_rows.dst (id int PRIMARY KEY, v text CHECK (v <> 'secret'));
INSERT INTO rights_rows.src VALUES (1, 'plain'), (2, 'secret');
SELECT etl.create_pipeline('rows', source => 'SELECT id, v FROM rights_rows.src', target => 'rights_rows.dst', options => '{"on_error": "quarantine"}') > 0;
CALL t.run('rows');
CREATE FUNCTION pg_temp.letters() RETURNS TABLE (error_code text, status text, original_record jsonb, error_message text, detail text) LANGUAGE sql AS $$
SELECT error_code, status, original_record, error_message, context ->> 'detail' FROM etl.dead_letters WHERE pipeline = 'rows' $$;
SELECT * FROM pg_temp.letters();
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.letters();
SET SESSION AUTHORIZATION etl_carol;
SELECT count(*) FROM pg_temp.letters();
RESET SESSION AUTHORIZATION;
CREATE PROCEDURE pg_temp.seen_with(privilege text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM etl.grant_pipeline('rows', privilege, 'etl_carol');
    SET LOCAL SESSION AUTHORIZATION etl_carol;
    RAISE INFO '%: %', privilege, (SELECT to_jsonb(l) FROM pg_temp.letters() l);
    RESET SESSION AUTHORIZATION;
    PERFORM etl.revoke_pipeline('rows', privilege, 'etl_carol');
END $$;
CALL pg_temp.seen_with('RUN');
CALL pg_temp.seen_with('MONITOR');
CALL pg_temp.seen_with('ALTER');
GRANT pg_monitor TO etl_carol;
SET SESSION AUTHORIZATION etl_carol;
SELECT * FROM pg_temp.letters();
RESET SESSION AUTHORIZATION;
REVOKE pg_monitor FROM etl_carol;
-- A replay reads them as the owner.
ALTER TABLE rights_rows.dst DROP CONSTRAINT dst_v_check;
SELECT etl.dead_letter_replay('rows');
TABLE rights_rows.dst ORDER BY id;
SELECT etl.drop_pipeline('rows');
-- So are messages of errors that tell values, and positions.
SET SESSION AUTHORIZATION etl_alice;
CREATE TABLE rights_rows.keys (id text PRIMARY KEY, v text);
INSERT INTO rights_rows.keys VALUES ('key 1', '1');
CREATE TABLE rights_rows.ints (id text PRIMARY KEY, v int);
SELECT etl.create_pipeline('values', source => 'SELECT id, v::int AS v FROM rights_rows.keys', target => 'rights_rows.ints', mode => 'incremental',
    incremental_key => 'id', incremental_id_key => 'id', batch_size => 1, options => '{"safety": "overlap", "overlap": "0", "max_retries": 0}') > 0;
CALL t.run('values');
INSERT INTO rights_rows.keys VALUES ('key 2', 'secret');
CALL t.run('values');
CREATE FUNCTION pg_temp.all_that_is_seen() RETURNS SETOF text LANGUAGE sql AS $$
SELECT concat_ws('|', 'run', error_code, error_message) FROM etl.runs WHERE pipeline = 'values'
UNION ALL SELECT concat_ws('|', 'step', error_code, error_message) FROM etl.step_runs WHERE pipeline = 'values' AND error_code IS NOT NULL
UNION ALL SELECT concat_ws('|', 'state', state_reason) FROM etl.pipelines WHERE name = 'values'
UNION ALL SELECT concat_ws('|', 'event', reason) FROM etl.events WHERE pipeline = 'values' AND reason IS NOT NULL
UNION ALL SELECT concat_ws('|', 'batch', from_position, to_position) FROM etl.batches WHERE pipeline = 'values'
UNION ALL SELECT concat_ws('|', 'checkpoint', position) FROM etl.checkpoints WHERE pipeline = 'values' $$;
SELECT count(etl.rewind('values', to_key => '["key 1"]'));
SELECT * FROM pg_temp.all_that_is_seen();
SELECT count(etl.grant_pipeline('values', 'MONITOR', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
SELECT * FROM pg_temp.all_that_is_seen();
RESET SESSION AUTHORIZATION;
SELECT count(etl.grant_pipeline('values', 'RUN', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
\set SHOW_CONTEXT never
CALL etl.run_wait('values');
RESET SESSION AUTHORIZATION;
UPDATE etl.run_log SET error_code = '42501', error_message = 'permission denied for table x' WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'values');
SET SESSION AUTHORIZATION etl_carol;
SELECT DISTINCT error_message FROM etl.runs WHERE pipeline = 'values';
RESET SESSION AUTHORIZATION;
SELECT etl.drop_pipeline('values');
SET client_min_messages = warning;
DROP SCHEMA rights_rows CASCADE;
