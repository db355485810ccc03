-- The ten statements of the README, for a superuser of a new database. Needs an Elasticsearch on :es_url that
-- etl.allowed_hosts names. test/demo/check_readme compares what is printed with the README.
\pset footer off
\pset null '∅'
SET client_min_messages = warning;
CREATE EXTENSION pg_etl;
CREATE ROLE analyst LOGIN;
GRANT USAGE ON SCHEMA etl TO analyst;
GRANT CREATE ON DATABASE :DBNAME TO analyst;
SELECT etl.allow_target('analytics.*', 'analyst'), etl.allow_target('es:*', 'analyst') \g /dev/null
CREATE SERVER es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url :'es_url');
GRANT USAGE ON FOREIGN SERVER es TO analyst;
SET ROLE analyst;
\c - analyst
CREATE SCHEMA analytics;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer text NOT NULL,
    amount numeric(10,2) NOT NULL, changed_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON shop.orders (changed_at, id);
INSERT INTO shop.orders (customer, amount) SELECT 'customer ' || g % 100, g * 0.37 FROM generate_series(1, 100000) AS g;
ANALYZE shop.orders;
\pset format aligned
\set QUIET off
\set ECHO queries
SELECT etl.create_pipeline('orders', 'SELECT id, customer, amount, changed_at FROM shop.orders', 'analytics.orders',
    mode => 'incremental', incremental_key => 'changed_at', incremental_id_key => 'id',
    key_columns => '{id}', create_target => true);
SELECT * FROM etl.preview('orders', 2);
CALL etl.run_wait('orders');
UPDATE shop.orders SET amount = amount + 1, changed_at = now() WHERE id <= 3;
SELECT batch, action, key, before->>'amount' AS before, after->>'amount' AS after
FROM etl.dry_run('orders') WHERE action <> 'unchanged' ORDER BY key;
CALL etl.run_wait('orders');
SELECT id, status, rows_read, rows_inserted, rows_updated, rows_unchanged
FROM etl.runs WHERE pipeline = 'orders' ORDER BY id;
SELECT pipeline, safety, held_by_pid FROM etl.lag;
SELECT etl.create_pipeline('orders_es', 'SELECT * FROM shop.orders', 'es:orders', key_columns => '{id}', batch_size => 10000);
CALL etl.run_wait('orders_es');
