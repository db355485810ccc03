-- CALL etl.run_wait(): from psql, and from PL/pgSQL as its comment says.
\a \t
CREATE SCHEMA run_wait;
DO $$ BEGIN PERFORM etl.allow_target('run_wait.*'); END $$;
CREATE TABLE run_wait.src (id int PRIMARY KEY);
CREATE TABLE run_wait.dst (id int PRIMARY KEY);
INSERT INTO run_wait.src SELECT generate_series(1, 3);
SELECT etl.create_pipeline('wait', source => 'SELECT id FROM run_wait.src', target => 'run_wait.dst') > 0;
CALL etl.run_wait('wait') \gset
SELECT status FROM etl.runs WHERE id = :run_id;
SELECT obj_description(oid) ~ $$DECLARE run bigint; .*CALL etl.run_wait\('x', run_id => run\)$$ FROM pg_proc WHERE proname = 'run_wait';
DO $$
DECLARE
    run bigint;
BEGIN
    CALL etl.run_wait('wait', run_id => run);
    RAISE NOTICE '%', (SELECT status FROM etl.runs WHERE id = run);
END $$;
DO $$ BEGIN CALL etl.run_wait('wait'); END $$;
SELECT etl.drop_pipeline('wait');
-- What an error says of the rows is for those who may see rows.
GRANT USAGE ON SCHEMA run_wait TO PUBLIC;
CREATE TABLE run_wait.once (id int PRIMARY KEY, v text UNIQUE);
SELECT etl.create_pipeline('fails', source => 'SELECT id, ''secret'' AS v FROM run_wait.src', target => 'run_wait.once') > 0;
SELECT count(etl.grant_pipeline('fails', 'RUN', 'etl_carol'));
\set SHOW_CONTEXT never
SET SESSION AUTHORIZATION etl_carol;
CALL etl.run_wait('fails');
RESET SESSION AUTHORIZATION;
SELECT count(etl.grant_pipeline('fails', 'ALTER', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
CALL etl.run_wait('fails');
RESET SESSION AUTHORIZATION;
CALL etl.run_wait('fails');
SELECT etl.drop_pipeline('fails');
DROP TABLE run_wait.once;
DROP TABLE run_wait.src, run_wait.dst;
DROP SCHEMA run_wait;
