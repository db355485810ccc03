-- Threats A11-A14, A20: what others wrote runs in the worker with the pipeline owner's rights and never with more, whatever
-- carries it (view, trigger, default, policy, ...) and whatever it tries (RESET ROLE, COPY TO PROGRAM, ...).
\a \t
SET client_min_messages = warning;
CREATE SCHEMA rights_escalation;
SET search_path = rights_escalation, public;
GRANT USAGE, CREATE ON SCHEMA rights_escalation TO etl_alice, etl_bob;
DO $$ BEGIN PERFORM etl.allow_target('rights_escalation.*'); END $$;
-- What a payload saw, and whether it came through. Everybody may write here, as the payload runs as anybody.
CREATE TABLE report (carrier text, payload text, who text, outcome text);
GRANT INSERT, SELECT ON report TO PUBLIC;
CREATE TABLE now_at (carrier text, payload text);
GRANT SELECT ON now_at TO PUBLIC;
INSERT INTO now_at VALUES ('', '');
CREATE TABLE payloads (payload text, statement text);
GRANT SELECT ON payloads TO PUBLIC;
INSERT INTO payloads VALUES
    ('reset role', 'RESET ROLE'),
    ('set role', 'SET ROLE postgres'),
    ('session authorization', 'SET SESSION AUTHORIZATION postgres'),
    ('reset session authorization', 'RESET SESSION AUTHORIZATION'),
    ('program', 'COPY (SELECT 1) TO PROGRAM ''true'''),
    ('read file', 'SELECT pg_read_file(''postgresql.auto.conf'')'),
    ('copy file', 'COPY (SELECT 1) TO ''/tmp/pg_etl_never'''),
    ('superuser', 'ALTER ROLE etl_alice SUPERUSER'),
    ('setting', 'SET session_replication_role = replica'),
    ('catalog', 'UPDATE etl.pipeline SET owner = ''postgres'''),
    ('allow', 'SELECT etl.allow_target(''pg_catalog.*'')');
-- Bob (T, the owner of tables) wrote this; Alice (O) owns the pipeline. It says who it is before and after its try.
SET SESSION AUTHORIZATION etl_bob;
CREATE FUNCTION attack() RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    at rights_escalation.now_at;
    p record;
    outcome text;
BEGIN
    SELECT * INTO at FROM rights_escalation.now_at;
    IF at.carrier = '' THEN RETURN 1; END IF;
    FOR p IN SELECT * FROM rights_escalation.payloads LOOP
        BEGIN
            EXECUTE p.statement;
            outcome := 'done, now ' || current_user || '/' || session_user || CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN ' SUPERUSER' ELSE '' END;
        EXCEPTION WHEN OTHERS THEN
            outcome := SQLSTATE;
        END;
        BEGIN
            INSERT INTO rights_escalation.report
            SELECT at.carrier, p.payload, current_user || '/' || session_user || CASE WHEN rolsuper THEN ' SUPERUSER' ELSE '' END, outcome FROM pg_roles WHERE rolname = current_user;
        EXCEPTION WHEN OTHERS THEN
            NULL;  -- a source is read only: seen through the sequences
        END;
        IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN PERFORM setval('rights_escalation.was_superuser', 2); END IF;
        PERFORM nextval('rights_escalation.tried');
    END LOOP;
    RETURN 1;
