-- Checks that wait for the end of the transaction, when a batch is written by halves: a row needs others of its batch.
\a \t
CREATE SCHEMA run_deferred;
SET search_path = run_deferred, public;
DO $$ BEGIN PERFORM etl.allow_target('run_deferred.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, parent int, n int);
CREATE TABLE node (id int PRIMARY KEY, parent int REFERENCES node DEFERRABLE INITIALLY DEFERRED, n int CHECK (n > 0));
CREATE FUNCTION letters() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(concat_ws(' ', error_code, original_record ->> 'id'), ', ' ORDER BY (original_record ->> 'id')::int) FROM etl.dead_letters WHERE pipeline = 'deferred' $$;
CREATE FUNCTION outcome() RETURNS text LANGUAGE sql AS $$
SELECT concat_ws(E'\n', t.last_run('deferred'), (SELECT count(*) || ' ' || sum(id) FROM run_deferred.node), run_deferred.letters()) $$;
SELECT etl.create_pipeline('deferred', source => 'SELECT * FROM run_deferred.src', target => 'run_deferred.node', batch_size => 100,
    options => '{"on_error": "quarantine"}') > 0;
-- Each row's parent is the one behind it, to the end of the batch; one row is bad by itself.
INSERT INTO src SELECT i, nullif(i + 1, 101), 1 FROM generate_series(1, 100) i;
UPDATE src SET n = 0, parent = NULL WHERE id = 7;
UPDATE src SET parent = NULL WHERE id = 6;
SELECT action, key, error_code FROM etl.dry_run('deferred') WHERE action = 'error';
CALL t.run('deferred');
SELECT outcome();
-- One whose parent is nowhere takes with it only those that need it.
SELECT etl.drop_pipeline('deferred');
SELECT etl.create_pipeline('deferred', source => 'SELECT * FROM run_deferred.src', target => 'run_deferred.node', batch_size => 100,
    options => '{"on_error": "quarantine"}') > 0;
TRUNCATE node;
UPDATE src SET parent = 1000 WHERE id = 50;
UPDATE src SET parent = NULL WHERE id = 48;
SELECT action, key, error_code FROM etl.dry_run('deferred') WHERE action = 'error' ORDER BY key;
CALL t.run('deferred');
SELECT outcome();
-- So it is in a batch of any size, whichever way they lean.
CREATE PROCEDURE big(batch_size int) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM etl.drop_pipeline('deferred');
    PERFORM etl.create_pipeline('deferred', source => 'SELECT * FROM run_deferred.big', target => 'run_deferred.node', batch_size => batch_size,
        options => '{"on_error": "quarantine"}');
    COMMIT;
    CALL t.run('deferred');
END $$;
CREATE TABLE big (id int PRIMARY KEY, parent int, n int);
INSERT INTO big SELECT i, nullif(i + 1, 5000), 1 FROM generate_series(1, 4999) i;
INSERT INTO big VALUES (5000, 99999, 1);
TRUNCATE node;
CALL big(5000);
SELECT outcome();
UPDATE big SET parent = CASE WHEN id % 500 <> 1 THEN id - 1 END WHERE id < 5000;
UPDATE big SET parent = 99999 WHERE id = 1491;
TRUNCATE node;
CALL big(2000);
SELECT outcome();
-- A check that waits for nothing is no other: a row may come before the one that it refers to.
ALTER TABLE node ALTER CONSTRAINT node_parent_fkey NOT DEFERRABLE;
UPDATE big SET parent = nullif(id + 1, 5000) WHERE id < 5000;
TRUNCATE node;
CALL big(5000);
SELECT outcome();
ALTER TABLE node ALTER CONSTRAINT node_parent_fkey DEFERRABLE INITIALLY DEFERRED;
-- What is dead has the error that it has among the others.
CREATE TABLE both_ways (id int PRIMARY KEY, parent int REFERENCES both_ways DEFERRABLE INITIALLY DEFERRED,
    n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
SELECT etl.drop_pipeline('deferred');
SELECT etl.create_pipeline('deferred', source => 'SELECT * FROM (VALUES (1, 3, 1), (2, 3, 1), (3, NULL, 3), (4, 99, 4)) AS v (id, parent, n)', target => 'run_deferred.both_ways',
    options => '{"on_error": "quarantine"}') > 0;
CALL t.run('deferred');
SELECT t.last_run('deferred'), (SELECT string_agg(id::text, ' ' ORDER BY id) FROM both_ways);
SELECT error_code, original_record ->> 'id' AS id FROM etl.dead_letters WHERE pipeline = 'deferred' ORDER BY 2;
-- Where keys come again no row waits for others: by then it could be an older version.
SELECT etl.drop_pipeline('deferred');
CREATE TABLE versions (n int PRIMARY KEY, id int, parent int, note text);
INSERT INTO versions VALUES (1, 4, NULL, 'bad'), (2, 5, 99, 'old'), (3, 5, NULL, 'new'), (4, 99, NULL, 'parent');
CREATE TABLE latest (id int PRIMARY KEY, parent int REFERENCES latest, note text CHECK (note <> 'bad'));
SELECT etl.create_pipeline('deferred', source => 'SELECT id, parent, note FROM run_deferred.versions ORDER BY n', target => 'run_deferred.latest',
    options => '{"on_error": "quarantine"}') > 0;
CALL t.run('deferred');
SELECT t.last_run('deferred'), (SELECT string_agg(concat_ws(' ', id, note), ', ' ORDER BY id) FROM latest);
-- A trigger may write where such a check is.
CREATE TABLE audit (ref int REFERENCES big DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE audited (id int PRIMARY KEY);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO run_deferred.audit VALUES (NEW.id); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT ON audited FOR EACH ROW EXECUTE FUNCTION note();
SELECT etl.drop_pipeline('deferred');
SELECT etl.create_pipeline('deferred', source => 'SELECT i AS id FROM generate_series(4991, 5010) i', target => 'run_deferred.audited', batch_size => 15,
    options => '{"on_error": "quarantine"}') > 0;
SELECT batch, action, count(*) FROM etl.dry_run('deferred', batches => 2) GROUP BY 1, 2 ORDER BY 1, 2;
CALL t.run('deferred');
SELECT t.last_run('deferred'), (SELECT count(*) FROM audited);
-- A batch is tried as it will be committed, whatever was checked in one before.
INSERT INTO src SELECT i, nullif(i + 1, 201), 1 FROM generate_series(101, 200) i;
UPDATE src SET n = 1, parent = nullif(id + 1, 101) WHERE id <= 100;
UPDATE src SET parent = 1000 WHERE id = 120;
TRUNCATE node;
SELECT etl.drop_pipeline('deferred');
SELECT etl.create_pipeline('deferred', source => 'SELECT * FROM run_deferred.src', target => 'run_deferred.node', batch_size => 100,
    options => '{"on_error": "quarantine"}') > 0;
SELECT batch, action, count(*) FROM etl.dry_run('deferred', batches => 2) GROUP BY 1, 2 ORDER BY 1, 2;
DELETE FROM src WHERE id > 100;
UPDATE src SET n = 0, parent = NULL WHERE id = 7;
UPDATE src SET parent = NULL WHERE id IN (6, 48);
UPDATE src SET parent = 1000 WHERE id = 50;
-- Of two that break a deferred UNIQUE together one stays, also when another row lacks what it needs, or the two need what others bring.
CREATE TABLE alike (id int PRIMARY KEY, k int CHECK (k > 0) UNIQUE DEFERRABLE INITIALLY DEFERRED, parent int REFERENCES alike DEFERRABLE INITIALLY DEFERRED);
CREATE PROCEDURE alike(parents text) LANGUAGE plpgsql AS $$ BEGIN
    TRUNCATE run_deferred.alike;
    PERFORM etl.drop_pipeline('deferred'), etl.create_pipeline('deferred', batch_size => 100, options => '{"on_error": "quarantine"}', target => 'run_deferred.alike',
        source => format('SELECT id, CASE WHEN id = 90 THEN 11 ELSE id END AS k, (%L::jsonb ->> id::text)::int AS parent FROM run_deferred.src', parents));
    COMMIT;
    CALL t.run('deferred');
END $$;
CALL alike('{}');
SELECT t.last_run('deferred'), letters(), count(*), count(*) FILTER (WHERE k = 11) FROM alike;
CALL alike('{"30": 1000}');
SELECT t.last_run('deferred'), letters(), count(*), count(*) FILTER (WHERE k = 11) FROM alike;
CALL alike('{"11": 60, "90": 12}');
SELECT t.last_run('deferred'), letters(), count(*), count(*) FILTER (WHERE k = 11) FROM alike;
-- Two that change places do it together.
TRUNCATE alike;
INSERT INTO alike VALUES (1, 1), (2, 2);
SELECT etl.drop_pipeline('deferred');
SELECT etl.create_pipeline('deferred', source => 'SELECT * FROM (VALUES (1, 2), (2, 1), (3, 0)) AS v (id, k)', target => 'run_deferred.alike', options => '{"on_error": "quarantine"}') > 0;
CALL t.run('deferred');
SELECT t.last_run('deferred'), letters();
-- More than max_dead_letters are not looked for; what fails late is tried again only as long as some of it passes. A sequence counts what is tried.
CREATE SEQUENCE tries;
CREATE TABLE sought (id int PRIMARY KEY, parent int REFERENCES sought DEFERRABLE INITIALLY DEFERRED, n int CHECK (nextval('run_deferred.tries') > 0 AND n > 0));
CREATE PROCEDURE seek(rows text) LANGUAGE plpgsql AS $$ BEGIN
    PERFORM setval('run_deferred.tries', 1);
    PERFORM etl.drop_pipeline('deferred'), etl.create_pipeline('deferred', batch_size => 100, options => '{"on_error": "quarantine", "max_dead_letters": 5}',
        target => 'run_deferred.sought', source => format('SELECT id, %s FROM run_deferred.src', rows));
    COMMIT;
    CALL t.run('deferred');
END $$;
CALL seek('5000 + id AS parent, 1 AS n');
SELECT t.last_error('deferred'), last_value < 3000 FROM tries;
CALL seek('NULL::int AS parent, 0 AS n');
SELECT t.last_error('deferred'), last_value < 50 FROM tries;
-- There and back and there again: row by row, since each second one is bad.
SELECT etl.drop_pipeline('deferred');
SELECT etl.create_pipeline('deferred', source => 'SELECT i AS id, CASE WHEN i = 2 THEN 500 WHEN i = 500 THEN 600 WHEN i < 400 AND i % 2 = 1 THEN 9999 WHEN i <= 400 THEN i - 2 END AS parent, 1 AS n
    FROM generate_series(1, 600) i', target => 'run_deferred.sought', batch_size => 1000, options => '{"on_error": "quarantine"}') > 0;
CALL t.run('deferred');
SELECT t.last_run('deferred');
-- Beside another sink, which may have what is needed, the run fails with the error: nothing of the batch stays.
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES node DEFERRABLE INITIALLY DEFERRED, n int CHECK (n > 0));
SELECT etl.drop_pipeline('deferred');
CREATE FUNCTION two_sinks(rows text) RETURNS bool LANGUAGE sql AS $$
SELECT etl.create_pipeline('deferred', options => '{"on_error": "quarantine", "max_retries": 0}', steps => format('[
  {"id": "read", "operator": "sql", "params": {"query": "SELECT * FROM run_deferred.src %s"}},
  {"id": "child", "operator": "table", "params": {"target": "run_deferred.child"}, "depends_on": ["read"]},
  {"id": "roots", "operator": "sql", "params": {"query": "SELECT id, NULL::int AS parent, 1 AS n FROM read"}, "depends_on": ["read"]},
  {"id": "node", "operator": "table", "params": {"target": "run_deferred.node"}, "depends_on": ["roots"]}]', rows)::jsonb) > 0 $$;
TRUNCATE node CASCADE;
SELECT two_sinks('');
CALL t.run('deferred');
SELECT outcome(), (SELECT count(*) FROM child);
SELECT etl.drop_pipeline('deferred');
SELECT two_sinks('WHERE id NOT IN (49, 50)');
CALL t.run('deferred');
SELECT outcome(), (SELECT count(*) FROM child);
SELECT etl.drop_pipeline('deferred');
SET client_min_messages = warning;
DROP SCHEMA run_deferred CASCADE;
