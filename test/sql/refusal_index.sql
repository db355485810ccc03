-- Index names, servers and their options that are refused.
\a \t
CREATE SCHEMA refusal_index;
SET search_path = refusal_index, public;
CREATE TABLE src (id int PRIMARY KEY, v text);
DO $$ BEGIN PERFORM etl.allow_target('refusal_es:*'); PERFORM etl.allow_target('refusal_typeless:*');
    PERFORM etl.allow_target('refusal_kafka:*'); PERFORM etl.allow_target('refusal_bare:*'); PERFORM etl.allow_target('refusal_nowhere:*');
    PERFORM etl.allow_target('refusal_other:*'); END $$;
CREATE SERVER refusal_es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url 'https://search.example:9200');
SELECT index || E'\n  ' || t.define('SELECT id, v FROM src', 'refusal_es:' || index, $$key_columns => '{id}'$$) AS refused
FROM unnest(ARRAY['', '*', 'film*', 'f?lm', 'a,b', 'Film', 'FILM', '_all', '_film', '-film', '+film', '.film', '.security', '..', '.', 'a b', 'a/b', 'a\b',
    'a"b', 'a<b', 'a|b', 'a#b', 'a:b', '<logs-{now/d}>', E'a\nb', E'a\tb', 'fílm', 'film%2a', '../x', repeat('x', 256)]) AS index;
SELECT index, t.define('SELECT id, v FROM src', 'refusal_es:' || index, $$key_columns => '{id}'$$) LIKE 'ZZZZZ%' AS taken
FROM unnest(ARRAY['film', 'film_dim', 'film-2024.01', '0', repeat('x', 255)]) AS index;
SELECT t.define('SELECT id, v FROM src', 'refusal_es:film');
SELECT t.define('SELECT id, v FROM src', 'refusal_es:film', $$key_columns => '{idd}'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_nowhere:film', $$key_columns => '{id}'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_unlisted:film', $$key_columns => '{id}'$$);
SELECT t.define('SELECT id, v FROM src', 'refusal_es:film', $$key_columns => '{id}', create_target => true$$);
-- The type decides, and the wrapper must be ours.
CREATE SERVER refusal_typeless FOREIGN DATA WRAPPER etl OPTIONS (url 'https://search.example:9200');
CREATE SERVER refusal_kafka TYPE 'kafka' FOREIGN DATA WRAPPER etl OPTIONS (url 'https://search.example:9200');
CREATE SERVER refusal_bare TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl;
CREATE FOREIGN DATA WRAPPER refusal_wrapper;
CREATE SERVER refusal_other TYPE 'elasticsearch' FOREIGN DATA WRAPPER refusal_wrapper OPTIONS (url 'https://search.example:9200');
SELECT server || ': ' || t.define('SELECT id, v FROM src', server || ':film', $$key_columns => '{id}'$$)
FROM unnest(ARRAY['refusal_typeless', 'refusal_kafka', 'refusal_bare', 'refusal_other']) AS server;
-- An option of another type would do nothing.
ALTER SERVER refusal_es OPTIONS (ADD read_timeout '1s');
SELECT t.define('SELECT id, v FROM src', 'refusal_es:film', $$key_columns => '{id}'$$);
ALTER SERVER refusal_es OPTIONS (DROP read_timeout);
-- Usage of the server is needed.
GRANT USAGE ON SCHEMA refusal_index TO etl_alice;
GRANT SELECT ON src TO etl_alice;
SET SESSION AUTHORIZATION etl_alice;
SELECT t.define('SELECT id, v FROM refusal_index.src', 'refusal_es:film', $$key_columns => '{id}'$$);
RESET SESSION AUTHORIZATION;
GRANT USAGE ON FOREIGN SERVER refusal_es TO etl_alice;
SET SESSION AUTHORIZATION etl_alice;
SELECT t.define('SELECT id, v FROM refusal_index.src', 'refusal_es:film', $$key_columns => '{id}'$$) LIKE 'ZZZZZ%' AS taken;
RESET SESSION AUTHORIZATION;

