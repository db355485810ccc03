-- export and import: a round trip is byte for byte; validate_pipeline lists findings and stores nothing.
\a \t
CREATE SCHEMA definition_portable;
SET search_path = definition_portable, public;
CREATE TABLE src (id int PRIMARY KEY, "Ünï" text, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE dst (id int PRIMARY KEY, "Ünï" text, at timestamptz);
DO $$ BEGIN PERFORM etl.allow_target('definition_portable.*'); END $$;
SELECT etl.create_pipeline('port_a', source => E'SELECT id, "Ünï",\tat -- a comment with "quotes" and \\ in it\nFROM src',
    target => 'definition_portable.dst', mode => 'incremental', incremental_key => 'at', incremental_id_key => 'id',
    batch_size => 7, options => '{"safety": "xact", "retry_backoff": ["1s", "2s"], "settle": "0"}',
    description => E'a line\nand another \u20AC', tags => '{one,"two words"}') > 0;
SELECT etl.create_pipeline('port_b', source => 'SELECT id FROM src', target => 'definition_portable.dst', key_columns => '{id}') > 0;
SELECT etl.export_pipeline('port_a');
SELECT etl.export_pipeline('port_b');
SELECT etl.export_pipeline('port_a') = etl.export_pipeline(id) FROM etl.pipelines WHERE name = 'port_a';
CREATE TABLE kept AS SELECT name, etl.export_pipeline(name) AS text FROM etl.pipelines WHERE name LIKE 'port_%' ORDER BY name;
SELECT etl.drop_pipeline(name) FROM kept;
SELECT etl.import_pipeline('[' || string_agg(text, ',' ORDER BY name) || ']') FROM kept;
SELECT name, text = etl.export_pipeline(name) AS same FROM kept ORDER BY name;
-- Replaced by the same: nothing changes, not even the version.
SELECT etl.import_pipeline(text, replace => true) FROM kept ORDER BY name;
SELECT name, version FROM etl.pipelines WHERE name LIKE 'port_%' ORDER BY name;
SELECT etl.import_pipeline((jsonb_set(text::jsonb, '{batch_size}', '9'))::text, replace => true) FROM kept WHERE name = 'port_b';
SELECT name, version FROM etl.pipelines WHERE name LIKE 'port_%' ORDER BY name;
-- The search_path comes along, so an import into another session means the same tables.
SET search_path = pg_catalog;
SELECT etl.import_pipeline(replace(text, 'port_b', 'port_c')) FROM definition_portable.kept WHERE name = 'port_b';
SET search_path = definition_portable, public;
CALL t.run('port_c');
SELECT t.last_run('port_c');

-- validate_pipeline: no finding, a warning, an error with its hint.
SELECT * FROM etl.validate_pipeline('{"name": "v", "source": "SELECT id, at FROM src", "target": "definition_portable.dst"}');
SELECT * FROM etl.validate_pipeline('{"name": "v", "source": "SELECT id, at FROM src", "target": "definition_portable.dst", "mode": "incremental",
    "incremental_key": "id", "incremental_id_key": "id"}');
SELECT * FROM etl.validate_pipeline('{"name": "v", "source": "SELECT id, at FROM src", "target": "definition_portable.dst", "mode": "incremental",
    "incremental_key": "at"}');
SELECT * FROM etl.validate_pipeline('{"name": "v", "source": "SELECT nope FROM src", "target": "definition_portable.dst"}');
SELECT * FROM etl.validate_pipeline('{"nam": "v"}');
SELECT * FROM etl.validate_pipeline('[1]');
SELECT count(*) FROM etl.pipelines WHERE name = 'v';

-- Refused.
SELECT t.refused($$SELECT etl.export_pipeline('port_a', 'xml')$$);
SELECT t.refused($$SELECT etl.import_pipeline('{"name": "port_a", "source": "SELECT 1 AS id", "target": "definition_portable.dst"}')$$);
SELECT t.refused($$SELECT etl.import_pipeline('{"name": ')$$);
SELECT t.refused($$SELECT etl.import_pipeline('7')$$);
SELECT t.refused($$SELECT etl.import_pipeline('{"source": "SELECT 1 AS id", "target": "definition_portable.dst"}')$$);
SELECT t.refused($$SELECT etl.import_pipeline(NULL)$$);
SELECT t.refused($$SELECT * FROM etl.validate_pipeline(NULL)$$);
SELECT count(etl.drop_pipeline(name)) FROM etl.pipelines WHERE name LIKE 'port_%';
