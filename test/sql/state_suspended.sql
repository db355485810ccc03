-- A restored or copied database comes up suspended; etl.enable binds it to this one. What lives in the catalog is named right.
\a \t
CREATE SCHEMA state_suspended;
SET search_path = state_suspended, public;
DO $$ BEGIN PERFORM etl.allow_target('state_suspended.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY);
CREATE TABLE dst (id int PRIMARY KEY);
INSERT INTO src VALUES (1), (2);
SELECT etl.create_pipeline('suspended', source => 'SELECT id FROM src', target => 'state_suspended.dst') AS id \gset
-- Restored: the definition is there, its state is not (pg_dump takes only the definitions).
DELETE FROM etl.pipeline_state WHERE pipeline_id = :id;
SELECT state, suspended_reason FROM etl.pipelines WHERE name = 'suspended';
SELECT t.refused($$SELECT etl.run('suspended')$$);
SELECT call, t.refused(format('SELECT etl.%I(''suspended'')', call)) FROM unnest(ARRAY['pause', 'resume', 'cancel', 'retry']) AS call;
SELECT etl.enable('suspended');
SELECT state, suspended_reason FROM etl.pipelines WHERE name = 'suspended';
CALL t.run('suspended');
SELECT t.last_run('suspended');
-- Copied: the state is another database's.
UPDATE etl.pipeline_state SET database_oid = 1 WHERE pipeline_id = :id;
SELECT suspended_reason FROM etl.pipelines WHERE name = 'suspended';
SELECT t.refused($$SELECT etl.run('suspended')$$);
SELECT etl.enable('suspended');
UPDATE etl.pipeline_state SET system_identifier = '1' WHERE pipeline_id = :id;
SELECT suspended_reason FROM etl.pipelines WHERE name = 'suspended';
SELECT t.refused($$SELECT etl.run('suspended')$$);
-- Its requested run is not started by anybody.
UPDATE etl.pipeline_state SET state = 'RUN_REQUESTED', run_id = (SELECT max(id) FROM etl.runs WHERE pipeline = 'suspended') WHERE pipeline_id = :id;
SELECT state, suspended_reason IS NOT NULL FROM etl.pipelines WHERE name = 'suspended';
UPDATE etl.pipeline_state SET state = 'IDLE' WHERE pipeline_id = :id;
SELECT etl.enable('suspended');
CALL t.run('suspended');
SELECT t.last_run('suspended');
-- Definitions are dumped, state is not.
SELECT c.relname FROM pg_extension e, unnest(e.extconfig) AS t(oid), pg_class c WHERE e.extname = 'pg_etl' AND c.oid = t.oid ORDER BY 1;
SELECT etl.drop_pipeline('suspended');
SELECT count(*) FROM etl.pipeline_state WHERE pipeline_id = :id;
