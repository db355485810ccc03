-- A superuser's pipeline reads, calls and writes nothing below which lies another role's code.
\a \t
CREATE SCHEMA rights_ownership;
CREATE SCHEMA rights_ownership_bob AUTHORIZATION etl_bob;
SET search_path = rights_ownership, public;
DO $$ BEGIN PERFORM etl.allow_target('rights_ownership.*'); END $$;
SET SESSION AUTHORIZATION etl_bob;
CREATE FUNCTION rights_ownership_bob.chk(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION rights_ownership_bob.trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE DOMAIN rights_ownership_bob.dom AS int CHECK (rights_ownership_bob.chk(VALUE));
CREATE TYPE rights_ownership_bob.pair AS (x rights_ownership_bob.dom);
CREATE TABLE rights_ownership_bob.part (id int PRIMARY KEY, v int);
CREATE TABLE rights_ownership_bob.child (id int PRIMARY KEY, v int);
RESET SESSION AUTHORIZATION;
CREATE TABLE src (id int PRIMARY KEY, v int);
CREATE TABLE by_partition (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
ALTER TABLE by_partition ATTACH PARTITION rights_ownership_bob.part FOR VALUES FROM (1) TO (100);
CREATE TABLE by_child (id int PRIMARY KEY, v int);
ALTER TABLE rights_ownership_bob.child INHERIT by_child;
CREATE TABLE by_check (id int PRIMARY KEY, v int CHECK (rights_ownership_bob.chk(v)));
CREATE TABLE by_default (id int PRIMARY KEY, v int, w bool DEFAULT rights_ownership_bob.chk(1));
CREATE TABLE by_generated (id int PRIMARY KEY, v int, w bool GENERATED ALWAYS AS (rights_ownership_bob.chk(v)) STORED);
CREATE TABLE by_index (id int PRIMARY KEY, v int);
CREATE INDEX ON by_index (rights_ownership_bob.chk(v));
CREATE TABLE by_trigger (id int PRIMARY KEY, v int);
CREATE TRIGGER t BEFORE INSERT ON by_trigger FOR EACH ROW EXECUTE FUNCTION rights_ownership_bob.trg();
CREATE TABLE by_policy (id int PRIMARY KEY, v int);
CREATE POLICY p ON by_policy USING (rights_ownership_bob.chk(v));
CREATE TABLE by_domain (id int PRIMARY KEY, v rights_ownership_bob.dom);
CREATE TABLE by_array (id int PRIMARY KEY, v int, w rights_ownership_bob.pair[]);
CREATE TABLE by_statistics (id int PRIMARY KEY, v int);
CREATE STATISTICS by_statistics ON rights_ownership_bob.chk(v), (v + 1) FROM by_statistics;
CREATE TABLE by_parent (id int PRIMARY KEY, v int REFERENCES rights_ownership_bob.part);
CREATE TABLE by_reference (id int PRIMARY KEY, v int);
GRANT USAGE ON SCHEMA rights_ownership TO etl_bob;
GRANT REFERENCES ON by_reference TO etl_bob;
SET ROLE etl_bob;
CREATE TABLE rights_ownership_bob.refers (id int REFERENCES by_reference);
RESET ROLE;
CREATE TABLE own_parent (id int PRIMARY KEY);
CREATE TRIGGER not_run BEFORE INSERT ON own_parent FOR EACH ROW EXECUTE FUNCTION rights_ownership_bob.trg();
CREATE TABLE own (id int PRIMARY KEY, v int CHECK (v > 0) REFERENCES own_parent, w text DEFAULT lower('X'));
SELECT target || ': ' || t.define('SELECT id, v FROM src', 'rights_ownership.' || target)
FROM unnest('{by_partition,by_child,by_check,by_default,by_generated,by_index,by_trigger,by_policy,by_domain,by_array,by_statistics,by_parent,by_reference,own}'::text[]) AS target;
-- What the planner evaluates of a table that is read is code, too; its triggers, defaults and foreign keys are not run.
SELECT source || ': ' || t.define('SELECT id, v FROM rights_ownership.' || source, 'rights_ownership.own')
FROM unnest('{by_partition,by_child,by_check,by_default,by_index,by_trigger,by_policy,by_statistics,by_parent,by_reference}'::text[]) AS source;
SELECT t.refused($$SELECT etl.transform('filter', '{"where": "id > 5"}', 'rights_ownership.by_child')$$);
SELECT source || ': ' || t.define(source, 'rights_ownership.own')
FROM unnest('{"SELECT id, v FROM src WHERE (''(1)''::rights_ownership_bob.pair) IS NOT NULL", "SELECT id, v::text::rights_ownership_bob.dom AS v FROM src",
  "SELECT id, v FROM src WHERE ROW(v)::rights_ownership_bob.pair IS NOT NULL", "SELECT id, v FROM src WHERE v <> ALL (ARRAY[1]::rights_ownership_bob.dom[])", "SELECT id, v FROM src"}'::text[]) AS source;
