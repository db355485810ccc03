#!/usr/bin/env bash
# Runs once, when the data directory is new: the extension, the film data and its pipelines.
set -euo pipefail

demo=/usr/local/share/pg_etl/demo
run_psql() { psql -X -q -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"; }

touch "$PGDATA/pg_etl_demo"
run_psql -c 'CREATE EXTENSION pg_etl'
run_psql -v es_url="$ES_URL" -f "$demo/grants.sql"
run_psql -v password="$(cat /run/secrets/demo_password)" <<'SQL'
ALTER ROLE etl_demo PASSWORD :'password';
SQL
# The demo's tables and pipelines belong to the ordinary role.
{ echo 'SET SESSION AUTHORIZATION etl_demo;'; cat "$demo/film.sql"; } | run_psql
{ echo 'SET SESSION AUTHORIZATION etl_demo;'; cat "$demo/film_pipelines.sql"; } | run_psql
