-- Steps: clean_nulls, by every strategy, against the same by hand.
\a \t
CREATE SCHEMA steps_nulls;
SET search_path = steps_nulls, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_nulls.*'); END $$;
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE src (id int PRIMARY KEY, name varchar(10), mood mood, n smallint, big bigint, pay numeric(10,2), ratio double precision, at timestamptz, "odd ""name" int);
INSERT INTO src SELECT i, CASE WHEN i % 3 > 0 THEN 'n' || i % 5 END, CASE WHEN i % 4 > 0 THEN CASE WHEN i % 7 < 4 THEN 'sad' ELSE 'fine' END::mood END,
    CASE WHEN i % 6 > 0 THEN i END, CASE WHEN i % 5 > 0 THEN 9007199254740993 + i END, CASE WHEN i % 10 > 0 THEN i * 1.37 END, CASE WHEN i % 9 > 0 THEN i / 7.0 END,
    CASE WHEN i % 8 > 0 THEN timestamptz '2024-01-01' + i * interval '1 hour' END, CASE WHEN i % 2 > 0 THEN i END
FROM generate_series(1, 250) i;
-- drop is the default, of all columns.
CALL t.step('clean_nulls', '{}', 'SELECT * FROM src WHERE NOT (src IS NULL) AND src IS NOT NULL');
CALL t.step('clean_nulls', '{"columns": ["name", "odd \"name"]}', 'SELECT * FROM src WHERE name IS NOT NULL AND "odd ""name" IS NOT NULL');
CALL t.step('clean_nulls', '{"strategy": "constant", "value": "fine", "columns": ["mood", "name"]}',
    'SELECT id, coalesce(name, ''fine'')::varchar(10), coalesce(mood, ''fine''), n, big, pay, ratio, at, "odd ""name" FROM src');
CALL t.step('clean_nulls', '{"strategy": "constant", "value": 0.5, "columns": ["pay", "ratio"]}',
    'SELECT id, name, mood, n, big, coalesce(pay, 0.5)::numeric(10,2), coalesce(ratio, 0.5), at, "odd ""name" FROM src');
