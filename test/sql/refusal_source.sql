-- Sources that are refused: at definition, and in the worker when the definition was altered behind our back.
\a \t
CREATE SCHEMA refusal_source;
SET search_path = refusal_source, public;
GRANT USAGE, CREATE ON SCHEMA refusal_source TO etl_alice;
DO $$ BEGIN PERFORM etl.allow_target('refusal_source.*'); END $$;
SET SESSION AUTHORIZATION etl_alice;
CREATE TABLE src (id int PRIMARY KEY, v text);
CREATE TABLE dst (id int PRIMARY KEY, v text);
CREATE FUNCTION broken() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
RESET SESSION AUTHORIZATION;
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, source text);
GRANT SELECT ON cases TO etl_alice;
INSERT INTO cases (source) VALUES
    ('SELECT id, v FROM src; SELECT 1'),
    ('SELECT id, v FROM src; DROP TABLE src'),
    ('SELECT id, v FROM src) AS x; DELETE FROM src; --'),
    (''),
    ('   '),
    ('-- nothing'),
    (';'),
    ('INSERT INTO dst VALUES (1, ''x'') RETURNING id, v'),
    ('UPDATE src SET v = 1 RETURNING id, v'),
    ('DELETE FROM src RETURNING id, v'),
    ('TRUNCATE src'),
    ('DROP TABLE src'),
    ('CREATE TABLE refusal_source.made AS SELECT 1'),
    ('COPY src TO STDOUT'),
    ('COPY src TO PROGRAM ''true'''),
    ('EXPLAIN SELECT id, v FROM src'),
    ('DO ''BEGIN END'''),
    ('CALL etl.run_wait(''x'')'),
    ('BEGIN'),
    ('COMMIT'),
    ('SET ROLE postgres'),
    ('RESET ROLE'),
    ('LISTEN x'),
    ('VACUUM src'),
    ('PREPARE p AS SELECT 1'),
    ('DECLARE c CURSOR FOR SELECT id, v FROM src'),
    ('WITH x AS (INSERT INTO src VALUES (9, ''x'') RETURNING id, v) SELECT id, v FROM x'),
    ('WITH x AS (DELETE FROM src RETURNING id, v) SELECT id, v FROM x'),
    ('WITH x AS (UPDATE src SET v = v RETURNING id, v) SELECT id, v FROM src'),
    ('SELECT id, v INTO refusal_source.made FROM src'),
    ('SELECT id, v FROM src FOR UPDATE'),
    ('SELECT id, v FROM src FOR SHARE'),
    ('SELECT id, v FROM (SELECT id, v FROM src FOR NO KEY UPDATE) x'),
    ('WITH x AS (SELECT id, v FROM src FOR KEY SHARE) SELECT id, v FROM x'),
    ('SELECT id, (SELECT s.v FROM src s FOR UPDATE LIMIT 1) AS v FROM src'),
    ('SELECT id, v FROM src WHERE id = $1'),
    ('SELECT id, $1::text AS v FROM src LIMIT $2'),
    ('SELEKT id FROM src'),
    ('SELECT id, nope FROM src'),
    ('SELECT id, v FROM nope'),
    ('SELECT id, nope(v) AS v FROM src'),
    ('SELECT id, v FROM src WHERE v = 1'),
    ('SELECT id, v || ''x'' FROM src'),
    ('SELECT id, v, v FROM src'),
    ('SELECT id, id + 1 AS id FROM src'),
    ('SELECT FROM src'),
    ('SELECT id, v, 1 AS extra FROM src'),
    ('SELECT v FROM src'),
    ('SELECT id AS "ID", v FROM src'),
    ('SELECT id, v FROM src;'),
    ('SELECT v AS id, v FROM src'),
    ('VALUES (1, ''x'')'),
    ('TABLE nope'),
    ('SELECT id, v AS _etl_row FROM src'),
    ('SELECT id AS "_etl_", v FROM src');
SET SESSION AUTHORIZATION etl_alice;
SELECT n || ' ' || source || E'\n  ' || t.define(source, 'refusal_source.dst') FROM cases ORDER BY n;
-- What is allowed looks similar.
SELECT source, rule, message FROM (VALUES
    ('SELECT id, v FROM src -- a comment'), ('TABLE src'), ('VALUES (1)'),
    ('WITH RECURSIVE x(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM x WHERE id < 3) SELECT id FROM x'),
    ('SELECT id, v FROM src UNION SELECT 7, ''INSERT INTO'' ORDER BY 1 LIMIT 3'),
    ('SELECT id, ''; DROP TABLE src'' AS v FROM src'), ('(SELECT id FROM src)')) AS allowed(source)
LEFT JOIN LATERAL etl.validate_pipeline(jsonb_build_object('name', 'v', 'source', source, 'target', 'refusal_source.dst',
    'key_columns', '{id}'::text[])) ON true;
SELECT etl.create_pipeline('refusal_source', source => 'SELECT id, v FROM src', target => 'refusal_source.dst') > 0;
RESET SESSION AUTHORIZATION;

-- Behind our back: the worker says the same.
CREATE TABLE met (n int, error text);
GRANT INSERT, SELECT ON met TO PUBLIC;
CREATE PROCEDURE meet_all() LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM refusal_source.cases ORDER BY n LOOP
        UPDATE etl.pipeline SET source = c.source WHERE name = 'refusal_source';
        COMMIT;
        CALL t.run('refusal_source');
        INSERT INTO refusal_source.met VALUES (c.n, t.last_error('refusal_source'));
        COMMIT;
    END LOOP;
END $$;
CALL meet_all();
-- The same answer as at definition, asked by the same role.
SET SESSION AUTHORIZATION etl_alice;
SELECT c.n, c.source, m.error, t.define(c.source, 'refusal_source.dst') AS at_definition
FROM cases c JOIN met m USING (n)
WHERE replace(m.error, '"refusal_source"', '"refused"') IS DISTINCT FROM t.define(c.source, 'refusal_source.dst')
ORDER BY n;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM met;
SELECT DISTINCT status FROM etl.runs WHERE pipeline = 'refusal_source';
SELECT count(*) FROM src;
SELECT to_regclass('refusal_source.made');
SELECT etl.drop_pipeline('refusal_source');
-- psql points at the place in the source, not in the call; never into SQL that was made of it.
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.create_pipeline('refused', source => 'SELECT id,
       nope FROM src', target => 'refusal_source.dst');
SELECT etl.create_pipeline('refused', source => 'SELECT id FORM src', target => 'refusal_source.dst');
SELECT etl.create_pipeline('refused', source => 'SELECT v AS id FROM src', target => 'refusal_source.dst');
RESET SESSION AUTHORIZATION;
