-- Steps: check, by every rule and severity, against the same by hand.
\a \t
CREATE SCHEMA steps_check;
SET search_path = steps_check, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_check.*'); END $$;
CREATE TYPE mood AS ENUM ('sad', 'fine', 'glad');
CREATE TABLE films ("film id" bigint PRIMARY KEY, part int);
INSERT INTO films SELECT i, i % 3 FROM generate_series(1, 20) i;
CREATE TABLE "Odd ""table" (code text);
INSERT INTO "Odd ""table" VALUES ('x'), ('y');
CREATE TABLE src (id int PRIMARY KEY, name varchar(20), age smallint, pay numeric(5,2), mood mood, film int, part int, code text, at timestamptz, day date);
INSERT INTO src SELECT i, CASE WHEN i % 11 > 0 THEN 'name ' || i % 90 END, CASE WHEN i % 7 > 0 THEN i END, CASE WHEN i % 5 > 0 THEN i * 4.5 END, CASE WHEN i % 6 > 0 THEN (ARRAY['sad', 'fine', 'glad'])[i % 3 + 1]::mood END,
    CASE WHEN i % 8 > 0 THEN i % 25 END, i % 4, CASE WHEN i % 9 > 0 THEN (ARRAY['x', 'y', 'z'])[i % 3 + 1] END, now() - i * interval '1 hour', current_date - i
