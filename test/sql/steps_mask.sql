-- Steps: mask, against the same by hand.
\a \t
CREATE SCHEMA steps_mask;
SET search_path = steps_mask, public;
SET datestyle = 'ISO';  -- of what is written by hand
DO $$ BEGIN PERFORM etl.allow_target('steps_mask.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, name text, mail varchar(40), code char(5), born date, pay numeric(10,2), "a ""b" varchar(2));
INSERT INTO src VALUES (1, 'Angela', 'angela@example.com', 'abc', '1980-02-03', 1000.5, 'xy'), (2, NULL, NULL, NULL, NULL, NULL, NULL), (3, '', 'not an e-mail', 'ä', '2000-01-01', 0, 'z'),
    (4, 'Bo', 'a@b', 'abcde', '1999-12-31', -1, ''), (5, 'Ünä', 'two@at@signs', '', 'infinity', 7, 'ab'), (6, 'Max Mustermann', 'x y@z', 'c', '0044-03-15 BC', 8, 'q');
-- hash is of the text, as anybody can compute it.
CREATE VIEW plain AS SELECT * FROM src WHERE id IN (1, 2, 4);
CALL t.step('mask', '{"columns": {"name": "hash", "born": "hash", "pay": "hash"}}',
    'SELECT id, encode(sha256(name::bytea), ''hex''), mail, code, encode(sha256(to_char(born, ''YYYY-MM-DD'')::bytea), ''hex''), encode(sha256(pay::text::bytea), ''hex''), "a ""b" FROM plain', inputs => '["plain"]');
SELECT encode(sha256('Angela'), 'hex');
-- redact: the type stays.
CALL t.step('mask', '{"columns": {"name": "redact", "mail": "redact", "code": "redact", "born": "redact", "a \"b": "redact"}}',
    'SELECT id, CASE WHEN name IS NOT NULL THEN ''***'' END, CASE WHEN mail IS NOT NULL THEN ''***'' END, CASE WHEN code IS NOT NULL THEN ''***''::char(5) END, NULL::date, pay, CASE WHEN "a ""b" IS NOT NULL THEN ''**'' END FROM src');
-- partial: first and last character, or the domain.
CALL t.step('mask', '{"columns": {"name": "partial", "mail": "partial", "code": "partial", "pay": "partial"}}',
    'SELECT id, (ARRAY[''A***a'', NULL, ''***'', ''***'', ''Ü***ä'', ''M***n''])[id], (ARRAY[''***@example.com'', NULL, ''n***l'', ''***@b'', ''t***s'', ''x***z''])[id], (ARRAY[''a***c'', NULL, ''***'', ''a***e'', ''***'', ''***''])[id], born,
            (ARRAY[''1***0'', NULL, ''0***0'', ''-***0'', ''7***0'', ''8***0''])[id], "a ""b" FROM src');
-- Other types, by their texts; names that need quotes.
CREATE DOMAIN secret AS text;
CREATE TABLE other (id int PRIMARY KEY, at timestamptz, bytes bytea, "Tags" text[], doc jsonb, "two words" numeric, ok bool, own secret, "name" "char");
INSERT INTO other SELECT i, CASE WHEN i > 1 THEN timestamptz '2024-01-01 12:00+00' + i * interval '1.5 s' END, CASE WHEN i > 2 THEN int4send(i) END, CASE WHEN i > 3 THEN ARRAY['x' || i, NULL, 'y"'] END, CASE WHEN i > 4 THEN jsonb_build_object('mail', i) END,
    CASE WHEN i > 5 THEN i / 8.0 END, CASE WHEN i > 6 THEN i % 2 = 0 END, CASE WHEN i > 7 THEN 'own' || i END, 'z' FROM generate_series(1, 120) i;
CALL t.step('mask', '{"columns": {"at": "hash", "bytes": "hash", "Tags": "hash", "doc": "hash", "two words": "hash", "ok": "hash", "own": "hash", "name": "hash"}}',
    'SELECT id, encode(sha256((at AT TIME ZONE ''UTC'')::text::bytea), ''hex''), encode(sha256(convert_to(bytes::text, ''UTF8'')), ''hex''), encode(sha256(convert_to("Tags"::text, ''UTF8'')), ''hex''), encode(sha256(convert_to(doc::text, ''UTF8'')), ''hex''),
            encode(sha256("two words"::text::bytea), ''hex''), encode(sha256(ok::text::bytea), ''hex''), encode(sha256(own::bytea), ''hex''), encode(sha256(''z''), ''hex'') FROM other', inputs => '["other"]');
CALL t.step('mask', '{"columns": {"at": "partial", "bytes": "partial", "Tags": "partial", "doc": "partial", "two words": "partial", "ok": "partial", "own": "partial", "name": "partial"}}',
    'SELECT id, ''2***'' || right((at AT TIME ZONE ''UTC'')::text, 1), ''\***'' || right(bytes::text, 1), CASE WHEN "Tags" IS NOT NULL THEN ''{***}'' END, CASE WHEN doc IS NOT NULL THEN ''{***}'' END,
            left("two words"::text, 1) || ''***'' || right("two words"::text, 1), left(ok::text, 1) || ''***e'', ''o***'' || right(own, 1), ''***'' FROM other', inputs => '["other"]');
CALL t.step('mask', '{"columns": {"at": "redact", "bytes": "redact", "Tags": "redact", "doc": "redact", "two words": "redact", "ok": "redact", "own": "redact", "name": "redact"}}',
    'SELECT id, NULL::timestamptz, NULL::bytea, NULL::text[], NULL::jsonb, NULL::numeric, NULL::bool, NULL::text, NULL::"char" FROM other', inputs => '["other"]');
-- Nothing stays nothing.
CREATE VIEW none AS SELECT * FROM src WHERE false;
CALL t.step('mask', '{"columns": {"name": "hash", "born": "partial", "pay": "redact"}}', 'SELECT id, name, mail, code, born::text, pay, "a ""b" FROM none', inputs => '["none"]');
-- A time in an array, a range or a domain is taken in UTC, too, whatever the session's time zone.
CREATE DOMAIN due AS timestamptz(0);
CREATE TABLE zoned (id int PRIMARY KEY, at timestamptz[], during tstzrange, spans tstzmultirange, many tstzrange[], own due, dues due[]);
INSERT INTO zoned VALUES (1, NULL, NULL, NULL, NULL, NULL, NULL), (2, '{}', 'empty', '{}', '{}', 'infinity', '{}'),
    (3, ARRAY[timestamptz '2024-01-01 12:00:00+00', NULL], tstzrange('2024-01-01 00:00+00', '2024-01-02 00:00+00'), tstzmultirange(tstzrange('2024-01-01 00:00+00', '2024-01-02 00:00+00'), tstzrange('2024-02-01 00:00+00', NULL)),
     ARRAY[tstzrange('2024-01-01 00:00+00', '2024-01-02 00:00+00', '[]'), NULL], '2024-01-01 12:00+00', ARRAY[timestamptz '2024-01-01 12:00:00+00']),
    (4, ARRAY[[timestamptz '2024-01-01 12:00:00+00']], tstzrange(NULL, '2024-01-02 00:00+00'), NULL, NULL, NULL, NULL),
    (5, '[0:0]={2024-01-01 12:00:00+00}', tstzrange(NULL, NULL), NULL, NULL, NULL, NULL);
CREATE FUNCTION hash(value text) RETURNS text LANGUAGE sql AS $$ SELECT encode(sha256(convert_to(value, 'UTF8')), 'hex') $$;
CREATE VIEW by_hand AS SELECT id, hash((ARRAY[NULL, '{}', '{"2024-01-01 12:00:00",NULL}', '[1:1][1:1]={"2024-01-01 12:00:00"}', '[0:0]={"2024-01-01 12:00:00"}'])[id]) AS at,
    hash((ARRAY[NULL, 'empty', '["2024-01-01 00:00:00","2024-01-02 00:00:00")', '(,"2024-01-02 00:00:00")', '(,)'])[id]) AS during,
    hash((ARRAY[NULL, '{}', '{["2024-01-01 00:00:00","2024-01-02 00:00:00"),["2024-02-01 00:00:00",)}'])[id]) AS spans,
    hash((ARRAY[NULL, '{}', '{"[\"2024-01-01 00:00:00\",\"2024-01-02 00:00:00\"]",NULL}'])[id]) AS many, hash((ARRAY[NULL, 'infinity', '2024-01-01 12:00:00'])[id]) AS own,
    hash((ARRAY[NULL, '{}', '{"2024-01-01 12:00:00"}'])[id]) AS dues FROM zoned;
SELECT '{"columns": {"at": "hash", "during": "hash", "spans": "hash", "many": "hash", "own": "hash", "dues": "hash"}}' AS hashed \gset
SET timezone = 'Asia/Tokyo';
CALL t.step('mask', :'hashed', 'SELECT * FROM by_hand', inputs => '["zoned"]');
SET timezone = 'America/New_York';
CALL t.step('mask', :'hashed', 'SELECT * FROM by_hand', inputs => '["zoned"]');
RESET timezone;
-- How it is run.
CREATE TABLE dst (LIKE src INCLUDING ALL);
SELECT etl.create_pipeline('mask', steps => '[
  {"id": "src", "operator": "table", "params": {"table": "steps_mask.src"}},
  {"id": "hidden", "operator": "mask", "params": {"columns": {"name": "redact"}}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_mask.dst"}, "depends_on": "hidden"}]') > 0;
SELECT line FROM etl.explain('mask') AS line WHERE line ~ '^(Layers|-> source)';
CALL t.run('mask');
SELECT t.last_run('mask');
SELECT etl.alter_pipeline('mask', '{"options": {"observe": "steps"}}') > 0;
CALL t.run('mask');
SELECT t.last_run('mask');
SELECT step, operator, status, rows_in, rows_out, figures FROM etl.step_runs WHERE pipeline = 'mask' ORDER BY run_id, step;
SELECT kind, of_batch, of_set FROM etl.operators WHERE name = 'mask';
-- Refused.
CREATE FUNCTION refused(params text) RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', format('[
  {"id": "src", "operator": "table", "params": {"table": "steps_mask.src"}},
  {"id": "step", "operator": "mask", "params": %s, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_mask.dst"}, "depends_on": "step"}]', params))) $$;
SELECT refused('{}');
SELECT refused('{"columns": {"name": "blur"}}');
SELECT refused('{"columns": {"nam": "hash"}}');
SELECT refused('{"columns": {"NAME": "hash"}}');
SELECT refused('{"columns": {}}');
SELECT refused('{"columns": ["name"]}');
SELECT refused('{"columns": {"name": "hash"}, "salt": "x"}');
SELECT refused('{"columns": {"born": "hash"}}');
SELECT v.* FROM etl.validate_pipeline(jsonb_build_object('name', 'bad', 'steps', '[
  {"id": "src", "operator": "table", "params": {"table": "steps_mask.src"}},
  {"id": "a", "operator": "mask", "params": {"columns": {"name": 1}, "way": "hash"}, "depends_on": "src"},
  {"id": "b", "operator": "mask", "params": {"columns": {"maul": "hash"}}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_mask.dst"}, "depends_on": ["src", "a", "b"]}]'::jsonb)) v;
SELECT etl.drop_pipeline('mask');
