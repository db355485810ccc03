-- Steps as YAML: written by hand they are what JSON says, exported and imported they are the same; a finding names its step.
\a \t
CREATE SCHEMA definition_yaml_steps;
SET search_path = definition_yaml_steps, public;
DO $$ BEGIN PERFORM etl.allow_target('definition_yaml_steps.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, "a: b" text, age int, pay numeric);
INSERT INTO src SELECT i, CASE WHEN i % 3 > 0 THEN '#' || i || ': it''s' END, i % 40, i * 1.5 FROM generate_series(1, 60) i;
CREATE TABLE kinds (age int, kind text);
INSERT INTO kinds VALUES (1, 'one'), (2, 'two');
CREATE TABLE dst (id int PRIMARY KEY, "a: b" text, age int, pay numeric, kind text, "no" text, note text);
CREATE TABLE counts (age int PRIMARY KEY, n bigint);
-- depends_on as a scalar and as both sorts of list, block scalars that keep and fold lines, expressions with what YAML has a meaning for.
CREATE TABLE hand (yaml text, json jsonb);
INSERT INTO hand VALUES ($$
# A pipeline by hand.
name: hand
batch_size: 25
description: "two sinks: one of rows, one of counts"
options: {on_error: quarantine, retry_backoff: [1s, 2s]}
steps:
- id: read
  operator: table
  params: {table: definition_yaml_steps.src, where: "\"a: b\" IS NULL OR \"a: b\" <> '#7: it''s'"}
- id: kinds
  operator: sql
  params:
    query: |
      SELECT age, kind -- each once: # no comment of YAML
        FROM definition_yaml_steps.kinds

       WHERE kind <> ':'
- id: look
  operator: check
  params:
    severity: quarantine
    rules:
    - rule: range
      column: age
      min: 0
      max: 38.5
      name: 'age: 0 # to 38'
    - {rule: regex, column: "a: b", pattern: '^#\d+: it''s$'}
    - rule: in_set
      column: age
      values: ["012", 1, 10, 0x1F, 2, 3, 4, 5, 6, 7, 8, 9, "10", 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
               21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 35, 36, 37, 38, 39, 0]
  depends_on: read
- id: kind
  operator: join
  params: {left: look, right: kinds, keys: [age], type: left}
  depends_on: [look, kinds]
- id: more
  operator: derive
  params:
    columns:
      "no": 'coalesce("a: b", ''no'')' # a comment of YAML
      note: >-
        CASE WHEN pay > 10 -- folded: this comments the rest out
        THEN 'no' END
        END
  depends_on:
    - kind
- {id: save, operator: table, params: {target: definition_yaml_steps.dst, key_columns: [id]}, depends_on: more}
- {id: count, operator: aggregate, params: {group_by: [age], columns: {n: count(*)}}, depends_on: [more]}
- {id: save_counts, operator: table, params: {target: definition_yaml_steps.counts}, depends_on: count}
$$, $$ {"name": "hand", "batch_size": 25, "description": "two sinks: one of rows, one of counts", "options": {"on_error": "quarantine", "retry_backoff": ["1s", "2s"]}, "steps": [
  {"id": "read", "operator": "table", "params": {"table": "definition_yaml_steps.src", "where": "\"a: b\" IS NULL OR \"a: b\" <> '#7: it''s'"}},
  {"id": "kinds", "operator": "sql", "params": {"query": "SELECT age, kind -- each once: # no comment of YAML\n  FROM definition_yaml_steps.kinds\n\n WHERE kind <> ':'\n"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "range", "column": "age", "min": 0, "max": 38.5, "name": "age: 0 # to 38"},
    {"rule": "regex", "column": "a: b", "pattern": "^#\\d+: it's$"},
    {"rule": "in_set", "column": "age", "values": ["012", 1, 10, 31, 2, 3, 4, 5, 6, 7, 8, 9, "10", 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 35, 36, 37, 38, 39, 0]}]}, "depends_on": "read"},
  {"id": "kind", "operator": "join", "params": {"left": "look", "right": "kinds", "keys": ["age"], "type": "left"}, "depends_on": ["look", "kinds"]},
  {"id": "more", "operator": "derive", "params": {"columns": {"no": "coalesce(\"a: b\", 'no')", "note": "CASE WHEN pay > 10 THEN 'no' END"}}, "depends_on": ["kind"]},
  {"id": "save", "operator": "table", "params": {"target": "definition_yaml_steps.dst", "key_columns": ["id"]}, "depends_on": "more"},
  {"id": "count", "operator": "aggregate", "params": {"group_by": ["age"], "columns": {"n": "count(*)"}}, "depends_on": ["more"]},
  {"id": "save_counts", "operator": "table", "params": {"target": "definition_yaml_steps.counts"}, "depends_on": "count"}]} $$);
-- A folded text is one line, so a comment in it takes the rest of it along: what was written is what is refused.
SELECT t.refused('SELECT etl.import_pipeline(yaml) FROM hand');
UPDATE hand SET yaml = regexp_replace(yaml, ' -- folded.*?END\n +END', E'\n        THEN ''no'' END');
SELECT etl.import_pipeline(yaml) FROM hand;
CREATE TABLE kept AS SELECT etl.export_pipeline('hand')::jsonb AS json, etl.export_pipeline('hand', 'yaml') AS yaml;
SELECT etl.import_pipeline(json::text, replace => true) FROM hand;
SELECT version, etl.export_pipeline('hand')::jsonb = json AS same FROM etl.pipelines, kept WHERE name = 'hand';
SELECT yaml FROM kept;
-- Out and in again: equal, also when it is there already.
SELECT etl.import_pipeline(yaml, replace => true) FROM kept;
SELECT version FROM etl.pipelines WHERE name = 'hand';
SELECT etl.drop_pipeline('hand');
SELECT etl.import_pipeline(yaml) FROM kept;
SELECT etl.export_pipeline('hand')::jsonb = json, etl.export_pipeline('hand', 'yaml') = yaml FROM kept;
CALL t.run('hand');
SELECT t.last_run('hand');
SELECT t.differences('TABLE dst', $$SELECT id, "a: b", age, pay, kind, coalesce("a: b", 'no'), CASE WHEN pay > 10 THEN 'no' END FROM src LEFT JOIN kinds USING (age)
    WHERE ("a: b" IS NULL OR "a: b" <> '#7: it''s') AND age <= 38.5$$), t.differences('TABLE counts', 'SELECT age, count(*) FROM dst GROUP BY age');
