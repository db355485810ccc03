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
-- Nor does a condition of a trigger that was there, whose function stays the same.
DROP TRIGGER evil ON dst;
SET ROLE etl_alice;
CREATE FUNCTION also_evil(r dst) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO rights_trigger.caught VALUES (current_user); RETURN false; END $$;
CREATE TRIGGER calm BEFORE UPDATE ON dst FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
RESET ROLE;
SELECT pg_advisory_lock(20261122);
TRUNCATE dst;
SELECT count(etl.reset('trigger'));
SELECT count(etl.run('trigger'));
CALL t.until($$SELECT count(*) = 10 FROM rights_trigger.dst$$);
SET ROLE etl_alice;
CREATE OR REPLACE TRIGGER calm BEFORE INSERT OR UPDATE ON dst FOR EACH ROW WHEN (rights_trigger.also_evil(NEW)) EXECUTE FUNCTION suppress_redundant_updates_trigger();
RESET ROLE;
SELECT pg_advisory_unlock(20261122);
CALL t.until($$SELECT state <> 'RUNNING' FROM etl.pipelines WHERE name = 'trigger'$$);
SELECT status, error_code, error_detail FROM etl.run_log WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'trigger') ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM caught;
-- A table that a foreign key's action writes is written, too.
DROP TRIGGER calm ON dst;
GRANT REFERENCES ON dst TO etl_alice;
SET ROLE etl_alice;
CREATE TABLE mine (id int REFERENCES dst ON DELETE CASCADE);
RESET ROLE;
SELECT t.refused($$SELECT etl.create_pipeline('cascade', source => 'SELECT id FROM rights_trigger.src', target => 'rights_trigger.dst', options => '{"write_mode": "replace"}')$$);
-- One that a foreign key looks at is planned for: what stands in its indexes would be evaluated, and may leave a trigger for later.
SET ROLE etl_alice;
CREATE TABLE bomb (i int);
CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO rights_trigger.caught VALUES (current_user); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER boom AFTER INSERT ON bomb DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION boom();
CREATE FUNCTION lay() RETURNS void LANGUAGE sql AS 'INSERT INTO rights_trigger.bomb VALUES (1)';
CREATE FUNCTION calm(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
    IF session_user <> 'etl_alice' AND current_setting('application_name') LIKE 'pg_etl%' THEN PERFORM rights_trigger.lay(); END IF;
    RETURN i;
END $$;
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 30);
CREATE INDEX ON parent (id) WHERE id > rights_trigger.calm(0);
GRANT REFERENCES ON parent TO PUBLIC;
RESET ROLE;
CREATE TABLE points (id int PRIMARY KEY);
SELECT count(etl.create_pipeline('cascade', source => 'SELECT id FROM rights_trigger.src', target => 'rights_trigger.points', options => '{"max_retries": 0}'));
ALTER TABLE points ADD FOREIGN KEY (id) REFERENCES parent;
CALL t.run('cascade');
SELECT t.last_run('cascade');
SELECT count(*) FROM caught;
SELECT etl.drop_pipeline('cascade');
-- A partition that is attached between two batches of what is read is not planned for.
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (31);
INSERT INTO parts SELECT id FROM src;
SET ROLE etl_alice;
CREATE TABLE parts_2 (id int PRIMARY KEY);
ALTER TABLE mine DROP CONSTRAINT mine_id_fkey;
CREATE INDEX ON parts_2 (id) WHERE id > rights_trigger.calm(0);
RESET ROLE;
SELECT etl.create_pipeline('cascade', source => 'SELECT id FROM rights_trigger.parts WHERE rights_trigger.passes(id)', target => 'rights_trigger.dst',
    batch_size => 10, options => '{"max_retries": 0}') > 0;
TRUNCATE dst;
SELECT pg_advisory_lock(20261122);
SELECT count(etl.run('cascade'));
CALL t.until($$SELECT count(*) = 10 FROM rights_trigger.dst$$);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (31) TO (61);
SELECT pg_advisory_unlock(20261122);
CALL t.until($$SELECT state <> 'RUNNING' FROM etl.pipelines WHERE name = 'cascade'$$);
SELECT t.last_run('cascade');
SELECT count(*) FROM caught;
SELECT etl.drop_pipeline('cascade');
SELECT etl.drop_pipeline('trigger');
SET client_min_messages = warning;
DROP SCHEMA rights_trigger CASCADE;
