-- A secret file is named in a user mapping by superusers and members of pg_read_server_files: USAGE on a server, with which
-- everybody makes a mapping for himself, is not enough to use a secret that was put there for another one.
\a \t
CREATE SERVER secret_es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url 'http://127.0.0.1:9200');
GRANT USAGE ON FOREIGN SERVER secret_es TO etl_alice, etl_bob;
GRANT pg_read_server_files TO etl_bob;
CREATE USER MAPPING FOR etl_carol SERVER secret_es OPTIONS (user 'elastic', password_file 'admin.secret');
SET SESSION AUTHORIZATION etl_alice;
SELECT t.refused($$CREATE USER MAPPING FOR etl_alice SERVER secret_es OPTIONS (user 'elastic', password_file 'admin.secret')$$);
SELECT t.refused($$CREATE USER MAPPING FOR etl_alice SERVER secret_es OPTIONS (api_key_file 'admin.secret')$$);
CREATE USER MAPPING FOR etl_alice SERVER secret_es OPTIONS (user 'elastic');
SELECT t.refused($$ALTER USER MAPPING FOR etl_alice SERVER secret_es OPTIONS (ADD password_file 'admin.secret')$$);
RESET SESSION AUTHORIZATION;
ALTER USER MAPPING FOR etl_alice SERVER secret_es OPTIONS (ADD password_file 'alice.secret');
SET SESSION AUTHORIZATION etl_alice;
SELECT t.refused($$ALTER USER MAPPING FOR etl_alice SERVER secret_es OPTIONS (SET user 'admin')$$);
ALTER USER MAPPING FOR etl_alice SERVER secret_es OPTIONS (DROP password_file);
SET SESSION AUTHORIZATION etl_bob;
CREATE USER MAPPING FOR etl_bob SERVER secret_es OPTIONS (user 'elastic', password_file 'bob.secret');
RESET SESSION AUTHORIZATION;
SELECT usename, umoptions FROM pg_user_mappings WHERE srvname = 'secret_es' ORDER BY usename;
-- So is a file of certificates, which may be any: whether it is there is not told, and what is no file is not read.
GRANT USAGE ON FOREIGN DATA WRAPPER etl TO etl_alice, etl_bob;
SET SESSION AUTHORIZATION etl_alice;
SELECT t.refused($$CREATE SERVER secret_ca TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url 'postgresql://127.0.0.1:1/x', ca_file '/etc/shadow')$$);
CREATE SERVER secret_ca TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url 'postgresql://127.0.0.1:1/x');
SELECT t.refused($$ALTER SERVER secret_ca OPTIONS (ADD ca_file '/etc/shadow')$$);
DROP SERVER secret_ca;
SET SESSION AUTHORIZATION etl_bob;
CREATE SERVER secret_ca TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url 'postgresql://127.0.0.1:1/x', ca_file '/dev/null');
RESET SESSION AUTHORIZATION;
DO $$ BEGIN PERFORM etl.allow_target('secret_ca:*'); END $$;
SELECT t.refused($$SELECT etl.create_pipeline('ca', source => 'SELECT 1 AS id', target => 'secret_ca:public.t')$$);
SELECT etl.revoke_target('secret_ca:*');
DROP SERVER secret_ca;
REVOKE USAGE ON FOREIGN DATA WRAPPER etl FROM etl_alice, etl_bob;
REVOKE pg_read_server_files FROM etl_bob;
SET client_min_messages = warning;
DROP SERVER secret_es CASCADE;
