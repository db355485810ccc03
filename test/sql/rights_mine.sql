-- etl.disable() and etl.enable() without a name: what the caller's role owns itself, also when it may change more.
\a \t
CREATE SCHEMA rights_mine;
GRANT USAGE, CREATE ON SCHEMA rights_mine TO etl_alice;
SET search_path = rights_mine, public;
DO $$ BEGIN PERFORM etl.allow_target('rights_mine.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY);
CREATE TABLE dst (id int PRIMARY KEY);
SELECT etl.create_pipeline('mine', source => 'SELECT id FROM src', target => 'rights_mine.dst') > 0;
SET SESSION AUTHORIZATION etl_alice;
CREATE TABLE alice_src (id int PRIMARY KEY);
CREATE TABLE alice_dst (id int PRIMARY KEY);
SELECT etl.create_pipeline('mine_not', source => 'SELECT id FROM alice_src', target => 'rights_mine.alice_dst') > 0;
SELECT etl.create_pipeline('mine_not_off', source => 'SELECT id FROM alice_src', target => 'rights_mine.alice_dst') > 0;
SELECT etl.disable('mine_not_off', 'the owner said so');
RESET SESSION AUTHORIZATION;
SELECT etl.disable() > 0;
SELECT name, enabled, suspended_reason FROM etl.pipelines WHERE name LIKE 'mine%' ORDER BY name;
SELECT etl.enable() > 0;
SELECT name, enabled, suspended_reason FROM etl.pipelines WHERE name LIKE 'mine%' ORDER BY name;
-- By name it is another matter; and a role that was SET is the caller.
SELECT etl.disable('mine_not');
SET ROLE etl_alice;
SELECT etl.enable() > 1;
RESET ROLE;
SELECT name, enabled, suspended_reason FROM etl.pipelines WHERE name LIKE 'mine%' ORDER BY name;
SELECT etl.drop_pipeline(name) FROM etl.pipelines WHERE name LIKE 'mine%';
SET client_min_messages = warning;
DROP SCHEMA rights_mine CASCADE;