-- Options of servers.
SELECT t.refused($$CREATE SERVER s TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (uri 'https://x')$$);
SELECT t.refused($$CREATE SERVER s TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (password 'x')$$);
SELECT t.refused($$ALTER SERVER refusal_es OPTIONS (ADD host 'x')$$);
SELECT t.refused($$ALTER SERVER refusal_es OPTIONS (SET url 'gopher://x')$$);
SELECT t.refused($$ALTER SERVER refusal_es OPTIONS (ADD breaker_failures '0')$$);
SELECT t.refused($$ALTER SERVER refusal_es OPTIONS (ADD breaker_pause '1 hour')$$);
SELECT t.refused($$ALTER SERVER refusal_es OPTIONS (ADD requests_per_second 'many')$$);
SELECT t.refused($$ALTER SERVER refusal_es OPTIONS (ADD connect_timeout '0s')$$);
SELECT t.refused($$ALTER SERVER refusal_es OPTIONS (ADD read_timeout '2 hours')$$);
SELECT url || ' -> ' || t.refused(format($$CREATE SERVER s TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url %L)$$, url))
FROM unnest(ARRAY['', 'x', 'localhost:9200', '//host/', 'file:///etc/passwd', 'ftp://host', 'gopher://host', 'dict://host', 'scp://host', 'ldap://host',
    'javascript:alert(1)', 'https://', 'https:///x', 'https://user@host', 'https://user:secret@host', 'https://:secret@host', 'https://a.com@127.0.0.1',
    'https://host:0', 'https://host:65536', 'https://host:x', 'https://host:-1', 'https://ho st', E'https://host\r\nX: y', E'https://host\n', E'https://host/\x7f',
    'https://host/?q=1', 'https://host/#x', 'https://0x7f.1', 'https://2130706433', 'https://127.1', 'https://[::1', 'https://[x]',
    'unix:/var/run/x.sock', 'https+unix://x']) AS url;
SELECT url, t.refused(format($$CREATE SERVER s TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url %L)$$, url)) LIKE 'ZZZZZ%' AS taken
FROM unnest(ARRAY['https://host', 'https://host:9200/', 'http://127.0.0.1:9200', 'https://[::1]:9200/prefix', 'HTTPS://Host.Example/a/b']) AS url;
-- Secrets are named, never stored.
SELECT t.refused($$CREATE USER MAPPING FOR postgres SERVER refusal_es OPTIONS (user 'u', password 'secret')$$);
SELECT t.refused($$CREATE USER MAPPING FOR postgres SERVER refusal_es OPTIONS (api_key 'secret')$$);
SELECT t.refused($$CREATE USER MAPPING FOR postgres SERVER refusal_es OPTIONS (usr 'u')$$);
SELECT t.refused($$CREATE USER MAPPING FOR postgres SERVER refusal_es OPTIONS (url 'https://x')$$);
SELECT t.refused($$CREATE USER MAPPING FOR postgres SERVER refusal_es OPTIONS (user 'u', password_file 'es.secret')$$) LIKE 'ZZZZZ%' AS taken;
SELECT name || ' -> ' || t.refused(format($$CREATE USER MAPPING FOR postgres SERVER refusal_es OPTIONS (user 'u', password_file %L)$$, name))
FROM unnest(ARRAY['', '/etc/passwd', '../es.secret', 'a/b', '.', '..', '.hidden', E'a\nb']) AS name;
SELECT t.refused($$ALTER FOREIGN DATA WRAPPER etl OPTIONS (ADD url 'https://x')$$);
SELECT t.refused($$CREATE FOREIGN TABLE refusal_index.f (id int) SERVER refusal_es OPTIONS (x 'y')$$);

-- Behind our back: the worker says the same. No address is tried, the definition is refused first.
SELECT etl.create_pipeline('refusal_index', source => 'SELECT id, v FROM refusal_index.src', target => 'refusal_es:film', key_columns => '{id}') > 0;
CREATE PROCEDURE meet(target text, rest text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE etl.pipeline SET target = meet.target, key_columns = CASE WHEN rest IS NULL THEN '{id}'::text[] END WHERE name = 'refusal_index';
    COMMIT;
    CALL t.run('refusal_index');
    RAISE INFO '% -> %', target, t.last_error('refusal_index');
END $$;
CALL meet('refusal_es:_all');
CALL meet('refusal_es:a,b');
CALL meet('refusal_es:<logs-{now/d}>');
CALL meet('refusal_es:.security');
CALL meet('refusal_es:Film');
CALL meet('refusal_es:film', 'without keys');
CALL meet('refusal_typeless:film');
CALL meet('refusal_kafka:film');
CALL meet('refusal_bare:film');
CALL meet('refusal_other:film');
CALL meet('refusal_nowhere:film');
CALL meet('refusal_unlisted:film');
SELECT etl.drop_pipeline('refusal_index');
SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER refusal_wrapper CASCADE;
DROP SERVER refusal_es, refusal_typeless, refusal_kafka, refusal_bare CASCADE;
