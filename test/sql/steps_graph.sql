-- Steps: the graph, its rules, all findings at once, layers; transforms that are one statement with their source.
\a \t
CREATE SCHEMA steps_graph;
SET search_path = steps_graph, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_graph.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, name text, age int, pay numeric);
INSERT INTO src SELECT i, 'n' || i, CASE WHEN i % 10 = 0 THEN NULL ELSE 20 + i % 50 END, i * 10.5 FROM generate_series(1, 1000) i;
CREATE TABLE dst (id int PRIMARY KEY, name text, years bigint, pay numeric, rich bool);
SELECT etl.create_pipeline('chain', batch_size => 300, steps => '[
  {"id": "extract", "operator": "table", "params": {"table": "steps_graph.src", "where": "id <= 900"}},
  {"id": "grown", "operator": "filter", "params": {"where": "age >= 30 -- years"}, "depends_on": ["extract"]},
  {"id": "named", "operator": "rename_columns", "params": {"columns": {"age": "years"}}, "depends_on": ["grown"]},
  {"id": "typed", "operator": "cast", "params": {"columns": {"years": "bigint"}}, "depends_on": ["named"]},
  {"id": "rich", "operator": "derive", "params": {"columns": {"rich": "pay > 5000", "name": "upper(name)"}}, "depends_on": ["typed"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["rich"]}]') > 0;
SELECT source, target FROM etl.pipelines WHERE name = 'chain';
SELECT line FROM etl.explain('chain') AS line WHERE line ~ '^(Layers|->)';
SELECT * FROM etl.preview('chain', 2);
SELECT action, key, after FROM etl.dry_run('chain') LIMIT 2;
CALL t.run('chain');
SELECT t.last_run('chain');
SELECT count(*) FROM (SELECT id, upper(name), age::bigint, pay, pay > 5000 FROM src WHERE id <= 900 AND age >= 30 EXCEPT SELECT * FROM dst) d;
SELECT count(*) = (SELECT count(*) FROM src WHERE id <= 900 AND age >= 30) FROM dst;
-- The definition goes out and in again.
SELECT etl.export_pipeline('chain');
SELECT etl.import_pipeline(etl.export_pipeline('chain'), replace => true);
SELECT version FROM etl.pipelines WHERE name = 'chain';
-- A target beside steps is left out, as a source is.
SELECT count(etl.create_pipeline('both_targets', target => 'steps_graph.nowhere', steps => '[
  {"id": "extract", "operator": "sql", "params": {"query": "SELECT id, name, pay FROM src"}},
  {"id": "save", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["extract"]}]'));
SELECT count(etl.alter_pipeline('both_targets', '{"target": "steps_graph.elsewhere", "source": "SELECT 1"}'));
-- One that is the sink's, or was, needs no word.
CREATE TABLE other (LIKE dst INCLUDING ALL);
SELECT count(etl.alter_pipeline('both_targets', '{"steps": [
  {"id": "extract", "operator": "sql", "params": {"query": "SELECT id, name, pay FROM src"}},
  {"id": "save", "operator": "table", "params": {"target": "steps_graph.other"}, "depends_on": ["extract"]}]}'));
SELECT count(etl.alter_pipeline('both_targets', '{"target": "steps_graph.dst", "steps": [
  {"id": "extract", "operator": "sql", "params": {"query": "SELECT id, name, pay FROM src"}},
  {"id": "save", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["extract"]}]}'));
SELECT target, etl.drop_pipeline(name) FROM etl.pipelines WHERE name = 'both_targets';
-- Every sink's fault is told, and the options' beside a step's.
SELECT rule, message FROM etl.validate_pipeline('{"name": "p", "options": {"colour": 1}, "steps": [
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id, name, pay, nothing FROM src"}},
  {"id": "a", "operator": "table", "params": {"target": "pg_catalog.pg_class"}, "depends_on": "read"}]}');
SELECT rule, message FROM etl.validate_pipeline('{"name": "p", "steps": [
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id, name, pay FROM src"}},
  {"id": "a", "operator": "table", "params": {"target": "pg_catalog.pg_class"}, "depends_on": "read"},
  {"id": "b", "operator": "table", "params": {"target": "steps_graph.nowhere"}, "depends_on": "read"},
  {"id": "c", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": "read"}]}');
-- derive looks at one row.
SELECT rule, message, hint FROM etl.validate_pipeline('{"name": "p", "steps": [
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id, name, pay FROM src"}},
  {"id": "n", "operator": "derive", "params": {"columns": {"pay": "1 + rank() OVER (ORDER BY id)", "age": "(SELECT max(r) FROM (SELECT rank() OVER ()) AS s(r))"}}, "depends_on": "read"},
  {"id": "c", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": "n"}]}');
-- Layers; a sink with several inputs takes the rows of all of them.
SELECT etl.create_pipeline('layers', steps => '[
  {"id": "save", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["clean", "remove"]},
  {"id": "clean", "operator": "filter", "params": {"where": "pay > 9000"}, "depends_on": "quality"},
  {"id": "extract", "operator": "sql", "params": {"query": "SELECT id, name, pay FROM src"}},
  {"id": "quality", "operator": "sql", "params": {"query": "SELECT * FROM input WHERE id % 2 = 0"}, "depends_on": ["extract"]},
  {"id": "remove", "operator": "drop_columns", "params": {"columns": ["name"]}, "depends_on": ["quality"]}]') > 0;
SELECT line FROM etl.explain('layers') AS line WHERE line ~ '^Layers';
TRUNCATE dst;
CALL t.run('layers');
SELECT t.last_run('layers');
SELECT count(*), count(name), min(id), max(id) FROM dst;
-- Steps win over source.
SELECT etl.create_pipeline('both', source => 'SELECT 1 AS id', steps => '[
  {"id": "a", "operator": "sql", "params": {"query": "SELECT 5 AS id"}},
  {"id": "b", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["a"]}]') > 0;
SELECT source IS NULL FROM etl.pipelines WHERE name = 'both';
SELECT etl.export_pipeline('both');
-- Altered into one of source and target, and back.
SELECT etl.alter_pipeline('both', '{"steps": null, "source": "SELECT 6 AS id", "target": "steps_graph.dst"}') > 0;
SELECT etl.export_pipeline('both');
-- Every finding at once.
CREATE FUNCTION refused(steps text) RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', steps)) $$;
SELECT refused('[]');
SELECT refused('{"a": 1}');
SELECT refused('[7, {"id": "A", "operator": "sql"}, {"operator": "filter", "parms": {}}, {"id": "x"}]');
SELECT refused('[{"id": "a", "operator": "sql", "params": {"query": "SELECT 1 AS id"}, "depends_on": ["b"]},
                 {"id": "b", "operator": "filter", "params": {"where": "true"}, "depends_on": ["a"]},
                 {"id": "c", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["b"]}]');
SELECT refused('[{"id": "a", "operator": "sql", "params": {"query": "SELECT 1 AS id"}, "depends_on": ["a"]}]');
-- Of three, spelled the way that rows would go, either way round; what hangs on the cycle is no part of it.
CREATE FUNCTION cyclic(depends jsonb) RETURNS text LANGUAGE sql AS $$ SELECT refused((SELECT jsonb_agg(jsonb_build_object('id', id, 'operator', 'filter', 'params', '{"where": "true"}'::jsonb, 'depends_on', depends -> id) ORDER BY id)
    || jsonb_build_array('{"id": "read", "operator": "table", "params": {"table": "steps_graph.src"}}'::jsonb, jsonb_build_object('id', 'save', 'operator', 'table', 'params', '{"target": "steps_graph.dst"}'::jsonb, 'depends_on', depends -> 'save'))
FROM jsonb_object_keys(depends - 'save') id)::text) $$;
SELECT cyclic('{"a": ["c"], "b": ["a"], "c": ["b"], "save": ["c"]}');
SELECT cyclic('{"a": ["b"], "b": ["c"], "c": ["a"], "save": ["c"]}');
SELECT cyclic('{"a": ["d"], "b": ["d"], "c": ["b"], "d": ["c"], "e": ["d"], "save": ["a", "e"]}');
-- Of two cycles the first is told; once it is mended, the other.
SELECT cyclic('{"a": ["b"], "b": ["a"], "c": ["e"], "d": ["c"], "e": ["d"], "save": ["b", "e"]}');
SELECT cyclic('{"a": ["read"], "b": ["a"], "c": ["e"], "d": ["c"], "e": ["d"], "save": ["b", "e"]}');
-- A cycle is told along with what else is wrong, whichever steps that is in.
SELECT rule, message, hint FROM etl.validate_pipeline('{"name": "v", "steps": [
  {"id": "read", "operator": "table", "params": {"table": "steps_graph.src"}, "depends_on": ["c"]},
  {"id": "a", "operator": "filter", "params": {"where": "true"}, "depends_on": ["b"]},
  {"id": "b", "operator": "sort", "params": {"by": "id"}, "depends_on": ["a"]},
  {"id": "c", "operator": "csv", "params": {"path": "x.csv"}, "depends_on": ["read2"]},
  {"id": "d", "operator": "cast", "params": {}, "depends_on": ["a", "a"]},
  {"id": "save", "operator": "table", "params": {"table": "steps_graph.dst"}, "depends_on": ["d"]},
  {"id": "save", "operator": "table", "params": {"target": 7}, "depends_on": "d", "note": "twice"}]}');
-- A source takes no rows.
SELECT refused('[{"id": "read", "operator": "sql", "params": {"query": "SELECT 1 AS id"}},
                 {"id": "files", "operator": "csv", "params": {"path": "x.csv"}, "depends_on": ["read"]},
                 {"id": "save", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["files"]}]');
-- By its place a table is what is written, so what it lacks and what hangs on it are told.
SELECT refused('[{"id": "read", "operator": "sql", "params": {"query": "SELECT 1 AS id"}},
                 {"id": "more", "operator": "table", "params": {"table": "steps_graph.src"}, "depends_on": ["read"]},
                 {"id": "save", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["more"]}]');
SELECT refused('[{"id": "a", "operator": "sql", "params": {"query": "SELECT 1 AS id"}},
                 {"id": "a", "operator": "filtre", "params": {"where": "true"}, "depends_on": ["nobody", "a"]}]');
SELECT rule, severity, message, hint FROM etl.validate_pipeline('{"name": "v", "steps": [
  {"id": "a", "operator": "sql", "params": {"query": "SELECT 1 AS id; SELECT 2", "limit": 5}},
  {"id": "b", "operator": "filtre", "params": {"where": "true"}, "depends_on": ["a"]},
  {"id": "c", "operator": "filter", "params": {"where": 7}, "depends_on": ["a"]},
  {"id": "d", "operator": "filter", "depends_on": ["a", "b"]},
  {"id": "e", "operator": "filter", "params": {"where": "true) OR (true"}, "depends_on": ["d"]},
  {"id": "f", "operator": "cast", "params": {"columns": {"id": "nothing"}}, "depends_on": ["e"]},
  {"id": "g", "operator": "elasticsearch", "params": {"target": "es:x"}, "depends_on": ["f"]},
  {"id": "h", "operator": "filter", "params": {"where": "true"}, "depends_on": ["g"]},
  {"id": "i", "operator": "filter", "params": {"where": "true"}}]}');
-- However much is wrong, what is told is little, and no name that cannot be right is compared with others.
SELECT count(*), max(length(message) + coalesce(length(hint), 0)) < 1000, bool_or(message LIKE '%…%') FROM etl.validate_pipeline(json_build_object('name', 'v', 'steps', json_build_array(
    json_build_object('id', repeat('a', 100000), 'operator', 'sql', 'params', json_build_object('query', 'SELECT 1 AS id')),
    json_build_object('id', 'b', 'operator', 'sql', 'depends_on', (SELECT json_agg('n' || n) FROM generate_series(1, 400) n))))::jsonb);
SELECT message FROM etl.validate_pipeline(json_build_object('name', 'v', 'steps', json_build_array(
    json_build_object('id', 'b', 'operator', 'sql', 'depends_on', (SELECT json_agg('n' || n) FROM generate_series(1, 501) n))))::jsonb) WHERE message ~ 'list';
SELECT count(*), max(length(message)) < 1000 FROM etl.validate_pipeline(json_build_object('name', 'v', 'steps', json_build_array(
    json_build_object('id', 'a', 'operator', 'sql', 'params', (SELECT json_object_agg('x' || n, n) FROM generate_series(1, 1000) n))))::jsonb);
-- Columns that an operator needs and its input lacks, found before any row is read.
SELECT rule, severity, message, hint FROM etl.validate_pipeline('{"name": "v", "steps": [
  {"id": "a", "operator": "table", "params": {"table": "steps_graph.src"}},
  {"id": "b", "operator": "drop_columns", "params": {"columns": ["nmae"]}, "depends_on": ["a"]},
  {"id": "c", "operator": "filter", "params": {"where": "salary > 5"}, "depends_on": ["a"]},
  {"id": "d", "operator": "rename_columns", "params": {"columns": {"age": "pay"}}, "depends_on": ["a"]},
  {"id": "e", "operator": "cast", "params": {"columns": {"name": "point"}}, "depends_on": ["b"]},
  {"id": "f", "operator": "sql", "params": {"query": "SELECT * FROM d"}, "depends_on": ["a"]},
  {"id": "s", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["c", "d", "e", "f"]}]}');
-- A step sees its inputs only, and they hide tables of the same name.
CREATE TABLE quality (id int);
SELECT etl.create_pipeline('hides', steps => '[
  {"id": "quality", "operator": "sql", "params": {"query": "SELECT 42 AS id"}},
  {"id": "one", "operator": "sql", "params": {"query": "SELECT q.id FROM quality q JOIN input USING (id)"}, "depends_on": ["quality"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_graph.dst"}, "depends_on": ["one"]}]') > 0;
CALL t.run('hides');
SELECT t.last_run('hides');
-- The registry.
SELECT name, kind, description <> '', jsonb_typeof(params_schema) FROM etl.operators ORDER BY kind, name;
