-- Steps: dedupe and union, against the same by hand.
\a \t
CREATE SCHEMA steps_duplicates;
SET search_path = steps_duplicates, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_duplicates.*'); END $$;
CREATE TABLE src (id int, "select" text, at timestamp(0), v numeric(8,2));
INSERT INTO src SELECT i % 40, CASE WHEN i % 4 > 0 THEN 'k' || i % 4 END, CASE WHEN i % 7 > 0 THEN timestamp '2024-01-01' + i * interval '1 minute' END, i FROM generate_series(1, 300) i;
INSERT INTO src VALUES (NULL, 'null', NULL, 1001), (NULL, 'null', NULL, 1002);
-- First and last in an order: the other end of it, NULLs included.
CREATE VIEW src_known AS SELECT * FROM src WHERE id IS NOT NULL;
CALL t.step('dedupe', '{"keys": ["id"], "order_by": "v"}', 'SELECT DISTINCT ON (id) * FROM src_known ORDER BY id, v', inputs => '["src_known"]');
CALL t.step('dedupe', '{"keys": ["id"], "order_by": "v", "keep": "last"}', 'SELECT DISTINCT ON (id) * FROM src_known ORDER BY id, v DESC', inputs => '["src_known"]');
CALL t.step('dedupe', '{"keys": ["id"], "order_by": ["at", "v desc"]}', 'SELECT DISTINCT ON (id) * FROM src_known ORDER BY id, at, v DESC', inputs => '["src_known"]');
CALL t.step('dedupe', '{"keys": ["id"], "order_by": ["at", "v desc"], "keep": "last"}', 'SELECT DISTINCT ON (id) * FROM src_known ORDER BY id, at DESC NULLS FIRST, v', inputs => '["src_known"]');
CALL t.step('dedupe', '{"keys": ["id"], "order_by": ["at desc", "v"], "keep": "first"}', 'SELECT DISTINCT ON (id) * FROM src_known ORDER BY id, at DESC NULLS FIRST, v', inputs => '["src_known"]');
CALL t.step('dedupe', '{"keys": ["id"], "order_by": ["at desc nulls last", "v"]}', 'SELECT DISTINCT ON (id) * FROM src_known ORDER BY id, at DESC NULLS LAST, v', inputs => '["src_known"]');
CALL t.step('dedupe', '{"keys": ["id", "select"], "order_by": ["v"]}', 'SELECT DISTINCT ON (id, "select") * FROM src_known ORDER BY id, "select", v', '["v"]', '["src_known"]');
-- NULL keys are equal to each other.
CALL t.step('dedupe', '{"keys": ["id"], "order_by": "v"}', 'SELECT DISTINCT ON (id) * FROM src ORDER BY id, v', '["v"]');
CALL t.step('dedupe', '{"keys": ["select"], "order_by": "v", "keep": "last"}', 'SELECT DISTINCT ON ("select") * FROM src ORDER BY "select", v DESC', '["v"]');
-- Without keys, rows that are the same as a whole.
CREATE VIEW twice AS SELECT * FROM src UNION ALL SELECT * FROM src;
CALL t.step('dedupe', '{}', 'SELECT DISTINCT * FROM src', '["v"]', '["twice"]');
-- Without an order, one of them.
CREATE TABLE dst (id int PRIMARY KEY, "select" text, at timestamp, v numeric(8,2), more boolean);
SELECT etl.create_pipeline('one', steps => '[
  {"id": "src", "operator": "table", "params": {"table": "steps_duplicates.src_known"}},
  {"id": "one", "operator": "dedupe", "params": {"keys": ["id"]}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_duplicates.dst"}, "depends_on": "one"}]') > 0;
SELECT line FROM etl.explain('one') AS line WHERE line ~ '^(Layers|-> source)';
CALL t.run('one');
SELECT t.last_run('one');
SELECT count(*) = count(DISTINCT id) AND count(*) = (SELECT count(DISTINCT id) FROM src), (SELECT count(*) FROM (SELECT id, "select", at, v FROM dst EXCEPT SELECT * FROM src) d) FROM dst;
-- union: by name, whatever the order of columns; what one lacks is NULL there.
CREATE TABLE a (id int, name varchar(5), v int);
CREATE TABLE b (extra boolean, v bigint, name varchar(9), id int);
CREATE TABLE c (id int, only_c date);
INSERT INTO a SELECT i, 'a' || i, i FROM generate_series(1, 10) i;
INSERT INTO b SELECT true, 5000000000 + i, 'b' || i, 100 + i FROM generate_series(1, 10) i;
INSERT INTO c SELECT 200 + i, date '2024-01-01' + i FROM generate_series(1, 10) i;
CALL t.step('union', '{}', 'SELECT id, name, v::bigint, NULL::boolean, NULL::date FROM a UNION ALL SELECT id, name, v, extra, NULL FROM b UNION ALL SELECT id, NULL, NULL, NULL, only_c FROM c', inputs => '["a", "b", "c"]');
CREATE VIEW a2 AS SELECT id, name::text FROM a;
CALL t.step('union', '{"all": true}', 'SELECT id, only_c, NULL::text FROM c UNION ALL SELECT id, NULL, name FROM a2', '["id"]', '["c", "a2"]');
CREATE VIEW a3 AS SELECT id + 5 AS id, 'a' || id + 5 AS name FROM a;
CALL t.step('union', '{"all": false}', 'SELECT id, name FROM a2 UNION SELECT id, name FROM a3', '["id"]', '["a2", "a3"]');
SELECT name, of_batch, of_set FROM etl.operators WHERE name IN ('dedupe', 'union') ORDER BY name;
-- Refused.
CREATE FUNCTION refused(operator text, params text, inputs text DEFAULT '["src"]') RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', format('[
  {"id": "src", "operator": "table", "params": {"table": "steps_duplicates.src"}},
  {"id": "other", "operator": "sql", "params": {"query": "SELECT 1 AS id, 5 AS at"}},
  {"id": "step", "operator": "%s", "params": %s, "depends_on": %s},
  {"id": "save", "operator": "table", "params": {"target": "steps_duplicates.dst"}, "depends_on": ["step", "other", "src"]}]', operator, params, inputs))) $$;
SELECT refused('dedupe', '{"keys": ["id", "ID"]}');
SELECT refused('dedupe', '{"keys": []}');
SELECT refused('dedupe', '{"keys": ["id"], "keep": "any"}');
SELECT refused('dedupe', '{"keys": ["id"], "order_by": ["v", "select upwards"]}');
SELECT refused('dedupe', '{"keys": ["id"]}', '["src", "other"]');
SELECT refused('union', '{}');
SELECT refused('union', '{"all": "no"}', '["src", "other"]');
SELECT refused('union', '{}', '["src", "other"]');
SELECT etl.drop_pipeline('one');
