-- A superuser who touches somebody's pipeline runs nothing of theirs as himself: what the parser runs (a domain's check, for
-- a literal of its array) and what etl.rewind() casts runs as the owner, who finds no way out of it.
\a \t
CREATE SCHEMA rights_owner_code AUTHORIZATION etl_alice;
GRANT USAGE ON SCHEMA rights_owner_code TO etl_bob;
DO $$ BEGIN PERFORM etl.allow_target('rights_owner_code.*'); END $$;
SET search_path = rights_owner_code, public;
SET SESSION AUTHORIZATION etl_alice;
CREATE TABLE ran (who text, superuser bool, role_taken text);
CREATE FUNCTION chk(value int) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    taken text := 'taken';
BEGIN
    BEGIN
        PERFORM set_config('role', 'postgres', false);
    EXCEPTION WHEN OTHERS THEN
        taken := SQLSTATE;
    END;
    PERFORM set_config('work_mem', '12345kB', false);
    IF current_setting('application_name') NOT LIKE 'pg_etl%' THEN  -- a worker's source only reads
        INSERT INTO rights_owner_code.ran VALUES (current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), taken);
    END IF;
    RETURN value <> 13;
END $$;
CREATE DOMAIN dom AS int CHECK (rights_owner_code.chk(value));
CREATE TABLE src (id int PRIMARY KEY, v int);
CREATE TABLE dst (id int PRIMARY KEY, v int);
INSERT INTO src SELECT i, i FROM generate_series(1, 9) i;
GRANT ALL ON ran, src, dst TO etl_bob;
SELECT etl.create_pipeline('lit', source => $$SELECT id, v FROM src WHERE id <> ALL ('{99}'::dom[])$$, target => 'rights_owner_code.dst') > 0;
SELECT etl.create_pipeline('dom', source => 'SELECT id::dom AS id, v FROM src', target => 'rights_owner_code.dst') > 0;
RESET SESSION AUTHORIZATION;
CALL t.run('dom');
SELECT t.last_run('dom');
CREATE FUNCTION pg_temp.who() RETURNS text LANGUAGE sql AS $$
SELECT coalesce(string_agg(DISTINCT who || CASE WHEN superuser THEN ', a superuser' ELSE '' END || ', role ' || role_taken, '; '), 'nobody')
       || ' | ' || current_user || ', superuser ' || current_setting('is_superuser') || ', work_mem ' || current_setting('work_mem')
       || ', search_path ' || current_setting('search_path') FROM rights_owner_code.ran $$;
TRUNCATE ran;
SELECT etl.alter_pipeline('lit', '{"batch_size": 10}') > 0;
SELECT pg_temp.who();
TRUNCATE ran;
SELECT etl.import_pipeline(replace(etl.export_pipeline('lit'), '"batch_size":10', '"batch_size":20'), replace => true);
SELECT pg_temp.who();
TRUNCATE ran;
SELECT count(etl.rewind('dom', '3'));
SELECT pg_temp.who();
SELECT position FROM etl.checkpoints WHERE pipeline = 'dom';
SELECT t.refused($$SELECT etl.rewind('dom', '13')$$);
TRUNCATE ran;
SELECT etl.alter_pipeline_owner('lit', 'etl_bob') > 0;
SELECT pg_temp.who();
-- A table that is made on the way is the owner's.
SELECT etl.alter_pipeline('dom', '{"target": "rights_owner_code.made", "create_target": true, "key_columns": ["id"]}') > 0;
SELECT tableowner FROM pg_tables WHERE schemaname = 'rights_owner_code' AND tablename = 'made';
-- Nor may a superuser's own pipeline have such a check in it, where a literal or a column hides it.
CREATE TABLE hidden (id dom PRIMARY KEY, v int);
CREATE TABLE mine (id int PRIMARY KEY, v int);
SELECT t.refused($$SELECT etl.create_pipeline('mine', source => 'SELECT 1 AS id, 2 AS v WHERE 1 <> ALL (''{99}''::dom[])', target => 'rights_owner_code.mine')$$);
SELECT t.refused($$SELECT etl.create_pipeline('mine', source => 'SELECT id, v FROM hidden', target => 'rights_owner_code.mine')$$);
-- After an error the session is what it was.
SELECT t.refused($$SELECT etl.alter_pipeline('lit', '{"source": "SELECT nope FROM src"}')$$);
SELECT substr(pg_temp.who(), strpos(pg_temp.who(), '|'));
SELECT rule, message FROM etl.validate_pipeline('{"name": "x", "source": "SELECT nope FROM src", "target": "rights_owner_code.dst"}');
SELECT substr(pg_temp.who(), strpos(pg_temp.who(), '|'));
SELECT etl.drop_pipeline(name) FROM etl.pipelines WHERE name IN ('lit', 'dom') ORDER BY name;
SET client_min_messages = warning;
DROP SCHEMA rights_owner_code CASCADE;
