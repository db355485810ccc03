-- Who sees and may do what: owner, member of the owner, RUN, MONITOR and ALTER on one pipeline, pg_monitor, others.
\a \t
CREATE SCHEMA rights;
GRANT USAGE ON SCHEMA rights TO PUBLIC;
GRANT CREATE ON SCHEMA rights TO etl_alice, etl_bob;
DO $$ BEGIN PERFORM etl.allow_target('rights.*'); END $$;
SET search_path = rights, public;
CREATE PROCEDURE made_by_me(name text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE rights.%I (id int PRIMARY KEY, v int)', name || '_src');
    EXECUTE format('CREATE TABLE rights.%I (id int PRIMARY KEY, v int)', name || '_dst');
    EXECUTE format('INSERT INTO rights.%I VALUES (1, 1), (2, NULL)', name || '_src');
    PERFORM etl.create_pipeline(name, source => format('SELECT id, v FROM rights.%I', name || '_src'), target => format('rights.%s_dst', name));
    COMMIT;
    CALL t.run(name);
END $$;
CREATE FUNCTION seen() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(v || ': ' || coalesce(p, '-'), E'\n' ORDER BY v) FROM (
    SELECT 'pipelines' v, (SELECT string_agg(DISTINCT name, ' ' ORDER BY name) FROM etl.pipelines WHERE name LIKE 'rights%') p
    UNION ALL SELECT 'runs', (SELECT string_agg(DISTINCT pipeline, ' ' ORDER BY pipeline) FROM etl.runs WHERE pipeline LIKE 'rights%')
    UNION ALL SELECT 'batches', (SELECT string_agg(DISTINCT pipeline, ' ' ORDER BY pipeline) FROM etl.batches WHERE pipeline LIKE 'rights%')
    UNION ALL SELECT 'checkpoints', (SELECT string_agg(DISTINCT pipeline, ' ' ORDER BY pipeline) FROM etl.checkpoints WHERE pipeline LIKE 'rights%')
    UNION ALL SELECT 'progress', (SELECT string_agg(DISTINCT pipeline, ' ' ORDER BY pipeline) FROM etl.progress WHERE pipeline LIKE 'rights%')
    UNION ALL SELECT 'lag', (SELECT string_agg(DISTINCT pipeline, ' ' ORDER BY pipeline) FROM etl.lag WHERE pipeline LIKE 'rights%')
    UNION ALL SELECT 'dead_letters', (SELECT string_agg(DISTINCT pipeline, ' ' ORDER BY pipeline) FROM etl.dead_letters WHERE pipeline LIKE 'rights%')
    UNION ALL SELECT 'events', (SELECT string_agg(DISTINCT pipeline, ' ' ORDER BY pipeline) FROM etl.events WHERE pipeline LIKE 'rights%')) x $$;
GRANT EXECUTE ON FUNCTION seen() TO PUBLIC;
SET SESSION AUTHORIZATION etl_alice;
CALL made_by_me('rights_a');
SET SESSION AUTHORIZATION etl_bob;
CALL made_by_me('rights_b');
RESET SESSION AUTHORIZATION;
-- The rows of the views that need a run under way or an incremental one, put there by hand.
INSERT INTO etl.watermark (pipeline_id, safety) SELECT id, 'xact' FROM etl.pipelines WHERE name LIKE 'rights%';
UPDATE etl.run_log SET status = 'running' WHERE id IN (SELECT id FROM etl.runs WHERE pipeline LIKE 'rights%');
INSERT INTO etl.dead_letter (pipeline_id, run_id, step, original_record, error_code, error_message)
SELECT p.id, 1, 'sink', '{"id": 9}', '22012', 'x' FROM etl.pipelines p WHERE name LIKE 'rights%';
SELECT seen();
SET SESSION AUTHORIZATION etl_alice;
SELECT seen();
SET SESSION AUTHORIZATION etl_bob;
SELECT seen();
SET SESSION AUTHORIZATION etl_carol;
SELECT seen();
-- A stranger may do nothing with it, by name or by id.
CREATE TEMP TABLE calls AS SELECT * FROM unnest(ARRAY['etl.run(%s)', 'etl.pause(%s)', 'etl.resume(%s)', 'etl.cancel(%s)', 'etl.retry(%s)', 'etl.reset(%s)',
    'etl.reset(%s, true)', 'etl.rewind(%s, ''1'')', 'etl.accept_target(%s)', 'etl.alter_pipeline(%s, ''{"description": "x"}'')', 'etl.rename_pipeline(%s, ''x'')', 'etl.alter_pipeline_owner(%s, ''etl_carol'')',
    'etl.drop_pipeline(%s)', 'etl.enable(%s)', 'etl.disable(%s, NULL)', 'etl.export_pipeline(%s)', 'etl.preview(%s)', 'etl.dry_run(%s)', 'etl.explain(%s)',
    'etl.dead_letter_replay(%s)', 'etl.grant_pipeline(%s, ''RUN'', ''etl_carol'')', 'etl.revoke_pipeline(%s, ''RUN'', ''etl_carol'')']) WITH ORDINALITY AS c(call, n);
CREATE FUNCTION pg_temp.answers(pipeline text) RETURNS TABLE (call text, answer text) LANGUAGE sql AS $$
SELECT call, regexp_replace(split_part(t.refused('SELECT * FROM ' || format(call, pipeline)), E'\n', 1), 'NOT REFUSED: .*', 'allowed') FROM calls ORDER BY n $$;
SELECT * FROM pg_temp.answers('''rights_a''');
RESET SESSION AUTHORIZATION;
SELECT id AS id_a FROM etl.pipelines WHERE name = 'rights_a' \gset
SELECT max(id) AS run_a FROM etl.runs WHERE pipeline = 'rights_a' \gset
SELECT id AS letter_a FROM etl.dead_letters WHERE pipeline = 'rights_a' \gset
SET SESSION AUTHORIZATION etl_carol;
SELECT call, answer FROM pg_temp.answers(:'id_a') WHERE answer NOT LIKE '42501: permission denied for pipeline "rights_a"%';
SELECT t.refused('SELECT etl.wait(' || :run_a || ')');
SELECT t.refused('SELECT etl.dead_letter_discard(ARRAY[' || :letter_a || ']::bigint[])');
SELECT t.refused($$SELECT etl.run('rights_a')$$);
SELECT etl.enable(), etl.disable();
-- Nobody but a superuser touches the tables.
SELECT c.relname, p.privilege FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p(privilege)
WHERE c.relnamespace = 'etl'::regnamespace AND c.relkind = 'r' AND has_table_privilege('etl_carol', c.oid, p.privilege);
SELECT c.relname, p.privilege FROM pg_class c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p(privilege)
WHERE c.relnamespace = 'etl'::regnamespace AND c.relkind = 'v' AND has_table_privilege('etl_carol', c.oid, p.privilege);
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'etl'::regnamespace AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('etl_carol', c.oid, 'USAGE, SELECT, UPDATE') END;
SELECT has_schema_privilege('etl_carol', 'etl', 'CREATE');
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'etl'::regnamespace AND NOT has_function_privilege('etl_carol', p.oid, 'EXECUTE') ORDER BY 1;
SELECT t.refused('SELECT * FROM etl.pipeline');
SELECT t.refused('SELECT * FROM etl.visible_pipeline');
SELECT t.refused($$UPDATE etl.pipeline_state SET state = 'IDLE'$$);
SELECT t.refused('DELETE FROM etl.pipelines');

-- Granted.
SET SESSION AUTHORIZATION etl_alice;
SELECT t.refused($$SELECT etl.grant_pipeline('rights_a', 'WRITE', 'etl_carol')$$);
SELECT t.refused($$SELECT etl.grant_pipeline('rights_a', 'RUN', NULL)$$);
SELECT t.refused($$SELECT etl.grant_pipeline('rights_b', 'RUN', 'etl_carol')$$);
SELECT count(etl.grant_pipeline('rights_a', 'monitor', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
SELECT seen();
SELECT * FROM pg_temp.answers('''rights_a''');
SELECT t.refused('SELECT etl.wait(' || :run_a || ', ''1 ms'')') LIKE 'ZZZZZ%' AS may_wait;
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.revoke_pipeline('rights_a', 'MONITOR', 'etl_carol'), count(etl.grant_pipeline(:id_a, 'RUN', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
SELECT * FROM pg_temp.answers('''rights_a''');
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.revoke_pipeline(:id_a, 'RUN', 'etl_carol'), etl.revoke_pipeline(:id_a, 'RUN', 'etl_carol'), count(etl.grant_pipeline('rights_a', 'ALTER', 'etl_carol'));
SET SESSION AUTHORIZATION etl_carol;
SELECT * FROM pg_temp.answers('''rights_a''');
SELECT t.refused('SELECT etl.dead_letter_discard(ARRAY[' || :letter_a || ']::bigint[])') LIKE 'ZZZZZ%' AS may_discard;
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.revoke_pipeline('rights_a', 'ALTER', 'etl_carol');
-- A member of the owner's role is an owner.
RESET SESSION AUTHORIZATION;
GRANT etl_alice TO etl_carol;
SET SESSION AUTHORIZATION etl_carol;
SELECT seen();
SELECT call, answer FROM pg_temp.answers('''rights_a''') WHERE answer LIKE '42501%';
RESET SESSION AUTHORIZATION;
REVOKE etl_alice FROM etl_carol;
-- pg_monitor sees all and may do nothing.
GRANT pg_monitor TO etl_carol;
SET SESSION AUTHORIZATION etl_carol;
SELECT seen();
SELECT call, answer FROM pg_temp.answers('''rights_a''') WHERE answer NOT LIKE '42501%';
RESET SESSION AUTHORIZATION;
REVOKE pg_monitor FROM etl_carol;
-- An ordinary role that was let write the catalog by mistake gains nothing: the worker's session is the owner's.
GRANT INSERT, SELECT ON etl.pipeline TO etl_carol;
GRANT USAGE ON SEQUENCE etl.pipeline_id_seq TO etl_carol;
SET SESSION AUTHORIZATION etl_carol;
INSERT INTO etl.pipeline (name, owner, mode, source, target, batch_size, search_path)
VALUES ('rights_forged', 'postgres', 'full', 'SELECT 1 AS id', 'rights.rights_a_dst', 1, 'public');
SELECT t.refused($$SELECT etl.run('rights_forged')$$);
SELECT t.refused($$SELECT etl.enable('rights_forged')$$);
RESET SESSION AUTHORIZATION;
REVOKE ALL ON etl.pipeline FROM etl_carol;
REVOKE ALL ON SEQUENCE etl.pipeline_id_seq FROM etl_carol;
DELETE FROM etl.pipeline WHERE name = 'rights_forged';
-- Without USAGE on the schema there is nothing at all.
REVOKE USAGE ON SCHEMA etl FROM etl_carol;
SET SESSION AUTHORIZATION etl_carol;
SELECT t.refused('SELECT * FROM etl.pipelines');
SELECT t.refused($$SELECT etl.create_pipeline('x')$$);
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA etl TO etl_carol;
UPDATE etl.run_log SET status = 'succeeded' WHERE id IN (SELECT id FROM etl.runs WHERE pipeline LIKE 'rights%');
SELECT etl.drop_pipeline(name) FROM etl.pipelines WHERE name LIKE 'rights%' ORDER BY name;
