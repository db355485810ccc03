-- To own or change a pipeline is to act as its owner: it wants SET ROLE, as ALTER … OWNER TO does. A member who inherits the
-- privileges but may not SET ROLE (PostgreSQL 16) is refused; one who may, but does not inherit them, is not.
\a \t
CREATE SCHEMA rights_membership;
GRANT USAGE ON SCHEMA rights_membership TO PUBLIC;
DO $$ BEGIN PERFORM etl.allow_target('rights_membership.*'); END $$;
CREATE TABLE rights_membership.src (id int PRIMARY KEY);
CREATE TABLE rights_membership.dst (id int PRIMARY KEY);
GRANT ALL ON ALL TABLES IN SCHEMA rights_membership TO etl_alice, etl_bob;
CREATE ROLE etl_dba LOGIN SUPERUSER;
CREATE ROLE etl_member LOGIN NOINHERIT;
GRANT USAGE ON SCHEMA etl TO etl_member;
GRANT etl_alice, etl_bob TO etl_member;
-- 15 cannot say it, and a role that is no member is refused just so.
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'GRANT etl_dba TO etl_alice WITH INHERIT TRUE, SET FALSE';
    END IF;
END $$;
SELECT etl.create_pipeline('theirs', source => 'SELECT id FROM rights_membership.src', target => 'rights_membership.dst') > 0;
SELECT etl.alter_pipeline_owner('theirs', 'etl_dba') > 0;
SET SESSION AUTHORIZATION etl_alice;
SELECT etl.create_pipeline('member', source => 'SELECT id FROM rights_membership.src', target => 'rights_membership.dst') > 0;
SELECT t.refused($$SELECT etl.alter_pipeline_owner('member', 'etl_dba')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('theirs', '{"batch_size": 1}')$$);
SELECT t.refused($$SELECT etl.grant_pipeline('theirs', 'ALTER', 'etl_alice')$$);
SELECT t.refused($$SELECT etl.drop_pipeline('theirs')$$);
SET SESSION AUTHORIZATION etl_member;
SELECT etl.alter_pipeline('member', '{"batch_size": 7}') > 0;
SELECT etl.alter_pipeline_owner('member', 'etl_bob') > 0;
SELECT t.refused($$SELECT etl.alter_pipeline_owner('member', 'etl_carol')$$);
SELECT etl.drop_pipeline('member');
RESET SESSION AUTHORIZATION;
SELECT etl.drop_pipeline('theirs');
DROP ROLE etl_dba;
DROP OWNED BY etl_member;
DROP ROLE etl_member;
SET client_min_messages = warning;
DROP SCHEMA rights_membership CASCADE;
