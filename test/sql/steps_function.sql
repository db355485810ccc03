-- Steps: function, in SQL and PL/pgSQL, of an array and of a row; and its allow-list.
\a \t
CREATE SCHEMA steps_function;
SET search_path = steps_function, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_function.*'); END $$;
CREATE TYPE row_in AS (id bigint, "a ""name" text, gone int, pay numeric(10,2));
ALTER TYPE row_in DROP ATTRIBUTE gone;
CREATE TYPE row_out AS (id bigint, label text, calls int);
CREATE TABLE src (id int PRIMARY KEY, unused date, pay numeric, "a ""name" varchar(10));
INSERT INTO src SELECT i, date '2024-01-01' + i, CASE WHEN i % 10 > 0 THEN i * 1.005 END, CASE WHEN i % 7 > 0 THEN 'n' || i END FROM generate_series(1, 250) i;
-- Of an array: one call for each batch_size rows (t.step has 100), with values in the types of the composite.
CREATE FUNCTION score(rows row_in[]) RETURNS SETOF row_out STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT r.id, upper(r."a ""name") || ':' || coalesce(r.pay::text, '-'), cardinality(rows) FROM unnest(rows) r WHERE r.id % 50 > 0;
END $$;
SELECT etl.allow_function('score(row_in[])');
SELECT * FROM etl.allowed_functions WHERE function LIKE 'steps_function.%';
CALL t.step('function', '{"function": "steps_function.score(steps_function.row_in[])"}',
    'SELECT id::bigint, upper("a ""name") || '':'' || coalesce(pay::numeric(10,2)::text, ''-''), CASE WHEN id <= 200 THEN 100 ELSE 50 END FROM src WHERE id % 50 > 0');
