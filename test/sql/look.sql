-- preview, dry_run, explain, health, version: they look and leave nothing behind.
\a \t
CREATE SCHEMA look;
SET search_path = look, public;
DO $$ BEGIN PERFORM etl.allow_target('look.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, v text, n numeric);
CREATE TABLE dst (id int PRIMARY KEY, v text CHECK (v <> 'bad'), n numeric);
INSERT INTO src SELECT i, 'v' || i, i FROM generate_series(1, 100) i;
ANALYZE src;
SELECT etl.create_pipeline('look', source => 'SELECT id, v, n FROM src', target => 'look.dst', batch_size => 40) > 0;
SELECT etl.preview('look', 3);
SELECT count(*) FROM etl.preview('look');
SELECT count(*) FROM etl.pipelines p, etl.preview(p.id, 5) WHERE name = 'look';
SELECT action, count(*), min((key ->> 'id')::int), max((key ->> 'id')::int), count(before), count(after) FROM etl.dry_run('look') GROUP BY action;
SELECT batch, action, count(*) FROM etl.dry_run('look', 10) GROUP BY batch, action ORDER BY batch;
-- Nothing is left: no row, no run, no checkpoint, no event.
SELECT count(*) FROM dst;
SELECT count(*) FROM etl.runs WHERE pipeline = 'look';
SELECT count(*) FROM etl.checkpoints WHERE pipeline = 'look';
SELECT count(*) FROM etl.events WHERE pipeline = 'look';
CALL t.run('look');
UPDATE src SET v = 'changed' WHERE id = 2;
UPDATE src SET v = 'bad' WHERE id = 90;
INSERT INTO src VALUES (0, 'zero', 0);
SELECT * FROM etl.dry_run('look', 3) WHERE action <> 'unchanged' ORDER BY batch, key ->> 'id';
-- By option the rows that fail are told one by one, and the others of their batch go on.
SELECT etl.alter_pipeline('look', '{"options": {"on_error": "quarantine"}}') > 0;
SELECT * FROM etl.dry_run('look', 3) WHERE action <> 'unchanged' ORDER BY batch, key ->> 'id';
SELECT batch, action, count(*) FROM etl.dry_run('look', 3) GROUP BY batch, action ORDER BY batch, action;
SELECT count(*) FROM etl.dead_letters WHERE pipeline = 'look';
SELECT etl.alter_pipeline('look', '{"options": null}') > 0;
SELECT batch, action, count(*) FROM etl.pipelines p, etl.dry_run(p.id, 1) WHERE name = 'look' GROUP BY batch, action ORDER BY action;
SELECT count(*) FROM dst;
SELECT v FROM dst WHERE id = 2;
-- A trigger's effects are rolled back too, and a deferred constraint is seen.
CREATE TABLE seen (n int);
CREATE FUNCTION sees() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO look.seen VALUES (1); RETURN NULL; END $$;
CREATE TRIGGER sees AFTER INSERT OR UPDATE ON dst FOR EACH ROW EXECUTE FUNCTION sees();
SELECT action, count(*) FROM etl.dry_run('look') GROUP BY action ORDER BY action;
SELECT count(*) FROM seen;
ALTER TABLE dst ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES src DEFERRABLE INITIALLY DEFERRED;
SELECT etl.alter_pipeline('look', '{"source": "SELECT id + 1000 AS id, v, n FROM src WHERE id = 5"}') > 0;
SELECT action, key, error_code, error_message FROM etl.dry_run('look');
SELECT etl.alter_pipeline('look', '{"source": "SELECT id, v, n FROM src"}') > 0;

-- explain: the SQL, the plan and the way of the source, the safety mode; costs and times masked.
CREATE FUNCTION plain(line text) RETURNS text LANGUAGE sql AS $$
SELECT regexp_replace(regexp_replace(regexp_replace(line, '\(cost=[^)]*\)', '(cost)', 'g'), '[0-9.]+ ms', 'N ms', 'g'), 'about \d+', 'about N') $$;
SELECT plain("QUERY PLAN") FROM etl.explain('look') WHERE "QUERY PLAN" !~ '^    ' AND "QUERY PLAN" !~ '^  SQL: (MERGE|INSERT)';
SELECT count(*) FROM etl.explain('look') WHERE "QUERY PLAN" ~ '^  SQL: MERGE INTO look.dst';
SELECT count(*) > 0 FROM etl.explain('look') WHERE "QUERY PLAN" ~ '^    .*Index.*Scan';
SELECT plain("QUERY PLAN") FROM etl.explain('look', "analyze" => true) WHERE "QUERY PLAN" LIKE 'Measured%';
SELECT key, jsonb_typeof(value) FROM etl.explain('look', format => 'json') j, jsonb_each(j."QUERY PLAN"::jsonb) ORDER BY key;
SELECT count(*) FROM dst WHERE v = 'changed';
CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT etl.create_pipeline('parts', source => 'SELECT id, v FROM look.parts', target => 'look.parts') > 0;
SELECT count(*) > 5 FROM etl.explain('parts');
SELECT etl.drop_pipeline('parts');
DROP TABLE parts;
SELECT etl.alter_pipeline('look', '{"source": "SELECT n::int AS id, v FROM src"}') > 0;
SELECT plain("QUERY PLAN") FROM etl.explain('look') WHERE "QUERY PLAN" LIKE '-> source%';
SET client_min_messages = error;
SELECT etl.alter_pipeline('look', '{"source": "SELECT id, n, v FROM src", "mode": "incremental", "incremental_key": "n", "incremental_id_key": "id"}') > 0;
RESET client_min_messages;
SELECT plain("QUERY PLAN") FROM etl.explain('look') WHERE "QUERY PLAN" ~ '^(Safety|Warning)';
SELECT count(*) > 3 FROM etl.pipelines p, etl.explain(p.id) WHERE name = 'look';

-- health and version.
SELECT key FROM unnest(ARRAY['database', 'keeper', 'lag', 'launcher', 'pipelines', 'problems', 'servers', 'status', 'version', 'worker_slots', 'workers']) AS key WHERE NOT etl.health() ? key;
SELECT component, version IS NOT NULL FROM etl.version();
SELECT (SELECT version FROM etl.version() WHERE component = 'library') = (SELECT version FROM etl.version() WHERE component = 'extension');
-- What runs as the owner is shown the owner's view.
SET SESSION AUTHORIZATION etl_alice;
SELECT (SELECT count(*) FROM jsonb_object_keys(etl.health())) > 0;
RESET SESSION AUTHORIZATION;
-- In the transaction that made it, a pipeline cannot be looked at.
BEGIN;
SELECT etl.create_pipeline('look_new', source => 'SELECT id FROM src', target => 'look.dst') > 0;
SELECT t.masked(t.refused($$SELECT etl.preview('look_new')$$));
ROLLBACK;
-- Refused.
SELECT t.refused($$SELECT etl.preview('look', 0)$$);
SELECT t.refused($$SELECT etl.preview('look', 10001)$$);
SELECT t.refused($$SELECT etl.dry_run('look', 0)$$);
SELECT t.refused($$SELECT etl.dry_run('look', 1001)$$);
SELECT t.refused($$SELECT etl.explain('look', format => 'yaml')$$);
SELECT t.refused($$SELECT etl.preview('nope')$$);
SELECT t.refused($$SELECT etl.preview(NULL::text)$$);
SELECT etl.alter_pipeline('look', '{"source": "SELECT 1 / (id - id) AS id FROM src", "mode": null, "incremental_key": null, "incremental_id_key": null}') > 0;
SELECT t.refused($$SELECT etl.preview('look')$$);
SELECT t.refused($$SELECT etl.dry_run('look')$$);
SELECT etl.drop_pipeline('look');
