-- A record that json takes and jsonb does not is shown as a string of its text, and hides no other one.
\a \t
CREATE SCHEMA dead_letter_records;
SET search_path = dead_letter_records, public;
DO $$ BEGIN PERFORM etl.allow_target('dead_letter_records.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, j json);
CREATE TABLE dst (id int PRIMARY KEY, j json, CONSTRAINT small CHECK (id < 0));
INSERT INTO src VALUES (1, '"plain"'), (2, '"\ud800"'), (3, '1e1000000'), (4, '"\u0000"'), (5, '{"\udc00": 1}');
SELECT etl.create_pipeline('records', source => 'SELECT id, j FROM src', target => 'dead_letter_records.dst', options => '{"on_error": "quarantine"}') > 0;
CALL t.run('records');
SELECT t.last_run('records');
SELECT jsonb_typeof(original_record), original_record FROM etl.dead_letters WHERE pipeline = 'records' ORDER BY id;
-- The others can be replayed.
ALTER TABLE dst DROP CONSTRAINT small;
SELECT etl.dead_letter_replay('records', $$original_record ->> 'id' = '1'$$);
SELECT id, j FROM dst;
-- Those cannot, by themselves.
\set VERBOSITY sqlstate
SELECT etl.dead_letter_replay('records');
\set VERBOSITY default
SELECT etl.dead_letter_replay('records', $$jsonb_typeof(original_record) = 'object'$$);
SELECT status, count(*) FROM etl.dead_letters WHERE pipeline = 'records' GROUP BY status ORDER BY status;
SELECT etl.drop_pipeline('records');
SET client_min_messages = warning;
DROP SCHEMA dead_letter_records CASCADE;
