-- All 36 transitions: the table, and each call in each state.
\a \t
SELECT state, call, outcome, hint FROM etl.state_transitions();
SELECT count(*), count(DISTINCT state), count(DISTINCT call) FROM etl.state_transitions();
CREATE SCHEMA state_transitions;
SET search_path = state_transitions, public;
CREATE TABLE src (id int PRIMARY KEY);
CREATE TABLE dst (id int PRIMARY KEY);
INSERT INTO src VALUES (1), (2);
DO $$ BEGIN PERFORM etl.allow_target('state_transitions.*'); END $$;
SELECT etl.create_pipeline('states', source => 'SELECT id FROM src', target => 'state_transitions.dst') > 0;
CALL t.run('states');

-- Brings the pipeline into a state, tries a call, looks at what came of it, and takes all of it back: no worker sees it.
CREATE FUNCTION tried(state text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    pipeline etl.pipelines;
    run bigint;
    answer text;
    line text;
BEGIN
    SELECT * INTO pipeline FROM etl.pipelines WHERE name = 'states';
    INSERT INTO etl.run_log (pipeline_id, status, trigger, requested_by)
    VALUES (pipeline.id, CASE state WHEN 'RUN_REQUESTED' THEN 'requested' WHEN 'PAUSED' THEN 'paused' WHEN 'FAILED' THEN 'failed'
                                    WHEN 'IDLE' THEN 'succeeded' ELSE 'running' END, 'test', 10::regrole) RETURNING id INTO run;
    UPDATE etl.pipeline_state s SET state = tried.state, run_id = run WHERE pipeline_id = pipeline.id;
    DELETE FROM etl.event WHERE pipeline_id = pipeline.id;
    BEGIN
        IF call IN ('reset', 'alter', 'rewind', 'drop', 'rename', 'disable') THEN
            EXECUTE CASE call WHEN 'reset' THEN 'SELECT ''done'' FROM etl.reset(''states'')'
                WHEN 'alter' THEN 'SELECT ''done'' FROM etl.alter_pipeline(''states'', ''{"batch_size": 7}'')'
                WHEN 'rewind' THEN 'SELECT ''done'' FROM etl.rewind(''states'', ''[1]'')'
                WHEN 'drop' THEN 'SELECT etl.drop_pipeline(''states'')::text'
                WHEN 'rename' THEN 'SELECT ''done'' FROM etl.rename_pipeline(''states'', ''states'')'
                WHEN 'disable' THEN 'SELECT etl.disable(''states'')::text' END INTO answer;
        ELSE
            EXECUTE format('SELECT etl.%I(''states'')::text', call) INTO answer;
            IF call IN ('run', 'retry') THEN answer := CASE WHEN answer = run::text THEN 'the same run' ELSE 'a new run' END; END IF;
        END IF;
        line := answer || ' -> ' || coalesce((SELECT s.state FROM etl.pipeline_state s WHERE pipeline_id = pipeline.id), 'gone')
            || ', run ' || coalesce((SELECT status FROM etl.run_log r WHERE r.id = (SELECT run_id FROM etl.pipeline_state WHERE pipeline_id = pipeline.id)), 'gone')
            || coalesce((SELECT ', event ' || string_agg(coalesce(from_state || ' -> ' || to_state, '-') || coalesce(' (' || reason || ')', ''), '; ' ORDER BY at)
                         FROM etl.event WHERE pipeline_id = pipeline.id), '');
        RAISE SQLSTATE 'ZZZZZ' USING MESSAGE = line;
    EXCEPTION WHEN OTHERS THEN
        line := CASE WHEN SQLSTATE = 'ZZZZZ' THEN SQLERRM ELSE SQLSTATE || ': ' || t.masked(SQLERRM) END;
    END;
    RAISE SQLSTATE 'ZZZZZ' USING MESSAGE = line;
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
    RETURN SQLERRM;
END $$;
SELECT s.state, c.call, tried(s.state, c.call)
FROM unnest(ARRAY['IDLE', 'RUN_REQUESTED', 'RUNNING', 'PAUSE_REQUESTED', 'PAUSED', 'FAILED']) WITH ORDINALITY AS s(state, n),
     unnest(ARRAY['run', 'pause', 'resume', 'cancel', 'retry', 'alter', 'reset', 'rewind', 'drop', 'rename', 'disable']) WITH ORDINALITY AS c(call, n)
ORDER BY s.n, c.n;
-- What the calls did is what the table says.
SELECT tr.state, tr.call, tr.outcome, tried(tr.state, tr.call)
FROM etl.state_transitions() tr
WHERE tr.call <> 'worker'
  AND CASE WHEN tr.outcome LIKE '-> %' THEN tried(tr.state, tr.call) NOT LIKE '% ' || tr.outcome || ', run%'
           WHEN tr.outcome = 'same' THEN tried(tr.state, tr.call) NOT LIKE tr.state || ' -> ' || tr.state || ', run%'
           ELSE tried(tr.state, tr.call) NOT LIKE tr.outcome || ': %' END;
-- A transition is refused with a hint that says what to do.
BEGIN;
UPDATE etl.pipeline_state SET state = 'PAUSED' WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'states');
SELECT t.masked(t.refused($$SELECT etl.run('states')$$));
SELECT t.masked(t.refused($$SELECT etl.retry('states')$$));
UPDATE etl.pipeline_state SET state = 'RUNNING' WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'states');
SELECT t.masked(t.refused($$SELECT etl.run('states')$$));
SELECT t.masked(t.refused($$SELECT etl.drop_pipeline('states')$$));
ROLLBACK;
-- The worker's column: RUN_REQUESTED -> RUNNING -> IDLE here, FAILED and PAUSED in the tests of runs.
SELECT from_state, to_state FROM etl.events WHERE pipeline = 'states' ORDER BY at;
-- No worker makes anything of a state without its run.
UPDATE etl.pipeline_state SET state = 'FAILED' WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = 'states');
SELECT etl.cancel('states');
SELECT etl.drop_pipeline('states');
