-- Threat A11: the SQL of transforms does not find what others have put before pg_catalog in the owner's search_path.
\a \t
SET client_min_messages = warning;
CREATE SCHEMA steps_path;
CREATE SCHEMA steps_evil;
SET search_path = steps_path, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_path.*'); END $$;
CREATE SEQUENCE told;
CREATE FUNCTION steps_evil.tell() RETURNS bigint LANGUAGE sql AS $$ SELECT pg_catalog.nextval('steps_path.told') $$;
-- Each operator and function that transforms use, for the types of the table below; each of them tells.
DO $$
DECLARE
    o record;
    types regtype[] := '{int2,int4,int8,numeric,float8,text,bpchar,timestamptz,date,interval,jsonb}';
BEGIN
    FOR o IN SELECT oprname AS name, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result, 'f' || row_number() OVER () AS function FROM pg_operator
             WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprname = ANY ('{=,<>,<,<=,>,>=,+,-,*,/,!~,||}') AND oprleft = ANY (types) AND oprright = ANY (types)
             UNION ALL SELECT u, 'varchar', 'varchar', 'bool', 'v' || n FROM unnest('{=,<>,<,>,!~}'::text[]) WITH ORDINALITY AS u(u, n) LOOP
        EXECUTE format('CREATE FUNCTION steps_evil.%1$s(a %2$s, b %3$s) RETURNS %4$s LANGUAGE plpgsql AS ''BEGIN PERFORM steps_evil.tell(); RETURN a OPERATOR(pg_catalog.%5$s) b; END'';'
                       'CREATE OPERATOR steps_evil.%5$s (FUNCTION = steps_evil.%1$s, LEFTARG = %2$s, RIGHTARG = %3$s)', o.function, o.l, o.r, o.result, o.name);
    END LOOP;
    FOR o IN SELECT proname AS name, pg_get_function_identity_arguments(oid) AS arguments, CASE WHEN prokind = 'a' THEN proargtypes[0]::regtype ELSE prorettype::regtype END AS result, prokind AS kind, pronargs AS n FROM pg_proc
             WHERE pronamespace = 'pg_catalog'::regnamespace AND NOT proretset AND provariadic = 0 AND proname = ANY ('{avg,ceil,convert_to,encode,floor,jsonb_typeof,left,length,max,min,now,right,sha256,stddev_pop,substring}')
               AND NOT proargtypes::oid[] && '{anyelement,anyarray,anyenum}'::regtype[]::oid[] LOOP
        EXECUTE format('CREATE FUNCTION steps_evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', o.name, o.arguments, o.result,
                       'BEGIN PERFORM steps_evil.tell(); RETURN ' || CASE o.kind WHEN 'a' THEN '$1' ELSE format('pg_catalog.%I(%s)', o.name, (SELECT string_agg('$' || i, ', ') FROM generate_series(1, o.n) i)) END || '; END');
    END LOOP;
END $$;
SELECT count(*) > 150 FROM pg_operator WHERE oprnamespace = 'steps_evil'::regnamespace;
CREATE TABLE src (id int PRIMARY KEY, name varchar, n int, pay numeric, f float8, at timestamptz, doc jsonb);
INSERT INTO src SELECT i, CASE WHEN i % 3 > 0 THEN 'n' || i % 5 END, CASE WHEN i % 4 > 0 THEN i END, CASE WHEN i % 5 > 0 THEN i END, CASE WHEN i % 6 > 0 THEN i END, now(), '[{"a": 1}]' FROM generate_series(1, 50) i;
CREATE TABLE keys (id bigint, name varchar, other text);
INSERT INTO keys SELECT id, name, 'o' FROM src;
CREATE TABLE dst (id bigint PRIMARY KEY, name text, n int, pay numeric, f float8, at timestamptz, doc jsonb, is_outlier bool, other text, a int, total bigint);
-- Runs one step between the two tables under that path; what was told meanwhile.
CREATE PROCEDURE through(operator text, params jsonb, INOUT outcome text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    inputs jsonb := '["src"]';
    steps jsonb := '[{"id": "src", "operator": "table", "params": {"table": "steps_path.src"}}]';
BEGIN
    PERFORM setval('told', 1, false);
    IF operator IN ('join', 'union') THEN
        inputs := '["src", "keys"]';
        steps := steps || '[{"id": "keys", "operator": "table", "params": {"table": "steps_path.keys", "where": "true"}}]'::jsonb;
    END IF;
    steps := steps || jsonb_build_array(jsonb_build_object('id', 'step', 'operator', operator, 'params', params, 'depends_on', inputs),
                                        '{"id": "save", "operator": "table", "params": {"target": "steps_path.dst"}, "depends_on": "step"}'::jsonb);
    PERFORM set_config('search_path', 'steps_evil, steps_path, pg_catalog', false);
    PERFORM etl.create_pipeline('path', steps => steps, options => '{"observe": "steps"}');
    PERFORM set_config('search_path', 'steps_path, public', false);
    COMMIT;
    CALL t.run('path');
    outcome := split_part(t.last_run('path'), ',', 1) || ', told ' || (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM told) || ': ' || (SELECT figures FROM etl.step_runs WHERE pipeline = 'path' AND step = 'step');
    PERFORM etl.drop_pipeline('path');
    TRUNCATE dst;
END $$;
-- What the user wrote means what his path says.
CALL through('filter', '{"where": "id < 2"}');
CALL through('filter', '{"where": "true"}');
CALL through('aggregate', '{"group_by": ["id", "name"], "columns": {"total": "pg_catalog.count(*)"}}');
CALL through('check', '{"severity": "quarantine", "rules": [{"rule": "not_null", "column": "name"}, {"rule": "unique", "columns": ["name", "n"]}, {"rule": "range", "columns": ["n", "pay", "f"], "min": 2, "max": 48}, {"rule": "range", "column": "name", "max": "n3"},
    {"rule": "regex", "column": "name", "pattern": "[0-9]"}, {"rule": "in_set", "column": "name", "values": ["n1", "n2", "n3"]}, {"rule": "foreign_key", "columns": ["id", "name"], "table": "steps_path.keys"}, {"rule": "row_count", "min": 1, "max": 99},
    {"rule": "freshness", "column": "at", "max_age": "1 day"}]}');
CALL through('clean_nulls', '{}');
CALL through('clean_nulls', '{"strategy": "constant", "value": 5, "columns": ["name", "n", "pay", "f"]}');
CALL through('clean_nulls', '{"strategy": "mean"}');
CALL through('clean_nulls', '{"strategy": "median"}');
CALL through('clean_nulls', '{"strategy": "mode"}');
CALL through('clean_nulls', '{"strategy": "ffill", "order_by": ["name", "id desc"]}');
CALL through('dedupe', '{"keys": ["name", "n"], "order_by": "f", "keep": "last"}');
CALL through('join', '{"left": "src", "right": "keys", "keys": ["id", "name"], "type": "full"}');
CALL through('join', '{"left": "src", "right": "keys", "keys": ["id", "name"], "type": "anti"}');
CALL through('mask', '{"columns": {"name": "partial", "f": "redact", "at": "redact", "doc": "redact"}}');
CALL through('mask', '{"columns": {"name": "hash"}}');
CALL through('outliers', '{"columns": ["n", "pay", "f"], "action": "flag"}');
CALL through('outliers', '{"columns": ["n", "pay", "f"], "method": "zscore", "threshold": 1, "action": "cap"}');
CALL through('union', '{"all": false}');
CALL through('unnest_json', '{"column": "doc", "columns": {"a": "int"}}');
DROP SCHEMA steps_evil CASCADE;
