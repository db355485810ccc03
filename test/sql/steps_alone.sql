-- Transforms as SQL functions: over tables, without a pipeline and without a worker.
\a \t
CREATE SCHEMA steps_alone;
CREATE SCHEMA steps_alone_other;
SET search_path = steps_alone, public;
CREATE TABLE staff (id int PRIMARY KEY, name text COLLATE "C", pay numeric(8,2));
INSERT INTO staff VALUES (1, 'ann', 10), (2, NULL, 20), (3, 'cy', NULL), (4, 'di', 90);
CREATE TABLE steps_alone_other.bonus (id int, bonus int);
INSERT INTO steps_alone_other.bonus VALUES (1, 5), (4, 7);
CREATE VIEW paid AS SELECT id, pay FROM staff WHERE pay IS NOT NULL;
SELECT etl.transform('clean_nulls', '{"strategy": "constant", "value": "?", "columns": ["name"]}', 'staff');
SELECT etl.transform('aggregate', '{"columns": {"n": "count(*)", "total": "sum(pay)"}}', 'paid');
SELECT r FROM etl.transform('join', '{"left": "staff", "right": "bonus", "keys": ["id"], "type": "left"}', 'staff', 'steps_alone_other.bonus') r ORDER BY r -> 'id';
SELECT etl.transform('sql', '{"query": "SELECT count(*) AS n FROM input WHERE pay > 10"}', 'staff');
SELECT etl.transform('check', '{"severity": "quarantine", "rules": [{"rule": "not_null", "column": "name"}]}', 'staff');
-- The statement has typed columns.
SELECT etl.transform_sql('derive', '{"columns": {"twice": "pay * 2"}}', 'staff') \gset
SELECT pg_typeof(twice) AS type, sum(twice) AS sum FROM (:transform_sql) q GROUP BY 1;
-- Under the caller's search_path, with functions of his own.
CREATE FUNCTION shout(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(name) || '!' $$;
SELECT r FROM etl.transform('derive', '{"columns": {"name": "shout(name)"}}', 'staff') r WHERE r ->> 'id' = '1';
CREATE FUNCTION both_of(rows staff[], OUT id int, OUT n bigint) RETURNS SETOF record LANGUAGE sql AS $$ SELECT id, count(*) OVER () FROM unnest(rows) $$;
DO $$ BEGIN PERFORM etl.allow_function('both_of(staff[])'); END $$;
SELECT r FROM etl.transform('function', '{"function": "both_of(staff[])"}', 'staff') r ORDER BY r -> 'id' LIMIT 1;
DO $$ BEGIN PERFORM etl.revoke_function('steps_alone.both_of(steps_alone.staff[])'); END $$;
-- A table of the operator's name.
CREATE TABLE filter (a int);
INSERT INTO filter VALUES (1), (2);
SELECT etl.transform('filter', '{"where": "a > 1"}', 'filter');
-- What is refused.
SELECT t.refused(format('SELECT etl.transform_sql(%L, %L, %s)', op, params, inputs)) FROM (VALUES
    ('clean_null', '{}', '''staff'''), ('csv', '{"path": "x.csv"}', '''staff'''), ('drop_columns', '{"columns": ["nope"]}', '''staff'''),
    ('filter', '{}', '''staff'''), ('filter', '{"where": "1); DROP TABLE staff; --"}', '''staff'''), ('filter', '{"where": "nope > 1"}', '''staff'''),
    ('join', '{"left": "staff", "right": "staff", "keys": ["id"]}', '''staff'', ''staff'''), ('union', '{}', 'VARIADIC ARRAY[]::regclass[]'),
    ('sql', '{"query": "DELETE FROM staff"}', '''staff'''), ('filter', '{"where": "true"}', '''nowhere''')) AS bad(op, params, inputs);
SELECT t.refused(format('SELECT etl.transform_sql(%L, %L, ''staff'')', op, params)) FROM (VALUES ('filter', '[]'), ('filter', 'null'), ('filter', '5'), ('', '{}')) AS bad(op, params);
SELECT t.refused($$SELECT etl.compile_transform('filter', '{"where": "true"}', ARRAY['a'], ARRAY[]::text[])$$);
SELECT t.refused($$SELECT etl.compile_transform('filter', '{"where": "true"}', '{}', '{}')$$);
-- Columns and tables of awkward names.
CREATE TABLE r (id int, r int);
INSERT INTO r VALUES (1, 2);
SELECT etl.transform('filter', '{"where": "true"}', 'r');
CREATE TABLE filter_ (id int);
SELECT etl.transform('join', '{"left": "filter_", "right": "filter", "on": "true"}', 'filter_', 'filter');
-- With a superuser's rights nothing runs that others wrote.
CREATE ROLE steps_alone_bob;
CREATE TABLE bobs (id int);
ALTER TABLE bobs OWNER TO steps_alone_bob;
SELECT t.refused($$SELECT etl.transform('filter', '{"where": "true"}', 'bobs')$$);
DROP TABLE bobs;
DROP ROLE steps_alone_bob;
-- The rights are the caller's.
CREATE ROLE steps_alone_nobody;
GRANT USAGE ON SCHEMA etl, steps_alone TO steps_alone_nobody;
SET ROLE steps_alone_nobody;
SELECT t.refused('SELECT etl.transform(''filter'', ''{"where": "true"}'', ''steps_alone.staff'')');
RESET ROLE;
REVOKE ALL ON SCHEMA etl, steps_alone FROM steps_alone_nobody;
DROP ROLE steps_alone_nobody;
