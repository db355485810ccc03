-- Appends to tables of all kinds give the same: rows go in many at a time where nothing stands against it, else by INSERT.
\a \t
CREATE SCHEMA run_append AUTHORIZATION etl_alice;
DO $$ BEGIN PERFORM etl.allow_target('run_append.*'); END $$;
SET SESSION AUTHORIZATION etl_alice;
SET search_path = run_append, public;
CREATE TABLE src (id int, name text, n numeric, kind int);
INSERT INTO src SELECT i, 'name ' || i, i, 1 FROM generate_series(1, 3000) i;
UPDATE src SET n = -1 WHERE id = 1800;
UPDATE src SET name = NULL WHERE id = 900;
UPDATE src SET name = repeat('x', 30) WHERE id = 40;
UPDATE src SET n = 1e9 WHERE id = 41;
UPDATE src SET id = 1, n = 1 WHERE id = 2999;

-- Another order of columns, one that is dropped, defaults of all sorts, and indexes that are partial or on an expression.
CREATE TABLE plain (gone int, n numeric(8,2) CONSTRAINT positive CHECK (n >= 0), serial bigserial, id smallint PRIMARY KEY, word text DEFAULT 'it''s',
                    name varchar(20) NOT NULL, at timestamptz NOT NULL DEFAULT now(), kind int, always int GENERATED ALWAYS AS IDENTITY,
                    EXCLUDE USING btree (name WITH =));
ALTER TABLE plain DROP COLUMN gone;
CREATE INDEX ON plain (lower(name));
CREATE INDEX ON plain (n) WHERE n > 2000;
CREATE TABLE referenced (LIKE plain INCLUDING ALL);
CREATE TABLE referencing (id smallint REFERENCES referenced);
CREATE TABLE row_trigger (LIKE plain INCLUDING ALL);
CREATE TABLE statement_trigger (LIKE plain INCLUDING ALL);
CREATE SEQUENCE triggered;
CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('run_append.triggered'); RETURN NULL; END $$;
CREATE TRIGGER counts AFTER INSERT ON row_trigger FOR EACH ROW EXECUTE FUNCTION count_up();
CREATE TRIGGER counts BEFORE INSERT ON statement_trigger EXECUTE FUNCTION count_up();
CREATE TABLE foreign_key (LIKE plain INCLUDING ALL);
CREATE TABLE kinds (kind int PRIMARY KEY);
INSERT INTO kinds VALUES (1);
ALTER TABLE foreign_key ADD FOREIGN KEY (kind) REFERENCES kinds;
CREATE TABLE generated (LIKE plain INCLUDING ALL, more int GENERATED ALWAYS AS (id + 1) STORED);
CREATE FUNCTION rows_of(name text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM run_append.' || name INTO n; RETURN n; END $$;
CREATE TABLE volatile_default (LIKE plain INCLUDING ALL, before bigint DEFAULT rows_of('volatile_default'));
CREATE TABLE volatile_check (LIKE plain INCLUDING ALL, CHECK (rows_of('volatile_check') >= 0));
CREATE TABLE policy (LIKE plain INCLUDING ALL);
ALTER TABLE policy ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY every ON policy USING (id IS NOT NULL);
CREATE TABLE deferrable_key (LIKE plain INCLUDING ALL, CONSTRAINT later UNIQUE (serial) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE root (LIKE plain INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY) PARTITION BY LIST (kind);
ALTER TABLE root ALTER always SET DEFAULT nextval('plain_serial_seq');
CREATE TABLE root_leaf PARTITION OF root FOR VALUES IN (1);
ALTER TABLE root_leaf ADD PRIMARY KEY (id), ADD EXCLUDE USING btree (name WITH =);
CREATE TABLE above (LIKE root INCLUDING ALL) PARTITION BY LIST (kind);
CREATE TABLE leaf PARTITION OF above FOR VALUES IN (1);
ALTER TABLE leaf ADD PRIMARY KEY (id), ADD EXCLUDE USING btree (name WITH =);

CREATE TABLE targets (no serial, target text, outcome text);
INSERT INTO targets (target) SELECT unnest('{plain,referenced,row_trigger,statement_trigger,foreign_key,generated,volatile_default,volatile_check,policy,deferrable_key,leaf,root}'::text[]);
CREATE PROCEDURE append_to_all(source text, options text) LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
    FOR name IN SELECT target FROM run_append.targets ORDER BY no LOOP
        PERFORM etl.create_pipeline(name, source => source, target => 'run_append.' || name, batch_size => 2500, options => options::jsonb);
        CALL t.run(name);
    END LOOP;
END $$;

-- The rows, and what became of the bad ones: told once for all targets of which it is the same.
CALL append_to_all('SELECT id, name, n, kind FROM run_append.src', '{"write_mode": "append", "on_error": "quarantine"}');
CREATE FUNCTION outcome(target text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE rows text; letters text;
BEGIN
    EXECUTE format('SELECT concat_ws('' '', count(*), sum(id), sum(n), count(DISTINCT serial), count(DISTINCT always), min(word), min(at) > now() - interval ''1 h'', max(kind)) FROM run_append.%I', target) INTO rows;
    SELECT string_agg(concat_ws(' | ', error_code, error_message, context ->> 'constraint', context ->> 'column',
                                regexp_replace(context ->> 'detail', '(row contains|name\)=).*', '\1 …')), E'\n  ' ORDER BY error_code, error_message)
      INTO letters FROM etl.dead_letters WHERE pipeline = target;
    RETURN regexp_replace(concat_ws(E'\n  ', t.last_run(target), rows, letters), '\m(root_leaf|' || target || ')(_\w+)?\M', 'TARGET\2', 'g');
END $$;
UPDATE targets SET outcome = outcome(target);
SELECT string_agg(target, ' ' ORDER BY no) || ': ' || outcome FROM targets GROUP BY outcome ORDER BY min(no);
SELECT max(before) = count(*) - 1 AS sees_the_rows_before FROM volatile_default;
SELECT bool_and(more = id + 1) FROM generated;
SELECT last_value > 2995 AS triggers_ran FROM triggered;

-- Which way they went: a row that breaks a CHECK is told before an earlier one with a key that is there already.
SELECT count(etl.drop_pipeline(target)) FROM targets;
CALL append_to_all($$SELECT 1 AS id, 'again' AS name, 1.0 AS n, 1 AS kind UNION ALL SELECT 30001, 'negative', -1, 1$$, '{"write_mode": "append"}');
SELECT error_code, string_agg(target, ' ' ORDER BY no) FROM targets JOIN etl.runs ON pipeline = target AND status = 'failed' GROUP BY error_code ORDER BY error_code DESC;

SELECT count(etl.drop_pipeline(target)) FROM targets;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA run_append CASCADE;
