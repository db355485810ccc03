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
REVOKE pg_read_server_files FROM etl_bob;
SET client_min_messages = warning;
DROP SERVER secret_es CASCADE;
