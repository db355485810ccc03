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
CREATE FUNCTION pg_temp.tried(changes json) RETURNS text LANGUAGE sql AS $$
SELECT t.refused(format('SELECT etl.alter_pipeline(%L, %L)', 'alter', changes)) $$;
SELECT etl.export_pipeline('alter') AS exported \gset
SET SESSION AUTHORIZATION etl_carol;
SET search_path = pg_catalog;
SELECT pg_temp.tried('{"source": "SELECT 1 AS id, length(pg_read_file(''PG_VERSION'')) AS v"}');
SELECT c, split_part(pg_temp.tried(c), E'\n', 1) FROM unnest(ARRAY[
    '{"create_target": true}', '{"incremental_id_key": "id"}', '{"incremental_key": "id"}', '{"key_columns": ["id"]}', '{"mode": "incremental"}',
    '{"options": {"write_mode": "replace"}}', '{"options": {"max_retries": 1, "write_mode": "append"}}', '{"options": {"index_settings": {}}}',
    '{"options": {"write_mode": "replace_range", "range": {"column": "v", "from": "length(pg_read_file(''PG_VERSION''))", "to": "9"}}}',
    '{"options": {"nope": 1}}', '{"search_path": "public"}', '{"search_path": null}', '{"steps": []}', '{"target": "rights_alter.other"}',
    '{"batch_size": 1, "source": "SELECT 1 AS id, 2 AS v"}']::json[]) WITH ORDINALITY AS x(c, n) ORDER BY n;
SELECT t.refused(format('SELECT etl.import_pipeline(%L, true)', replace(:'exported', 'rights_alter.src', 'rights_alter.other')));
SELECT etl.alter_pipeline('alter', '{"batch_size": 10, "description": "d", "options": {"max_retries": 1}, "tags": ["t"], "source": "SELECT id, v FROM rights_alter.src"}') > 0;
SELECT etl.import_pipeline(replace(:'exported', '"batch_size":5000', '"batch_size":11'), true);
SELECT t.refused(format('SELECT etl.import_pipeline(%L, true)', replace(:'exported', '"batch_size":5000', '"batch_size":5000,"options":{"write_mode":"soft_delete"}')));
SELECT t.refused($$SELECT * FROM etl.explain('alter', "analyze" => true)$$) LIKE 'ZZZZZ%' AS may_measure;
RESET SESSION AUTHORIZATION;
SELECT etl.export_pipeline('alter') = replace(:'exported', '"batch_size":5000', '"batch_size":11');
RESET search_path;
-- What the owner has set of these stays, whatever else is altered.
SELECT etl.alter_pipeline('alter', '{"options": {"write_mode": "replace_range", "range": {"column": "v", "from": "1", "to": "9"}}}') > 0;
SET SESSION AUTHORIZATION etl_carol;
SELECT c, split_part(pg_temp.tried(c), E'\n', 1) FROM unnest(ARRAY[
    '{"options": {}}', '{"options": {"write_mode": "upsert"}}', '{"options": {"write_mode": "replace_range", "range": {"column": "v", "from": "1", "to": "99"}}}']::json[]) WITH ORDINALITY AS x(c, n) ORDER BY n;
SELECT etl.alter_pipeline('alter', '{"options": {"range": {"column": "v", "from": "1", "to": "9"}, "write_mode": "replace_range", "step_timeout": "9s"}}') > 0;
SELECT split_part(t.refused(format('SELECT etl.import_pipeline(%L, true)', replace(:'exported', '"batch_size":5000', '"batch_size":5000,"options":' || o))), E'\n', 1) FROM unnest(ARRAY[
    '{"range": {"column": "v", "from": "1", "to": "9"}, "write_mode": "replace_range", "step_timeout": "8s"}',
    '{"range": {"column": "v", "from": "1", "to": "9"}, "write_mode": "replace_range", "write_mode": "replace"}',
    '{"range": {"column": "v", "from": "1", "to": "9", "to": "99"}, "write_mode": "replace_range"}']) WITH ORDINALITY AS x(o, n) ORDER BY n;
RESET SESSION AUTHORIZATION;
SELECT options FROM etl.pipeline WHERE name = 'alter';
-- MONITOR does not make it run.
SELECT etl.revoke_pipeline('alter', p, 'etl_carol') FROM unnest('{RUN,ALTER}'::text[]) p;
SELECT count(etl.grant_pipeline('alter', 'MONITOR', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
SELECT count(*) > 0 FROM etl.explain('alter');
SELECT t.refused($$SELECT * FROM etl.explain('alter', "analyze" => true)$$);
RESET SESSION AUTHORIZATION;
SELECT etl.drop_pipeline('alter');
-- Nor does it run steps that look at all rows at once.
CREATE SEQUENCE rights_alter.runs;
SELECT etl.create_pipeline('whole', steps => '[
  {"id": "read", "operator": "sql", "params": {"query": "SELECT 1 AS id, nextval(''rights_alter.runs'')::int AS v"}},
  {"id": "all", "operator": "dedupe", "params": {"keys": ["id"], "order_by": ["v"]}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "rights_alter.dst"}, "depends_on": ["all"]}]', options => '{"observe": "steps"}') > 0;
SELECT count(etl.grant_pipeline('whole', 'MONITOR', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
SELECT line FROM etl.explain('whole') AS line WHERE line ~ '^(Pipeline|->)';
SELECT (line::jsonb)->'estimated_batches' FROM etl.explain('whole', format => 'json') AS line;
RESET SESSION AUTHORIZATION;
SELECT is_called AS has_run FROM rights_alter.runs;
SELECT count(*) > 0 FROM etl.explain('whole', "analyze" => true);
SELECT is_called AS has_run FROM rights_alter.runs;
SELECT etl.drop_pipeline('whole');
SET client_min_messages = warning;
DROP SCHEMA rights_alter CASCADE;
