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
SET client_min_messages = warning;
DROP SCHEMA rights_rows CASCADE;
