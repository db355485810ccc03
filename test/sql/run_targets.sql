-- What targets can be: partitioned, with identity, defaults, generated columns, triggers, deferred constraints.
\a \t
CREATE SCHEMA run_targets;
SET search_path = run_targets, public;
DO $$ BEGIN PERFORM etl.allow_target('run_targets.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, v text);
INSERT INTO src SELECT i, 'v' || i FROM generate_series(1, 20) i;
CREATE PROCEDURE twice(pipeline text) LANGUAGE plpgsql AS $$
BEGIN
    CALL t.run(pipeline);
    RAISE INFO '%', t.last_run(pipeline);
    CALL t.run(pipeline);
    RAISE INFO '%', t.last_run(pipeline);
    UPDATE run_targets.src SET v = v || '+' WHERE id % 5 = 0;
    CALL t.run(pipeline);
    RAISE INFO '%', t.last_run(pipeline);
    PERFORM etl.drop_pipeline(pipeline);
END $$;
-- Partitioned, by range and below it by hash; a default partition.
CREATE TABLE parted (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (1) TO (8);
CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (8) TO (15) PARTITION BY HASH (id);
CREATE TABLE parted_b0 PARTITION OF parted_b FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_b1 PARTITION OF parted_b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parted_d PARTITION OF parted DEFAULT;
SELECT etl.create_pipeline('targets', source => 'SELECT id, v FROM src', target => 'run_targets.parted', batch_size => 6) > 0;
CALL twice('targets');
SELECT (SELECT count(*) FROM parted_a), (SELECT count(*) FROM parted_b), (SELECT count(*) FROM parted_d), (SELECT count(*) FROM parted JOIN src USING (id, v));
-- A partition itself.
TRUNCATE parted;
SELECT etl.create_pipeline('targets', source => 'SELECT id, v FROM src WHERE id < 8', target => 'run_targets.parted_a') > 0;
CALL twice('targets');
-- An ALWAYS identity is inserted and never set; a generated column follows; a column left out keeps its default or value.
CREATE TABLE odd (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text, twice text GENERATED ALWAYS AS (v || v) STORED, made text NOT NULL DEFAULT 'by default', other int);
SELECT etl.create_pipeline('targets', source => 'SELECT id, v FROM src', target => 'run_targets.odd') > 0;
CALL t.run('targets');
UPDATE odd SET made = 'by hand', other = 7 WHERE id = 5;
CALL twice('targets');
SELECT * FROM odd WHERE id IN (4, 5, 10) ORDER BY id;
-- An identity that is not the key.
CREATE TABLE odd2 (id int PRIMARY KEY, v text, n int GENERATED ALWAYS AS IDENTITY);
SELECT etl.create_pipeline('targets', source => 'SELECT id, v FROM src', target => 'run_targets.odd2') > 0;
CALL twice('targets');
SELECT count(DISTINCT n) FROM odd2;
SELECT etl.create_pipeline('targets', source => 'SELECT id, v, id + 1000 AS n FROM src', target => 'run_targets.odd2') > 0;
CALL twice('targets');
SELECT min(n) > 0 FROM odd2;
-- Only key columns.
CREATE TABLE bare (id int PRIMARY KEY);
SELECT etl.create_pipeline('targets', source => 'SELECT id FROM src', target => 'run_targets.bare') > 0;
CALL twice('targets');
-- Triggers on the target run, once a row, and may change it.
CREATE TABLE trig (id int PRIMARY KEY, v text, n int NOT NULL DEFAULT 0);
CREATE TABLE trig_log (op text, id int);
CREATE FUNCTION trig_before() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := OLD.n + 1; RETURN NEW; END $$;
CREATE FUNCTION trig_after() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO run_targets.trig_log VALUES (TG_OP, NEW.id); RETURN NULL; END $$;
CREATE TRIGGER b BEFORE UPDATE ON trig FOR EACH ROW EXECUTE FUNCTION trig_before();
CREATE TRIGGER a AFTER INSERT OR UPDATE ON trig FOR EACH ROW EXECUTE FUNCTION trig_after();
SELECT etl.create_pipeline('targets', source => 'SELECT id, v FROM src', target => 'run_targets.trig', batch_size => 8) > 0;
CALL twice('targets');
SELECT op, count(*) FROM trig_log GROUP BY op ORDER BY op;
SELECT id, n FROM trig WHERE n > 0 ORDER BY id;
-- A deferred constraint is checked in the batch that breaks it: nothing of the batch stays.
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 15);
CREATE TABLE child (id int PRIMARY KEY REFERENCES parent DEFERRABLE INITIALLY DEFERRED, v text);
SELECT etl.create_pipeline('targets', source => 'SELECT id, v FROM src', target => 'run_targets.child', batch_size => 10) > 0;
CALL t.run('targets');
SELECT t.last_run('targets');
SELECT count(*) FROM child;
SELECT state FROM etl.pipelines WHERE name = 'targets';
-- Mended, the same run goes on from its checkpoint.
INSERT INTO parent SELECT generate_series(16, 20);
SELECT max(id) = etl.retry('targets') FROM etl.runs WHERE pipeline = 'targets';
CALL t.until($$SELECT state = 'IDLE' FROM etl.pipelines WHERE name = 'targets'$$);
SELECT attempt, t.last_run('targets') FROM etl.runs WHERE pipeline = 'targets';
SELECT count(*) FROM child;
SELECT etl.drop_pipeline('targets');
-- Row security on the target binds the owner.
GRANT USAGE ON SCHEMA run_targets TO etl_alice;
CREATE TABLE secured (id int PRIMARY KEY, v text);
GRANT SELECT, INSERT, UPDATE ON secured TO etl_alice;
GRANT SELECT ON src TO etl_alice;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON secured USING (id < 11) WITH CHECK (id < 11);
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.create_pipeline('targets', source => 'SELECT id, v FROM run_targets.src WHERE id < 11', target => 'run_targets.secured') > 0;
CALL t.run('targets');
SELECT t.last_run('targets');
SELECT etl.alter_pipeline('targets', '{"source": "SELECT id, v FROM run_targets.src"}') > 0;
CALL t.run('targets');
SELECT t.last_run('targets');
SELECT etl.drop_pipeline('targets');
RESET SESSION AUTHORIZATION;
-- Types are cast as an assignment would: a value that does not fit fails the run, it is never cut.
CREATE TABLE narrow (id smallint PRIMARY KEY, v varchar(3));
SELECT etl.create_pipeline('targets', source => 'SELECT id, v FROM src', target => 'run_targets.narrow', batch_size => 9) > 0;
CALL t.run('targets');
SELECT t.last_run('targets');
SELECT count(*) FROM narrow;
SELECT etl.drop_pipeline('targets');
-- Nor where a domain, or an array of a domain, is made of such a type; two keys that do not fit are not one.
CREATE DOMAIN code AS varchar(3);
CREATE DOMAIN short_code AS code CHECK (VALUE <> '-');
CREATE DOMAIN padded AS char(3);
CREATE DOMAIN flags AS bit(3);
CREATE TABLE domains (k code PRIMARY KEY, v short_code, p padded, f flags, many code[]);
CREATE TABLE wide (k text PRIMARY KEY, v text, p text, f text, many text[]);
INSERT INTO wide VALUES ('a', 'ab', 'x', '101', '{a,abc}'), ('b', NULL, 'y  ', NULL, NULL);
SELECT etl.create_pipeline('targets', source => 'SELECT k, v, p, f::varbit AS f, many FROM wide', target => 'run_targets.domains', options => '{"on_error": "quarantine"}') > 0;
CALL t.run('targets');
SELECT t.last_run('targets');
CALL t.run('targets');
SELECT t.last_run('targets');
INSERT INTO wide VALUES ('abcd', '1'), ('abce', '2');
UPDATE wide SET v = 'abcdef' WHERE k = 'a';
CALL t.run('targets');
SELECT t.last_run('targets');
SELECT original_record ->> 'k', error_code FROM etl.dead_letters WHERE pipeline = 'targets' ORDER BY 1;
SELECT * FROM domains ORDER BY k;
UPDATE wide SET v = 'b', p = 'long', many = NULL WHERE k = 'a';
UPDATE wide SET many = '{long}' WHERE k = 'b';
INSERT INTO wide VALUES ('c', '-', NULL, NULL, NULL), ('d', 'd', 'd', '1010', NULL), ('e', 'e', 'e', '010', '{e}');
CALL t.run('targets');
SELECT t.last_run('targets');
SELECT original_record ->> 'k', error_code FROM etl.dead_letters WHERE pipeline = 'targets' ORDER BY 1;
SELECT * FROM domains ORDER BY k;
SELECT etl.alter_pipeline('targets', '{"options": {"write_mode": "append", "on_error": "quarantine"}}') > 0;
TRUNCATE domains;
CALL t.run('targets');
SELECT t.last_run('targets');
SELECT * FROM domains ORDER BY k;
SELECT etl.drop_pipeline('targets');
