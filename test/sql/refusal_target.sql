-- Targets and keys that are refused: at definition, and in the worker when the definition was altered behind our back.
\a \t
CREATE SCHEMA refusal_target;
SET search_path = refusal_target, public;
GRANT USAGE, CREATE ON SCHEMA refusal_target TO etl_alice, etl_bob;
CREATE TABLE src (id int PRIMARY KEY, k int, v text, n numeric);
CREATE TABLE fine (id int PRIMARY KEY, v text);
CREATE VIEW a_view AS SELECT * FROM fine;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM fine;
CREATE FOREIGN DATA WRAPPER refusal_nothing;
CREATE SERVER refusal_nothing FOREIGN DATA WRAPPER refusal_nothing;
CREATE FOREIGN TABLE a_foreign (id int, v text) SERVER refusal_nothing;
CREATE SEQUENCE a_sequence;
CREATE TYPE a_type AS (id int, v text);
CREATE TABLE no_key (id int, v text);
CREATE TABLE partial_key (id int, v text);
CREATE UNIQUE INDEX ON partial_key (id) WHERE id > 0;
CREATE TABLE deferrable_key (id int UNIQUE DEFERRABLE, v text);
CREATE TABLE deferrable_primary (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
CREATE TABLE expression_key (id int, v text);
CREATE UNIQUE INDEX ON expression_key ((id + 1));
CREATE TABLE wider_key (id int, k int, v text, UNIQUE (id, k));
CREATE TABLE plain_index (id int, v text);
CREATE INDEX ON plain_index (id);
CREATE TABLE strict (id int PRIMARY KEY, v text, must int NOT NULL);
CREATE TABLE generated (id int PRIMARY KEY, v text GENERATED ALWAYS AS ('x') STORED);
CREATE TABLE other_types (id int PRIMARY KEY, v inet);
CREATE TABLE key_types (id inet PRIMARY KEY, v text);
CREATE TABLE unwritable (id int PRIMARY KEY, v text);
CREATE TABLE no_update (id int PRIMARY KEY, v text);
CREATE TABLE no_select (id int PRIMARY KEY, v text);
CREATE TABLE not_listed (id int PRIMARY KEY, v text);
CREATE TABLE included_key (id int, v text);
CREATE UNIQUE INDEX ON included_key (id) INCLUDE (v);
CREATE TABLE ruled (id int PRIMARY KEY, v text);
CREATE RULE to_fine AS ON INSERT TO ruled DO ALSO INSERT INTO fine VALUES (new.id, new.v);
CREATE RULE "no delete" AS ON DELETE TO ruled DO INSTEAD NOTHING;
GRANT SELECT ON src TO etl_alice;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA refusal_target TO etl_alice;
REVOKE ALL ON unwritable FROM etl_alice;
GRANT SELECT ON unwritable TO etl_alice;
REVOKE UPDATE ON no_update FROM etl_alice;
REVOKE SELECT ON no_select FROM etl_alice;

-- The list starts empty and binds superusers too.
SELECT pattern, role FROM etl.allowed_targets WHERE pattern LIKE 'refusal_target%';
SELECT t.define('SELECT id, v FROM src', 'refusal_target.fine');
SET SESSION AUTHORIZATION etl_alice;
SELECT t.define('SELECT id, v FROM src', 'refusal_target.fine');
SELECT t.refused($$SELECT etl.allow_target('refusal_target.*')$$);
SELECT t.refused($$SELECT etl.revoke_target('refusal_target.*')$$);
RESET SESSION AUTHORIZATION;
SELECT count(etl.allow_target('refusal_target.' || name)) FROM unnest(ARRAY['a_*', 'fine', 'no_*', '*_key', 'ruled', 'deferrable_primary', 'wider_key',
    'plain_index', 'strict', 'generated', 'other_types', 'key_types', 'unwritable', 'missing']) AS name WHERE name <> '*_key' AND name <> 'no_*';
SELECT count(etl.allow_target('refusal_target.' || name, 'etl_alice')) FROM unnest(ARRAY['no_key', 'no_update', 'no_select', 'partial_key',
    'deferrable_key', 'expression_key', 'included_key']) AS name;

CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, source text, target text, key_columns text[]);
GRANT SELECT ON cases TO etl_alice;
INSERT INTO cases (source, target, key_columns) VALUES
    ('SELECT id, v FROM src', 'refusal_target.not_listed', NULL),
    ('SELECT id, v FROM src', 'pg_catalog.pg_class', NULL),
    ('SELECT id, v FROM src', 'etl.pipeline', NULL),
    ('SELECT id, v FROM src', 'refusal_target.not_existing', NULL),
    ('SELECT id, v FROM src', 'refusal_target.missing', NULL),
    ('SELECT id, v FROM src', 'refusal_target.missing', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.unwritable', NULL),
    ('SELECT id, v FROM src', 'refusal_target.no_update', NULL),
    ('SELECT id, v FROM src', 'refusal_target.no_select', NULL),
    ('SELECT id, v FROM src', 'refusal_target.a_view', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.a_matview', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.a_foreign', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.a_sequence', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.a_type', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.ruled', NULL),
    ('SELECT id, v FROM src', 'refusal_target.no_key', NULL),
    ('SELECT id, v FROM src', 'refusal_target.no_key', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.partial_key', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.deferrable_key', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.deferrable_primary', NULL),
    ('SELECT id, v FROM src', 'refusal_target.expression_key', '{id}'),
    ('SELECT id, k, v FROM src', 'refusal_target.wider_key', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.plain_index', '{id}'),
    ('SELECT id, v FROM src', 'refusal_target.fine', '{idd}'),
    ('SELECT id, v FROM src', 'refusal_target.fine', '{ID}'),
    ('SELECT id, v FROM src', 'refusal_target.fine', '{v}'),
    ('SELECT id, v FROM src', 'refusal_target.fine', '{id,id}'),
    ('SELECT id, v FROM src', 'refusal_target.fine', '{}'),
    ('SELECT v FROM src', 'refusal_target.fine', NULL),
    ('SELECT id AS ident, v FROM src', 'refusal_target.fine', '{id}'),
    ('SELECT id, v, k FROM src', 'refusal_target.fine', NULL),
    ('SELECT id, v AS vv FROM src', 'refusal_target.fine', NULL),
    ('SELECT id, v FROM src', 'refusal_target.strict', NULL),
    ('SELECT id, v FROM src', 'refusal_target.generated', NULL),
    ('SELECT id, v FROM src', 'refusal_target.other_types', NULL),
    ('SELECT id, v FROM src', 'refusal_target.key_types', NULL),
    ('SELECT id, v FROM src', 'refusal_target."fine', NULL),
    ('SELECT id, v FROM src', 'a.b.c.d', NULL),
    ('SELECT id, v FROM src', '', NULL),
    ('SELECT id, v FROM src', '.', NULL),
    ('SELECT id, v FROM src', 'nowhere.fine', NULL);
SET SESSION AUTHORIZATION etl_alice;
SELECT n || ' ' || source || ' -> ' || target || coalesce(' ' || key_columns::text, '') || E'\n  ' ||
       t.define(source, target, CASE WHEN key_columns IS NOT NULL THEN format('key_columns => %L', key_columns) ELSE '' END)
FROM cases ORDER BY n;
SELECT t.define('SELECT id, v FROM src', 'refusal_target.fine', $$key_columns => '{NULL}'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_target.made (id int); DROP TABLE x; --', $$key_columns => '{id}', create_target => true$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_target.not_allowed', $$key_columns => '{id}', create_target => true$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_target.missing', $$create_target => true$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_target.missing', $$key_columns => '{nope}', create_target => true$$);
SELECT to_regclass('refusal_target.missing');
-- A key with included columns serves.
SELECT etl.create_pipeline('refusal_target', source => 'SELECT id, v FROM src', target => 'refusal_target.included_key', key_columns => '{id}') > 0;
RESET SESSION AUTHORIZATION;

CREATE TABLE met (n int, error text);
CREATE PROCEDURE meet_all() LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM refusal_target.cases ORDER BY n LOOP
        UPDATE etl.pipeline SET source = c.source, target = c.target, key_columns = c.key_columns WHERE name = 'refusal_target';
        COMMIT;
        CALL t.run('refusal_target');
        INSERT INTO refusal_target.met VALUES (c.n, t.last_error('refusal_target'));
        COMMIT;
    END LOOP;
END $$;
CALL meet_all();
-- The same answer as at definition (here asked by the same role).
CREATE FUNCTION asked(c cases) RETURNS text LANGUAGE sql AS $$
SELECT replace(t.define(c.source, c.target, CASE WHEN c.key_columns IS NOT NULL THEN format('key_columns => %L', c.key_columns) ELSE '' END),
               '"refused"', '"refusal_target"') $$;
GRANT SELECT ON met TO etl_alice;
SET SESSION AUTHORIZATION etl_alice;
SELECT c.n, c.target, m.error, asked(c) FROM cases c JOIN met m USING (n) WHERE m.error IS DISTINCT FROM asked(c) ORDER BY n;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM met;
SELECT DISTINCT status FROM etl.runs WHERE pipeline = 'refusal_target';

-- What changes between two runs is found by the second one.
UPDATE etl.pipeline SET source = 'SELECT id, v FROM src', target = 'refusal_target.fine', key_columns = NULL WHERE name = 'refusal_target';
CALL t.run('refusal_target');
SELECT t.last_run('refusal_target');
SELECT etl.revoke_target('refusal_target.fine');
CALL t.run('refusal_target');
SELECT t.last_error('refusal_target');
DO $$ BEGIN PERFORM etl.allow_target('refusal_target.fine'); END $$;
REVOKE INSERT ON fine FROM etl_alice;
CALL t.run('refusal_target');
SELECT t.last_error('refusal_target');
GRANT INSERT ON fine TO etl_alice;
REVOKE SELECT ON src FROM etl_alice;
CALL t.run('refusal_target');
SELECT t.last_error('refusal_target');
GRANT SELECT ON src TO etl_alice;
CREATE RULE late AS ON UPDATE TO fine DO INSTEAD NOTHING;
CALL t.run('refusal_target');
SELECT t.last_error('refusal_target');
DROP RULE late ON fine;
CALL t.run('refusal_target');
SELECT t.last_run('refusal_target');
ALTER TABLE fine DROP CONSTRAINT fine_pkey;
CALL t.run('refusal_target');
SELECT t.last_error('refusal_target');
SELECT etl.drop_pipeline('refusal_target');

-- The patterns of the list.
SELECT pattern, t.refused(format('SELECT etl.allow_target(%L)', pattern))
FROM unnest(ARRAY['', '*', 'x', 'a.', '.a', '*.a', 'a.*b', 'a.b*c', 'a*.b', 'es:']) AS pattern;
SELECT t.refused('SELECT etl.allow_target(NULL)');
SELECT etl.revoke_target('refusal_target.nothing');
SELECT count(etl.revoke_target(pattern, role::regrole)) FROM etl.allowed_targets WHERE pattern LIKE 'refusal_target.%';
SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER refusal_nothing CASCADE;
