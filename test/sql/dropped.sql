-- Whoever drops what a pipeline uses is told of it.
\a \t
CREATE SCHEMA dropped;
SET search_path = dropped, public;
DO $$ BEGIN PERFORM etl.allow_target('dropped.*'), etl.allow_target('dropped_es:*'); END $$;
CREATE TABLE base (id int PRIMARY KEY, v text);
CREATE VIEW seen AS SELECT id, v FROM base;
CREATE TABLE other (id int);
CREATE TABLE dst (id int PRIMARY KEY, v text);
CREATE SERVER dropped_es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url 'https://search.example:9200');
SELECT etl.create_pipeline('dropped_table', 'SELECT id, v FROM seen', 'dropped.dst') > 0;
SELECT etl.create_pipeline('dropped_index', 'SELECT id, v FROM base', 'dropped_es:x', key_columns => '{id}') > 0;
-- Nobody uses it.
DROP TABLE other;
CREATE TEMPORARY TABLE base (id int PRIMARY KEY, v text);
DROP TABLE pg_temp.base;
-- In a transaction that is taken back, too.
BEGIN; DROP TABLE base CASCADE; ROLLBACK;
BEGIN; DROP SERVER dropped_es; ROLLBACK;
BEGIN; DROP TABLE dst; ROLLBACK;
-- A role that sees neither pipeline.
CREATE ROLE etl_dropper; GRANT ALL ON SCHEMA dropped TO etl_dropper; GRANT USAGE ON SCHEMA etl TO etl_dropper; ALTER VIEW seen OWNER TO etl_dropper;
BEGIN; SET LOCAL ROLE etl_dropper; SELECT count(*) FROM etl.pipelines; DROP VIEW seen; ROLLBACK;
BEGIN; DROP OWNED BY etl_dropper; ROLLBACK;
SELECT t.refused('SELECT etl.tell_dropped()');
-- As of the last alter, and of the last run: what was made again under the same name.
SELECT etl.alter_pipeline('dropped_table', '{"source": "SELECT id, v FROM dropped.base"}') > 0;
BEGIN; DROP VIEW seen; ROLLBACK;
DROP TABLE dst;
CREATE TABLE dst (id int PRIMARY KEY, v text);
BEGIN; DROP TABLE dst; ROLLBACK;
CALL t.run('dropped_table');
BEGIN; DROP TABLE dst; ROLLBACK;
SELECT count(*) FROM (SELECT etl.drop_pipeline(name) FROM etl.pipelines WHERE name LIKE 'dropped%') d;
DROP SERVER dropped_es;
DROP SCHEMA dropped CASCADE;
DROP ROLE etl_dropper;
