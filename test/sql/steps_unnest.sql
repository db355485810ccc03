-- Steps: unnest_json, against the same by hand.
\a \t
CREATE SCHEMA steps_unnest;
SET search_path = steps_unnest, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_unnest.*'); END $$;
-- A row for each element, of an array, of an object alone; none for NULL, null and an empty array.
CREATE TABLE docs (id int, j jsonb, k json, note varchar(5));
INSERT INTO docs SELECT i, j::jsonb, j::json, 'n' || i FROM unnest(ARRAY['[{"a": 1, "b": "x"}, {"b": "y", "c": [1, 2]}, {}, null, {"a": null, "b": 7}]', '{"a": 5, "b": "one", "d": {"e": 1.50}}', '[]', 'null', NULL, '[{"a": "12", "d": [{"e": 2}]}]'])
    WITH ORDINALITY AS u(j, i);
CREATE VIEW j AS SELECT id, j, note FROM docs;
CREATE VIEW k AS SELECT id, k, note FROM docs;
CREATE TABLE wanted (id int, note varchar(5), a bigint, b text, c int[], d jsonb);
INSERT INTO wanted VALUES (1, 'n1', 1, 'x', NULL, NULL), (1, 'n1', NULL, 'y', '{1,2}', NULL), (1, 'n1', NULL, NULL, NULL, NULL), (1, 'n1', NULL, NULL, NULL, NULL), (1, 'n1', NULL, '7', NULL, NULL), (2, 'n2', 5, 'one', NULL, '{"e": 1.50}'),
    (6, 'n6', 12, NULL, NULL, '[{"e": 2}]');
