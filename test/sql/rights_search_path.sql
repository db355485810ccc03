-- Threat A11: SQL that pg_etl makes does not find what others have put before pg_catalog in the owner's search_path.
\a \t
SET client_min_messages = warning;
CREATE SCHEMA rights_search_path;
CREATE SCHEMA rights_app;  -- where Bob may create
GRANT USAGE ON SCHEMA rights_search_path TO etl_alice, etl_bob;
GRANT USAGE ON SCHEMA rights_app TO etl_alice;
GRANT USAGE, CREATE ON SCHEMA rights_app TO etl_bob;
SET search_path = rights_search_path, public;
DO $$ BEGIN PERFORM etl.allow_target('rights_search_path.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, name varchar NOT NULL, at timestamptz NOT NULL, pad char(9), doc bytea);
CREATE INDEX ON src (at, id);
CREATE UNIQUE INDEX ON src (name);
INSERT INTO src SELECT i, 'n' || i, timestamptz '2024-01-01' + i * interval '1 s', 'x', '\x01' FROM generate_series(1, 300) i;
ANALYZE src;
CREATE TABLE dst (LIKE src INCLUDING ALL, CHECK (id <> 7));
CREATE TABLE never_analyzed AS TABLE src;
ALTER TABLE never_analyzed ADD PRIMARY KEY (id), SET (autovacuum_enabled = off);
GRANT ALL ON src, dst, never_analyzed TO etl_alice;
CREATE SEQUENCE hijacked;
GRANT ALL ON hijacked TO PUBLIC;

-- Bob: functions and operators that fit better than PostgreSQL's own, and types of the same names. Each of them tells.
SET SESSION AUTHORIZATION etl_bob;
CREATE FUNCTION rights_app.tell() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_catalog.nextval('rights_search_path.hijacked'); RETURN true; END $$;
DO $$
DECLARE
    t text;
    o text;
    n int := 0;
BEGIN
    FOREACH t IN ARRAY '{int,bigint,varchar,text,name,oid,timestamptz,char}'::text[] LOOP
        FOREACH o IN ARRAY '{=,<,<=,>,>=}'::text[] LOOP
            n := n + 1;
            EXECUTE format('CREATE FUNCTION rights_app.compare_%1$s(a %2$s, b %2$s) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS'
                ' ''BEGIN RETURN rights_app.tell() AND a OPERATOR(pg_catalog.%3$s) b; END'';'
                'CREATE OPERATOR rights_app.%3$s (FUNCTION = rights_app.compare_%1$s, LEFTARG = %2$s, RIGHTARG = %2$s)', n, t, o);
        END LOOP;
    END LOOP;
END $$;
CREATE FUNCTION rights_app.less(a timestamptz, b interval) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN a OPERATOR(pg_catalog.-) b; END $$;
CREATE OPERATOR rights_app.- (FUNCTION = rights_app.less, LEFTARG = timestamptz, RIGHTARG = interval);
CREATE FUNCTION rights_app.times(a float8, b interval) RETURNS interval LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN a OPERATOR(pg_catalog.*) b; END $$;
CREATE OPERATOR rights_app.* (FUNCTION = rights_app.times, LEFTARG = float8, RIGHTARG = interval);
CREATE FUNCTION rights_app.joined(a jsonb, b jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN a OPERATOR(pg_catalog.||) b; END $$;
CREATE OPERATOR rights_app.|| (FUNCTION = rights_app.joined, LEFTARG = jsonb, RIGHTARG = jsonb);
CREATE FUNCTION rights_app.quote_ident(x name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN pg_catalog.quote_ident(x); END $$;
CREATE FUNCTION rights_app.unnest(x text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN QUERY SELECT pg_catalog.unnest(x); END $$;
CREATE FUNCTION rights_app.unnest(x int[]) RETURNS SETOF int LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN QUERY SELECT pg_catalog.unnest(x); END $$;
CREATE FUNCTION rights_app.jsonb_build_object(k text, v int) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN pg_catalog.jsonb_build_object(k, v); END $$;
CREATE FUNCTION rights_app.to_jsonb(x rights_search_path.dst) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN pg_catalog.to_jsonb(x); END $$;
CREATE FUNCTION rights_app.decode(x text, form text) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_app.tell(); RETURN pg_catalog.decode(x, form); END $$;
CREATE DOMAIN rights_app.text AS pg_catalog.text CHECK (rights_app.tell());
CREATE DOMAIN rights_app.float8 AS pg_catalog.float8 CHECK (rights_app.tell());
RESET SESSION AUTHORIZATION;

-- A pipeline of `owner`, made under a path in which Bob's schema comes first.
CREATE PROCEDURE make(owner name, source text, rest text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET SESSION AUTHORIZATION %I', owner);
    SET search_path = rights_app, pg_catalog, rights_search_path, public;
    EXECUTE pg_catalog.format('SELECT etl.create_pipeline(''path'', source => %L, target => ''rights_search_path.dst'', batch_size => 40%s)', source, rest);
    SET search_path = rights_search_path, public;
    RESET SESSION AUTHORIZATION;
END $$;
CREATE PROCEDURE try(owner name, what text, source text, rest text) LANGUAGE plpgsql AS $$
DECLARE
    looked int;
BEGIN
    TRUNCATE dst;
    CALL make(owner, source, rest);
    COMMIT;
    looked := count(*) FROM etl.dry_run('path', batches => 2);
    CALL t.run('path');
    UPDATE src SET pad = 'y' WHERE id % 10 = 0;
    COMMIT;
    CALL t.run('path');
    RAISE INFO '%, %, dry_run % rows: %', owner, what, looked, t.last_run('path');
    PERFORM etl.dead_letter_replay('path', patch => '{"id": 1007}');
    PERFORM etl.drop_pipeline('path');
    UPDATE src SET pad = 'x';
    COMMIT;
END $$;
CREATE PROCEDURE try_all(owner name) LANGUAGE plpgsql AS $$
BEGIN
    CALL try(owner, 'slices by statistics', 'SELECT * FROM src', $x$, options => '{"slices": 2, "on_error": "quarantine"}'$x$);
    CALL try(owner, 'slices by reading', 'SELECT * FROM never_analyzed', $x$, options => '{"slices": 2, "on_error": "quarantine"}'$x$);
    CALL try(owner, 'spilled', 'SELECT id, name, max(at) AS at, pad FROM src GROUP BY id', $x$, options => '{"on_error": "quarantine"}'$x$);
    CALL try(owner, 'varchar key', 'SELECT * FROM src', $x$, key_columns => '{name}', options => '{"on_error": "quarantine"}'$x$);
    CALL try(owner, 'overlap', 'SELECT * FROM src', $x$, mode => 'incremental', incremental_key => 'at', incremental_id_key => 'id', options => '{"overlap": "1h", "on_error": "quarantine"}'$x$);
    CALL try(owner, 'xact', 'SELECT * FROM src', $x$, mode => 'incremental', incremental_key => 'at', incremental_id_key => 'id', options => '{"safety": "xact", "on_error": "quarantine"}'$x$);
    CALL try(owner, 'lock', 'SELECT * FROM src', $x$, mode => 'incremental', incremental_key => 'name', incremental_id_key => 'id', options => '{"safety": "lock", "on_error": "quarantine"}'$x$);
END $$;
CALL try_all('etl_alice');
SELECT is_called AS hijacked FROM hijacked;
CALL try_all(current_user);
SELECT is_called AS hijacked FROM hijacked;

-- What a superuser's own text means can change while the run goes on: it is looked at again before it is planned again.
DROP OPERATOR rights_app.= (varchar, varchar);
DROP OPERATOR rights_app.= (text, text);
CREATE FUNCTION until_bob_was_here(id int) RETURNS bool LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    WHILE id = 50 AND NOT EXISTS (SELECT FROM pg_operator WHERE oprcode = 'rights_app.compare_11'::regproc) LOOP PERFORM pg_sleep(0.01); END LOOP;
    RETURN true;
END $$;
TRUNCATE dst;
ALTER TABLE dst DROP CONSTRAINT dst_id_check;
CALL make(current_user, 'SELECT id, name, at FROM src WHERE name = name AND rights_search_path.until_bob_was_here(id)', '');
SELECT count(etl.run('path'));
CALL t.until('SELECT count(*) = 40 FROM dst');
SET SESSION AUTHORIZATION etl_bob;
CREATE OPERATOR rights_app.= (FUNCTION = rights_app.compare_11, LEFTARG = varchar, RIGHTARG = varchar);
RESET SESSION AUTHORIZATION;
CALL t.until($$SELECT state = 'FAILED' FROM etl.pipelines WHERE name = 'path'$$);
SELECT t.last_error('path');
SELECT is_called AS hijacked FROM hijacked;
SELECT etl.drop_pipeline('path');

-- The operators of a key are those of its type's operator class, whatever the path. This one sorts downwards.
CREATE TYPE rank AS (v int);
DO $$
DECLARE
    o text;
BEGIN
    FOREACH o IN ARRAY '{=,<,<=,>,>=}'::text[] LOOP
        EXECUTE format('CREATE FUNCTION %I(a rank, b rank) RETURNS bool LANGUAGE sql IMMUTABLE AS ''SELECT b.v %s a.v'';'
            'CREATE OPERATOR %s (FUNCTION = %I, LEFTARG = rank, RIGHTARG = rank)', 'rank' || o, o, o, 'rank' || o);
    END LOOP;
END $$;
CREATE FUNCTION compared(a rank, b rank) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT sign(b.v - a.v)::int';
CREATE OPERATOR CLASS rank_ops DEFAULT FOR TYPE rank USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compared(rank, rank);
CREATE TABLE ranked (k rank NOT NULL, id int NOT NULL, v text, PRIMARY KEY (k, id));
INSERT INTO ranked SELECT ROW(i / 5)::rank, i, 'v' || i FROM generate_series(1, 60) i;
CREATE TABLE ranked_dst (LIKE ranked INCLUDING ALL);
SET search_path = pg_catalog;
SELECT count(etl.create_pipeline('ranked', source => 'SELECT * FROM rights_search_path.ranked', target => 'rights_search_path.ranked_dst', batch_size => 7));
SELECT count(etl.create_pipeline('ranked_inc', source => 'SELECT * FROM rights_search_path.ranked', target => 'rights_search_path.ranked_dst', batch_size => 7,
    mode => 'incremental', incremental_key => 'k', incremental_id_key => 'id', options => '{"safety": "overlap"}'));
SET search_path = rights_search_path, public;
CALL t.run('ranked');
SELECT t.last_run('ranked');
UPDATE ranked SET v = 'changed' WHERE id % 20 = 0;
CALL t.run('ranked_inc');
SELECT t.last_run('ranked_inc');
INSERT INTO ranked VALUES (ROW(0), 100, 'behind'), (ROW(-1), 1, 'further');
CALL t.run('ranked_inc');
SELECT t.last_run('ranked_inc');
SELECT position FROM etl.checkpoints WHERE pipeline = 'ranked_inc';
SELECT way FROM etl.explain('ranked_inc', format => 'json') e, jsonb_to_record(e."QUERY PLAN"::jsonb) AS r(way text);
SELECT count(*) FROM ranked JOIN ranked_dst d USING (id, v) WHERE ranked.k = d.k;
SELECT etl.drop_pipeline('ranked'), etl.drop_pipeline('ranked_inc');