-- Averages of all numeric columns; exact where the type is, rounded to it.
CALL t.step('clean_nulls', '{"strategy": "mean"}',
    'SELECT id, name, mood, coalesce(n, (SELECT avg(n) FROM src)::smallint), coalesce(big, (SELECT avg(big) FROM src)::bigint), coalesce(pay, (SELECT avg(pay) FROM src))::numeric(10,2), coalesce(ratio, (SELECT avg(ratio) FROM src)),
            at, coalesce("odd ""name", (SELECT avg("odd ""name") FROM src)::int) FROM src');
CALL t.step('clean_nulls', '{"strategy": "median"}',
    'SELECT id, name, mood, coalesce(src.n, m.n::smallint), coalesce(src.big, m.big::bigint), coalesce(src.pay, m.pay)::numeric(10,2), coalesce(src.ratio, m.ratio), at, coalesce("odd ""name", m.odd::int)
     FROM src, (SELECT (a.n[(cardinality(a.n) + 1) / 2] + a.n[cardinality(a.n) / 2 + 1]) / 2.0 AS n, (a.big[(cardinality(a.big) + 1) / 2] + a.big[cardinality(a.big) / 2 + 1]) / 2.0 AS big,
                       (a.pay[(cardinality(a.pay) + 1) / 2] + a.pay[cardinality(a.pay) / 2 + 1]) / 2 AS pay, (a.ratio[(cardinality(a.ratio) + 1) / 2] + a.ratio[cardinality(a.ratio) / 2 + 1]) / 2 AS ratio,
                       (a.odd[(cardinality(a.odd) + 1) / 2] + a.odd[cardinality(a.odd) / 2 + 1]) / 2.0 AS odd
                FROM (SELECT array_agg(n ORDER BY n) FILTER (WHERE n IS NOT NULL) AS n, array_agg(big ORDER BY big) FILTER (WHERE big IS NOT NULL) AS big, array_agg(pay ORDER BY pay) FILTER (WHERE pay IS NOT NULL) AS pay,
                             array_agg(ratio ORDER BY ratio) FILTER (WHERE ratio IS NOT NULL) AS ratio, array_agg("odd ""name" ORDER BY "odd ""name") FILTER (WHERE "odd ""name" IS NOT NULL) AS odd FROM src) a) m');
-- Of equally frequent values the smallest: "odd name" has each value once.
CALL t.step('clean_nulls', '{"strategy": "mode"}',
    'SELECT id, coalesce(src.name, m.name), coalesce(src.mood, m.mood), coalesce(src.n, m.n), coalesce(src.big, m.big), coalesce(src.pay, m.pay), coalesce(src.ratio, m.ratio), coalesce(src.at, m.at), coalesce("odd ""name", 1) FROM src,
     (SELECT (SELECT name FROM src WHERE name IS NOT NULL GROUP BY name ORDER BY count(*) DESC, name LIMIT 1) AS name, (SELECT mood FROM src WHERE mood IS NOT NULL GROUP BY mood ORDER BY count(*) DESC, mood LIMIT 1) AS mood,
             (SELECT min(n) FROM src) AS n, (SELECT min(big) FROM src) AS big, (SELECT min(pay) FROM src) AS pay, (SELECT min(ratio) FROM src) AS ratio, (SELECT min(at) FROM src) AS at) m');
-- The nearest value before or after in an order; the first and last rows may have none.
CALL t.step('clean_nulls', '{"strategy": "ffill", "order_by": "id", "columns": ["name", "at", "odd \"name"]}',
    'SELECT id, (SELECT name FROM src s WHERE s.id <= src.id AND name IS NOT NULL ORDER BY s.id DESC LIMIT 1), mood, n, big, pay, ratio,
            (SELECT at FROM src s WHERE s.id <= src.id AND at IS NOT NULL ORDER BY s.id DESC LIMIT 1), (SELECT "odd ""name" FROM src s WHERE s.id <= src.id AND "odd ""name" IS NOT NULL ORDER BY s.id DESC LIMIT 1) FROM src');
CALL t.step('clean_nulls', '{"strategy": "bfill", "order_by": ["id ASC nulls first"], "columns": ["name", "n"]}',
    'SELECT id, (SELECT name FROM src s WHERE s.id >= src.id AND name IS NOT NULL ORDER BY s.id LIMIT 1), mood, (SELECT n FROM src s WHERE s.id >= src.id AND n IS NOT NULL ORDER BY s.id LIMIT 1), big, pay, ratio, at, "odd ""name" FROM src');
CALL t.step('clean_nulls', '{"strategy": "ffill", "order_by": ["mood desc", "id Desc"], "columns": ["name"]}',
    'SELECT id, (array_agg(name) FILTER (WHERE name IS NOT NULL) OVER w)[count(name) OVER w], mood, n, big, pay, ratio, at, "odd ""name" FROM src WINDOW w AS (ORDER BY mood DESC, id DESC)');
-- All NULL stays NULL; nothing stays nothing.
CALL t.step('clean_nulls', '{"strategy": "median", "columns": ["id"]}', 'SELECT * FROM src');
BEGIN;
CREATE TABLE keep AS TABLE src;
UPDATE src SET pay = NULL, name = NULL;
COMMIT;
CALL t.step('clean_nulls', '{"strategy": "mean", "columns": ["pay"]}', 'SELECT * FROM src');
CALL t.step('clean_nulls', '{"strategy": "mode", "columns": ["name"]}', 'SELECT * FROM src');
CALL t.step('clean_nulls', '{"strategy": "bfill", "order_by": "id", "columns": ["name"]}', 'SELECT * FROM src');
TRUNCATE src;
CALL t.step('clean_nulls', '{"strategy": "mode"}', 'SELECT * FROM src');
INSERT INTO src TABLE keep;
-- How it is run, and what it is.
CREATE TABLE dst (LIKE src INCLUDING ALL);
SELECT etl.create_pipeline('nulls', steps => '[
  {"id": "src", "operator": "table", "params": {"table": "steps_nulls.src"}},
  {"id": "clean", "operator": "clean_nulls", "params": {"strategy": "median"}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_nulls.dst"}, "depends_on": "clean"}]') > 0;
SELECT line FROM etl.explain('nulls') AS line WHERE line ~ '^(Layers|-> source)';
SELECT kind, of_batch, of_set FROM etl.operators WHERE name = 'clean_nulls';
-- Refused.
CREATE FUNCTION refused(params text) RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', format('[
  {"id": "src", "operator": "table", "params": {"table": "steps_nulls.src"}},
  {"id": "clean", "operator": "clean_nulls", "params": %s, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_nulls.dst"}, "depends_on": "clean"}]', params))) $$;
SELECT refused('{"strategy": "guess"}');
SELECT refused('{"strategy": "mean", "columns": ["n", "name"]}');
SELECT refused('{"columns": ["nmae"]}');
SELECT refused('{"columns": ["name", "name"]}');
SELECT refused('{"columns": []}');
SELECT refused('{"strategy": "constant"}');
SELECT refused('{"strategy": "constant", "value": null}');
SELECT refused('{"strategy": "constant", "value": "many", "columns": ["n"]}');
SELECT refused('{"strategy": "constant", "value": "eleven char", "columns": ["name"]}');
SELECT refused('{"value": 1}');
SELECT refused('{"strategy": "ffill"}');
SELECT refused('{"strategy": "ffill", "order_by": "id down"}');
SELECT refused('{"strategy": "ffill", "order_by": "id nulls"}');
SELECT refused('{"order_by": "id"}');
SELECT etl.drop_pipeline('nulls');
-- A domain's length is its base type's.
CREATE DOMAIN code AS varchar(3);
ALTER TABLE src ADD COLUMN code code;
SELECT refused('{"strategy": "constant", "value": "long", "columns": ["code"]}');
-- A row of a composite type is no NULL because there is one in it.
CREATE TYPE pair AS (a int, b int);
CREATE TABLE pairs (id int PRIMARY KEY, pair pair);
INSERT INTO pairs VALUES (1, '(1,2)'), (2, '(1,)'), (3, '(,)'), (4, NULL);
CALL t.step('clean_nulls', '{"columns": ["pair"]}', 'SELECT * FROM pairs WHERE id < 4', inputs => '["pairs"]');
CALL t.step('clean_nulls', '{"columns": ["pair"], "strategy": "constant", "value": "(0,0)"}', 'SELECT id, CASE WHEN id = 4 THEN ''(0,0)''::pair ELSE pair END FROM pairs', inputs => '["pairs"]');
CALL t.step('check', '{"rules": [{"rule": "not_null", "column": "pair"}], "severity": "warn"}', 'SELECT * FROM pairs', inputs => '["pairs"]');
