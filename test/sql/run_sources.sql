-- What sources can be: aggregates that run once, joins, views, functions, spilled or paged, with params of their own.
\a \t
CREATE SCHEMA run_sources;
SET search_path = run_sources, public;
DO $$ BEGIN PERFORM etl.allow_target('run_sources.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, grp int, v int);
INSERT INTO src SELECT i, i % 50, i FROM generate_series(1, 500) i;
ANALYZE src;
CREATE TABLE agg (grp int PRIMARY KEY, total bigint, mark bigint);
CREATE SEQUENCE calls;
CREATE FUNCTION counted(i bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT i + 0 * nextval('run_sources.calls') $$;
-- An aggregate: executed once a run, however many batches.
SELECT etl.create_pipeline('sources', source => 'SELECT grp, counted(sum(v)) AS total FROM src GROUP BY grp', target => 'run_sources.agg', batch_size => 7) > 0;
CALL t.run('sources');
SELECT t.last_run('sources');
SELECT last_value FROM calls;
SELECT count(*) FROM etl.batches WHERE pipeline = 'sources';
SELECT count(*) FROM agg JOIN (SELECT grp, sum(v) total FROM src GROUP BY grp) x USING (grp, total);
CALL t.run('sources');
SELECT t.last_run('sources');
SELECT last_value FROM calls;
-- A key that no index serves is spilled, one that an index serves is paged.
SELECT etl.alter_pipeline('sources', '{"source": "SELECT v AS grp, id AS total FROM src"}') > 0;
CALL t.run('sources');
SELECT t.last_run('sources');
SELECT DISTINCT phase FROM etl.checkpoint WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'sources');
SELECT etl.alter_pipeline('sources', '{"source": "SELECT id AS grp, v + 1 AS total FROM src"}') > 0;
CALL t.run('sources');
SELECT t.last_run('sources');
SELECT DISTINCT phase FROM etl.checkpoint WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'sources');
-- One snapshot for the run.
SELECT etl.alter_pipeline('sources', '{"options": {"snapshot": "run"}, "source": "SELECT id AS grp, v + 2 AS total FROM src"}') > 0;
CALL t.run('sources');
SELECT t.last_run('sources');
-- In slices: disjoint, together whole.
SELECT etl.alter_pipeline('sources', '{"options": {"slices": 3}, "source": "SELECT id AS grp, v + 3 AS total FROM src"}') > 0;
CALL t.run('sources');
SELECT t.last_run('sources');
SELECT slice, kind FROM etl.checkpoints WHERE pipeline = 'sources' ORDER BY slice;
SELECT count(*) FROM agg JOIN src ON agg.grp = src.id AND agg.total = src.v + 3;
SELECT etl.drop_pipeline('sources');
-- Views, CTEs, VALUES, set-returning functions, comments and a text that looks like the page's own names.
CREATE VIEW shown AS SELECT id AS grp, v AS total FROM src WHERE id <= 30;
CREATE PROCEDURE loads(source text) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE run_sources.agg;
    PERFORM etl.create_pipeline('sources', source => loads.source, target => 'run_sources.agg', batch_size => 4);
    COMMIT;
    CALL t.run('sources');
    RAISE INFO '%', t.last_run('sources');
    PERFORM etl.drop_pipeline('sources');
END $$;
CALL loads('SELECT * FROM shown');
CALL loads('TABLE shown -- the whole of it');
CALL loads('SELECT * FROM (VALUES (1), (2), (3)) AS v(grp)');
CALL loads('SELECT g AS grp FROM generate_series(1, 9) g /* a comment */');
CALL loads('WITH RECURSIVE x(grp) AS (SELECT 1 UNION ALL SELECT grp + 1 FROM x WHERE grp < 9) SELECT grp FROM x');
CALL loads('SELECT grp FROM (SELECT id AS grp FROM src ORDER BY v DESC LIMIT 6) AS _etl_row');
CALL loads('SELECT grp, total FROM shown _etl_row WHERE grp > 5 ORDER BY total DESC OFFSET 3');
CALL loads('SELECT s.id AS grp, x.total FROM src s LEFT JOIN shown x ON x.grp = s.id WHERE s.id <= 35');
CALL loads('SELECT id AS grp FROM src WHERE id < 5 UNION ALL SELECT id + 100 FROM src WHERE id < 5');
CALL loads('SELECT DISTINCT ON (grp) grp, v AS total FROM src ORDER BY grp, v DESC');
-- A function that the source calls may read, and draw from sequences; a write is refused.
CREATE TABLE written (n int);
CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO run_sources.written VALUES (1); RETURN 1; END $$;
CREATE FUNCTION commits() RETURNS int LANGUAGE plpgsql AS $$ BEGIN COMMIT; RETURN 1; END $$;
CALL loads('SELECT writes() AS grp');
SELECT count(*) FROM written;
CALL loads('SELECT commits() AS grp');
