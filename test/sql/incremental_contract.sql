-- The incremental contract: both keys, of the output, orderable; refused with the key to use instead.
\a \t
CREATE SCHEMA incremental_contract;
SET search_path = incremental_contract, public;
CREATE TABLE film (film_id int PRIMARY KEY, title text, last_update timestamptz NOT NULL DEFAULT now(), shape point, doc json, alt text UNIQUE);
CREATE TABLE dst (film_id int PRIMARY KEY, title text, last_update timestamptz, shape point);
DO $$ BEGIN PERFORM etl.allow_target('incremental_contract.*'); END $$;
CREATE FUNCTION inc(source text, key text, id text, options text DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
SELECT t.define(source, 'incremental_contract.dst', format('key_columns => ''{film_id}'', mode => ''incremental'', incremental_key => %L, incremental_id_key => %L, options => %L', key, id, options)) $$;
-- 1. Both are required; what is unique is suggested.
SELECT inc('SELECT film_id, title, last_update FROM film', NULL, NULL);
SELECT inc('SELECT film_id, title, last_update FROM film', NULL, 'film_id');
SELECT inc('SELECT film_id, title, last_update FROM film', 'last_update', NULL);
SELECT inc('SELECT f.title, f.film_id FROM (SELECT * FROM film) f', 'film_id', NULL);
SELECT inc('SELECT film_id + 1 AS film_id, title FROM film', 'film_id', NULL);
-- 2. They are columns of the output, after aliasing.
SELECT inc('SELECT film_id, title, last_update FROM film', 'last_updated', 'film_id');
SELECT inc('SELECT film_id AS "F", film_id, title FROM film', 'last_update', 'film_id');
SELECT inc('SELECT film_id, title FROM film', 'last_update', 'film_id');
SELECT inc('SELECT film_id, title, last_update FROM film', 'last_update', 'id');
-- 3. They can be ordered.
SELECT inc('SELECT film_id, shape FROM film', 'shape', 'film_id');
SELECT inc('SELECT film_id, shape FROM film', 'film_id', 'shape');
-- 4. Only for incremental pipelines; the mode is known.
SELECT t.define('SELECT film_id FROM film', 'incremental_contract.dst', $$incremental_key => 'film_id', incremental_id_key => 'film_id'$$);
-- Behind our back: the worker says the same as at definition.
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, source text, key text, id text, mode text DEFAULT 'incremental');
INSERT INTO cases (source, key, id) VALUES
    ('SELECT film_id, title, last_update FROM film', NULL, NULL),
    ('SELECT film_id, title, last_update FROM film', NULL, 'film_id'),
    ('SELECT film_id, title, last_update FROM film', 'last_update', NULL),
    ('SELECT film_id, title, last_update FROM film', 'last_updated', 'film_id'),
    ('SELECT film_id, title, last_update FROM film', 'last_update', 'id'),
    ('SELECT film_id, title FROM film', 'last_update', 'film_id'),
    ('SELECT film_id, shape FROM film', 'shape', 'film_id'),
    ('SELECT film_id, shape FROM film', 'film_id', 'shape');
INSERT INTO cases (source, key, id, mode) VALUES ('SELECT film_id, title FROM film', 'film_id', 'film_id', 'full');
SELECT etl.create_pipeline('inc_altered', source => 'SELECT film_id, title, last_update FROM film', target => 'incremental_contract.dst',
    key_columns => '{film_id}', mode => 'incremental', incremental_key => 'last_update', incremental_id_key => 'film_id', options => '{"settle": "0"}') > 0;
CREATE TABLE met (n int, error text);
CREATE PROCEDURE meet_all() LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM incremental_contract.cases ORDER BY n LOOP
        UPDATE etl.pipeline SET source = c.source, incremental_key = c.key, incremental_id_key = c.id, mode = c.mode WHERE name = 'inc_altered';
        COMMIT;
        CALL t.run('inc_altered');
        INSERT INTO incremental_contract.met VALUES (c.n, t.last_error('inc_altered'));
        COMMIT;
    END LOOP;
