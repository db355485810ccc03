-- A superuser's run whose target gets somebody else's trigger between two batches: the trigger never runs.
\a \t
CREATE SCHEMA rights_trigger;
GRANT USAGE ON SCHEMA rights_trigger TO etl_alice;
SET search_path = rights_trigger, public;
DO $$ BEGIN PERFORM etl.allow_target('rights_trigger.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY);
INSERT INTO src SELECT generate_series(1, 30);
CREATE TABLE dst (id int PRIMARY KEY);
CREATE TABLE caught (who text);
GRANT INSERT ON caught TO PUBLIC;
GRANT TRIGGER ON dst TO etl_alice;
GRANT CREATE ON SCHEMA rights_trigger TO etl_alice;
CREATE FUNCTION passes(id int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
    IF id > 20 THEN PERFORM pg_advisory_xact_lock_shared(20261122); END IF;
    RETURN true;
END $$;
SELECT etl.create_pipeline('trigger', source => 'SELECT id FROM rights_trigger.src WHERE rights_trigger.passes(id)',
    target => 'rights_trigger.dst', batch_size => 10) > 0;
SELECT pg_advisory_lock(20261122);
SELECT count(etl.run('trigger'));
CALL t.until($$SELECT count(*) = 10 FROM rights_trigger.dst$$);
SET ROLE etl_alice;
CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO rights_trigger.caught VALUES (current_user); RETURN NEW; END $$;
CREATE TRIGGER evil BEFORE INSERT ON dst FOR EACH ROW EXECUTE FUNCTION evil();
RESET ROLE;
SELECT pg_advisory_unlock(20261122);
CALL t.until($$SELECT state <> 'RUNNING' FROM etl.pipelines WHERE name = 'trigger'$$);
SELECT status, error_code, error_message, error_detail FROM etl.run_log WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'trigger');
SELECT count(*) FROM caught;
SELECT count(*) FROM dst;
SELECT etl.drop_pipeline('trigger');
SET client_min_messages = warning;
DROP SCHEMA rights_trigger CASCADE;
