-- The extension, the roles and the small tools of all SQL tests. Each test has a schema of its own in this database.
SET client_min_messages = warning;
DROP ROLE IF EXISTS etl_alice, etl_bob, etl_carol, etl_dba, etl_member, etl_nologin;  -- of an earlier run on this server
CREATE EXTENSION pg_etl;
CREATE ROLE etl_alice LOGIN;
CREATE ROLE etl_bob LOGIN;
CREATE ROLE etl_carol LOGIN;
CREATE ROLE etl_nologin;
GRANT USAGE ON SCHEMA etl TO etl_alice, etl_bob, etl_carol, etl_nologin;
CREATE SCHEMA t;
GRANT USAGE ON SCHEMA t TO PUBLIC;

-- How a statement is refused: SQLSTATE, message, detail and hint, one under the other.
CREATE FUNCTION t.refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    code text; message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RAISE SQLSTATE 'ZZZZZ' USING MESSAGE = 'NOT REFUSED: ' || statement;  -- and taken back
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN code || ': ' || message || coalesce(E'\n  detail: ' || nullif(detail, ''), '') || coalesce(E'\n  hint: ' || nullif(hint, ''), '');
END $$;

-- The same with ids and pids masked.
CREATE FUNCTION t.masked(line text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT regexp_replace(line, '\m([Rr]un|pid|OID|pipeline) (is )?\d+', '\1 \2N', 'g') $$;

-- The definition of a pipeline that is made only to be refused.
CREATE FUNCTION t.define(source text, target text, rest text DEFAULT '') RETURNS text LANGUAGE sql AS $$
SELECT t.refused(format('SELECT etl.create_pipeline(''refused'', source => %L, target => %L%s)', source, target,
                        CASE WHEN rest <> '' THEN ', ' || rest ELSE '' END)) $$;

-- A run's end, with its counters; the sum that must hold is checked.
CREATE FUNCTION t.last_run(pipeline text) RETURNS text LANGUAGE sql AS $$
SELECT r.status || ': read ' || r.rows_read || ', inserted ' || r.rows_inserted || ', updated ' || r.rows_updated || ', unchanged '
       || r.rows_unchanged || ', deleted ' || r.rows_deleted || ', dead ' || r.rows_dead || ', superseded ' || r.rows_superseded
       || CASE WHEN r.rows_read <> r.rows_inserted + r.rows_updated + r.rows_unchanged + r.rows_deleted + r.rows_dead + r.rows_superseded
               THEN ' (THE COUNTERS DO NOT ADD UP)' ELSE '' END
       || CASE WHEN r.rows_written <> r.rows_inserted + r.rows_updated + r.rows_deleted THEN ' (rows_written IS WRONG)' ELSE '' END
       || coalesce(E'\n  ' || r.error_code || ': ' || r.error_message, '')
FROM etl.runs r WHERE r.pipeline = $1 ORDER BY r.id DESC LIMIT 1 $$;

-- The last run's error as the worker stored it (for superusers).
CREATE FUNCTION t.last_error(pipeline text) RETURNS text LANGUAGE sql AS $$
SELECT r.error_code || ': ' || r.error_message || coalesce(E'\n  detail: ' || r.error_detail, '') || coalesce(E'\n  hint: ' || r.error_hint, '')
FROM etl.run_log r JOIN etl.pipeline p ON p.id = r.pipeline_id WHERE p.name = $1 ORDER BY r.id DESC LIMIT 1 $$;

-- Runs a pipeline to its end, however that is.
CREATE PROCEDURE t.run(pipeline text, params jsonb DEFAULT '{}') LANGUAGE plpgsql AS $$
DECLARE
    run bigint;
    status text;
BEGIN
    run := etl.run(pipeline, params);
    COMMIT;
    status := etl.wait(run, '30 s');
    IF status NOT IN ('succeeded', 'failed', 'cancelled', 'paused') THEN
        RAISE EXCEPTION 'the run of % is %', pipeline, status;
    END IF;
END $$;

-- Waits until a query returns true.
CREATE PROCEDURE t.until(query text) LANGUAGE plpgsql AS $$
DECLARE
    fine bool;
BEGIN
    FOR i IN 1 .. 1000 LOOP
        EXECUTE query INTO fine;
        IF fine THEN RETURN; END IF;
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RAISE EXCEPTION 'still not true: %', query;
END $$;

-- How many rows one of two queries has and the other has not.
CREATE FUNCTION t.differences(one text, other text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM ((%1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL %1$s)) d', '(' || one || ')', '(' || other || ')') INTO number;
    RETURN number;
END $$;

CREATE FUNCTION t.rows(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (%s) q', query) INTO number;
    RETURN number;
END $$;

-- A step behind the tables of its inputs: what preview, a dry run, a run and one that looks at every step give, and the
-- transform without a pipeline, each held against a query; with the step's figures and columns.
CREATE PROCEDURE t.step(operator text, params jsonb, wanted text, keys jsonb DEFAULT '["id"]', inputs jsonb DEFAULT '["src"]', INOUT outcome text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    target text := current_schema || '.step_target';
    columns text := 'SELECT string_agg(attname || '' '' || format_type(atttypid, atttypmod), '', '' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND attrelid = %L::regclass';
    was text;
    tables regclass[] := ARRAY(SELECT i::regclass FROM jsonb_array_elements_text(inputs) i);
BEGIN
    PERFORM etl.create_pipeline('step', create_target => true, batch_size => 100, steps => (
        SELECT jsonb_agg(jsonb_build_object('id', i, 'operator', 'sql', 'params', jsonb_build_object('query', 'SELECT * FROM ' || i))) FROM jsonb_array_elements_text(inputs) i)
        || jsonb_build_array(jsonb_build_object('id', 'step', 'operator', operator, 'params', params, 'depends_on', inputs),
                             jsonb_build_object('id', 'save', 'operator', 'table', 'depends_on', 'step', 'params', jsonb_build_object('target', target, 'key_columns', keys))));
    COMMIT;
    outcome := t.differences(format('SELECT r.* FROM etl.preview(''step'', 10000) p, jsonb_populate_record(NULL::%s, p) r', target), wanted);
    outcome := outcome || ', ' || t.differences(format('SELECT r.* FROM etl.dry_run(''step'', 1000) d, jsonb_populate_record(NULL::%s, d.after) r', target), wanted);
    CALL t.run('step');
    outcome := outcome || ', ' || t.differences('SELECT * FROM ' || target, wanted);
    EXECUTE 'TRUNCATE ' || target;
    PERFORM etl.alter_pipeline('step', '{"options": {"observe": "steps"}}');
    CALL t.run('step');
    outcome := split_part(t.last_run('step'), ',', 1) || '; ' || outcome || ' and ' || t.differences('SELECT * FROM ' || target, wanted) || ' differences; '
        || (SELECT figures FROM etl.step_runs WHERE pipeline = 'step' AND step = 'step' ORDER BY run_id DESC LIMIT 1) || '; ';
    IF operator <> 'function' AND (t.differences(etl.transform_sql(operator, params, VARIADIC tables), wanted) <> 0
       OR (SELECT count(*) FROM etl.transform(operator, params, VARIADIC tables)) <> t.rows(wanted)) THEN
        RAISE EXCEPTION 'etl.transform() differs: %', etl.transform_sql(operator, params, VARIADIC tables);
    END IF;
    EXECUTE format(columns, current_schema || '.' || (inputs ->> 0)) INTO was;
    EXECUTE format(columns, target) INTO columns;
    outcome := outcome || CASE WHEN columns = was THEN 'columns as before' ELSE columns END;
    PERFORM etl.drop_pipeline('step');
    EXECUTE 'DROP TABLE ' || target;
END $$;

-- Every object of the extension has a comment (18 lists row types too).
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid <> 'pg_type'::regclass
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_etl')
  AND NOT EXISTS (SELECT FROM pg_description c WHERE c.classoid = d.classid AND c.objoid = d.objid AND c.objsubid = 0)
ORDER BY 1;
