-- Options: unknown ones, wrong types and ranges, known ones that are not built; at definition and in the worker.
\a \t
CREATE SCHEMA refusal_options;
SET search_path = refusal_options, public;
CREATE TABLE src (id int PRIMARY KEY, v text);
CREATE TABLE dst (id int PRIMARY KEY, v text);
DO $$ BEGIN PERFORM etl.allow_target('refusal_options.*'); END $$;
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, options jsonb);
INSERT INTO cases (options) SELECT o::jsonb FROM unnest(ARRAY[
    '[]', '"x"', '7', '{"on_eror": "fail"}', '{"qqqqqqqqqqqq": 1}', '{"": 1}', '{"max-retries": 1}',
    '{"on_error": "skip"}', '{"on_error": true}', '{"on_error": null}',
    '{"max_retries": -1}', '{"max_retries": 101}', '{"max_retries": 1.5}', '{"max_retries": "3"}',
    '{"retry_backoff": "1s"}', '{"retry_backoff": []}', '{"retry_backoff": ["soon"]}', '{"retry_backoff": [1]}',
    '{"max_dead_letters": -1}', '{"max_dead_letters": "many"}', '{"max_dead_letters": 99999999999999999999}',
    '{"priority": 101}', '{"slices": 0}', '{"slices": 65}', '{"slices": "2"}',
    '{"safety": "none"}', '{"safety": "snapshot"}', '{"safety": 1}',
    '{"overlap": "five minutes"}', '{"overlap": 5}', '{"overlap": "-5 minutes"}', '{"overlap": "5 parsecs"}', '{"overlap": ""}',
    '{"settle": "x"}', '{"settle": {}}', '{"snapshot": "always"}', '{"durability": "none"}', '{"null_keys": "ignore"}',
    '{"auto_recover": "yes"}', '{"auto_recover": 1}', '{"step_timeout": 300}', '{"step_timeout": "never"}', '{"step_timeout": "50 days"}',
    '{"bulk_bytes": 10}', '{"bulk_bytes": "1 TB"}', '{"bulk_bytes": "200 MB"}', '{"bulk_bytes": "much"}', '{"bulk_bytes": true}',
    '{"bulk_items": 0}', '{"bulk_items": 100001}', '{"in_flight": 0}', '{"in_flight": 65}', '{"compress": "gzip"}',
    '{"index_settings": "{}"}', '{"index_mappings": []}',
    '{"materialize": 1}', '{"write_mode": "overwrite"}', '{"write_mode": 1}', '{"range": []}',
    '{"capture": "auto"}', '{"copy_data": true}', '{"delete_mode": "none"}', '{"on_schema_change": "fail"}', '{"tables": {}}',
    '{"max_retries": 3, "nope": 1}']) AS o;
SELECT options::text || E'\n  ' || t.define('SELECT id, v FROM src', 'refusal_options.dst', format('options => %L', options)) FROM cases ORDER BY n;
-- What is allowed.
SELECT o, t.refused(format($$SELECT etl.create_pipeline('o', source => 'SELECT id, v FROM src', target => 'refusal_options.dst', options => %L)$$, o)) LIKE 'ZZZZZ%' AS taken
FROM unnest(ARRAY['{}', '{"write_mode": "upsert"}', '{"overlap": "1 hour 30 min"}', '{"settle": "0"}', '{"overlap": "1.5s"}', '{"bulk_bytes": "10 MB"}',
    '{"bulk_bytes": 2048}', '{"retry_backoff": ["10ms"], "max_retries": 0}', '{"materialize": true}', '{"index_settings": {"number_of_shards": 1}}']) AS o;
SELECT t.refused($$SELECT etl.create_pipeline('o', source => 'SELECT id, v FROM src', target => 'refusal_options.dst', options => NULL)$$) LIKE 'ZZZZZ%';

-- The other arguments: mode, batch_size, schedule, steps, incremental keys of a full pipeline.
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$mode => 'ful'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$mode => 'stream'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$batch_size => 0$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$batch_size => 1000001$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$schedule => '@daily'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$steps => '[]'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$incremental_key => 'id'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$incremental_id_key => 'id'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst', $$key_columns => ARRAY(SELECT 'c' || i FROM generate_series(1, 17) i)$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst',
    $$mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id', options => '{"slices": 2}'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_options.dst',
    $$mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id', options => '{"safety": "xact"}'$$);

-- Behind our back: the worker says the same.
SELECT etl.create_pipeline('refusal_options', source => 'SELECT id, v FROM src', target => 'refusal_options.dst') > 0;
CREATE TABLE met (n int, error text);
CREATE PROCEDURE meet_all() LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM refusal_options.cases ORDER BY n LOOP
        UPDATE etl.pipeline SET options = c.options WHERE name = 'refusal_options';
        COMMIT;
        CALL t.run('refusal_options');
        INSERT INTO refusal_options.met VALUES (c.n, t.last_error('refusal_options'));
        COMMIT;
    END LOOP;
END $$;
CALL meet_all();
SELECT c.n, c.options, m.error FROM cases c JOIN met m USING (n)
WHERE m.error IS DISTINCT FROM t.define('SELECT id, v FROM src', 'refusal_options.dst', format('options => %L', options)) ORDER BY n;
SELECT count(*) FROM met;
UPDATE etl.pipeline SET options = '{}', schedule = '* * * * *' WHERE name = 'refusal_options';
CALL t.run('refusal_options');
SELECT t.last_error('refusal_options');
UPDATE etl.pipeline SET schedule = NULL, incremental_key = 'id' WHERE name = 'refusal_options';
CALL t.run('refusal_options');
SELECT t.last_error('refusal_options');
UPDATE etl.pipeline SET incremental_key = NULL, owner = 'etl_nologin' WHERE name = 'refusal_options';
SELECT t.refused($$SELECT etl.run('refusal_options')$$) LIKE 'ZZZZZ%' AS taken;
UPDATE etl.pipeline SET owner = 'postgres' WHERE name = 'refusal_options';
SELECT etl.drop_pipeline('refusal_options');