FROM generate_series(1, 100) i;
-- What is quarantined and what goes on: together all rows, a row once for each rule that it breaks.
CREATE TABLE dst (LIKE src INCLUDING ALL);
CREATE PROCEDURE checked(rules jsonb, bad text, INOUT outcome text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    observe text;
BEGIN
    TRUNCATE dst;
    PERFORM etl.create_pipeline('check', steps => jsonb_build_array('{"id": "src", "operator": "table", "params": {"table": "steps_check.src"}}'::jsonb,
        jsonb_build_object('id', 'good', 'operator', 'check', 'depends_on', 'src', 'params', jsonb_build_object('rules', rules, 'severity', 'quarantine')),
        '{"id": "save", "operator": "table", "depends_on": "good", "params": {"target": "steps_check.dst"}}'::jsonb));
    COMMIT;
    outcome := t.differences('SELECT r.id FROM etl.preview(''check'', 10000) p, jsonb_populate_record(NULL::dst, p) r', 'SELECT id FROM src WHERE (' || bad || ') IS NOT TRUE');
    outcome := outcome || ', ' || t.differences('SELECT (d.after ->> ''id'')::int FROM etl.dry_run(''check'', 1000) d WHERE d.action = ''insert''', 'SELECT id FROM src WHERE (' || bad || ') IS NOT TRUE');
    outcome := outcome || ', ' || t.differences('SELECT (d.payload::jsonb ->> ''id'')::int FROM etl.dry_run(''check'', 1000) d WHERE d.action = ''error'' AND d.error_code = ''23514'' GROUP BY 1', 'SELECT id FROM src WHERE ' || bad);
    FOREACH observe IN ARRAY ARRAY['run', 'steps'] LOOP
        TRUNCATE dst;
        PERFORM etl.dead_letter_discard(array_agg(id)) FROM etl.dead_letters WHERE pipeline = 'check' AND status = 'pending' HAVING count(*) > 0;
        PERFORM etl.alter_pipeline('check', jsonb_build_object('options', jsonb_build_object('observe', observe)));
        CALL t.run('check');
        outcome := outcome || '; ' || split_part(t.last_run('check'), ',', 1) || ', ' || t.differences('SELECT dst::text FROM dst', 'SELECT src::text FROM src WHERE (' || bad || ') IS NOT TRUE') || ', '
            || t.differences('SELECT (d.original_record ->> ''id'')::int FROM etl.dead_letters d WHERE d.pipeline = ''check'' AND d.status = ''pending'' GROUP BY 1', 'SELECT id FROM src WHERE ' || bad);
    END LOOP;
    outcome := outcome || ' differences; ' || (SELECT figures FROM etl.step_runs WHERE pipeline = 'check' AND step = 'good' ORDER BY run_id DESC LIMIT 1);
    PERFORM etl.drop_pipeline('check');
END $$;
CALL checked('[{"rule": "not_null", "column": "name"}]', 'name IS NULL');
CALL checked('[{"rule": "not_null", "columns": ["name", "age"]}]', 'name IS NULL OR age IS NULL');
CALL checked('[{"rule": "unique", "column": "name"}]', 'name IN (SELECT name FROM src GROUP BY name HAVING count(*) > 1)');
CALL checked('[{"rule": "unique", "columns": ["film", "part"]}, {"rule": "unique", "columns": ["name"], "name": "one name"}]',
    '(film, part) IN (SELECT film, part FROM src GROUP BY 1, 2 HAVING count(*) > 1) OR name IN (SELECT name FROM src GROUP BY name HAVING count(*) > 1)');
CALL checked('[{"rule": "range", "column": "age", "min": 10, "max": 90}]', 'age < 10 OR age > 90');
CALL checked('[{"rule": "range", "columns": ["pay"], "max": 1000}, {"rule": "range", "column": "day", "min": "2020-01-01"}, {"rule": "range", "column": "mood", "max": "fine", "name": "not too glad"}]', 'mood = ''glad''');
CALL checked('[{"rule": "range", "columns": ["pay", "age"], "max": 95.5, "name": "few"}]', 'pay > 95.5 OR age > 95.5');
CALL checked('[{"rule": "regex", "column": "name", "pattern": "^name [0-9]$"}, {"rule": "regex", "column": "age", "pattern": "1"}]', 'name !~ ''^name [0-9]$'' OR age::text !~ ''1''');
CALL checked('[{"rule": "in_set", "column": "mood", "values": ["sad", "glad"]}, {"rule": "in_set", "column": "part", "values": [0, 1, 2]}]', 'mood = ''fine'' OR part = 3');
CALL checked('[{"rule": "foreign_key", "column": "film", "table": "steps_check.films", "references": "film id"}]', 'film IS NOT NULL AND film NOT IN (SELECT "film id" FROM films)');
CALL checked('[{"rule": "foreign_key", "columns": ["film", "part"], "table": "films", "references": ["film id", "part"]}]', 'film IS NOT NULL AND (film, part) NOT IN (SELECT "film id", part FROM films)');
CALL checked('[{"rule": "foreign_key", "column": "code", "table": "steps_check . \"Odd \"\"table\" -- of codes"}]', 'code NOT IN (SELECT code FROM "Odd ""table")');
CALL checked('[{"rule": "expression", "expression": "age > 10 OR src.name LIKE ''%5'' -- or so"}]', 'NOT (age > 10 OR name LIKE ''%5'')');
CALL checked('[{"rule": "row_count", "min": 100, "max": 100}, {"rule": "freshness", "column": "at", "max_age": "2 hours"}, {"rule": "freshness", "column": "day", "max_age": "3 days"}, {"rule": "not_null", "column": "id"}]', 'false');
-- warn and fail say of the same rules what quarantine does, and of each how many rows break it.
CREATE FUNCTION every(severity text) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_array('{"id": "src", "operator": "table", "params": {"table": "steps_check.src"}}'::jsonb,
    jsonb_build_object('id', 'good', 'operator', 'check', 'depends_on', 'src', 'params', jsonb_build_object('severity', severity, 'rules', '[{"rule": "not_null", "column": "name"}, {"rule": "unique", "column": "name"},
        {"rule": "range", "column": "age", "min": 9.5, "max": 1e9}, {"rule": "regex", "column": "name", "pattern": "[0-8]$"}, {"rule": "in_set", "column": "part", "values": ["0", 1]},
        {"rule": "foreign_key", "column": "film", "table": "steps_check.films", "references": "film id"}, {"rule": "expression", "expression": "pay < 400", "name": "fair pay"}, {"rule": "row_count", "max": 99},
        {"rule": "freshness", "column": "day", "max_age": "10 hours"}]'::jsonb)),
    '{"id": "save", "operator": "table", "depends_on": "good", "params": {"target": "steps_check.dst"}}'::jsonb) $$;
TRUNCATE dst;
UPDATE src SET day = '2024-01-01', at = NULL;
SELECT etl.create_pipeline('every', options => '{"observe": "steps"}', steps => every('warn')) > 0;
CALL t.run('every');
SELECT t.last_run('every'), t.differences('TABLE dst', 'TABLE src');
SELECT rows_in, rows_out, jsonb_pretty(figures) FROM etl.step_runs WHERE pipeline = 'every' AND step = 'good';
SELECT count(*) FILTER (WHERE name IS NULL) AS not_null, (SELECT sum(n) FROM (SELECT count(*) AS n FROM src WHERE name IS NOT NULL GROUP BY name HAVING count(*) > 1) d) AS unique, count(*) FILTER (WHERE age < 9.5) AS range,
       count(*) FILTER (WHERE name ~ '9$') AS regex, count(*) FILTER (WHERE part > 1) AS in_set, count(*) FILTER (WHERE film NOT BETWEEN 1 AND 20) AS foreign_key, count(*) FILTER (WHERE pay >= 400) AS expression FROM src;
SELECT etl.alter_pipeline('every', jsonb_build_object('steps', every('fail'), 'options', '{"observe": "run"}'::jsonb)) > 0;
CALL t.run('every');
SELECT t.last_run('every');
SELECT t.last_error('every');
SELECT count(*) FROM etl.dead_letters WHERE pipeline = 'every';
SELECT etl.drop_pipeline('every');
-- Values of other types, and names that need quotes.
BEGIN;
DROP TABLE src, dst;
CREATE TABLE src (id int PRIMARY KEY, "Odd ""name" numeric, "two words" timestamptz, bytes bytea, "Tags" text[], doc jsonb, plain json, "ÄÖ" char(3), ratio double precision);
INSERT INTO src SELECT i, CASE WHEN i % 7 > 0 THEN i / 4.0 END, timestamptz '2024-01-01 00:00+00' + i * interval '1 hour', int4send(i % 20), CASE WHEN i % 5 > 0 THEN ARRAY['t' || i % 3, 'u,"'] END, jsonb_build_object('i', i % 30), '[1]',
    CASE WHEN i % 9 > 0 THEN chr(97 + i % 4) END, CASE i WHEN 1 THEN 'NaN'::float8 WHEN 2 THEN 'Infinity' WHEN 3 THEN '-Infinity' ELSE i END FROM generate_series(1, 40) i;
CREATE TABLE dst (LIKE src INCLUDING ALL);
CREATE TABLE known (b bytea, "A" text[]);
INSERT INTO known SELECT int4send(i), ARRAY['t' || i % 2, 'u,"'] FROM generate_series(0, 15) i;
COMMIT;
CALL checked('[{"rule": "range", "column": "Odd \"name", "min": 2.25, "max": "7.75"}, {"rule": "range", "column": "two words", "min": "2024-01-01 03:00+00"}]', '"Odd ""name" NOT BETWEEN 2.25 AND 7.75 OR "two words" < ''2024-01-01 03:00+00''');
CALL checked('[{"rule": "range", "column": "bytes", "max": "\\x00000010"}, {"rule": "range", "column": "ratio", "min": 0, "max": "Infinity"}, {"rule": "range", "column": "Tags", "min": "{t1}"}]',
    'bytes > ''\x00000010'' OR ratio < 0 OR ratio = ''NaN'' OR "Tags" < ''{t1}''');
CALL checked('[{"rule": "in_set", "column": "Tags", "values": ["{t0,\"u,\\\"\"}", "{t2}"]}, {"rule": "in_set", "column": "doc", "values": ["{\"i\": 3}", "{\"i\": 6}"], "name": "few"}, {"rule": "in_set", "column": "ÄÖ", "values": ["a  ", "d"]}]',
    '"Tags" <> ARRAY[''t0'', ''u,"''] OR doc ->> ''i'' NOT IN (''3'', ''6'') OR "ÄÖ" NOT IN (''a'', ''d'')');
CALL checked('[{"rule": "unique", "columns": ["Tags", "ÄÖ"]}]', '("Tags", "ÄÖ") IN (SELECT "Tags", "ÄÖ" FROM src GROUP BY 1, 2 HAVING count(*) > 1)');
CALL checked('[{"rule": "unique", "column": "doc"}, {"rule": "unique", "column": "bytes", "name": "it''s \"one\""}]', 'true');
CALL checked('[{"rule": "regex", "column": "bytes", "pattern": "0[^0]$"}, {"rule": "regex", "column": "Tags", "pattern": "\\\\"}, {"rule": "regex", "column": "plain", "pattern": "^\\["}, {"rule": "regex", "column": "ÄÖ", "pattern": "^.$"}]', 'bytes::text !~ ''0[^0]$''');
CALL checked('[{"rule": "foreign_key", "columns": ["bytes", "Tags"], "table": "known", "references": ["b", "A"]}]', '"Tags" IS NOT NULL AND NOT EXISTS (SELECT FROM known WHERE b = bytes AND "A" = "Tags")');
CALL checked('[{"rule": "foreign_key", "column": "bytes", "table": "known", "references": "b"}, {"rule": "not_null", "columns": ["Odd \"name", "plain"]}]', 'bytes NOT IN (SELECT b FROM known) OR "Odd ""name" IS NULL');
CALL checked('[{"rule": "expression", "expression": "\"Odd \"\"name\" > 5 AND doc @> ''{}''"}]', '"Odd ""name" <= 5');
-- Nothing to look at breaks no rule about rows.
TRUNCATE src;
CALL checked('[{"rule": "not_null", "column": "id"}, {"rule": "unique", "column": "doc"}, {"rule": "expression", "expression": "false"}, {"rule": "row_count", "max": 0}, {"rule": "freshness", "column": "two words", "max_age": "1 s"}]', 'true');
-- Each rule that a row breaks makes a dead letter of it; its record is the row.
CREATE TABLE one (id int PRIMARY KEY, name text, age int);
INSERT INTO one VALUES (1, NULL, -5), (2, 'ok', 20), (3, 'ok', NULL);
CREATE TABLE two (LIKE one INCLUDING ALL);
CREATE FUNCTION steps(severity text, rules text DEFAULT '[{"rule": "not_null", "column": "name"}, {"rule": "unique", "column": "name"}, {"rule": "range", "column": "age", "min": 0}, {"rule": "expression", "expression": "age < 99"}]')
RETURNS jsonb LANGUAGE sql AS $$ SELECT format('[
  {"id": "src", "operator": "table", "params": {"table": "steps_check.one"}},
  {"id": "good", "operator": "check", "params": {"rules": %s, "severity": "%s"}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_check.two"}, "depends_on": "good"}]', rules, severity)::jsonb $$;
SELECT etl.create_pipeline('severe', steps => steps('quarantine')) > 0;
SELECT line FROM etl.explain('severe') AS line WHERE line ~ '^(Layers|-> source)';
CALL t.run('severe');
SELECT t.last_run('severe');
SELECT step, original_record, error_code, error_message, context - 'correlation_id' FROM etl.dead_letters WHERE pipeline = 'severe' ORDER BY original_record ->> 'id', error_message;
TABLE two;
-- warn counts and lets all pass; fail ends the run.
SELECT etl.alter_pipeline('severe', jsonb_build_object('steps', steps('warn'), 'options', '{"observe": "steps"}'::jsonb)) > 0;
CALL t.run('severe');
SELECT t.last_run('severe');
SELECT figures FROM etl.step_runs WHERE pipeline = 'severe' AND step = 'good' ORDER BY run_id DESC LIMIT 1;
TABLE two ORDER BY id;
SELECT etl.alter_pipeline('severe', jsonb_build_object('steps', steps('fail'))) > 0;
CALL t.run('severe');
SELECT t.last_error('severe');
-- Of a long row whole characters are shown: the 500th byte is the first of two.
UPDATE one SET name = 'a' || repeat('é', 300) WHERE id = 3;
SELECT etl.alter_pipeline('severe', jsonb_build_object('steps', steps('fail', '[{"rule": "regex", "column": "name", "pattern": "^..?$"}]'))) > 0;
CALL t.run('severe');
SELECT length(e), octet_length(convert_to(e, 'UTF8')), right(e, 3) FROM split_part(t.last_error('severe'), E'\n', 2) e;
UPDATE one SET name = 'ok' WHERE id = 3;
-- Rules about all rows.
SELECT etl.alter_pipeline('severe', jsonb_build_object('steps', steps('fail', '[{"rule": "row_count", "min": 4}, {"rule": "row_count", "max": 2, "name": "few"}]'))) > 0;
CALL t.run('severe');
SELECT t.last_error('severe');
SELECT etl.alter_pipeline('severe', jsonb_build_object('steps', steps('quarantine', '[{"rule": "row_count", "min": 4, "max": 5}]'))) > 0;
CALL t.run('severe');
SELECT t.last_error('severe');
CREATE VIEW old AS SELECT id, timestamp '2020-01-01 10:00' + id * interval '1 day' AS at FROM one;
CREATE TABLE three (id int PRIMARY KEY, at timestamp);
SELECT etl.alter_pipeline('severe', jsonb_build_object('steps', replace(replace(steps('fail', '[{"rule": "freshness", "column": "at", "max_age": "1 day 2 hours"}]')::text, 'steps_check.one', 'steps_check.old'), 'steps_check.two', 'steps_check.three')::jsonb)) > 0;
CALL t.run('severe');
SELECT t.last_error('severe');
-- Only PostgreSQL knows what is wrong with a pattern, and says it when the first row meets it.
SELECT etl.alter_pipeline('severe', jsonb_build_object('steps', steps('warn', '[{"rule": "regex", "column": "name", "pattern": "("}]'))) > 0;
CALL t.run('severe');
SELECT t.last_error('severe');
-- Nothing is no old value; it is no row either.
SELECT etl.alter_pipeline('severe', jsonb_build_object('steps', replace(steps('fail', '[{"rule": "row_count", "min": 1}, {"rule": "not_null", "column": "id"}]')::text, '"table": "steps_check.one"', '"table": "steps_check.one", "where": "false"')::jsonb)) > 0;
CALL t.run('severe');
SELECT t.last_error('severe');
SELECT name, of_batch, of_set FROM etl.operators WHERE name = 'check';
-- Refused.
CREATE FUNCTION refused(rules text, severity text DEFAULT 'warn', query text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)',
    CASE WHEN query IS NULL THEN steps(severity, rules) ELSE jsonb_set(steps(severity, rules), '{0}', jsonb_build_object('id', 'src', 'operator', 'sql', 'params', jsonb_build_object('query', query))) END)) $$;
SELECT refused('[]');
SELECT refused('[{"rule": "not_null", "column": "name"}]', 'panic');
SELECT refused('[{"rule": "nonnull", "column": "name"}]');
SELECT refused('[{"rule": "not_null"}]');
SELECT refused('[{"rule": "not_null", "column": "nmae"}]');
SELECT refused('[{"rule": "not_null", "column": "name", "min": 3}]');
SELECT refused('[{"rule": "not_null", "column": "name", "columns": ["age"]}]');
SELECT refused('[{"rule": "not_null", "column": "name"}, {"rule": "not_null", "columns": ["age", "name"]}]');
SELECT refused('[{"rule": "unique", "columns": ["name", "name"]}]');
SELECT refused('[{"rule": "range", "column": "age"}]');
SELECT refused('[{"rule": "range", "column": "age", "min": "ten"}]');
SELECT refused('[{"rule": "in_set", "column": "age", "values": [1, null]}]');
SELECT refused('[{"rule": "expression", "expression": "age > 1) OR (true"}]');
SELECT refused('[{"rule": "expression", "expression": "age"}]');
SELECT refused('[{"rule": "row_count", "min": "10"}]');
SELECT refused('[{"rule": "row_count", "max": -1}]');
SELECT refused('[{"rule": "freshness", "column": "age", "max_age": "1 day"}]');
SELECT refused('[{"rule": "foreign_key", "column": "age", "table": "steps_check.nothing"}]');
SELECT refused('[{"rule": "foreign_key", "column": "age", "table": "steps_check.films, steps_check.one"}]');
SELECT refused('[{"rule": "foreign_key", "column": "age", "table": "generate_series(1, 5)"}]');
SELECT refused('[{"rule": "foreign_key", "column": "age", "table": "films WHERE true) OR (SELECT true"}]');
SELECT refused('[{"rule": "foreign_key", "column": "age", "table": "films", "references": ["film id", "part"]}]');
SELECT refused('[{"rule": "foreign_key", "column": "age", "table": "films"}]');
SELECT refused('[{"rule": "freshness", "column": "at", "max_age": "soon"}]', query => 'SELECT 1 AS id, now() AS at');
SELECT refused('[{"rule": "unique", "column": "doc"}]', query => 'SELECT 1 AS id, json ''{}'' AS doc');
SELECT refused('[{"rule": "range", "column": "doc", "min": 1}]', query => 'SELECT 1 AS id, json ''{}'' AS doc');
-- In each severity; all findings at once.
SELECT severity, refused('[{"rule": "expression", "expression": "age"}]', severity) FROM unnest(ARRAY['warn', 'quarantine', 'fail']) severity;
SELECT v.* FROM etl.validate_pipeline(jsonb_build_object('name', 'bad', 'steps', '[
  {"id": "src", "operator": "table", "params": {"table": "steps_check.one"}},
  {"id": "a", "operator": "check", "params": {"rules": [{"rule": "not_null", "column": "nmae"}]}, "depends_on": "src"},
  {"id": "b", "operator": "check", "params": {"rule": "not_null", "severity": "loud"}, "depends_on": "src"},
  {"id": "c", "operator": "check", "params": {"rules": [{"rule": "range", "column": "age", "max": "old"}], "severity": "warn"}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_check.two"}, "depends_on": ["src", "a", "b", "c"]}]'::jsonb)) v;
-- The rules of a superuser's pipeline neither call nor read what is another's, whatever the severity.
GRANT ALL ON SCHEMA steps_check TO etl_alice;
SET SESSION AUTHORIZATION etl_alice;
CREATE FUNCTION is_fine(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
CREATE TABLE hers (age int);
RESET SESSION AUTHORIZATION;
SELECT severity, refused('[{"rule": "expression", "expression": "steps_check.is_fine(age)"}]', severity), refused('[{"rule": "foreign_key", "column": "age", "table": "steps_check.hers"}]', severity) FROM unnest(ARRAY['warn', 'quarantine', 'fail']) severity;
SELECT etl.drop_pipeline('severe');
-- A name in an expression means the same for what is found and for what is kept: the table, not the step.
CREATE TABLE orders (id int PRIMARY KEY, qty int);
INSERT INTO orders VALUES (1, 10), (2, 20), (3, 3000), (4, 30);
CREATE TABLE fine_orders (id int PRIMARY KEY, qty int);
SELECT etl.create_pipeline('named', options => '{"on_error": "quarantine"}', steps => '[
  {"id": "orders", "operator": "sql", "params": {"query": "SELECT * FROM steps_check.orders WHERE id < 4"}},
  {"id": "look", "operator": "check", "params": {"severity": "quarantine", "rules": [{"rule": "expression", "expression": "(SELECT count(*) FROM orders) = 4 AND qty < 100"}]}, "depends_on": ["orders"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_check.fine_orders"}, "depends_on": ["look"]}]') > 0;
CALL t.run('named');
SELECT t.last_run('named');
TABLE fine_orders;
SELECT original_record FROM etl.dead_letters WHERE pipeline = 'named';
SELECT etl.drop_pipeline('named');
-- What is told of a check that fails is all of it, however many rows break a rule.
CREATE TABLE many (id int PRIMARY KEY, name text, age int);
INSERT INTO many SELECT i, NULL, -1 FROM generate_series(1, 5000) i;
SELECT etl.create_pipeline('exact', steps => '[
  {"id": "read", "operator": "table", "params": {"table": "steps_check.many"}},
  {"id": "good", "operator": "check", "params": {"severity": "fail", "rules": [{"rule": "not_null", "column": "name"}, {"rule": "range", "column": "age", "min": 0},
     {"rule": "row_count", "max": 10}]}, "depends_on": ["read"]},
  {"id": "save", "operator": "table", "params": {"target": "steps_check.fine_orders", "write_mode": "append"}, "depends_on": ["picked"]},
  {"id": "picked", "operator": "sql", "params": {"query": "SELECT id, age AS qty FROM good"}, "depends_on": ["good"]}]') > 0;
CALL t.run('exact');
SELECT t.last_error('exact');
SELECT etl.drop_pipeline('exact');
