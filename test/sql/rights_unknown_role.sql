-- regrole takes any number: a right is given to a role that exists, not to the next one that gets its OID.
\a \t
CREATE SCHEMA rights_unknown_role;
DO $$ BEGIN PERFORM etl.allow_target('rights_unknown_role.*'); END $$;
CREATE TABLE rights_unknown_role.src (id int PRIMARY KEY);
CREATE TABLE rights_unknown_role.dst (id int PRIMARY KEY);
SELECT etl.create_pipeline('unknown', source => 'SELECT id FROM rights_unknown_role.src', target => 'rights_unknown_role.dst') > 0;
SELECT t.refused($$SELECT etl.grant_pipeline('unknown', 'ALTER', 999999::regrole)$$);
SELECT t.refused($$SELECT etl.allow_target('rights_unknown_role.*', 999999::regrole)$$);
-- One that is gone can be taken off.
INSERT INTO etl.pipeline_grant VALUES ((SELECT id FROM etl.pipelines WHERE name = 'unknown'), 999999, 'RUN');
SELECT etl.revoke_pipeline('unknown', 'RUN', 999999::regrole);
SELECT etl.drop_pipeline('unknown');
SELECT etl.revoke_target('rights_unknown_role.*');
DROP TABLE rights_unknown_role.src, rights_unknown_role.dst;
DROP SCHEMA rights_unknown_role;