END $$;
CALL meet_all();
CREATE FUNCTION asked(c cases) RETURNS text LANGUAGE sql AS $$
SELECT replace(t.define(c.source, 'incremental_contract.dst', format('key_columns => ''{film_id}'', mode => %L, incremental_key => %L,
    incremental_id_key => %L', c.mode, c.key, c.id)), '"refused"', '"inc_altered"') $$;
SELECT c.n, m.error, asked(c) FROM cases c JOIN met m USING (n) WHERE m.error IS DISTINCT FROM asked(c) ORDER BY n;
SELECT n, split_part(error, E'\n', 1) FROM met ORDER BY n;
SELECT DISTINCT status FROM etl.runs WHERE pipeline = 'inc_altered';
-- Mended, it runs.
INSERT INTO film (film_id, title, last_update) VALUES (1, 'one', '2024-01-01');
UPDATE etl.pipeline SET source = 'SELECT film_id, title, last_update FROM film', incremental_key = 'last_update', mode = 'incremental' WHERE name = 'inc_altered';
CALL t.run('inc_altered');
SELECT t.last_run('inc_altered');
SELECT etl.drop_pipeline('inc_altered');
DELETE FROM film;
-- The safety mode follows from where the key comes from; a wrong one is warned of.
CREATE TABLE origins (
    stamp timestamptz NOT NULL DEFAULT now(), stamp2 timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, stamp3 timestamptz DEFAULT clock_timestamp(),
    own_clock timestamptz, local timestamp DEFAULT now(), ser serial, big bigserial, ident int GENERATED ALWAYS AS IDENTITY,
    cached int GENERATED BY DEFAULT AS IDENTITY (CACHE 50), down int GENERATED BY DEFAULT AS IDENTITY (INCREMENT -1),
    around int GENERATED BY DEFAULT AS IDENTITY (CYCLE), plain int, id int PRIMARY KEY);
CREATE VIEW shown AS SELECT ser AS through_view, id FROM origins;
CREATE TABLE odst (k text, id int PRIMARY KEY);
CREATE FUNCTION chosen(expression text, options jsonb DEFAULT '{}', source text DEFAULT 'origins') RETURNS text LANGUAGE sql AS $$
SELECT string_agg(rule || ' ' || severity || ': ' || message || coalesce(' / ' || hint, ''), E'\n') FROM etl.validate_pipeline(jsonb_build_object(
    'name', 'x', 'source', format('SELECT %s AS k, id FROM %s', expression, source), 'target', 'incremental_contract.odst', 'mode', 'incremental',
    'incremental_key', 'k', 'incremental_id_key', 'id', 'options', options)) $$;
SELECT e, o, chosen(e, o) FROM unnest(ARRAY['stamp', 'stamp2', 'stamp3', 'own_clock', 'local', 'ser', 'big', 'ident', 'cached', 'down', 'around', 'plain', 'ser + 1']) AS e,
    unnest(ARRAY['{}'::jsonb]) AS o;
SELECT chosen('through_view', source => 'shown');
SELECT s, e, chosen(e, jsonb_build_object('safety', s)) FROM unnest(ARRAY['xact', 'lock', 'overlap']) s, unnest(ARRAY['stamp', 'own_clock', 'ser', 'plain']) e;
-- And it is what etl.lag shows after a run.
CREATE PROCEDURE shows(key text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM etl.create_pipeline('inc_shown', source => format('SELECT %I AS k, id FROM incremental_contract.origins', key), target => 'incremental_contract.odst',
        mode => 'incremental', incremental_key => 'k', incremental_id_key => 'id', options => '{"settle": "0"}');
    COMMIT;
    CALL t.run('inc_shown');
    RAISE INFO '%: %, %', key, (SELECT safety FROM etl.lag WHERE pipeline = 'inc_shown'), t.last_run('inc_shown');
    PERFORM etl.drop_pipeline('inc_shown');
END $$;
SET client_min_messages = error;
CALL shows('stamp');
CALL shows('ser');
CALL shows('plain');
RESET client_min_messages;
-- 5. NULL keys are refused when they come, with the row.
CREATE TABLE events (id int PRIMARY KEY, at timestamptz DEFAULT now());
CREATE TABLE events_dst (id int PRIMARY KEY, at timestamptz);
INSERT INTO events VALUES (1, '2024-01-01'), (2, NULL);
SELECT etl.create_pipeline('inc_null', source => 'SELECT id, at FROM events', target => 'incremental_contract.events_dst', mode => 'incremental',
    incremental_key => 'at', incremental_id_key => 'id', options => '{"settle": "0"}') > 0;
CALL t.run('inc_null');
SELECT t.last_error('inc_null');
SELECT etl.alter_pipeline('inc_null', '{"options": {"settle": "0", "null_keys": "dead_letter"}}') > 0;
CALL t.run('inc_null');
SELECT t.last_run('inc_null');
SELECT original_record, error_code FROM etl.dead_letters WHERE pipeline = 'inc_null';
SELECT count(*) FROM events_dst;
SELECT etl.drop_pipeline('inc_null');
-- An index serves the order: a NULL in either column of the pair is counted once, ends no page, and never is the checkpoint.
CREATE TABLE served (id int, at timestamptz, code int);
CREATE INDEX ON served (at, id);
CREATE TABLE served_dst (code int PRIMARY KEY, id int, at timestamptz);
INSERT INTO served SELECT i, timestamptz '2024-01-01' + i * interval '1 s', i FROM generate_series(1, 10) i;
INSERT INTO served VALUES (11, NULL, 11), (NULL, '2024-01-01 00:00:05', 12), (NULL, '2024-01-02', 13), (12, '2024-01-01 00:00:07', NULL);
CREATE PROCEDURE served_in(batch_size int) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM etl.create_pipeline('served', source => 'SELECT * FROM incremental_contract.served', target => 'incremental_contract.served_dst',
        mode => 'incremental', incremental_key => 'at', incremental_id_key => 'id', batch_size => served_in.batch_size,
        options => '{"safety": "overlap", "null_keys": "dead_letter"}');
    COMMIT;
    CALL t.run('served');
    RAISE INFO '%: %, % rows', batch_size, t.last_run('served'), (SELECT count(*) FROM incremental_contract.served_dst);
    INSERT INTO incremental_contract.served SELECT i, timestamptz '2024-01-03' + i * interval '1 s', i FROM generate_series(14, 19) i;
    COMMIT;
    CALL t.run('served');
    RAISE INFO '%: %, % rows, checkpoint of id %', batch_size, t.last_run('served'), (SELECT count(*) FROM incremental_contract.served_dst),
        (SELECT position ->> 1 FROM etl.checkpoints WHERE pipeline = 'served');
    PERFORM etl.drop_pipeline('served');
    DELETE FROM incremental_contract.served WHERE id >= 14;
    TRUNCATE incremental_contract.served_dst;
END $$;
SET client_min_messages = error;
CALL served_in(1);
CALL served_in(100);
-- Nothing but NULLs.
DELETE FROM served WHERE at IS NOT NULL;
CALL served_in(1);
RESET client_min_messages;
-- Nor is it made one by hand.
SELECT count(etl.create_pipeline('served', source => 'SELECT * FROM served', target => 'incremental_contract.served_dst', mode => 'incremental',
    incremental_key => 'at', incremental_id_key => 'id', options => '{"null_keys": "dead_letter"}'));
INSERT INTO served VALUES (20, '2024-01-04', 20);
CALL t.run('served');
SELECT t.refused($$SELECT etl.rewind('served', '[null, "5"]')$$);
SELECT etl.drop_pipeline('served');
