-- Files and APIs as operators: each format out of a table and back again, looked at in every way.
\a \t
CREATE SCHEMA steps_files;
SET search_path = steps_files, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_files.*'); END $$;
DO $$
DECLARE folder text := '/tmp/pg_etl_steps_files_' || current_setting('port');
BEGIN
    EXECUTE format('COPY (SELECT) TO PROGRAM %L', format('rm -rf %1$s && mkdir %1$s', folder));
    EXECUTE format('ALTER DATABASE %I SET etl.data_directory = %L', current_database(), folder);
END $$;
\c -
SET search_path = steps_files, public;
CREATE TABLE src (id int PRIMARY KEY, name text, amount numeric(8,2), day date, fit bool);
INSERT INTO src SELECT i, CASE WHEN i % 10 > 0 THEN 'n"' || i || ', é' END, i / 4.0, date '2024-01-01' + i, i % 3 = 0 FROM generate_series(1, 250) i;
CREATE TABLE dst (LIKE src INCLUDING ALL);
CREATE FUNCTION columns() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"id": "int", "name": "text", "amount": "numeric(8,2)", "day": "date", "fit": "bool"}'::jsonb $$;
CREATE PROCEDURE there_and_back(format text, more jsonb) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM etl.create_pipeline('out', steps => jsonb_build_array('{"id": "read", "operator": "table", "params": {"table": "steps_files.src"}}'::jsonb,
        jsonb_build_object('id', 'save', 'operator', 'file', 'depends_on', 'read', 'params', jsonb_build_object('path', 'f.' || format, 'format', format))));
    COMMIT;
    RAISE NOTICE '%: preview %, dry run %, explain %', format, (SELECT count(*) FROM etl.preview('out', 5)),
        (SELECT string_agg(DISTINCT action, ' ') FROM etl.dry_run('out')), (SELECT string_agg(line, ' ') FROM etl.explain('out') line WHERE line LIKE '%(file)%');
    CALL t.run('out');
    RAISE NOTICE '%', t.last_run('out');
    RAISE NOTICE '%', (SELECT (f ->> 'path') || ' ' || (f ->> 'rows') || ' ' || (f ->> 'status') FROM etl.runs, jsonb_array_elements(files) f WHERE pipeline = 'out');
    PERFORM etl.drop_pipeline('out');
    PERFORM etl.create_pipeline('back', batch_size => 100, steps => jsonb_build_array(
        jsonb_build_object('id', 'read', 'operator', format, 'params', jsonb_build_object('path', 'f.' || format, 'columns', columns()) || more),
        '{"id": "save", "operator": "table", "params": {"target": "steps_files.dst"}, "depends_on": "read"}'::jsonb));
    COMMIT;
    RAISE NOTICE 'preview %, dry run %, explain %', (SELECT p ->> 'amount' FROM etl.preview('back', 1) p),
        (SELECT count(*) FROM etl.dry_run('back', 300) WHERE action = 'insert'), (SELECT string_agg(line, ' ') FROM etl.explain('back') line WHERE line LIKE '-> read%');
    CALL t.run('back');
    RAISE NOTICE '% and % differences', t.last_run('back'), t.differences('TABLE steps_files.src', 'TABLE steps_files.dst');
    PERFORM etl.drop_pipeline('back');
    TRUNCATE steps_files.dst;
END $$;
CALL there_and_back('csv', '{"null": ""}');
CALL there_and_back('json', '{}');
CALL there_and_back('xlsx', '{}');
-- An API that is not allowed, and one that nobody listens for.
CREATE SERVER steps_files_api TYPE 'http' FOREIGN DATA WRAPPER etl OPTIONS (url 'http://127.0.0.1:1', connect_timeout '2s');
SELECT etl.create_pipeline('api', options => '{"max_retries": 0}', steps => '[
  {"id": "read", "operator": "http_json", "params": {"server": "steps_files_api", "path": "/x", "columns": {"id": "int", "name": "text"}, "pagination": {"type": "page", "param": "page"}}},
  {"id": "save", "operator": "table", "params": {"target": "steps_files.dst"}, "depends_on": "read"}]') > 0;
SELECT line FROM etl.explain('api') line WHERE line LIKE '-> read%';
CALL t.run('api');
SELECT split_part(t.last_error('api'), E'\n', 1);
SELECT format('ALTER DATABASE %I SET etl.allowed_hosts = ''127.0.0.1:1''', current_database()) \gexec
SELECT split_part(t.refused($$SELECT etl.preview('api', 1)$$), E'\n', 1);
CALL t.run('api');
SELECT split_part(t.last_error('api'), E'\n', 1);
SELECT etl.drop_pipeline('api');
DO $$ BEGIN EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'rm -rf ' || current_setting('etl.data_directory')); END $$;
SELECT format('ALTER DATABASE %I RESET %s', current_database(), name) FROM unnest('{etl.data_directory,etl.allowed_hosts}'::text[]) name \gexec
DROP SERVER steps_files_api;
SET client_min_messages = warning;
DROP SCHEMA steps_files CASCADE;
