-- Steps: cast, derive, filter, rename_columns, drop_columns and sql, against the same by hand.
\a \t
CREATE SCHEMA steps_columns;
SET search_path = steps_columns, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_columns.*'); END $$;
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE DOMAIN percent AS numeric(4,1) CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN short AS varchar(4) NOT NULL;
CREATE TABLE src (id int PRIMARY KEY, name text, "Odd ""name" int, n double precision, hex text, at text, list text, mood text, part text, doc text);
INSERT INTO src SELECT i, CASE WHEN i % 5 > 0 THEN 'n' || i END, CASE WHEN i % 3 > 0 THEN i END, CASE WHEN i % 7 > 0 THEN i / 7.0 END, '\x' || encode(int4send(i), 'hex'), '2024-01-' || lpad((i % 28 + 1)::text, 2, '0') || ' 12:00:00.' || i || CASE WHEN i % 2 = 0 THEN '+02' ELSE ' Europe/Berlin' END,
    CASE WHEN i % 11 > 0 THEN '{' || i || ',NULL,' || i * 2 || '}' END, CASE i % 3 WHEN 0 THEN 'sad' WHEN 1 THEN 'fine' END, (i % 100)::text, '{"b": ' || i || ', "a":  [' || i || ', null]}'
FROM generate_series(1, 250) i;
-- cast: to types with a modifier, arrays, an enum, domains; places stay. What a modifier rounds or cuts is rounded and cut, as CAST does.
CALL t.step('cast', '{"columns": {"n": "numeric(5,2)", "hex": "bytea", "at": "timestamptz"}}', 'SELECT id, name, "Odd ""name", n::numeric(5,2), hex::bytea, at::timestamptz, list, mood, part, doc FROM src');
CALL t.step('cast', '{"columns": {"list": "int[]", "mood": "mood", "part": "percent", "name": "varchar(3)", "doc": "jsonb"}}',
    'SELECT id, name::varchar(3), "Odd ""name", n, hex, at, list::int[], mood::mood, part::percent, doc::jsonb FROM src');
CALL t.step('cast', '{"columns": {"list": "numeric(6,1) []", "at": "timestamp(0) with time zone", "Odd \"name": "bigint", "id": "text", "n": "real"}}',
    'SELECT id::text, name, "Odd ""name"::bigint, n::real, hex, at::timestamptz(0), list::numeric(6,1)[], mood, part, doc FROM src');
CREATE VIEW odd AS SELECT id, name, "Odd ""name", n, hex, at, list, '{sad,fine}'::text AS mood, '1:10:59'::text AS part, doc FROM src;
CALL t.step('cast', '{"columns": {"mood": "steps_columns.mood[]", "part": "interval hour to minute", "hex": "bytea"}}', 'SELECT id, name, "Odd ""name", n, hex::bytea, at, list, ''{sad,fine}''::mood[], ''01:10''::interval, doc FROM odd', inputs => '["odd"]');
-- To the type that it has; from numbers with a fraction to those without.
CALL t.step('cast', '{"columns": {"id": "integer", "name": "text"}}', 'SELECT * FROM src');
CALL t.step('cast', '{"columns": {"n": "int", "part": "short"}}', 'SELECT id, name, "Odd ""name", n::int, hex, at, list, mood, part::short, doc FROM src');
-- derive: a new column, one that is replaced in its place and may change its type; all see the input.
CALL t.step('derive', '{"columns": {"name": "length(name)", "both": "coalesce(name, ''-'') || n::int", "Odd \"name": "id::numeric / 4 -- a fourth", "Über all": "ARRAY[id, \"Odd \"\"name\"]"}}',
    'SELECT id, length(name), id::numeric / 4, n, hex, at, list, mood, part, doc, coalesce(name, ''-'') || n::int, ARRAY[id, "Odd ""name"] FROM src');