CREATE TABLE dst (id int, note text, a bigint, b text, c int[], d jsonb, PRIMARY KEY (id, note));
CREATE FUNCTION unnested(what text, columns text) RETURNS jsonb LANGUAGE sql AS $$ SELECT format('[
  {"id": "src", "operator": "sql", "params": {"query": "SELECT * FROM steps_unnest.%s"}},
  {"id": "elements", "operator": "unnest_json", "params": {"column": "%s", "columns": %s}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_unnest.dst"}, "depends_on": "elements"}]', what, left(what, 1), columns)::jsonb $$;
SELECT etl.create_pipeline('j', steps => unnested('j', '{"a": "bigint", "b": "text", "c": "int[]", "d": "jsonb"}')) > 0;
SELECT etl.create_pipeline('k', steps => unnested('k', '{"a": "bigint", "b": "text", "c": "int[]", "d": "jsonb"}')) > 0;
SELECT name, t.differences(format('SELECT r.* FROM etl.preview(%L, 100) p, jsonb_populate_record(NULL::wanted, p) r', name), 'TABLE wanted') FROM unnest(ARRAY['j', 'k']) name;
SELECT line FROM etl.explain('j') AS line WHERE line ~ '^(Layers|-> source)';
CALL t.run('j');
SELECT t.last_run('j');
SELECT etl.alter_pipeline('j', '{"options": {"observe": "steps"}}') > 0;
CALL t.run('j');
SELECT t.last_run('j');
SELECT step, status, rows_in, rows_out, figures FROM etl.step_runs WHERE pipeline = 'j' ORDER BY run_id, step;
-- Many elements in several batches, of all kinds of types; names that need quotes.
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TYPE pair AS (x int, y text);
CREATE VIEW deep AS SELECT i AS id, i * 1.5 AS "unused ""one", jsonb_agg(jsonb_build_object('n', n, 'Two Words', n / 8.0, 'quo"te', '\x' || encode(int4send(n), 'hex'), 'at', timestamptz '2024-01-01 00:00+00' + n * interval '1 hour',
    'tags', jsonb_build_array('a' || n, NULL, 'c,"'), 'deep', jsonb_build_object('n', n), 'mood', CASE n % 3 WHEN 0 THEN 'sad' WHEN 1 THEN 'fine' END, 'ok', n % 2 = 0, 'pair', jsonb_build_object('x', n, 'y', 'p' || n), 'other', n)) AS doc
FROM generate_series(1, 60) i, generate_series(1, 5) n GROUP BY i;
CALL t.step('unnest_json', '{"column": "doc", "columns": {"n": "smallint", "Two Words": "numeric(10,2)", "quo\"te": "bytea", "at": "timestamptz", "tags": "text[]", "deep": "jsonb", "mood": "steps_unnest.mood", "ok": "boolean", "pair": "pair"}}',
    'SELECT i, i * 1.5, n::smallint, timestamptz ''2024-01-01 00:00+00'' + n * interval ''1 hour'', n % 2 = 0, jsonb_build_object(''n'', n), CASE n % 3 WHEN 0 THEN ''sad'' WHEN 1 THEN ''fine'' END::mood, (n, ''p'' || n)::pair,
            ARRAY[''a'' || n, NULL, ''c,"''], int4send(n), (n / 8.0)::numeric(10,2) FROM generate_series(1, 60) i, generate_series(1, 5) n', '["id", "n"]', '["deep"]');
-- Of one column, what an element is as a whole.
CREATE VIEW tags AS SELECT 1 AS id, '["red", 5, true, [1], "x y"]'::jsonb AS tags;
CALL t.step('unnest_json', '{"column": "tags", "columns": {"Tag": "varchar(5)"}}', 'SELECT 1, unnest(ARRAY[''red'', ''5'', ''true'', ''[1]'', ''x y''])::varchar(5)', '["Tag"]', '["tags"]');
CREATE VIEW scalar AS SELECT i AS id, (ARRAY['7', '"x"', 'null', '[null]'])[i]::json AS v FROM generate_series(1, 4) i;
CALL t.step('unnest_json', '{"column": "v", "columns": {"v": "text"}}', 'SELECT * FROM (VALUES (1, ''7''), (2, ''x''), (4, NULL)) v', inputs => '["scalar"]');
-- Nothing stays nothing.
CREATE VIEW none AS SELECT id, j FROM docs WHERE id > 6;
CALL t.step('unnest_json', '{"column": "j", "columns": {"a": "int"}}', 'SELECT id, 1 FROM none', inputs => '["none"]');
SELECT kind, of_batch, of_set FROM etl.operators WHERE name = 'unnest_json';
-- Refused.
CREATE FUNCTION refused(params text) RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', format('[
  {"id": "docs", "operator": "sql", "params": {"query": "SELECT id, j, note FROM steps_unnest.docs"}},
  {"id": "step", "operator": "unnest_json", "params": %s, "depends_on": "docs"},
  {"id": "save", "operator": "table", "params": {"target": "steps_unnest.dst"}, "depends_on": "step"}]', params))) $$;
SELECT refused('{"column": "note", "columns": {"a": "int"}}');
SELECT refused('{"column": "J", "columns": {"a": "int"}}');
SELECT refused('{"column": "j", "columns": {"note": "text"}}');
SELECT refused('{"column": "j", "columns": {"a": "int4, b text) AS x (a"}}');
SELECT refused('{"column": "j", "columns": {"a": "number"}}');
SELECT refused('{"column": "j", "columns": {"a": 4}}');
SELECT refused('{"column": "j", "columns": {}}');
SELECT refused('{"column": "j"}');
SELECT refused('{"columns": {"a": "int"}, "colum": "j"}');
SELECT v.* FROM etl.validate_pipeline(jsonb_build_object('name', 'bad', 'steps', '[
  {"id": "src", "operator": "table", "params": {"table": "steps_unnest.docs"}},
  {"id": "a", "operator": "unnest_json", "params": {"column": "id", "columns": {"a": "int"}}, "depends_on": "src"},
  {"id": "b", "operator": "unnest_json", "params": {"column": 3, "columns": {"a": "number"}}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_unnest.dst"}, "depends_on": ["a", "b"]}]'::jsonb)) v;
-- Values that are not of the type named fail the run, and so does an element that is no object where several fields are named.
UPDATE docs SET j = '[{"a": "x"}]' WHERE id = 6;
CALL t.run('j');
SELECT t.last_run('j');
UPDATE docs SET j = '[7]' WHERE id = 6;
CALL t.run('j');
SELECT t.last_run('j');
SELECT etl.drop_pipeline(name) FROM etl.pipelines WHERE name IN ('j', 'k');