END $$;
CREATE FUNCTION attack_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_escalation.attack(); RETURN NEW; END $$;
CREATE FUNCTION attack_of(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM rights_escalation.attack(); RETURN x; END $$;
CREATE FUNCTION attack_check(x int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM rights_escalation.attack(); RETURN true; END $$;
CREATE FUNCTION attack_definer() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM rights_escalation.attack(); RETURN 1; END $$;
RESET SESSION AUTHORIZATION;
CREATE SEQUENCE tried;
CREATE SEQUENCE was_superuser;
GRANT USAGE, UPDATE, SELECT ON SEQUENCE tried, was_superuser TO PUBLIC;
SET SESSION AUTHORIZATION etl_bob;
CREATE TABLE plain (id int PRIMARY KEY, v int DEFAULT 1);
INSERT INTO plain VALUES (1, 1);
CREATE VIEW by_view AS SELECT id, rights_escalation.attack() AS v FROM plain;
CREATE TABLE by_source_policy (id int PRIMARY KEY, v int);
INSERT INTO by_source_policy VALUES (1, 1);
ALTER TABLE by_source_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON by_source_policy USING (rights_escalation.attack() = 1);
CREATE TABLE dst (id int PRIMARY KEY, v int);
CREATE TABLE by_before_trigger (LIKE dst INCLUDING ALL);
CREATE TRIGGER a BEFORE INSERT ON by_before_trigger FOR EACH ROW EXECUTE FUNCTION attack_row();
CREATE TABLE by_after_trigger (LIKE dst INCLUDING ALL);
CREATE TRIGGER a AFTER INSERT ON by_after_trigger FOR EACH ROW EXECUTE FUNCTION attack_row();
CREATE TABLE by_statement_trigger (LIKE dst INCLUDING ALL);
CREATE TRIGGER a AFTER INSERT ON by_statement_trigger FOR EACH STATEMENT EXECUTE FUNCTION attack_row();
CREATE TABLE by_deferred_trigger (LIKE dst INCLUDING ALL);
CREATE CONSTRAINT TRIGGER a AFTER INSERT ON by_deferred_trigger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION attack_row();
CREATE TABLE by_default (id int PRIMARY KEY, v int, d int DEFAULT rights_escalation.attack());
CREATE TABLE by_policy (LIKE dst INCLUDING ALL);
ALTER TABLE by_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON by_policy USING (true) WITH CHECK (rights_escalation.attack() = 1);
CREATE DOMAIN checked_int AS int CHECK (rights_escalation.attack_check(VALUE));
CREATE TABLE by_domain (id int PRIMARY KEY, v checked_int);
CREATE TABLE by_check (id int PRIMARY KEY, v int CHECK (rights_escalation.attack_check(v)));
CREATE TABLE by_index (LIKE dst INCLUDING ALL);
CREATE INDEX ON by_index ((rights_escalation.attack_of(v)));
CREATE TABLE by_partial_index (LIKE dst INCLUDING ALL);
CREATE INDEX ON by_partial_index (v) WHERE rights_escalation.attack_check(v);
CREATE TABLE by_generated (id int PRIMARY KEY, v int, g int GENERATED ALWAYS AS (rights_escalation.attack_of(v)) STORED);
CREATE TABLE by_partition_trigger (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE by_partition_trigger_1 PARTITION OF by_partition_trigger DEFAULT;
CREATE TRIGGER a BEFORE INSERT ON by_partition_trigger_1 FOR EACH ROW EXECUTE FUNCTION attack_row();
CREATE TYPE pair AS (a int);
CREATE FUNCTION pair_of(x int) RETURNS pair LANGUAGE plpgsql AS $$ BEGIN PERFORM rights_escalation.attack(); RETURN ROW(x)::rights_escalation.pair; END $$;
RESET SESSION AUTHORIZATION;
-- Casts and operators of Bob's: a superuser or the type's owner makes them.
ALTER TYPE pair OWNER TO etl_bob;
CREATE CAST (int AS pair) WITH FUNCTION pair_of(int) AS ASSIGNMENT;
SET SESSION AUTHORIZATION etl_bob;
CREATE TABLE by_cast (id int PRIMARY KEY, v pair);
CREATE FUNCTION attack_equal(x int, y int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM rights_escalation.attack(); RETURN x = y; END $$;
CREATE OPERATOR === (FUNCTION = rights_escalation.attack_equal, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR @@@ (FUNCTION = rights_escalation.attack_of, RIGHTARG = int);
SET client_min_messages = error;
GRANT ALL ON ALL TABLES IN SCHEMA rights_escalation TO etl_alice;
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON report, now_at, payloads TO etl_alice;
REVOKE INSERT, UPDATE, DELETE ON now_at, payloads FROM etl_alice;

CREATE TABLE safe (id int PRIMARY KEY, v int);
GRANT ALL ON safe TO etl_alice;
CREATE TABLE carriers (n int GENERATED ALWAYS AS IDENTITY, carrier text, source text, target text);
GRANT SELECT ON carriers TO PUBLIC;
INSERT INTO carriers (carrier, source, target) VALUES
    ('source function', 'SELECT id, rights_escalation.attack() AS v FROM rights_escalation.plain', 'dst'),
    ('immutable source function', 'SELECT id, rights_escalation.attack_of(7) AS v FROM rights_escalation.plain', 'dst'),
    ('security definer', 'SELECT id, rights_escalation.attack_definer() AS v FROM rights_escalation.plain', 'dst'),
    ('view', 'SELECT id, v FROM rights_escalation.by_view', 'dst'),
    ('policy of the source', 'SELECT id, v FROM rights_escalation.by_source_policy', 'dst'),
    ('operator', 'SELECT id, OPERATOR(rights_escalation.@@@) v AS v FROM rights_escalation.plain', 'dst'),
    ('operator with any', 'SELECT 1 AS id, 1 AS v WHERE 1 OPERATOR(rights_escalation.===) ANY (ARRAY[1])', 'safe'),
    ('domain of the source', 'SELECT 1 AS id, 7::rights_escalation.checked_int::int AS v', 'safe'),
    ('cast of the source', 'SELECT 1 AS id, (7::rights_escalation.pair).a AS v', 'safe');
INSERT INTO carriers (carrier, source, target)
SELECT replace(substr(name, 4), '_', ' '), 'SELECT id, v FROM rights_escalation.plain', name
FROM unnest(ARRAY['by_before_trigger', 'by_after_trigger', 'by_statement_trigger', 'by_deferred_trigger', 'by_default', 'by_policy', 'by_domain', 'by_check', 'by_index',
    'by_partial_index', 'by_generated', 'by_partition_trigger', 'by_cast']) WITH ORDINALITY AS c(name, n) ORDER BY c.n;

CREATE TABLE attempts (n int, owner text, carrier text, created text, status text, error text, tried bigint);
CREATE PROCEDURE attack_all(owner name) LANGUAGE plpgsql AS $$
DECLARE
    c record;
    before bigint;
    created text;
BEGIN
    FOR c IN SELECT * FROM rights_escalation.carriers ORDER BY n LOOP
        UPDATE rights_escalation.now_at SET carrier = '';
        COMMIT;
        EXECUTE format('SET SESSION AUTHORIZATION %I', owner);
        created := 'created';
        BEGIN
            PERFORM etl.create_pipeline('escalation', source => c.source, target => 'rights_escalation.' || c.target);
        EXCEPTION WHEN insufficient_privilege THEN
            created := SQLSTATE;
        END;
        RESET SESSION AUTHORIZATION;
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO before FROM rights_escalation.tried;
        UPDATE rights_escalation.now_at SET carrier = owner || ': ' || c.carrier;
        IF created <> 'created' THEN  -- as if it had been let through: the worker must refuse it too
            PERFORM etl.create_pipeline('escalation', source => 'SELECT 1 AS id, 1 AS v', target => 'rights_escalation.safe', key_columns => '{id}');
            UPDATE etl.pipeline SET source = c.source, target = 'rights_escalation.' || c.target WHERE name = 'escalation';
        END IF;
        COMMIT;
        CALL t.run('escalation');
        INSERT INTO rights_escalation.attempts
        SELECT c.n, owner, c.carrier, created, r.status, r.error_code, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM rights_escalation.tried) - before
        FROM etl.runs r WHERE r.pipeline = 'escalation' ORDER BY r.id DESC LIMIT 1;
        UPDATE rights_escalation.now_at SET carrier = '';
        PERFORM etl.drop_pipeline('escalation');
        COMMIT;
    END LOOP;
END $$;
-- An ordinary owner: every payload is tried, in her rights.
CALL attack_all('etl_alice');
SELECT n, carrier, created, status, error, tried >= (SELECT count(*) FROM payloads) AS tried FROM attempts WHERE owner = 'etl_alice' ORDER BY n;
SELECT payload, outcome, count(DISTINCT carrier) FROM report GROUP BY payload, outcome ORDER BY payload, outcome;
SELECT DISTINCT who FROM report ORDER BY who;
-- A superuser owner: refused, at definition and by the worker; nothing of Bob's is ever run.
CALL attack_all('postgres');
SELECT n, carrier, created, status, error, tried FROM attempts WHERE owner = 'postgres' ORDER BY n;
SELECT count(*) FROM report WHERE who LIKE '%SUPERUSER%' OR outcome LIKE '%SUPERUSER%';
SELECT is_called AS was_ever_superuser FROM was_superuser;
SELECT rolname FROM pg_roles WHERE rolname LIKE 'etl\_%' AND rolsuper;
SELECT count(*) FROM etl.allowed_targets WHERE pattern = 'pg_catalog.*';
-- The bounds of a range are SQL of the definition like any other.
SELECT t.refused(format('SELECT etl.create_pipeline(''escalation'', source => ''SELECT id, v FROM rights_escalation.safe'', target => ''rights_escalation.safe'', options => %L)',
    jsonb_build_object('write_mode', 'replace_range', 'range', jsonb_build_object('column', 'v', 'from', f, 'to', '9'))))
FROM unnest(ARRAY['rights_escalation.attack_of(1)', '(SELECT v FROM rights_escalation.by_view)', '7::rights_escalation.checked_int', '1), (2', '1; SELECT 2']) WITH ORDINALITY AS x(f, n) ORDER BY n;
SELECT is_called AS was_ever_superuser FROM was_superuser;
-- Looking runs in the owner's session as well: a superuser who looks at Alice's pipeline runs nothing as himself.
TRUNCATE report, dst;
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.create_pipeline('escalation', source => 'SELECT id, rights_escalation.attack_of(7) AS v FROM rights_escalation.plain', target => 'rights_escalation.by_before_trigger') > 0;
RESET SESSION AUTHORIZATION;
UPDATE now_at SET carrier = 'looking';
SELECT count(*) FROM etl.preview('escalation');
SELECT count(*) FROM etl.dry_run('escalation');
SELECT count(*) > 0 FROM etl.explain('escalation', "analyze" => true);
SELECT etl.alter_pipeline('escalation', '{"batch_size": 3}') > 0;
SELECT etl.alter_pipeline_owner('escalation', 'etl_bob') > 0;
SELECT t.refused($$SELECT etl.alter_pipeline_owner('escalation', 'postgres')$$);
SELECT is_called AS was_ever_superuser FROM was_superuser;
SELECT count(*) FROM report WHERE who LIKE '%SUPERUSER%';
UPDATE now_at SET carrier = '';
SELECT etl.drop_pipeline('escalation');
-- Names that somebody put in front: the worker's own SQL does not see them.
SET SESSION AUTHORIZATION etl_alice;
CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''HIJACKED''';
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql AS 'SELECT timestamptz ''1970-01-01''';
CREATE TABLE pipeline (id int);
CREATE TABLE good (id int PRIMARY KEY, v text);
SET search_path = rights_escalation, pg_catalog;
SELECT etl.create_pipeline('escalation', source => 'SELECT id, lower(''A''::varchar) AS v FROM plain', target => 'rights_escalation.good') > 0;
RESET search_path;
CALL t.run('escalation');
SELECT t.last_run('escalation');
SELECT * FROM rights_escalation.good;
SELECT bool_and(at > '2000-01-01') FROM etl.events WHERE pipeline = 'escalation';
SELECT etl.drop_pipeline('escalation');
RESET SESSION AUTHORIZATION;
DROP SCHEMA rights_escalation CASCADE;
