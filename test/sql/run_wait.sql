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
DROP TABLE run_wait.src, run_wait.dst;
DROP SCHEMA run_wait;