CALL t.step('derive', '{"columns": {"a": "(SELECT max(s.id) FROM steps_columns.src s WHERE s.id < src.id)", "id": "-id"}}', 'SELECT -id, name, "Odd ""name", n, hex, at, list, mood, part, doc, NULLIF(id - 1, 0) FROM src');
CALL t.step('derive', '{"columns": {"id": "id + 1", "n": "id"}}', 'SELECT id + 1, name, "Odd ""name", id, hex, at, list, mood, part, doc FROM src');
-- filter: NULL is not true.
CALL t.step('filter', '{"where": "\"Odd \"\"name\" > 20 OR src.name = ''n3'' -- some"}', 'SELECT * FROM src WHERE "Odd ""name" > 20 OR name = ''n3''');
CALL t.step('filter', '{"where": "NOT (\"Odd \"\"name\" > 20)"}', 'SELECT * FROM src WHERE "Odd ""name" <= 20');
CALL t.step('filter', '{"where": "id IN (SELECT max(id) FROM steps_columns.src GROUP BY mood)"}', 'SELECT * FROM src WHERE id IN (248, 249, 250)');
CALL t.step('filter', '{"where": "NULL"}', 'SELECT * FROM src WHERE false');
-- rename_columns: two that change places, three in a circle, a name that needs quotes.
CALL t.step('rename_columns', '{"columns": {"name": "hex", "hex": "name"}}', 'SELECT * FROM src');
CALL t.step('rename_columns', '{"columns": {"n": "list", "list": "mood", "mood": "n", "Odd \"name": "select", "doc": "DOC"}}', 'SELECT * FROM src');
CALL t.step('rename_columns', '{"columns": {"name": "name"}}', 'SELECT * FROM src');
-- drop_columns.
CALL t.step('drop_columns', '{"columns": ["Odd \"name", "at", "doc"]}', 'SELECT id, name, n, hex, list, mood, part FROM src');
CALL t.step('drop_columns', '{"columns": ["id", "name", "Odd \"name", "n", "at", "list", "mood", "part", "doc"]}', 'SELECT hex FROM src', '["hex"]');
-- sql: anything that is a SELECT.
CALL t.step('sql', '{"query": "WITH w AS (SELECT id, row_number() OVER (PARTITION BY mood ORDER BY id DESC) AS r FROM input) SELECT id, r FROM w WHERE r <= 3 UNION ALL SELECT -1, 0 ORDER BY 1 -- the last"}',
    'SELECT id, row_number() OVER (PARTITION BY id % 3 ORDER BY id DESC) FROM src WHERE id > 241 UNION ALL SELECT -1, 0');
CALL t.step('sql', '{"query": "SELECT s.*, o.mood AS moods FROM src s LEFT JOIN odd AS o USING (id)"}', 'SELECT *, ''{sad,fine}''::text FROM src', inputs => '["src", "odd"]');
CALL t.step('sql', '{"query": "SELECT i.id, e FROM input i, jsonb_array_elements(i.doc::jsonb -> ''a'') WITH ORDINALITY AS a (v, e) FOR READ ONLY"}', 'SELECT id, e::bigint FROM src, generate_series(1, 2) e', '["id", "e"]');
CALL t.step('sql', '{"query": "VALUES (1, ''a''), (2, ''b'')"}', 'VALUES (1, ''a''), (2, ''b'')', '["column1"]');
-- A value that does not fit ends the run, and is what preview and a dry run say.
CREATE TABLE dst (id int PRIMARY KEY, v text);
CREATE PROCEDURE unfit(source text, type text, INOUT outcome text DEFAULT NULL) LANGUAGE plpgsql AS $$ BEGIN
    PERFORM etl.create_pipeline('unfit', steps => jsonb_build_array(jsonb_build_object('id', 'read', 'operator', 'sql', 'params', jsonb_build_object('query', 'SELECT 1 AS id, ' || source || ' AS v')),
        jsonb_build_object('id', 'typed', 'operator', 'cast', 'params', jsonb_build_object('columns', jsonb_build_object('v', type)), 'depends_on', 'read'), '{"id": "save", "operator": "table", "params": {"target": "steps_columns.dst"}, "depends_on": "typed"}'::jsonb));
    COMMIT;
    CALL t.run('unfit');
    outcome := t.last_error('unfit') || E'\n' || t.refused('SELECT etl.preview(''unfit'')') || E'\n' || t.refused('SELECT etl.dry_run(''unfit'')');
    PERFORM etl.drop_pipeline('unfit');
END $$;
CALL unfit('1000', 'numeric(5,2)');
CALL unfit('''glad''', 'mood');
CALL unfit('101', 'percent');
CALL unfit('NULL::text', 'short');
CALL unfit('''soon''', 'timestamptz');
CALL unfit('''{1,x}''', 'int[]');
