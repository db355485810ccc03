-- A position is good for the order in which it was saved: when columns, types or collations of that order change, the run fails.
\a \t
CREATE SCHEMA run_key_order;
SET search_path = run_key_order, public;
DO $$ BEGIN PERFORM etl.allow_target('run_key_order.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, v text);
CREATE TABLE dst (id int PRIMARY KEY, v text CHECK (v <> 'bad'));
INSERT INTO src SELECT i, 'v' || i FROM generate_series(1, 200) i;
UPDATE src SET v = 'bad' WHERE id = 95;
SELECT etl.create_pipeline('order', source => 'SELECT id, v FROM src', target => 'run_key_order.dst', batch_size => 30) > 0;
CALL t.run('order');
SELECT t.last_run('order');
SELECT position FROM etl.checkpoints WHERE pipeline = 'order';
UPDATE src SET v = 'good' WHERE id = 95;
-- Behind 90 there are fewer texts than numbers. A retry does not go on from there.
CREATE PROCEDURE retry(pipeline text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM etl.retry(pipeline);
    COMMIT;
    CALL t.until(format('SELECT state IN (''IDLE'', ''FAILED'') FROM etl.pipelines WHERE name = %L', pipeline));
    RAISE INFO '%', t.last_error(pipeline);
END $$;
ALTER TABLE src ALTER id TYPE text;
ALTER TABLE dst ALTER id TYPE text;
CALL retry('order');
SELECT count(*) FROM dst;
-- Of the old type again, it does.
ALTER TABLE src ALTER id TYPE int USING id::int;
ALTER TABLE dst ALTER id TYPE int USING id::int;
CALL retry('order');
SELECT t.last_run('order'), count(*) FROM dst;
-- A full run after one that ended starts at the beginning, in whatever order.
ALTER TABLE src ALTER id TYPE text;
ALTER TABLE dst ALTER id TYPE text;
CALL t.run('order');
SELECT t.last_run('order');
-- An incremental one goes on from its checkpoint: not when the collation is another one, after etl.reset() again.
CREATE TABLE inc_src (id text COLLATE "C" PRIMARY KEY);
CREATE TABLE inc_dst (id text COLLATE "C" PRIMARY KEY);
INSERT INTO inc_src VALUES ('a'), ('b');
SELECT etl.create_pipeline('order_inc', source => 'SELECT id FROM inc_src', target => 'run_key_order.inc_dst', mode => 'incremental',
    incremental_key => 'id', incremental_id_key => 'id', options => '{"overlap": "0"}') IS NULL;
CALL t.run('order_inc');
SELECT t.last_run('order_inc');
ALTER TABLE inc_src ALTER id TYPE text COLLATE "POSIX";
CALL t.run('order_inc');
SELECT t.last_error('order_inc');
SELECT t.refused($$SELECT * FROM etl.dry_run('order_inc')$$);
SELECT t.refused($$SELECT etl.rewind('order_inc', to_key => '"a"')$$);
SELECT etl.reset('order_inc');
CALL t.run('order_inc');
SELECT t.last_run('order_inc');
-- A number that got wider is in the same order.
CREATE TABLE wide_src (id int PRIMARY KEY);
CREATE TABLE wide_dst (id bigint PRIMARY KEY);
INSERT INTO wide_src SELECT generate_series(1, 100);
SELECT etl.create_pipeline('order_wide', source => 'SELECT id FROM wide_src', target => 'run_key_order.wide_dst', mode => 'incremental',
    incremental_key => 'id', incremental_id_key => 'id', options => '{"overlap": "0"}') IS NULL;
CALL t.run('order_wide');
ALTER TABLE wide_src ALTER id TYPE bigint;
INSERT INTO wide_src VALUES (3000000000);
CALL t.run('order_wide');
SELECT t.last_run('order_wide'), count(*) FROM wide_dst;
SELECT etl.rewind('order_wide', to_key => '90');
CALL t.run('order_wide');
SELECT t.last_run('order_wide'), count(*) FROM wide_dst;
-- As a text it is not: what was read already is not known in that order.
ALTER TABLE wide_src ALTER id TYPE text;
ALTER TABLE wide_dst ALTER id TYPE text;
SELECT t.refused($$SELECT etl.rewind('order_wide', to_key => '"3"')$$);
-- The target's primary key is the order where key_columns is not given.
CREATE TABLE pk_src (a int, b int, v text, PRIMARY KEY (a, b));
CREATE TABLE pk_dst (a int NOT NULL, b int NOT NULL, v text CHECK (v <> 'bad'), PRIMARY KEY (a));
INSERT INTO pk_src SELECT i, 100 - i, CASE i WHEN 50 THEN 'bad' END FROM generate_series(1, 60) i;
SELECT etl.create_pipeline('order_pk', source => 'SELECT a, b, v FROM pk_src', target => 'run_key_order.pk_dst', batch_size => 20) > 0;
CALL t.run('order_pk');
SELECT t.last_run('order_pk');
UPDATE pk_src SET v = 'good' WHERE v = 'bad';
ALTER TABLE pk_dst DROP CONSTRAINT pk_dst_pkey, ADD PRIMARY KEY (b);
CALL retry('order_pk');
SELECT count(*) FROM pk_dst;