-- TABLE, one named column, an overloaded name, a table's own row type, one row back.
CREATE FUNCTION score(one row_in) RETURNS TABLE (id bigint, twice numeric) IMMUTABLE LANGUAGE sql AS $$ SELECT one.id, one.pay * 2 WHERE one.pay IS NOT NULL $$;
CREATE FUNCTION numbers(rows src[], OUT number bigint) RETURNS SETOF bigint STABLE LANGUAGE sql AS $$ SELECT id FROM unnest(rows) $$;
CREATE FUNCTION single(one src, OUT id int, OUT next int) IMMUTABLE LANGUAGE sql AS $$ SELECT one.id, one.id + 1 $$;
CREATE FUNCTION whole(rows src[], OUT rows bigint, OUT total numeric) STABLE LANGUAGE sql AS $$ SELECT count(*), sum(pay) FROM unnest(rows) $$;
CREATE FUNCTION keep(one src) RETURNS SETOF src IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF one.id <> 3 THEN RETURN NEXT one; END IF; END $$;
DO $$ BEGIN PERFORM etl.allow_function(f) FROM unnest(ARRAY['score(row_in)', 'numbers(src[])', 'single(src)', 'keep(src)']::regprocedure[]) f; END $$;
CALL t.step('function', '{"function": "score(row_in)"}', 'SELECT id::bigint, pay::numeric(10,2) * 2 FROM src WHERE pay IS NOT NULL');
CALL t.step('function', '{"function": "numbers(src[])"}', 'SELECT id::bigint FROM src', '["number"]');
CALL t.step('function', '{"function": "single(src)"}', 'SELECT id, id + 1 FROM src');
CALL t.step('function', '{"function": "keep(steps_function.src)"}', 'SELECT * FROM src WHERE id <> 3');
-- A volatile function is called once a row; where no rows come, none go.
CREATE FUNCTION rolled(one src, OUT id int, OUT first float8, OUT again float8) VOLATILE LANGUAGE plpgsql AS $$ BEGIN id := one.id; first := random(); again := first; END $$;
CREATE VIEW none AS SELECT * FROM src WHERE false;
DO $$ BEGIN PERFORM etl.allow_function(f) FROM unnest(ARRAY['rolled(src)', 'whole(src[])']::regprocedure[]) f; END $$;
CREATE TABLE rolls (id int PRIMARY KEY, first float8, again float8);
SELECT etl.create_pipeline('rolls', steps => '[
  {"id": "src", "operator": "table", "params": {"table": "steps_function.src"}},
  {"id": "step", "operator": "function", "params": {"function": "steps_function.rolled(steps_function.src)"}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_function.rolls"}, "depends_on": "step"}]', options => '{"observe": "steps"}') > 0;
CALL t.run('rolls');
SELECT t.last_run('rolls');
SELECT step, operator, rows_in, rows_out, figures FROM etl.step_runs WHERE pipeline = 'rolls' ORDER BY step;
SELECT count(*), count(DISTINCT first) > 200, count(*) FILTER (WHERE first <> again) FROM rolls;
SELECT etl.drop_pipeline('rolls');
CALL t.step('function', '{"function": "keep(src)"}', 'SELECT * FROM none', inputs => '["none"]');
CALL t.step('function', '{"function": "score(row_in[])"}', 'SELECT 1::bigint, ''''::text, 1 FROM none', inputs => '["none"]');
-- A set may be empty for a row or have many rows; a function of no set that returns NULL gives a row of NULLs.
CREATE FUNCTION many(one row_in) RETURNS SETOF row_out STABLE LANGUAGE sql AS $$ SELECT one.id * 100 + i, one."a ""name", i::int FROM generate_series(1, one.id % 4) i $$;
CREATE FUNCTION nobody(one row_in) RETURNS row_out STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN one.id > 2 THEN (one.id, 'x', 1)::row_out END; END $$;
DO $$ BEGIN PERFORM etl.allow_function(f) FROM unnest(ARRAY['many(row_in)', 'nobody(row_in)']::regprocedure[]) f; END $$;
CALL t.step('function', '{"function": "many(row_in)"}', 'SELECT id::bigint * 100 + i, "a ""name"::text, i FROM src, generate_series(1, id % 4) i');
SELECT etl.create_pipeline('nobody', steps => '[
  {"id": "src", "operator": "sql", "params": {"query": "SELECT * FROM steps_function.src WHERE id < 4"}},
  {"id": "step", "operator": "function", "params": {"function": "steps_function.nobody(steps_function.row_in)"}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_function.named"}, "depends_on": "step"}]', create_target => true, key_columns => '{id}') > 0;
SELECT count(*), row FROM etl.preview('nobody') AS row GROUP BY row ORDER BY 1;
CALL t.run('nobody');
SELECT t.last_run('nobody');
SELECT etl.drop_pipeline('nobody');
-- What a function raises is the run's error.
CREATE FUNCTION raises(rows src[]) RETURNS SETOF src STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE 'XY001' USING MESSAGE = 'row ' || (SELECT min(id) FROM unnest(rows)) || ' is odd', HINT = 'Mend it.'; END $$;
SELECT etl.allow_function('raises(src[])');
SELECT name, of_batch, of_set FROM etl.operators WHERE name = 'function';
-- A function writes nothing.
CREATE TABLE log (id int);
CREATE FUNCTION writes(one src) RETURNS SETOF src LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (one.id); RETURN NEXT one; END $$;
CREATE TABLE dst (LIKE src INCLUDING ALL);
CREATE FUNCTION steps(f text, query text DEFAULT 'SELECT * FROM steps_function.src') RETURNS text LANGUAGE sql AS $$ SELECT format('[
  {"id": "src", "operator": "sql", "params": {"query": %s}},
  {"id": "step", "operator": "function", "params": {"function": %s}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_function.dst"}, "depends_on": "step"}]', to_json(query), to_json(f)) $$;
SELECT etl.allow_function('writes(src)');
SELECT etl.create_pipeline('writes', steps => steps('writes(src)')::jsonb) > 0;
SELECT etl.create_pipeline('raises', steps => steps('raises(src[])', 'SELECT * FROM steps_function.src WHERE id < 9')::jsonb) > 0;
CALL t.run('raises');
SELECT t.last_error('raises');
SELECT t.refused($$SELECT * FROM etl.preview('raises')$$);
SELECT line FROM etl.explain('writes') AS line WHERE line ~ '^(Layers|-> source)';
CALL t.run('writes');
SELECT t.last_run('writes');
-- The allow-list: superusers are bound by it, roles by the entries of roles that they are members of.
GRANT ALL ON SCHEMA steps_function TO etl_alice, etl_bob;
CREATE FUNCTION refused(f text, query text DEFAULT 'SELECT * FROM steps_function.src') RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', steps(f, query))) $$;
CREATE FUNCTION unlisted(one src) RETURNS SETOF src STABLE LANGUAGE sql AS $$ SELECT one.* $$;
SELECT refused('unlisted(src)');
SET SESSION AUTHORIZATION etl_alice;
CREATE TABLE mine (id int PRIMARY KEY, pay numeric);
INSERT INTO mine VALUES (1, 10), (2, 20);
CREATE TABLE mine_out (id int PRIMARY KEY, pay numeric);
CREATE FUNCTION "My f"(rows mine[]) RETURNS SETOF mine STABLE LANGUAGE sql AS $$ SELECT id, pay + 1 FROM unnest(rows) $$;
SELECT t.refused($$SELECT etl.allow_function('"My f"(mine[])')$$);
SELECT t.refused($$SELECT etl.revoke_function('steps_function."My f"(steps_function.mine[])')$$);
CREATE FUNCTION mine_steps() RETURNS jsonb LANGUAGE sql AS $$ SELECT replace(replace(steps_function.steps('steps_function."My f"(steps_function.mine[])'), 'function.src', 'function.mine'), 'function.dst', 'function.mine_out')::jsonb $$;
SELECT t.refused('SELECT etl.create_pipeline(''mine'', steps => steps_function.mine_steps())');
SELECT sqlstate, message FROM etl.validate_pipeline(jsonb_build_object('name', 'mine', 'steps', mine_steps())) AS v (sqlstate, severity, message, hint);
RESET SESSION AUTHORIZATION;
SELECT etl.allow_function('"My f"(mine[])', 'etl_bob');
SET SESSION AUTHORIZATION etl_alice;
SELECT split_part(t.refused('SELECT etl.create_pipeline(''mine'', steps => steps_function.mine_steps())'), E'\n', 1);
RESET SESSION AUTHORIZATION;
SELECT etl.allow_function('"My f"(mine[])', 'etl_alice');
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.create_pipeline('mine', steps => mine_steps()) > 0;
CALL t.run('mine');
SELECT t.last_run('mine');
TABLE mine_out ORDER BY id;
-- Looked at again before each run: EXECUTE, and the list.
REVOKE EXECUTE ON FUNCTION "My f"(mine[]) FROM PUBLIC, etl_alice;
CALL t.run('mine');
RESET SESSION AUTHORIZATION;
SELECT t.last_error('mine');
GRANT EXECUTE ON FUNCTION "My f"(mine[]) TO etl_alice;
SELECT etl.revoke_function('steps_function."My f"(steps_function.mine[])', 'etl_alice'), etl.revoke_function('steps_function."My f"(steps_function.mine[])', 'etl_alice');
CALL t.run('mine');
SELECT t.last_error('mine');
-- An entry outlives its function, until it is taken off the list.
DROP FUNCTION "My f"(mine[]);
SELECT * FROM etl.allowed_functions WHERE function LIKE '%My f%';
SELECT etl.revoke_function('steps_function."My f"(steps_function.mine[])', 'etl_bob'), etl.revoke_function('steps_function.keep ( steps_function.src )'), etl.revoke_function('steps_function.nothing(int)');
-- SECURITY DEFINER: with the rights of the function's owner, and still nothing but reading. EXECUTE is the pipeline's owner's.
SET SESSION AUTHORIZATION etl_bob;
CREATE TABLE rates (id int PRIMARY KEY, rate numeric);
INSERT INTO rates VALUES (1, 1.5), (2, 2);
CREATE FUNCTION rated(one mine) RETURNS TABLE (id int, pay numeric) STABLE SECURITY DEFINER LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT one.id, one.pay * r.rate FROM steps_function.rates r WHERE r.id = one.id AND CURRENT_USER = 'etl_bob' $$;
CREATE FUNCTION stealing(one mine) RETURNS TABLE (id int, pay numeric) SECURITY DEFINER LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$ BEGIN UPDATE steps_function.rates SET rate = 0; RETURN QUERY SELECT one.id, one.pay; END $$;
REVOKE EXECUTE ON FUNCTION rated(mine), stealing(mine) FROM PUBLIC;
RESET SESSION AUTHORIZATION;
DO $$ BEGIN PERFORM etl.allow_function(f, 'etl_alice') FROM unnest(ARRAY['rated(mine)', 'stealing(mine)']::regprocedure[]) f; END $$;
CREATE FUNCTION hers(f text) RETURNS jsonb LANGUAGE sql AS $$ SELECT replace(mine_steps()::text, '\"My f\"(steps_function.mine[])', f || '(steps_function.mine)')::jsonb $$;
SET SESSION AUTHORIZATION etl_alice;
SELECT t.refused('SELECT etl.alter_pipeline(''mine'', jsonb_build_object(''steps'', steps_function.hers(''rated'')))');
SET SESSION AUTHORIZATION etl_bob;
GRANT EXECUTE ON FUNCTION rated(mine), stealing(mine) TO etl_alice;
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.alter_pipeline('mine', jsonb_build_object('steps', hers('rated'))) > 0;
CALL t.run('mine');
SELECT t.last_run('mine');
TABLE mine_out ORDER BY id;
SELECT t.refused('TABLE steps_function.rates');
SELECT etl.alter_pipeline('mine', jsonb_build_object('steps', hers('stealing'))) > 0;
SELECT t.refused($$SELECT * FROM etl.preview('mine')$$);
CALL t.run('mine');
RESET SESSION AUTHORIZATION;
SELECT t.last_error('mine');
TABLE rates ORDER BY id;
-- A superuser's pipeline calls no function of others.
SET SESSION AUTHORIZATION etl_alice;
CREATE FUNCTION theirs(one src) RETURNS SETOF src IMMUTABLE LANGUAGE sql AS $$ SELECT one.* $$;
RESET SESSION AUTHORIZATION;
SELECT etl.allow_function('theirs(src)');
SELECT refused('theirs(src)');
-- Refused.
CREATE FUNCTION scalar(one src) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION anything(one src) RETURNS SETOF record LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION two(one src, more int DEFAULT 1) RETURNS SETOF src LANGUAGE sql AS $$ SELECT one.* $$;
CREATE FUNCTION number(i int) RETURNS SETOF src LANGUAGE sql AS $$ SELECT * FROM src $$;
CREATE FUNCTION any_row(one anyelement) RETURNS SETOF src LANGUAGE sql AS $$ SELECT * FROM src $$;
CREATE FUNCTION variadic_rows(VARIADIC rows src[]) RETURNS SETOF src LANGUAGE sql AS $$ SELECT * FROM src $$;
CREATE PROCEDURE procedure(one src) LANGUAGE sql AS $$ SELECT 1 $$;
SELECT refused('scalar(src)');
SELECT refused('anything(src)');
SELECT refused('two(src, int)');
SELECT refused('number(int)');
SELECT refused('any_row(anyelement)');
SELECT refused('variadic_rows(src[])');
SELECT refused('procedure(src)');
SELECT refused('nothing(src)');
SELECT refused('score');
SELECT refused('score(row_in[]');
SELECT refused('1');
SELECT refused('-');
SELECT refused('score(row_in)', 'SELECT 1 AS id, 2 AS pay');
SELECT refused('score(row_in)', 'SELECT 1 AS id, point(1, 2) AS pay, 1 AS "a ""name"');
SELECT t.refused($$SELECT etl.create_pipeline('bad', steps => jsonb_set(steps_function.steps('score(row_in)')::jsonb, '{1,params,code}', '"plpy.notice(1)"'))$$);
SELECT t.refused($$SELECT etl.create_pipeline('bad', steps => '[{"id": "src", "operator": "function", "params": {"function": "score(row_in)"}},
    {"id": "save", "operator": "table", "params": {"target": "steps_function.dst"}, "depends_on": "src"}]')$$);
SELECT t.refused($$SELECT etl.allow_function(NULL)$$);
SELECT t.refused($$SELECT etl.allow_function(0::regprocedure)$$);
SELECT t.refused($$SELECT etl.allow_function('score(row_in)', 99999999::oid::regrole)$$);
SELECT function, etl.revoke_function(function, role::regrole) FROM etl.allowed_functions WHERE function LIKE 'steps_function.%' ORDER BY function;
SELECT count(*) FROM etl.allowed_functions WHERE function LIKE 'steps_function.%';
SELECT etl.drop_pipeline(name) FROM etl.pipelines WHERE name IN ('mine', 'raises', 'writes') ORDER BY name;
