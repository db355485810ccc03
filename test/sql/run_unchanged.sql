-- Where most rows of a batch are the same in the target, the others are picked out of the next batch before it is written.
\a \t
CREATE SCHEMA run_unchanged;
SET search_path = run_unchanged, public;
DO $$ BEGIN PERFORM etl.allow_target('run_unchanged.*'); END $$;
CREATE FUNCTION wrong(source text, target text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    missing bigint; odd bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM ((%s) EXCEPT ALL TABLE %s) AS d', source, target) INTO missing;
    EXECUTE format('SELECT count(*) FROM (TABLE %s EXCEPT ALL (%s)) AS d', target, source) INTO odd;
    RETURN missing || ' missing, ' || odd || ' odd';
END $$;
-- In key order, the key of the same type: the target is read by key range. The values are cast, one is padded.
CREATE TABLE src (id int PRIMARY KEY, code char(4), amount int, note text);
CREATE TABLE dst (id int PRIMARY KEY, code char(6), amount numeric(12, 2), note varchar(20));
INSERT INTO src SELECT i, 'c' || i % 7, i, CASE WHEN i % 3 > 0 THEN 'note ' || i END FROM generate_series(1, 300) AS i;
SELECT etl.create_pipeline('unchanged', source => 'SELECT * FROM src', target => 'run_unchanged.dst', batch_size => 50) > 0;
CALL t.run('unchanged');
SELECT t.last_run('unchanged');
CALL t.run('unchanged');
SELECT t.last_run('unchanged');
CREATE TABLE place AS SELECT id, ctid AS at FROM dst;
-- A NULL that came, one that went, a row that is gone, a row of another case; then a whole batch; then nothing again.
UPDATE src SET note = NULL WHERE id = 71;
UPDATE src SET note = 'new' WHERE id = 72;
DELETE FROM dst WHERE id = 75;
UPDATE src SET code = 'C5' WHERE id = 82;
UPDATE src SET amount = amount + 1 WHERE id BETWEEN 101 AND 160;
INSERT INTO src SELECT i, 'new', i, 'at the end' FROM generate_series(301, 340) AS i;
CALL t.run('unchanged');
SELECT t.last_run('unchanged');
SELECT wrong('SELECT id, code::char(6), amount::numeric(12, 2), note::varchar(20) FROM src', 'dst');
SELECT count(*) AS moved FROM dst JOIN place USING (id) WHERE dst.ctid <> place.at;
-- By two keys, the second in another collation than the target's; and with nothing but keys.
CREATE TABLE pairs (a int, b text COLLATE "C", v int, PRIMARY KEY (a, b));
CREATE TABLE pairs_dst (a int, b text COLLATE "POSIX", v int, PRIMARY KEY (a, b));
CREATE TABLE keys_dst (a int, b text, PRIMARY KEY (a, b));
INSERT INTO pairs SELECT i / 10, chr(65 + i % 10) || CASE WHEN i % 2 = 0 THEN 'x' ELSE '' END, i FROM generate_series(1, 200) AS i;
SELECT etl.create_pipeline('unchanged_pairs', source => 'SELECT * FROM pairs', target => 'run_unchanged.pairs_dst', batch_size => 30) > 0;
SELECT etl.create_pipeline('unchanged_keys', source => 'SELECT a, b FROM pairs', target => 'run_unchanged.keys_dst', batch_size => 30) > 0;
CALL t.run('unchanged_pairs');
CALL t.run('unchanged_keys');
UPDATE pairs SET v = v + 1000 WHERE v % 40 = 0;
DELETE FROM pairs_dst WHERE v % 41 = 0;
DELETE FROM keys_dst WHERE (a, b) IN (SELECT a, b FROM pairs WHERE v % 41 = 0);
CALL t.run('unchanged_pairs');
SELECT t.last_run('unchanged_pairs'), wrong('SELECT a, b COLLATE "POSIX", v FROM pairs', 'pairs_dst');
CALL t.run('unchanged_keys');
SELECT t.last_run('unchanged_keys'), wrong('SELECT a, b FROM pairs', 'keys_dst');
-- In another order than the key's: by index probe, the last row of a key that comes twice.
CREATE TABLE events (seq int PRIMARY KEY, id bigint, v text);
CREATE TABLE events_dst (id int PRIMARY KEY, v text, seq int);
INSERT INTO events SELECT i, i % 190, 'v' || i % 190 FROM generate_series(1, 200) AS i;
SELECT etl.create_pipeline('unchanged_events', source => 'SELECT seq, id, v FROM events', target => 'run_unchanged.events_dst',
    batch_size => 40, mode => 'incremental', incremental_key => 'seq', incremental_id_key => 'seq', key_columns => '{id}',
    options => '{"overlap": "0"}') > 0;
CALL t.run('unchanged_events');
SELECT t.last_run('unchanged_events');
UPDATE events_dst SET v = 'spoilt' WHERE id IN (100, 101);
DELETE FROM events_dst WHERE id = 170;
SELECT etl.reset('unchanged_events');
CALL t.run('unchanged_events');
SELECT t.last_run('unchanged_events');
SELECT wrong('SELECT DISTINCT ON (id) id::int, v, seq FROM events ORDER BY id, seq DESC', 'events_dst');
