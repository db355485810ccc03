-- Batches and sources beyond work_mem: their rows lie in temporary files, across the commits of a run.
\a \t
CREATE SCHEMA run_spill;
SET search_path = run_spill, public;
DO $$ BEGIN PERFORM etl.allow_target('run_spill.*'); EXECUTE format('ALTER ROLE %I SET work_mem = ''64kB''', current_user); END $$;
CREATE TABLE src (id int PRIMARY KEY, part int NOT NULL, note text);
INSERT INTO src SELECT i, i / 3, repeat(md5(i::text), 10) FROM generate_series(1, 3000) i;
CREATE TABLE dst (LIKE src INCLUDING ALL);
CREATE FUNCTION same() RETURNS boolean LANGUAGE sql AS
$$ SELECT NOT EXISTS (TABLE src EXCEPT ALL TABLE dst) AND NOT EXISTS (TABLE dst EXCEPT ALL TABLE src) $$;
-- Pages that spill.
SELECT etl.create_pipeline('spill_pages', source => 'SELECT * FROM src', target => 'run_spill.dst', batch_size => 1000) > 0;
CALL t.run('spill_pages');
SELECT t.last_run('spill_pages'), same();
CALL t.run('spill_pages');
SELECT t.last_run('spill_pages'), same();
-- A source that is read once and spilled whole, in pages that spill as well.
TRUNCATE dst;
SELECT etl.create_pipeline('spill_once', source => 'SELECT * FROM src', target => 'run_spill.dst', batch_size => 700, options => '{"snapshot": "run"}') > 0;
CALL t.run('spill_once');
SELECT t.last_run('spill_once'), same();
-- Repeated keys, NULL keys and a poison row, each of which copies the page.
TRUNCATE dst;
ALTER TABLE dst ADD CHECK (note <> 'poison');
CREATE VIEW mixed AS SELECT id, part, note FROM src UNION ALL SELECT id, part, note FROM src WHERE id % 10 = 0
  UNION ALL SELECT NULL, 0, note FROM src WHERE id < 500 UNION ALL SELECT 5000, 5000, 'poison';
SELECT etl.create_pipeline('spill_mixed', source => 'SELECT * FROM mixed', target => 'run_spill.dst', batch_size => 1000,
  options => '{"on_error": "quarantine", "null_keys": "dead_letter", "max_dead_letters": 1000}') > 0;
CALL t.run('spill_mixed');
SELECT t.last_run('spill_mixed'), same();
SELECT count(*), count(DISTINCT error_code) FROM etl.dead_letters WHERE pipeline = 'spill_mixed';
-- Replay and dry run of them.
SELECT count(*), count(payload) FROM etl.dry_run('spill_pages', 3);
SELECT etl.dead_letter_replay('spill_mixed', $$error_code = '23502'$$, '{"id": 6000, "part": 6000}');
SELECT count(*) FROM dst WHERE id = 6000;
DELETE FROM dst WHERE id = 6000;
-- Documents.
CREATE SERVER es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url 'http://127.0.0.1:1');
DO $$ BEGIN PERFORM etl.allow_target('es:spill'); END $$;
SELECT etl.create_pipeline('spill_documents', source => 'SELECT * FROM src', target => 'es:spill', key_columns => '{id}', batch_size => 3000) > 0;
SELECT count(*), bool_and(length(payload) > 320) FROM etl.dry_run('spill_documents');
SELECT etl.drop_pipeline('spill_documents');
DROP SERVER es;
-- Rows of one position are in one page, so that a run that stopped behind it goes on with the next position.
CREATE TABLE lines (moved int NOT NULL, part int NOT NULL, line int NOT NULL, note text, PRIMARY KEY (line, part));
INSERT INTO lines SELECT id / 70, id / 7, id, note FROM src;
CREATE TABLE lines_dst (LIKE lines INCLUDING ALL, n bigint);
SELECT etl.create_pipeline('spill_lines', source => 'SELECT moved, part, line, note, count(*) OVER (PARTITION BY part) AS n FROM lines', target => 'run_spill.lines_dst',
  mode => 'incremental', incremental_key => 'moved', incremental_id_key => 'part', batch_size => 20, options => '{"safety": "overlap", "overlap": "0s", "settle": "0s"}') > 0;
CALL t.run('spill_lines');
SELECT t.last_run('spill_lines');
SELECT rows_read, count(*) FROM etl.batches WHERE pipeline = 'spill_lines' GROUP BY 1 ORDER BY 1;
DO $$ BEGIN EXECUTE format('ALTER ROLE %I RESET work_mem', current_user); END $$;
