-- Full runs: into an empty table, unchanged, changed, in batches, with duplicates; composite and text keys.
\a \t
CREATE SCHEMA run_full;
SET search_path = run_full, public;
DO $$ BEGIN PERFORM etl.allow_target('run_full.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, v text, n numeric, j json, at timestamptz);
CREATE TABLE dst (id int PRIMARY KEY, v text, n numeric, j json, at timestamptz);
INSERT INTO src SELECT i, 'v' || i, i / 3.0, json_build_object('i', i), timestamptz '2024-01-01 00:00:00+00' + i * interval '1 h' FROM generate_series(1, 1000) i;
CREATE FUNCTION differences() RETURNS bigint LANGUAGE sql AS $$
SELECT count(*) FROM src FULL JOIN dst USING (id) WHERE src IS DISTINCT FROM NULL AND dst IS DISTINCT FROM NULL AND ROW(src.*)::text IS DISTINCT FROM ROW(dst.*)::text OR src.id IS NULL OR dst.id IS NULL $$;
SELECT etl.create_pipeline('full', source => 'SELECT * FROM src', target => 'run_full.dst', batch_size => 128) > 0;
CALL t.run('full');
SELECT t.last_run('full');
SELECT differences();
SELECT count(*), sum(rows_read), sum(rows_written), min(rows_read), max(rows_read) FROM etl.batches WHERE pipeline = 'full';
SELECT count(*) FROM etl.batches b JOIN etl.runs r ON r.id = b.run_id AND r.correlation_id = b.correlation_id WHERE b.pipeline = 'full';
-- One may be a set of any size.
SELECT pg_typeof(rows_read), pg_typeof(rows_written), pg_typeof(rows_dead), pg_typeof(bytes) FROM etl.batches WHERE pipeline = 'full' LIMIT 1;
SELECT batch_no, slice, attempt, rows_read, rows_written, rows_dead, bytes > 0, from_position, to_position FROM etl.batches WHERE pipeline = 'full' ORDER BY batch_no;
SELECT slice, kind, position, system_identifier IS NOT NULL FROM etl.checkpoints WHERE pipeline = 'full';
SELECT from_state, to_state, reason FROM etl.events WHERE pipeline = 'full' ORDER BY at;
-- Nothing changed: nothing is written, not even a new row version.
CREATE TABLE was AS SELECT id, xmin::text AS version, ctid::text AS place FROM dst;
CALL t.run('full');
SELECT t.last_run('full');
SELECT count(*) FROM was JOIN dst USING (id) WHERE was.version <> dst.xmin::text OR was.place <> dst.ctid::text;
-- Some changed: only those are written. Images count, not equality: 1.0 to 1.00, json with other spaces.
UPDATE src SET v = v || '!' WHERE id % 100 = 0;
UPDATE src SET v = NULL WHERE id = 7;
UPDATE src SET n = 2.000 WHERE id = 6;
UPDATE src SET j = '{"i" :  8}' WHERE id = 8;
INSERT INTO src (id, v) VALUES (2000, 'new');
UPDATE dst SET at = NULL WHERE id = 9;
CALL t.run('full');
SELECT t.last_run('full');
SELECT differences();
SELECT count(*) FROM was JOIN dst USING (id) WHERE was.version <> dst.xmin::text;
-- Deleted from the source: stays in the target (a full load upserts).
DELETE FROM src WHERE id = 1;
CALL t.run('full');
SELECT t.last_run('full');
-- batch_size 1, and one larger than the source.
SELECT etl.alter_pipeline('full', '{"batch_size": 1, "source": "SELECT * FROM src WHERE id < 20"}') > 0;
CALL t.run('full');
SELECT t.last_run('full');
SELECT count(*) FROM etl.batches WHERE run_id = (SELECT max(id) FROM etl.runs WHERE pipeline = 'full');
SELECT etl.alter_pipeline('full', '{"batch_size": 1000000}') > 0;
CALL t.run('full');
SELECT t.last_run('full');
-- An empty source.
SELECT etl.alter_pipeline('full', '{"source": "SELECT * FROM src WHERE false"}') > 0;
CALL t.run('full');
SELECT t.last_run('full');
SELECT etl.drop_pipeline('full');

-- Keys repeated in the source: the last one wins, the others are counted; also over the edge of a batch.
CREATE TABLE twice (id int, v text);
CREATE TABLE twice_dst (id int PRIMARY KEY, v text);
INSERT INTO twice SELECT i % 10, 'v' || i FROM generate_series(1, 100) i ORDER BY i;
SELECT etl.create_pipeline('twice', source => 'SELECT id, v FROM twice', target => 'run_full.twice_dst', batch_size => 7) > 0;
CALL t.run('twice');
SELECT t.last_run('twice');
SELECT id, v FROM twice_dst ORDER BY id;
SELECT etl.drop_pipeline('twice');

-- A composite key in another order than the table's columns, ties at every edge.
CREATE TABLE pair (b text, a int, c date, v int, PRIMARY KEY (a, b, c));
CREATE TABLE pair_dst (c date, b text, v int, a int, PRIMARY KEY (a, b, c));
INSERT INTO pair SELECT 'b' || j, i, date '2024-01-01' + k, i * j * k FROM generate_series(1, 4) i, generate_series(1, 5) j, generate_series(1, 6) k;
SELECT etl.create_pipeline('pair', source => 'SELECT v, a, c, b FROM pair', target => 'run_full.pair_dst', batch_size => 11) > 0;
CALL t.run('pair');
SELECT t.last_run('pair');
SELECT count(*) FROM pair JOIN pair_dst USING (a, b, c, v);
SELECT to_position FROM etl.batches WHERE pipeline = 'pair' ORDER BY batch_no LIMIT 2;
SELECT etl.drop_pipeline('pair');

-- Text keys in several collations.
CREATE PROCEDURE texts(collation_name text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE run_full.words (w text COLLATE %s PRIMARY KEY, n int)', collation_name);
    EXECUTE format('CREATE TABLE run_full.words_dst (w text COLLATE %s PRIMARY KEY, n int)', collation_name);
    INSERT INTO run_full.words SELECT w, row_number() OVER () FROM unnest(ARRAY['a', 'A', 'b', 'B', 'ä', 'Z', 'z', '', ' ', '-', 'a b', 'ab', 'a-b', 'ß', 'ss', '''', '"', '\', E'\n', '1', '10', '9', '世']) AS w;
    PERFORM etl.create_pipeline('words', source => 'SELECT w, n FROM run_full.words', target => 'run_full.words_dst', batch_size => 3);
    COMMIT;
    CALL t.run('words');
    RAISE INFO '%: %, %', collation_name, t.last_run('words'), (SELECT count(*) FROM run_full.words JOIN run_full.words_dst USING (w, n));
    CALL t.run('words');
    RAISE INFO '%', t.last_run('words');
    PERFORM etl.drop_pipeline('words');
    DROP TABLE run_full.words, run_full.words_dst;
END $$;
CALL texts('"C"');
CALL texts('"POSIX"');
CALL texts('"default"');
CALL texts('"ucs_basic"');
