-- ALTER on a pipeline is for how it runs. What runs with the owner's rights, and where it writes, is the owner's.
\a \t
CREATE SCHEMA rights_alter;
GRANT USAGE ON SCHEMA rights_alter TO PUBLIC;
DO $$ BEGIN PERFORM etl.allow_target('rights_alter.*'); END $$;
CREATE TABLE rights_alter.src (id int PRIMARY KEY, v int);
CREATE TABLE rights_alter.dst (id int PRIMARY KEY, v int);
CREATE TABLE rights_alter.other (id int PRIMARY KEY, v int UNIQUE);
SELECT etl.create_pipeline('alter', source => 'SELECT id, v FROM rights_alter.src', target => 'rights_alter.dst') > 0;
SELECT count(etl.grant_pipeline('alter', p, 'etl_carol')) FROM unnest('{RUN,ALTER}'::text[]) p;
CREATE FUNCTION pg_temp.tried(changes jsonb) RETURNS text LANGUAGE sql AS $$
SELECT t.refused(format('SELECT etl.alter_pipeline(%L, %L)', 'alter', changes)) $$;
SELECT etl.export_pipeline('alter') AS exported \gset
SET SESSION AUTHORIZATION etl_carol;
SET search_path = pg_catalog;
SELECT pg_temp.tried('{"source": "SELECT 1 AS id, length(pg_read_file(''PG_VERSION'')) AS v"}');
SELECT c, split_part(pg_temp.tried(c), E'\n', 1) FROM unnest(ARRAY[
    '{"create_target": true}', '{"incremental_id_key": "id"}', '{"incremental_key": "id"}', '{"key_columns": ["id"]}', '{"mode": "incremental"}',
    '{"search_path": "public"}', '{"search_path": null}', '{"steps": []}', '{"target": "rights_alter.other"}',
    '{"batch_size": 1, "source": "SELECT 1 AS id, 2 AS v"}']::jsonb[]) WITH ORDINALITY AS x(c, n) ORDER BY n;
SELECT t.refused(format('SELECT etl.import_pipeline(%L, true)', replace(:'exported', 'rights_alter.src', 'rights_alter.other')));
SELECT etl.alter_pipeline('alter', '{"batch_size": 10, "description": "d", "options": {"max_retries": 1}, "tags": ["t"], "source": "SELECT id, v FROM rights_alter.src"}') > 0;
SELECT etl.import_pipeline(replace(:'exported', '"batch_size":5000', '"batch_size":11'), true);
SELECT t.refused($$SELECT * FROM etl.explain('alter', "analyze" => true)$$) LIKE 'ZZZZZ%' AS may_measure;
RESET SESSION AUTHORIZATION;
SELECT etl.export_pipeline('alter') = replace(:'exported', '"batch_size":5000', '"batch_size":11');
RESET search_path;
-- MONITOR does not make it run.
SELECT etl.revoke_pipeline('alter', p, 'etl_carol') FROM unnest('{RUN,ALTER}'::text[]) p;
SELECT count(etl.grant_pipeline('alter', 'MONITOR', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
SELECT count(*) > 0 FROM etl.explain('alter');
SELECT t.refused($$SELECT * FROM etl.explain('alter', "analyze" => true)$$);
RESET SESSION AUTHORIZATION;
SELECT etl.drop_pipeline('alter');
SET client_min_messages = warning;
DROP SCHEMA rights_alter CASCADE;
