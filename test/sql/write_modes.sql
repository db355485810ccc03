-- Write modes of a table: append, replace, replace_range, soft_delete, scd2.
\a \t
CREATE SCHEMA write_modes;
SET search_path = write_modes, public;
DO $$ BEGIN PERFORM etl.allow_target('write_modes.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, name text, day date, price numeric);
INSERT INTO src SELECT i, 'n' || i, date '2024-01-01' + i / 10, i * 1.5 FROM generate_series(1, 100) i;

-- append: no key is needed; each row arrives once.
CREATE TABLE log (name text, day date, at timestamptz DEFAULT now());
SELECT etl.create_pipeline('append', source => 'SELECT name, day FROM write_modes.src', target => 'write_modes.log',
                           options => '{"write_mode": "append"}') > 0;
SELECT action, key, before, after FROM etl.dry_run('append') ORDER BY after->>'name' LIMIT 2;
SELECT line FROM etl.explain('append') AS line WHERE line ~ '^(->|  SQL)';
CALL t.run('append');
SELECT t.last_run('append');
CALL t.run('append');
SELECT t.last_run('append');
SELECT count(*), count(DISTINCT name) FROM log;
SELECT count(*) FROM etl.batches WHERE pipeline = 'append';
-- … with a key in pages; a row that is there already fails, or is a dead letter.
CREATE TABLE keyed (id int PRIMARY KEY, name text);
INSERT INTO keyed VALUES (50, 'there');
SELECT etl.create_pipeline('keyed', source => 'SELECT id, name FROM write_modes.src', target => 'write_modes.keyed', batch_size => 30,
                           options => '{"write_mode": "append"}') > 0;
CALL t.run('keyed');
SELECT t.last_run('keyed');
SELECT count(*) FROM keyed;
SELECT etl.cancel('keyed');
SELECT etl.alter_pipeline('keyed', '{"options": {"write_mode": "append", "on_error": "quarantine"}}') > 0;
DELETE FROM keyed WHERE id <> 50;
CALL t.run('keyed');
SELECT t.last_run('keyed');
SELECT error_code, original_record FROM etl.dead_letters WHERE pipeline = 'keyed';
SELECT count(*) FROM keyed;
-- … incremental.
SELECT t.define('SELECT id, name, day FROM write_modes.src', 'write_modes.log', $$mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id', options => '{"write_mode": "append"}'$$);
CREATE TABLE stream (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
INSERT INTO stream (name) SELECT name FROM src;
CREATE TABLE log2 (id int, name text);
SELECT etl.create_pipeline('since', mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id', source => 'SELECT id, name FROM write_modes.stream',
  target => 'write_modes.log2', options => '{"write_mode": "append"}') > 0;
CALL t.run('since');
INSERT INTO stream (name) VALUES ('n101'), ('n102');
CALL t.run('since');
SELECT t.last_run('since');
SELECT count(*), count(DISTINCT id) FROM log2;

-- replace: what the run does not deliver is deleted, in one transaction; grants and views stay.
CREATE TABLE whole (id int PRIMARY KEY, name text NOT NULL, price numeric);
CREATE VIEW cheap AS SELECT * FROM whole WHERE price < 30;
GRANT SELECT ON whole TO etl_bob;
INSERT INTO whole SELECT i, 'old', 0 FROM generate_series(90, 110) i;
SELECT etl.create_pipeline('replace', source => 'SELECT id, name, price FROM write_modes.src', target => 'write_modes.whole', batch_size => 10,
                           options => '{"write_mode": "replace"}') > 0;
SELECT action, count(*), min((key->>'id')::int), max((key->>'id')::int) FROM etl.dry_run('replace') GROUP BY action ORDER BY action;
SELECT action, key, before, after FROM etl.dry_run('replace') WHERE key->>'id' IN ('89', '90', '101') ORDER BY key;
CALL t.run('replace');
SELECT t.last_run('replace');
SELECT count(*), sum(rows_written) FROM etl.batches WHERE pipeline = 'replace';
SELECT t.differences('SELECT id, name, price FROM write_modes.src', 'SELECT * FROM write_modes.whole');
SELECT count(*) FROM cheap;
SELECT has_table_privilege('etl_bob', 'write_modes.whole', 'SELECT');
CALL t.run('replace');
SELECT t.last_run('replace');
-- A run that fails changes nothing.
INSERT INTO src VALUES (0, NULL, '2024-01-01', 1);
DELETE FROM src WHERE id = 7;
CALL t.run('replace');
SELECT t.last_run('replace');
SELECT count(*) FROM whole WHERE id IN (0, 7);
-- With quarantine, the row that cannot be written does not lose what the target has of it.
INSERT INTO whole VALUES (0, 'kept', 0);
SELECT etl.cancel('replace');
SELECT etl.alter_pipeline('replace', '{"options": {"write_mode": "replace", "on_error": "quarantine"}}') > 0;
CALL t.run('replace');
SELECT t.last_run('replace');
SELECT id, name FROM whole WHERE id IN (0, 7);
-- No rows at all.
DELETE FROM src WHERE id = 0;
SELECT etl.alter_pipeline('replace', '{"source": "SELECT id, name, price FROM write_modes.src WHERE false"}') > 0;
CALL t.run('replace');
SELECT t.last_run('replace');
SELECT count(*) FROM whole;

-- What is gone is in nobody's way.
CREATE TABLE names (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO names VALUES (1000, 'n1'), (2, 'n2');
SELECT etl.create_pipeline('names', source => 'SELECT id, name FROM write_modes.src', target => 'write_modes.names', options => '{"write_mode": "replace"}') > 0;
CALL t.run('names');
SELECT t.last_run('names');

-- replace_range: only rows within the range that the run delivered, or that was given.
CREATE TABLE days (id int PRIMARY KEY, day date, name text);
INSERT INTO days SELECT i, date '2024-01-01' + i, 'old' FROM generate_series(200, 230) i;
INSERT INTO days VALUES (300, '2024-01-03', 'old'), (301, '2024-01-06', 'old'), (302, '2023-12-31', 'old'), (303, '2024-01-02', 'old'), (304, NULL, 'old');
SELECT etl.create_pipeline('range', steps => '[
  {"id": "extract", "operator": "sql", "params": {"query": "SELECT id, day, name FROM write_modes.src WHERE day BETWEEN ''2024-01-03'' AND ''2024-01-05''"}},
  {"id": "save", "operator": "table", "depends_on": ["extract"],
   "params": {"target": "write_modes.days", "write_mode": "replace_range", "range": {"column": "day"}}}]') > 0;
SELECT action, count(*) FROM etl.dry_run('range') GROUP BY action ORDER BY action;
CALL t.run('range');
SELECT t.last_run('range');
SELECT count(*) FILTER (WHERE name = 'old'), count(*) FILTER (WHERE name <> 'old'), count(*) FILTER (WHERE id = 300) FROM days;
SELECT etl.alter_pipeline('range', '{"steps": [
  {"id": "extract", "operator": "sql", "params": {"query": "SELECT id, day, name FROM write_modes.src WHERE day BETWEEN ''2024-01-03'' AND ''2024-01-05''"}},
  {"id": "save", "operator": "table", "depends_on": ["extract"], "params": {"target": "write_modes.days", "write_mode": "replace_range",
   "range": {"column": "day", "from": "date ''2024-01-02''", "to": "date ''2024-01-06'' -- the day after"}}}]}') > 0;
CALL t.run('range');
SELECT t.last_run('range');
SELECT id FROM days WHERE id >= 300 ORDER BY id;

-- soft_delete: marked, once; a row that comes back is not deleted any more.
CREATE TABLE soft (id int PRIMARY KEY, name text, is_deleted bool NOT NULL, deleted_at timestamptz);
SELECT etl.create_pipeline('soft', source => 'SELECT id, name FROM write_modes.src WHERE id <= 10', target => 'write_modes.soft',
                           options => '{"write_mode": "soft_delete"}') > 0;
CALL t.run('soft');
SELECT t.last_run('soft');
CREATE TABLE aside AS SELECT * FROM src WHERE id IN (3, 4);
DELETE FROM src WHERE id IN (3, 4);
SELECT action, key, before, (after->>'is_deleted')::bool, after->>'deleted_at' IS NOT NULL FROM etl.dry_run('soft') WHERE action <> 'unchanged' ORDER BY key;
CALL t.run('soft');
SELECT t.last_run('soft');
CALL t.run('soft');
SELECT t.last_run('soft');
INSERT INTO src SELECT * FROM aside WHERE id = 3;
CALL t.run('soft');
SELECT t.last_run('soft');
SELECT id, is_deleted, deleted_at IS NOT NULL AS at FROM soft WHERE id IN (3, 4, 5) ORDER BY id;
CREATE TABLE soft_at (id int PRIMARY KEY, name text, deleted_at timestamp);
SELECT etl.create_pipeline('soft_at', source => 'SELECT id, name FROM write_modes.src WHERE id <= 10', target => 'write_modes.soft_at',
                           options => '{"write_mode": "soft_delete"}') > 0;
INSERT INTO soft_at VALUES (3, 'gone', NULL), (44, 'n4', NULL), (5, 'n5', now()) ON CONFLICT DO NOTHING;
CALL t.run('soft_at');
SELECT t.last_run('soft_at');
SELECT id, deleted_at IS NOT NULL AS at FROM soft_at WHERE id IN (3, 4, 5, 44) ORDER BY id;

-- scd2: a row for each version.
CREATE TABLE history (id int, name text, price numeric, valid_from timestamptz, valid_to timestamptz, is_current bool, PRIMARY KEY (id, valid_from));
SELECT etl.create_pipeline('history', source => 'SELECT id, name, price FROM write_modes.src WHERE id <= 10', target => 'write_modes.history',
                           batch_size => 4, options => '{"write_mode": "scd2"}') > 0;
CALL t.run('history');
SELECT t.last_run('history');
CALL t.run('history');
SELECT t.last_run('history');
UPDATE src SET price = 99 WHERE id IN (1, 9);
INSERT INTO src SELECT * FROM aside WHERE id = 4;
SELECT action, key, before->>'price' AS was, after->>'price' AS is, after->>'valid_to' AS until FROM etl.dry_run('history', 5) WHERE action <> 'unchanged' ORDER BY key;
CALL t.run('history');
SELECT t.last_run('history');
UPDATE src SET price = 100 WHERE id = 1;
CALL t.run('history');
SELECT id, price, valid_to IS NULL AS holds, is_current, lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from) = valid_to AS meets
FROM history WHERE id IN (1, 2, 4, 9) ORDER BY id, valid_from;
SELECT count(*), count(*) FILTER (WHERE is_current) FROM history;

-- The same key twice: the last one wins.
CREATE TABLE twice (id int, name text, valid_from timestamptz, valid_to timestamptz, PRIMARY KEY (id, valid_from));
SELECT etl.create_pipeline('twice', source => 'SELECT 1 AS id, v AS name FROM unnest(ARRAY[''a'', ''b'']) v', target => 'write_modes.twice',
                           key_columns => '{id}', options => '{"write_mode": "scd2"}') > 0;
CALL t.run('twice');
SELECT t.last_run('twice');
SELECT id, name, valid_to FROM twice;

-- So it does where the page is written in parts, since another row of it cannot be written.
CREATE TABLE parts (id int, name text CHECK (name <> 'bad'), n int, valid_from timestamptz, valid_to timestamptz, is_current bool, PRIMARY KEY (id, valid_from));
CREATE VIEW versions AS SELECT 1 AS id, 'old' AS name, 1 AS n UNION ALL SELECT 2, 'old', 1;
SELECT etl.create_pipeline('parts', source => 'SELECT * FROM versions', target => 'write_modes.parts', key_columns => '{id}',
                           options => '{"write_mode": "scd2", "on_error": "quarantine"}') > 0;
CALL t.run('parts');
CREATE OR REPLACE VIEW versions AS SELECT * FROM (VALUES (1, 'first', 2), (1, 'last', 3), (2, 'first', 2), (2, 'bad', 3), (3, 'bad', 1), (4, 'first', 1), (4, 'second', 2), (4, 'last', 3)) v (id, name, n);
CALL t.run('parts');
SELECT t.last_run('parts');
SELECT id, name, n, valid_to IS NULL AS holds, is_current, lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from) = valid_to AS meets FROM parts ORDER BY id, valid_from;
SELECT original_record, error_code FROM etl.dead_letters WHERE pipeline = 'parts' ORDER BY (original_record ->> 'id')::int;

-- What is refused.
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.soft', $$options => '{"write_mode": "overwrite"}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.soft', $$options => '{"write_mode": "replace_range"}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.soft', $$options => '{"range": {"column": "id"}}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.soft', $$options => '{"write_mode": "replace_range", "range": {"column": "id", "from": "1"}}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.days', $$options => '{"write_mode": "replace_range", "range": {"column": "day"}}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.days', $$options => '{"write_mode": "replace_range", "range": {"column": "id", "from": "1); DELETE FROM src; --", "to": "2"}}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.days', $$options => '{"write_mode": "replace_range", "range": {"column": "id", "from": "''x''", "to": "2"}}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.keyed', $$options => '{"write_mode": "soft_delete"}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.keyed', $$options => '{"write_mode": "scd2"}'$$);
SELECT t.define('SELECT id, name, now() AS valid_to FROM write_modes.src', 'write_modes.history', $$options => '{"write_mode": "scd2"}'$$);
ALTER TABLE twice ADD COLUMN is_current text;
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.twice', $$options => '{"write_mode": "scd2"}'$$);
ALTER TABLE history DROP CONSTRAINT history_pkey;
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.history', $$key_columns => '{id}', options => '{"write_mode": "scd2"}'$$);
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.keyed', $$mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id', options => '{"write_mode": "replace"}'$$);
-- Rights: append asks for INSERT only, replace for DELETE.
CREATE TABLE mine (id int PRIMARY KEY, name text);
GRANT USAGE ON SCHEMA write_modes TO etl_alice;
GRANT SELECT ON src TO etl_alice;
GRANT INSERT ON mine TO etl_alice;
SET ROLE etl_alice;
SELECT etl.create_pipeline('alices', source => 'SELECT id, name FROM write_modes.src', target => 'write_modes.mine', options => '{"write_mode": "append"}') > 0;
RESET ROLE;
GRANT SELECT, UPDATE ON mine TO etl_alice;
SET ROLE etl_alice;
SELECT t.define('SELECT id, name FROM write_modes.src', 'write_modes.mine', $$options => '{"write_mode": "replace"}'$$);
RESET ROLE;
CALL t.run('alices');
SELECT t.last_run('alices');
-- Many rows are not compared one by one.
CREATE TABLE many (id int PRIMARY KEY);
CREATE TABLE few (id int PRIMARY KEY);
INSERT INTO many SELECT generate_series(1, 40000);
INSERT INTO few SELECT generate_series(1, 40000, 2);
SELECT etl.create_pipeline('many', source => 'SELECT id FROM write_modes.few', target => 'write_modes.many', options => '{"write_mode": "replace"}') > 0;
CALL t.run('many');
SELECT t.last_run('many');
