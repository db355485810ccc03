-- Operators that are registered: a function as source, transform and sink.
\a \t
CREATE SCHEMA registered;
SET search_path = registered, public;
DO $$ BEGIN PERFORM etl.allow_target('registered.*'); END $$;
GRANT USAGE, CREATE ON SCHEMA registered TO etl_alice;
CREATE TYPE item AS (id int, name text);
CREATE TABLE src (id int PRIMARY KEY, name text, more int);
INSERT INTO src SELECT i, 'n' || i, i FROM generate_series(1, 25) i;
CREATE TABLE dst (id int PRIMARY KEY, name text);
CREATE TABLE seen (call int GENERATED ALWAYS AS IDENTITY, rows int, tag text);

CREATE FUNCTION count_up(params jsonb) RETURNS TABLE (id int, name text) LANGUAGE sql STABLE AS
$$ SELECT i, 'n' || i FROM generate_series(1, (params->>'to')::int) i $$;
CREATE FUNCTION shout(rows item[], params jsonb) RETURNS SETOF item LANGUAGE plpgsql AS
$$ BEGIN RETURN QUERY SELECT r.id, upper(r.name) || (params->>'mark') FROM unnest(rows) r; END $$;
CREATE FUNCTION keep(rows item[], params jsonb) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN
    IF EXISTS (SELECT FROM unnest(rows) r WHERE r.id = (params->>'not')::int) THEN RAISE EXCEPTION 'not %', params->>'not' USING ERRCODE = '22000'; END IF;
    INSERT INTO registered.seen (rows, tag) VALUES (cardinality(rows), params->>'tag');
    INSERT INTO registered.dst SELECT r.id, r.name FROM unnest(rows) r;
END $$;

SELECT etl.register_operator('count_up', 'source', 'count_up(jsonb)',
  '{"type": "object", "properties": {"to": {"type": "integer", "minimum": 1, "description": "the last number"}}, "required": ["to"]}', 'Numbers from 1 on.');
SELECT etl.register_operator('shout', 'transform', 'shout(item[],jsonb)',
  '{"type": "object", "properties": {"mark": {"type": "string", "description": "what comes behind"}}, "required": ["mark"]}', 'Names in capitals.');
SELECT etl.register_operator('keep', 'sink', 'keep(item[],jsonb)',
  '{"type": "object", "properties": {"tag": {"type": "string"}, "not": {"type": "integer"}}}', 'Keeps rows in a table.');
SELECT name, kind, params_schema, description, of_batch IS NOT NULL FROM etl.operators WHERE name IN ('count_up', 'shout', 'keep') ORDER BY name;

-- All three.
SELECT etl.create_pipeline('reg_all', batch_size => 10, steps => '[
  {"id": "count", "operator": "count_up", "params": {"to": 25}},
  {"id": "loud", "operator": "shout", "params": {"mark": "!"}, "depends_on": ["count"]},
  {"id": "save", "operator": "keep", "params": {"tag": "it''s"}, "depends_on": ["loud"]}]') > 0;
SELECT etl.preview('reg_all', 2);
SELECT action, count(*) FROM etl.dry_run('reg_all') GROUP BY action;
SELECT count(*) FROM seen;
SELECT line FROM etl.explain('reg_all') AS line WHERE line ~ '^(Layers|->)';
CALL t.run('reg_all');
SELECT t.last_run('reg_all');
SELECT rows, tag FROM seen;
SELECT count(*), min(name), max(name) FROM dst;
SELECT step, operator, status, rows_in, rows_out FROM etl.step_runs WHERE pipeline = 'reg_all';
-- With a key in batches, each with its checkpoint; a row that fails is a dead letter.
TRUNCATE dst, seen RESTART IDENTITY;
SELECT etl.create_pipeline('reg_keyed', batch_size => 10, key_columns => '{id}', options => '{"on_error": "quarantine", "observe": "steps"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "registered.src"}},
  {"id": "save", "operator": "keep", "params": {"not": 14}, "depends_on": ["read"]}]') > 0;
