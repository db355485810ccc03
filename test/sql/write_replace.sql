-- Write mode replace: a new file in place of the old one where that pays and is in nobody's way; else in place.
\a \t
CREATE SCHEMA write_replace;
SET search_path = write_replace, public;
\set SHOW_CONTEXT never
DO $$ BEGIN PERFORM etl.allow_target('write_replace.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, v text, n numeric);
INSERT INTO src SELECT i, md5(i::text), i FROM generate_series(1, 25000) i;
CREATE TABLE dst (id int PRIMARY KEY, gone int, v text NOT NULL, n numeric CHECK (n > 0));
ALTER TABLE dst DROP gone;
CREATE UNIQUE INDEX dst_v ON dst (v);
CREATE INDEX dst_lower ON dst (lower(v)) WHERE n > 10;
CREATE VIEW seen AS SELECT count(*), sum(n), min(v) FROM dst;
GRANT SELECT ON dst TO etl_bob;
COMMENT ON TABLE dst IS 'kept';
CREATE FUNCTION file() RETURNS oid LANGUAGE sql AS $$ SELECT pg_relation_filenode('write_replace.dst') $$;
-- Runs it, and says whether the file is another.
CREATE PROCEDURE go() LANGUAGE plpgsql AS $$
DECLARE before oid := write_replace.file();
BEGIN
  CALL t.run('whole');
  COMMIT;  -- and see the catalog as it is now
  RAISE INFO '% file; %', CASE WHEN write_replace.file() = before THEN 'the same' ELSE 'another' END, t.last_run('whole');
END $$;
CREATE VIEW differs AS (TABLE src EXCEPT TABLE dst) UNION ALL (TABLE dst EXCEPT TABLE src);
SELECT etl.create_pipeline('whole', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "write_replace.src"}},
  {"id": "save", "operator": "table", "params": {"target": "write_replace.dst", "write_mode": "replace"}, "depends_on": ["read"]}]') > 0;
CALL go();
SELECT count(*) FROM differs;
-- Most rows differ.
UPDATE src SET n = n + 1;
DELETE FROM src WHERE id % 10 = 0;
INSERT INTO src SELECT i, md5(i::text), i FROM generate_series(30001, 30500) i;
CALL go();
SELECT count(*) FROM differs;
TABLE seen;
SELECT has_table_privilege('etl_bob', 'dst', 'SELECT'), obj_description('dst'::regclass), count(*) FROM pg_index WHERE indrelid = 'dst'::regclass AND indisvalid;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM dst WHERE lower(v) = 'x' AND n > 10;
SELECT count(*) FROM dst WHERE v = md5('30001');
RESET enable_seqscan;
SELECT relname FROM pg_class WHERE relname LIKE 'pg_temp_%';
-- Few do.
UPDATE src SET n = n + 1 WHERE id % 100 = 1;
CALL go();
SELECT count(*) FROM differs;
-- Nearly all go.
DELETE FROM src WHERE id > 100;
CALL go();
SELECT count(*) FROM differs;
-- What a constraint refuses leaves the table as it was, or is put aside.
INSERT INTO src SELECT i, md5(i::text), i FROM generate_series(101, 25000) i;
UPDATE src SET n = -1 WHERE id = 5;
CALL go();
SELECT count(*) FROM dst;
UPDATE src SET n = 5, v = md5('7') WHERE id = 5;
CALL go();
SELECT count(*) FROM dst;
SELECT etl.alter_pipeline('whole', '{"options": {"on_error": "quarantine"}}') > 0;
CALL go();
SELECT original_record ->> 'id', error_code FROM etl.dead_letters WHERE pipeline = 'whole';
SELECT count(*) FROM differs;
UPDATE src SET v = md5('5'), n = n + 5;
UPDATE src SET v = md5(id::text);
-- Not where rows would lose something, or somebody would notice: a column that is not written, a trigger, a key to the
-- table, policies, no privilege; each alone.
CREATE PROCEDURE go_with(change text, undo text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE change;
  UPDATE write_replace.src SET n = n + 1;
  COMMIT;
  RAISE INFO '%', change;
  CALL write_replace.go();
  EXECUTE undo;
  COMMIT;
END $$;
CREATE TABLE child (id int);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CALL go_with('ALTER TABLE write_replace.dst ADD note text DEFAULT ''mine''', 'ALTER TABLE write_replace.dst DROP note');
CALL go_with('CREATE TRIGGER t AFTER UPDATE ON write_replace.dst FOR EACH STATEMENT EXECUTE FUNCTION write_replace.nothing()', 'DROP TRIGGER t ON write_replace.dst');
VACUUM dst;  -- forgets that it had triggers
CALL go_with('CREATE TABLE write_replace.sub () INHERITS (write_replace.dst)', 'DROP TABLE write_replace.sub');
VACUUM ANALYZE dst;
CALL go_with('ALTER TABLE write_replace.dst ENABLE ROW LEVEL SECURITY', 'ALTER TABLE write_replace.dst DISABLE ROW LEVEL SECURITY');
CALL go_with('SELECT', 'SELECT');
CALL go_with('ALTER TABLE write_replace.child ADD FOREIGN KEY (id) REFERENCES write_replace.dst', 'SELECT');
DROP TABLE child;
VACUUM dst;
-- A key twice: the last one wins, and is counted.
SELECT etl.alter_pipeline('whole', '{"options": {}, "steps": [
  {"id": "read", "operator": "sql", "params": {"query": "SELECT id, v, n FROM write_replace.src UNION ALL SELECT 1, ''twice'', 1"}},
  {"id": "save", "operator": "table", "params": {"target": "write_replace.dst", "write_mode": "replace"}, "depends_on": ["read"]}]}') > 0;
CALL go_with('SELECT', 'SELECT');
SELECT v FROM dst WHERE id = 1;
-- dry_run changes nothing.
UPDATE src SET n = n + 1;
SELECT action, count(*) FROM etl.dry_run('whole') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM differs;
-- Another role, which may write but not truncate.
ALTER TABLE dst OWNER TO etl_bob;
GRANT USAGE ON SCHEMA write_replace TO etl_alice;
GRANT SELECT ON src TO etl_alice;
GRANT SELECT, INSERT, UPDATE, DELETE ON dst TO etl_alice;
SET ROLE etl_alice;
SELECT etl.create_pipeline('truncates', source => 'SELECT * FROM write_replace.src', target => 'write_replace.dst', options => '{"write_mode": "replace"}') > 0;
RESET ROLE;
CREATE TEMP TABLE before AS SELECT file();
CALL t.run('truncates');
SELECT t.last_run('truncates'), file() = (SELECT file FROM before);
GRANT TRUNCATE ON dst TO etl_alice;
UPDATE src SET n = n + 1;
CALL t.run('truncates');
SELECT t.last_run('truncates'), file() = (SELECT file FROM before), (SELECT relowner::regrole FROM pg_class WHERE oid = 'dst'::regclass);
SELECT count(*) FROM differs;
SELECT etl.drop_pipeline('truncates'), etl.drop_pipeline('whole');
SET client_min_messages = warning;
DROP SCHEMA write_replace CASCADE;