SELECT original_record ->> 'id' AS id, error_message FROM etl.dead_letters WHERE pipeline = 'hand' ORDER BY id;
SELECT etl.drop_pipeline('hand');
-- Texts of every shape in an expression, a key and a list come back as they were.
CREATE TABLE texts (n int, text text);
INSERT INTO texts SELECT row_number() OVER (), text FROM unnest(ARRAY['# no comment', 'a: b', ': ', 'it''s', '''''', '"', E'two\nlines', E'two\nlines\n', E'\n\n lines \n\n', E'  in\n out', E'tab\there', E'\\n', '- a', '? a', '{a: b}', '[a]', '&a', '*a', '!a', '|', '>-', '%',
    '@', '`', 'yes', 'null', '~', '012', '1e3', '0x1F', '.inf', '1:30', '2024-01-01', '---', '...', 'a #b', 'a#b', 'a:b', 'end:', ' x', 'x ', E'\u20AC\U0001F600', E'line\u2028line', E'\r\n', repeat('long words ', 30), E'# a\n# b\n', '<<', '=']) text;
SELECT etl.create_pipeline('texts', steps => jsonb_build_array(
    jsonb_build_object('id', 'read', 'operator', 'sql', 'params', jsonb_build_object('query', format('SELECT 1 AS id, %s', (SELECT string_agg(format('%L AS %I', text, left(text, 20)), E',\n' ORDER BY n) FROM texts)))),
    jsonb_build_object('id', 'fill', 'operator', 'derive', 'params', jsonb_build_object('columns', (SELECT jsonb_object_agg(left(text, 20), quote_literal(text)) FROM texts)), 'depends_on', 'read'),
    jsonb_build_object('id', 'look', 'operator', 'check', 'params', jsonb_build_object('severity', 'warn', 'rules', jsonb_build_array(jsonb_build_object('rule', 'in_set', 'column', 'a: b', 'values', (SELECT jsonb_agg(text ORDER BY n) FROM texts)))), 'depends_on', 'fill'),
    jsonb_build_object('id', 'slim', 'operator', 'sql', 'params', jsonb_build_object('query', 'SELECT id, "a: b" FROM look'), 'depends_on', 'look'),
    '{"id": "save", "operator": "table", "params": {"target": "definition_yaml_steps.dst"}, "depends_on": "slim"}'::jsonb)) > 0;
TRUNCATE kept;
INSERT INTO kept SELECT etl.export_pipeline('texts')::jsonb, etl.export_pipeline('texts', 'yaml');
SELECT etl.drop_pipeline('texts');
SELECT etl.import_pipeline(yaml) FROM kept;
SELECT etl.export_pipeline('texts')::jsonb = json, etl.export_pipeline('texts', 'yaml') = yaml FROM kept;
SELECT (SELECT count(*) FROM jsonb_array_elements_text(json #> '{steps,2,params,rules,0,values}') WITH ORDINALITY v(text, n) JOIN texts USING (n) WHERE v.text = texts.text) = count(*) FROM texts, kept GROUP BY json;
CALL t.run('texts');
SELECT t.last_run('texts');
SELECT "a: b" FROM dst WHERE id = 1;
SELECT etl.drop_pipeline('texts');
-- A faulty step is named, all findings at once.
SELECT t.refused($$SELECT etl.import_pipeline('
name: bad
steps:
- id: read
  operator: table
  params: {table: definition_yaml_steps.src}
- id: grown
  operator: filter
  params: {were: age > 30}
  depends_on: read
- id: short
  operator: drop_columns
  params: {columns: age}
  depends_on: [read]
- {id: save, operator: table, params: {target: definition_yaml_steps.dst}, depends_on: [grown, shrt]}
')$$);
SELECT t.refused($$SELECT etl.import_pipeline('
name: bad
steps:
- {id: read, operator: table, params: {table: definition_yaml_steps.src}}
- id: grown
  operator: filter
  params:
    where: |
      age > 30 AND
      salary > 5
  depends_on: read
- {id: save, operator: table, params: {target: definition_yaml_steps.dst}, depends_on: grown}
')$$);
-- A list that is no list, a number for an id, an expression that YAML takes for something else.
SELECT t.refused($$SELECT etl.import_pipeline(E'name: bad\nsteps: read')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: bad\nsteps:\n- id: 7\n  operator: table\n  params: {table: definition_yaml_steps.src}')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: bad\nsteps:\n- id: read\n  operator: table\n  params: {table: definition_yaml_steps.src, where: true}')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: bad\nsteps:\n- id: read\n  operator: sql\n  params: {query: SELECT 1 AS id, 2 AS n}')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: bad\nsteps:\n- id: read\n  operator: table\n  params:\n    table: definition_yaml_steps.src\n    where: kind = ''a: b''')$$);
SELECT t.refused($$SELECT etl.import_pipeline(E'name: bad\nsteps:\n- id: read\n  id: again\n  operator: table')$$);
SELECT count(*) FROM etl.pipelines WHERE name IN ('bad', 'hand', 'texts');