CALL t.run('reg_keyed');
SELECT t.last_run('reg_keyed');
SELECT count(*) FROM dst;
SELECT step, error_code, original_record FROM etl.dead_letters WHERE pipeline = 'reg_keyed';
SELECT batch_no, rows_written, rows_dead FROM etl.batches WHERE pipeline = 'reg_keyed' ORDER BY batch_no;

-- A transform of an incremental pipeline is called once with the rows of a batch; others that came later are another batch.
CREATE TABLE stream (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
INSERT INTO stream (name) SELECT 'n' || i FROM generate_series(1, 25) i;
CREATE TABLE stamped (id int PRIMARY KEY, name text, size int, first int, mark text, call uuid);
CREATE FUNCTION stamp(rows item[], params jsonb) RETURNS TABLE (id int, name text, size int, first int, mark text, call uuid) LANGUAGE plpgsql AS
$$ DECLARE one uuid := gen_random_uuid(); BEGIN
    RETURN QUERY SELECT r.id, r.name, cardinality(rows), (SELECT min(o.id) FROM unnest(rows) o), params ->> 'mark', one FROM unnest(rows) r WHERE r.id <> 13;
END $$;
SELECT etl.register_operator('stamp', 'transform', 'stamp(item[],jsonb)', '{"type": "object", "properties": {"mark": {"type": "string"}}}', 'Says which call a row was in.');
SELECT etl.create_pipeline('reg_inc', mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id', batch_size => 10, options => '{"settle": "0s"}', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "registered.stream"}},
  {"id": "odd", "operator": "filter", "params": {"where": "id % 5 > 0"}, "depends_on": ["read"]},
  {"id": "stamp", "operator": "stamp", "params": {"mark": "#1: ''x''"}, "depends_on": ["odd"]},
  {"id": "save", "operator": "table", "params": {"target": "registered.stamped"}, "depends_on": ["stamp"]}]') > 0;
CALL t.run('reg_inc');
SELECT t.last_run('reg_inc');
INSERT INTO stream (name) SELECT 'n' || i FROM generate_series(26, 33) i;
CALL t.run('reg_inc');
SELECT t.last_run('reg_inc');
SELECT size, first, count(*), min(id), max(id), mark FROM stamped GROUP BY call, size, first, mark ORDER BY first;
SELECT t.differences('SELECT id, name FROM stamped', 'SELECT id, name FROM stream WHERE id % 5 > 0 AND id <> 13');
SELECT etl.alter_pipeline('reg_inc', '{"options": {"settle": "0s", "observe": "steps"}}') > 0;
INSERT INTO stream (name) SELECT 'n' || i FROM generate_series(34, 50) i;
CALL t.run('reg_inc');
SELECT t.last_run('reg_inc');
SELECT step, operator, rows_in, rows_out FROM etl.step_runs WHERE pipeline = 'reg_inc' AND run_id = (SELECT max(id) FROM etl.runs WHERE pipeline = 'reg_inc') ORDER BY step;
SELECT size, first, count(*) FROM stamped WHERE id > 33 GROUP BY call, size, first ORDER BY first;
-- Without a pipeline, over a table: all rows in one call.
SELECT r FROM etl.transform('shout', '{"mark": "?"}', 'src') r ORDER BY (r ->> 'id')::int LIMIT 2;
SELECT count(*), min((r ->> 'size')::int), count(DISTINCT r ->> 'call') FROM etl.transform('stamp', '{}', 'src') r;
SELECT etl.transform_sql('shout', '{"mark": "?"}', 'src') \gset
SELECT t.differences(:'transform_sql', 'SELECT id, upper(name) || ''?'' FROM src');
SELECT t.refused(format('SELECT etl.transform(%L, %L, ''src'')', operator, params)) FROM (VALUES ('shout', '{}'), ('shout', '{"mark": 7}'), ('shout', '{"mark": "!", "loud": true}'), ('count_up', '{"to": 3}'), ('keep', '{}')) AS bad(operator, params);
CREATE VIEW nameless AS SELECT id FROM src;
SELECT t.refused($$SELECT etl.transform('shout', '{"mark": "?"}', 'nameless')$$);
SELECT t.refused($$SELECT etl.transform('shout', '{"mark": "?"}', 'src', 'src')$$);
SELECT etl.drop_pipeline('reg_inc'), etl.unregister_operator('stamp');
SELECT t.refused($$SELECT etl.transform('stamp', '{}', 'src')$$);

-- What steps are refused.
SELECT t.refused($$SELECT etl.create_pipeline('no', steps => '[{"id": "count", "operator": "count_up", "params": {"to": 0}}, {"id": "save", "operator": "keep", "params": {"tga": "x"}, "depends_on": ["count"]}]')$$);
SELECT t.refused($$SELECT etl.create_pipeline('no', steps => '[{"id": "read", "operator": "sql", "params": {"query": "SELECT 1 AS id"}}, {"id": "save", "operator": "keep", "depends_on": ["read"]}]')$$);
SELECT t.refused($$SELECT etl.create_pipeline('no', steps => '[{"id": "read", "operator": "keep"}, {"id": "save", "operator": "table", "params": {"target": "registered.dst"}, "depends_on": ["read"]}]')$$);
-- What registrations are.
SELECT t.refused(format('SELECT etl.register_operator(%L, %L, %L, %L, %L)', name, kind, function, schema, 'x'))
FROM (VALUES ('shout', 'transform', 'shout(item[],jsonb)', '{"type": "object"}'), ('filter', 'transform', 'shout(item[],jsonb)', '{"type": "object"}'),
             ('No', 'transform', 'shout(item[],jsonb)', '{"type": "object"}'), ('new', 'step', 'shout(item[],jsonb)', '{"type": "object"}'),
             ('new', 'source', 'shout(item[],jsonb)', '{"type": "object"}'), ('new', 'transform', 'keep(item[],jsonb)', '{"type": "object"}'),
             ('new', 'transform', 'upper(text)', '{"type": "object"}'), ('new', 'sink', 'count_up(jsonb)', '{"type": "object"}'),
             ('new', 'sink', 'keep(item[],jsonb)', '[]'), ('new', 'sink', 'keep(item[],jsonb)', '{"type": "array"}'),
             ('new', 'sink', 'keep(item[],jsonb)', '{"type": "object", "properties": {"a": 1}}'),
             ('new', 'sink', 'keep(item[],jsonb)', '{"type": "object", "required": ["a"]}'),
             ('new', 'sink', 'keep(item[],jsonb)', '{"type": "object", "properties": {"a": {"description": 7}}, "required": ["a"]}')) AS v (name, kind, function, schema);
SET ROLE etl_alice;
SELECT t.refused($$SELECT etl.register_operator('mine', 'sink', 'registered.keep(registered.item[],jsonb)', '{"type": "object"}', 'x')$$);
SELECT t.refused($$SELECT etl.unregister_operator('keep')$$);
RESET ROLE;
-- The owner must be able to execute it; a superuser's pipeline takes no function of another role.
REVOKE EXECUTE ON FUNCTION keep(item[], jsonb) FROM PUBLIC;
GRANT SELECT ON src TO etl_alice;
SET ROLE etl_alice;
SELECT t.refused($$SELECT etl.create_pipeline('no', steps => '[{"id": "read", "operator": "table", "params": {"table": "registered.src"}}, {"id": "save", "operator": "keep", "depends_on": ["read"]}]')$$);
RESET ROLE;
ALTER FUNCTION keep(item[], jsonb) OWNER TO etl_alice;
SELECT t.refused($$SELECT etl.create_pipeline('no', steps => '[{"id": "read", "operator": "table", "params": {"table": "registered.src"}}, {"id": "save", "operator": "keep", "depends_on": ["read"]}]')$$);
CALL t.run('reg_keyed');
SELECT t.last_run('reg_keyed');
-- Taken back.
SELECT etl.unregister_operator('count_up'), etl.unregister_operator('count_up');
CALL t.run('reg_all');
SELECT t.last_run('reg_all');
SELECT etl.unregister_operator('shout'), etl.unregister_operator('keep');
