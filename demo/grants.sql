-- What a superuser prepares for the demo: the role, its allow-list, its Elasticsearch server.
-- Can be run again. The address may be given, and must then be in etl.allowed_hosts:
--     psql -X -v ON_ERROR_STOP=1 -v es_url=http://127.0.0.1:9200 -f demo/grants.sql
-- With -v files=DIRECTORY the pipelines of this database read and write files beneath it.

\if :{?es_url}
\else
\set es_url http://127.0.0.1:9200
\endif

SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'etl_demo') AS make_role \gset
\if :make_role
CREATE ROLE etl_demo LOGIN;
\endif

SELECT format('GRANT CREATE ON DATABASE %I TO etl_demo', current_database()) \gexec
GRANT USAGE ON SCHEMA etl TO etl_demo;

SELECT etl.allow_target(pattern, 'etl_demo')
FROM unnest(ARRAY[
    'analytics.dim_*',
    'analytics.fact_*',
    'analytics.film_dim',
    'analytics.film_rating_agg',
    'hr.*',
    'star.*',
    'es:film_dim',
    'es:film_rating_agg',
    'es:flights',
    'es:star_flights',
    'es:star_routes']) AS pattern
WHERE NOT EXISTS (
    SELECT FROM etl.allowed_targets AS a WHERE a.pattern = pattern.pattern AND a.role::text = 'etl_demo');

SELECT NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = 'es') AS make_server \gset
\if :make_server
CREATE SERVER es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url :'es_url');
\else
ALTER SERVER es OPTIONS (SET url :'es_url');
\endif
GRANT USAGE ON FOREIGN SERVER es TO etl_demo;

\if :{?files}
SET client_min_messages = warning;
SELECT format('ALTER DATABASE %I SET etl.data_directory = %L', current_database(), :'files') \gexec
GRANT pg_read_server_files, pg_write_server_files TO etl_demo;
\endif
