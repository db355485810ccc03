-- Steps: aggregate, against the same by hand.
\a \t
CREATE SCHEMA steps_aggregate;
SET search_path = steps_aggregate, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_aggregate.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, "Odd ""name" varchar(10), "two words" numeric(8,2), at timestamptz, bytes bytea, "Tags" text[], doc jsonb, code char(3), ratio double precision);
INSERT INTO src SELECT i, CASE WHEN i % 11 > 0 THEN 'n' || i % 4 END, CASE WHEN i % 7 > 0 THEN i / 3.0 END, timestamptz '2024-01-01 00:00+00' + i % 5 * interval '1 day', int4send(i % 3), CASE WHEN i % 5 > 0 THEN ARRAY['t' || i % 2, 'u,"'] END,
    jsonb_build_object('k', i % 2), CASE WHEN i % 13 > 0 THEN 'c' || i % 2 END, CASE WHEN i = 100 THEN 'NaN' ELSE i / 7.0 END FROM generate_series(1, 250) i;
-- The columns of group_by in their order, then the computed ones; NULL is a group.
CALL t.step('aggregate', '{"group_by": ["Odd \"name"], "columns": {"n": "count(*)", "Sum Of": "sum(\"two words\")", "top \"one\"": "max(src.id) FILTER (WHERE \"two words\" < 50) -- of few"}}',
    'SELECT "Odd ""name", count(*), sum("two words"), max(id) FILTER (WHERE "two words" < 50) FROM src GROUP BY 1', '["Sum Of"]');
CALL t.step('aggregate', '{"group_by": ["code", "at"], "columns": {"ids": "array_agg(id ORDER BY id)", "first": "min(id)"}}', 'SELECT code, at, array_agg(id ORDER BY id), min(id) FROM src GROUP BY code, at', '["first"]');
CALL t.step('aggregate', '{"group_by": ["Tags", "bytes", "doc"], "columns": {"first": "min(id)", "mean": "round(avg(\"two words\"), 3)", "all": "string_agg(code, '','' ORDER BY id)", "docs": "jsonb_object_agg(id, doc)"}}',
    'SELECT "Tags", bytes, doc, string_agg(code, '','' ORDER BY id), jsonb_object_agg(id, doc), round(avg("two words"), 3), min(id) FROM src GROUP BY 1, 2, 3', '["first"]');
CALL t.step('aggregate', '{"group_by": ["ratio"], "columns": {"first": "min(id)"}}', 'SELECT ratio, min(id) FROM src GROUP BY 1', '["first"]');
CREATE VIEW few AS SELECT * FROM src WHERE id > 20 AND code IS NOT NULL;
CALL t.step('aggregate', '{"group_by": ["code"], "columns": {"m": "percentile_cont(0.5) WITHIN GROUP (ORDER BY id)", "u": "upper(code)", "b": "bool_and(id > 3)", "n": "count(DISTINCT bytes)"}}',
    'SELECT code, bool_and(id > 3), percentile_cont(0.5) WITHIN GROUP (ORDER BY id), count(DISTINCT bytes), upper(code) FROM few GROUP BY code', '["u"]', '["few"]');
-- Without group_by one row, also of nothing; groups of nothing are none.
CALL t.step('aggregate', '{"columns": {"n": "count(*)", "s": "sum(\"two words\")"}}', 'SELECT count(*), sum("two words") FROM src', '["n"]');
CALL t.step('aggregate', '{"columns": {"t": "count(*)", "s": "max(id)", "input": "min(id)", "o": "1"}}', 'SELECT 1, max(id), count(*), min(id) FROM src', '["s", "t"]');
CREATE VIEW none AS SELECT * FROM src WHERE false;
CALL t.step('aggregate', '{"group_by": [], "columns": {"n": "count(*)", "s": "sum(\"two words\")"}}', 'SELECT 0::bigint, NULL::numeric', '["n"]', '["none"]');
CALL t.step('aggregate', '{"group_by": ["code"], "columns": {"n": "count(*)"}}', 'SELECT code, 1::bigint FROM none', '["n"]', '["none"]');
-- How it is run.
CREATE TABLE dst (code text PRIMARY KEY, n bigint);
SELECT etl.create_pipeline('groups', steps => '[
  {"id": "src", "operator": "table", "params": {"table": "steps_aggregate.src", "where": "code IS NOT NULL"}},
  {"id": "groups", "operator": "aggregate", "params": {"group_by": ["code"], "columns": {"n": "count(*)"}}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_aggregate.dst"}, "depends_on": "groups"}]') > 0;
SELECT line FROM etl.explain('groups') AS line WHERE line ~ '^(Layers|-> source)';
CALL t.run('groups');
SELECT t.last_run('groups');
SELECT etl.alter_pipeline('groups', '{"options": {"observe": "steps"}}') > 0;
CALL t.run('groups');
SELECT t.last_run('groups');
SELECT step, operator, status, rows_in, rows_out, figures FROM etl.step_runs WHERE pipeline = 'groups' ORDER BY run_id, step;
SELECT kind, of_batch, of_set FROM etl.operators WHERE name = 'aggregate';
-- Refused.
CREATE FUNCTION refused(params text) RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', format('[
  {"id": "src", "operator": "sql", "params": {"query": "SELECT id, code, json ''{}'' AS doc FROM steps_aggregate.src"}},
  {"id": "step", "operator": "aggregate", "params": %s, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_aggregate.dst"}, "depends_on": "step"}]', params))) $$;
SELECT refused('{}');
SELECT refused('{"group_by": "code", "columns": {"n": "count(*)"}}');
SELECT refused('{"group_by": ["cod"], "columns": {"n": "count(*)"}}');
SELECT refused('{"group_by": ["code", "code"], "columns": {"n": "count(*)"}}');
SELECT refused('{"group_by": ["code"], "columns": {}}');
SELECT refused('{"group_by": ["code"], "columns": {"n": 1}}');
SELECT refused('{"group_by": ["code"], "columns": {"n": "count(*), 1"}}');
SELECT refused('{"group_by": ["code"], "columns": {"n": "count(*)) FROM pg_authid --"}}');
SELECT refused('{"group_by": ["code"], "columns": {"n": "(SELECT passwd FROM pg_shadow"}}');
SELECT refused('{"group_by": ["code"], "columns": {"n": "id"}}');
SELECT refused('{"group_by": ["code"], "columns": {"n": "count(nothing)"}}');
SELECT refused('{"group_by": ["code"], "columns": {"n": "count(*) OVER ()", "id": "id"}}');
SELECT refused('{"group_by": ["doc"], "columns": {"n": "count(*)"}}');
SELECT refused('{"group_by": ["code"], "columns": {"n": "count(*)"}, "having": "n > 1"}');
SELECT v.* FROM etl.validate_pipeline(jsonb_build_object('name', 'bad', 'steps', '[
  {"id": "src", "operator": "table", "params": {"table": "steps_aggregate.src"}},
  {"id": "a", "operator": "aggregate", "params": {"group_by": ["cod"], "columns": {"n": "count(*)"}}, "depends_on": "src"},
  {"id": "b", "operator": "aggregate", "params": {"group_by": [], "columns": {"n": "count("}}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_aggregate.dst"}, "depends_on": ["a", "b"]}]'::jsonb)) v;
SELECT etl.drop_pipeline('groups');
