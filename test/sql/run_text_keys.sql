-- Text as key: order and pages follow the source's collation, what is one row follows the target's.
\a \t
CREATE SCHEMA run_text_keys;
SET search_path = run_text_keys, public;
DO $$ BEGIN PERFORM etl.allow_target('run_text_keys.*'); END $$;
-- The default collation: every key once and in order, whichever way the source is read.
CREATE TABLE src (k text PRIMARY KEY, v text);
CREATE TABLE dst (k text PRIMARY KEY, v text);
INSERT INTO src SELECT k, 'v' || k FROM unnest(ARRAY['', ' ', 'a', 'A', 'a ', 'aa', 'ab', 'Ab', 'b', 'B', 'ä', 'Ä', 'é', 'z', 'Z', '10', '9', '"', '''', ',', E'\\',
    E'\n', 'ﬀ', '日本', repeat('long', 300)]) AS k;
SELECT etl.create_pipeline('text', source => 'SELECT k, v FROM src', target => 'run_text_keys.dst', batch_size => 4) > 0;
CALL t.run('text');
SELECT t.last_run('text');
SELECT count(*) FROM src JOIN dst USING (k, v);
SELECT batch_no, rows_read, from_position = lag(to_position) OVER w AS goes_on, lag(to_position->>0) OVER w < to_position->>0 AS ascends
FROM etl.batches WHERE pipeline = 'text' WINDOW w AS (ORDER BY batch_no) ORDER BY batch_no;
CALL t.run('text');
SELECT t.last_run('text');
SELECT etl.drop_pipeline('text');
TRUNCATE dst;
SELECT etl.create_pipeline('text', source => $$SELECT k || '' AS k, v FROM src$$, target => 'run_text_keys.dst', batch_size => 4) > 0;
CALL t.run('text');
SELECT t.last_run('text');
SELECT count(*) FROM src JOIN dst USING (k, v);
SELECT count(*), sum(rows_read) FROM etl.batches WHERE pipeline = 'text';
SELECT etl.drop_pipeline('text');
-- An incremental pair of texts.
CREATE TABLE pair (name text, k text, v text, PRIMARY KEY (name, k));
CREATE TABLE pair_dst (name text, k text, v text, PRIMARY KEY (name, k));
INSERT INTO pair SELECT name, k, v FROM src, unnest(ARRAY['', 'a', 'A', 'ä']) AS name;
SET client_min_messages = error;
SELECT etl.create_pipeline('text', source => 'SELECT name, k, v FROM pair', target => 'run_text_keys.pair_dst', mode => 'incremental', incremental_key => 'name',
    incremental_id_key => 'k', batch_size => 9) > 0;
RESET client_min_messages;
CALL t.run('text');
SELECT t.last_run('text');
SELECT position FROM etl.checkpoints WHERE pipeline = 'text';
INSERT INTO pair VALUES ('ä', '日本語', 'new'), ('ö', '', 'new');
SELECT count(etl.rewind('text', '["ä", "z"]'));
CALL t.run('text');
SELECT count(*) FROM pair JOIN pair_dst USING (name, k, v);
SELECT etl.drop_pipeline('text');
-- No page ends between rows of one position, also where the pair is not unique and no index serves the order.
CREATE TABLE parts (day int, id int, part int, v text, PRIMARY KEY (id, part));
CREATE TABLE parts_dst (day int, id int, part int, v text, PRIMARY KEY (id, part));
INSERT INTO parts SELECT CASE WHEN i > 5 THEN 2 ELSE 1 END, 1, i, 'v' FROM generate_series(1, 8) i;
SET client_min_messages = error;
SELECT etl.create_pipeline('text', source => 'SELECT day, id, part, v FROM parts', target => 'run_text_keys.parts_dst', mode => 'incremental', incremental_key => 'day',
    incremental_id_key => 'id', batch_size => 2) > 0;
RESET client_min_messages;
CALL t.run('text');
SELECT t.last_run('text');
SELECT batch_no, rows_read, to_position FROM etl.batches WHERE pipeline = 'text' ORDER BY batch_no;
SELECT etl.drop_pipeline('text');
-- Columns of source and target in different collations: written, found again and compared as the target does.
CREATE TABLE c_src (k text COLLATE "C" PRIMARY KEY, v text COLLATE "C");
CREATE TABLE posix_dst (k text COLLATE "POSIX" PRIMARY KEY, v varchar(9) COLLATE "POSIX");
INSERT INTO c_src SELECT i::text, 'v' || i FROM generate_series(1, 10) i;
SELECT etl.create_pipeline('text', source => 'SELECT k, v FROM c_src', target => 'run_text_keys.posix_dst', batch_size => 4) > 0;
CALL t.run('text');
SELECT t.last_run('text');
UPDATE c_src SET v = 'new' WHERE k = '5';
SELECT action, key, before->>'v', after->>'v' FROM etl.dry_run('text', 9) WHERE action <> 'unchanged';
CALL t.run('text');
SELECT t.last_run('text');
SELECT count(*) FROM c_src s JOIN posix_dst d ON s.k = d.k COLLATE "C" AND s.v = d.v COLLATE "C";
SELECT etl.drop_pipeline('text');
