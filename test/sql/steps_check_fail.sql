-- Steps: check with severity fail, each rule by itself: the run's end, what it says, and nothing is written.
\a \t
CREATE SCHEMA steps_check_fail;
SET search_path = steps_check_fail, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_check_fail.*'); END $$;
CREATE TABLE known (part int, code text);
INSERT INTO known SELECT i, 'c' || i FROM generate_series(0, 2) i;
CREATE TABLE src (id int PRIMARY KEY, name text, part int, code text, at timestamptz, day date);
INSERT INTO src SELECT i, CASE WHEN i <> 30 THEN 'n' || i % 49 END, i % 4, 'c' || i % 3, timestamptz '2024-01-01' + i * interval '1 day', date '2024-01-01' + i FROM generate_series(1, 50) i;
CREATE TABLE dst (LIKE src INCLUDING ALL);
CREATE PROCEDURE failed(rules jsonb, severity text DEFAULT 'fail', INOUT outcome text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    observe text;
    error text;
BEGIN
    FOREACH observe IN ARRAY ARRAY['run', 'steps'] LOOP
        PERFORM etl.create_pipeline('failed', batch_size => 20, options => jsonb_build_object('observe', observe), steps => jsonb_build_array('{"id": "src", "operator": "table", "params": {"table": "steps_check_fail.src"}}'::jsonb,
            jsonb_build_object('id', 'look', 'operator', 'check', 'depends_on', 'src', 'params', jsonb_build_object('rules', rules, 'severity', severity)),
            '{"id": "save", "operator": "table", "params": {"target": "steps_check_fail.dst"}, "depends_on": "look"}'::jsonb));
        COMMIT;
        CALL t.run('failed');
        error := coalesce(regexp_replace(t.last_error('failed'), '((?:not unique|not in) .*) One row is [^\n]*', '\1'), split_part(t.last_run('failed'), ',', 1));  -- which one comes first is the plan's
        outcome := CASE WHEN outcome IS DISTINCT FROM error THEN coalesce(outcome || E'\nOTHERWISE OBSERVED: ', '') ELSE '' END || error;
        IF t.last_run('failed') LIKE 'failed%' AND EXISTS (SELECT FROM dst) THEN
            RAISE EXCEPTION 'rows were written';
        END IF;
        TRUNCATE dst;
        PERFORM etl.drop_pipeline('failed');
    END LOOP;
END $$;
CALL failed('[{"rule": "not_null", "column": "name"}]');
CALL failed('[{"rule": "unique", "column": "name"}]');
CALL failed('[{"rule": "unique", "columns": ["part", "code"]}]');
CALL failed('[{"rule": "range", "column": "id", "min": 3}]');
CALL failed('[{"rule": "range", "column": "id", "max": 49}]');
CALL failed('[{"rule": "range", "column": "day", "min": "2024-01-03", "max": "2024-02-19"}]');
CALL failed('[{"rule": "regex", "column": "name", "pattern": "^n[1-9]?[0-8]$"}]');
CALL failed('[{"rule": "in_set", "column": "part", "values": [0, 1, 2]}]');
CALL failed('[{"rule": "foreign_key", "column": "part", "table": "steps_check_fail.known"}]');
CALL failed('[{"rule": "foreign_key", "columns": ["part", "code"], "table": "known"}]');
CALL failed('[{"rule": "expression", "expression": "id <> 17"}]');
CALL failed('[{"rule": "expression", "expression": "id <> 17", "name": "not the 17th"}]');
CALL failed('[{"rule": "row_count", "min": 51}]');
CALL failed('[{"rule": "row_count", "max": 49}]');
CALL failed('[{"rule": "freshness", "column": "day", "max_age": "1 day"}]');
CALL failed('[{"rule": "freshness", "column": "at", "max_age": "1 day"}]');
-- About all rows: quarantine ends the run as well, with no dead letter, also of rows that break the other rules.
CALL failed('[{"rule": "freshness", "column": "at", "max_age": "1 day"}]', 'quarantine');
CALL failed('[{"rule": "freshness", "column": "day", "max_age": "2 hours", "name": "of today"}, {"rule": "not_null", "column": "name"}]', 'quarantine');
CALL failed('[{"rule": "row_count", "min": 51}, {"rule": "not_null", "column": "name"}]', 'quarantine');
SELECT count(*) FROM etl.dead_letters WHERE pipeline = 'failed';
-- Not broken.
CALL failed('[{"rule": "unique", "column": "id"}, {"rule": "range", "column": "id", "min": 1, "max": 50}, {"rule": "row_count", "min": 50, "max": 50}, {"rule": "freshness", "column": "at", "max_age": "100 years"}, {"rule": "in_set", "column": "part", "values": [0, 1, 2, 3]},
    {"rule": "foreign_key", "column": "code", "table": "known"}, {"rule": "regex", "column": "name", "pattern": "^n"}, {"rule": "expression", "expression": "id > 0"}, {"rule": "not_null", "columns": ["at", "day"]}]');
-- Without rows a value cannot be old, nor one that is NULL.
UPDATE src SET at = NULL;
CALL failed('[{"rule": "freshness", "column": "at", "max_age": "1 day"}]');
TRUNCATE src;
CALL failed('[{"rule": "freshness", "column": "at", "max_age": "1 day"}]');
CALL failed('[{"rule": "row_count", "min": 1}]');
