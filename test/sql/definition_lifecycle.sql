-- create, alter, rename, change of owner, disable, enable, drop; by name and by id.
\a \t
CREATE SCHEMA definition_lifecycle;
GRANT USAGE, CREATE ON SCHEMA definition_lifecycle TO etl_alice, etl_bob;
SET search_path = definition_lifecycle, public;
DO $$ BEGIN PERFORM etl.allow_target('definition_lifecycle.*'); END $$;
SET SESSION AUTHORIZATION etl_alice;
CREATE TABLE source (id int PRIMARY KEY, v text);
CREATE TABLE target (id int PRIMARY KEY, v text);
INSERT INTO source SELECT i, 'v' || i FROM generate_series(1, 5) i;
CREATE VIEW shown AS
    SELECT name, owner, description, tags, mode, state, enabled, suspended_reason, source, target, options, version
    FROM etl.pipelines WHERE name LIKE 'life%';

SELECT etl.create_pipeline('life', source => 'SELECT id, v FROM source', target => 'definition_lifecycle.target',
    batch_size => 2, description => 'the life of a pipeline', tags => '{a,b}', options => '{"max_retries": 1}') > 0;
TABLE shown;
SELECT etl.create_pipeline('life', source => 'SELECT 1', target => 'nowhere', if_not_exists => true)
     = (SELECT id FROM etl.pipelines WHERE name = 'life');
CALL t.run('life');
SELECT t.last_run('life');

-- Altered: what is named changes, null resets to the default, the version grows.
SELECT etl.alter_pipeline('life', '{"description": "another", "batch_size": null, "tags": null, "options": {"on_error": "quarantine"}}')
     = (SELECT id FROM etl.pipelines WHERE name = 'life');
TABLE shown;
SELECT etl.export_pipeline('life');
SELECT etl.alter_pipeline((SELECT id FROM etl.pipelines WHERE name = 'life'), '{"options": null, "description": null}') > 0;
SELECT etl.export_pipeline('life');

-- The stored search_path counts, not the caller's.
SET search_path = pg_catalog;
SELECT etl.alter_pipeline('life', '{"batch_size": 3}') > 0;
CALL t.run('life');
SELECT t.last_run('life');
SET search_path = definition_lifecycle, public;

SELECT etl.rename_pipeline('life', 'life2') = (SELECT id FROM etl.pipelines WHERE name = 'life');
SELECT name FROM shown;
SELECT etl.rename_pipeline((SELECT id FROM etl.pipelines WHERE name = 'life2'), 'life') > 0;
CALL t.run('life');

-- Disabled: no new run; enabled again: runs. NULL is all of mine.
SELECT etl.disable('life', 'for maintenance');
TABLE shown;
SELECT t.refused($$SELECT etl.run('life')$$);
SELECT etl.enable('life');
SELECT etl.disable(id, 'by id') FROM etl.pipelines WHERE name = 'life';
SELECT etl.enable(id) FROM etl.pipelines WHERE name = 'life';
SELECT etl.disable();
SELECT etl.enable();
SELECT enabled, suspended_reason FROM shown;

-- Another owner: the caller must be a member of both roles.
SELECT t.refused($$SELECT etl.alter_pipeline_owner('life', 'etl_bob')$$);
RESET SESSION AUTHORIZATION;
SELECT t.refused($$SELECT etl.alter_pipeline_owner('life', 'etl_nologin')$$);
SELECT t.refused($$SELECT etl.alter_pipeline_owner('life', 'etl_bob')$$);
GRANT SELECT ON definition_lifecycle.source TO etl_bob;
GRANT SELECT, INSERT, UPDATE ON definition_lifecycle.target TO etl_bob;
SELECT etl.alter_pipeline_owner('life', 'etl_bob') > 0;
SELECT owner FROM etl.pipelines WHERE name = 'life';
CALL t.run('life');
SELECT t.last_run('life');
SELECT etl.alter_pipeline_owner(id, 'etl_alice') > 0 FROM etl.pipelines WHERE name = 'life';
SET SESSION AUTHORIZATION etl_alice;

-- create_target makes the table of the output's types.
SELECT etl.create_pipeline('life_new', source => 'SELECT id, v::varchar(20) AS "The Name", 1.5::numeric(10,2) AS n FROM source',
    target => 'definition_lifecycle.made', key_columns => '{id}', create_target => true) > 0;
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = 'definition_lifecycle.made'::regclass AND attnum > 0 ORDER BY attnum;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'definition_lifecycle.made'::regclass AND contype = 'p';
CALL t.run('life_new');
SELECT count(*) FROM made;

SELECT etl.drop_pipeline('life_new');
SELECT etl.drop_pipeline('life_new', if_exists => true);
SELECT etl.drop_pipeline(id) FROM etl.pipelines WHERE name = 'life';
SELECT count(*) FROM shown;

-- Refused.
SELECT t.refused($$SELECT etl.create_pipeline(NULL, source => 'SELECT 1')$$);
SELECT t.refused($$SELECT etl.create_pipeline('', source => 'SELECT id, v FROM source', target => 'definition_lifecycle.target')$$);
SELECT t.refused(format($$SELECT etl.create_pipeline(%L, source => 'SELECT id, v FROM source', target => 'definition_lifecycle.target')$$, repeat('x', 201)));
SELECT t.refused($$SELECT etl.create_pipeline(E'a\nb', source => 'SELECT id, v FROM source', target => 'definition_lifecycle.target')$$);
SELECT etl.create_pipeline('life', source => 'SELECT id, v FROM source', target => 'definition_lifecycle.target') > 0;
SELECT t.refused($$SELECT etl.create_pipeline('life', source => 'SELECT id, v FROM source', target => 'definition_lifecycle.target')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('nope', '{}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline(0, '{}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"name": "other"}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"sorce": "SELECT 1"}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '[]')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"batch_size": "many"}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"batch_size": 0}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"tags": "a"}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"key_columns": [1]}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"mode": 7}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"source": null}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', '{"target": null}')$$);
SELECT t.refused($$SELECT etl.alter_pipeline('life', NULL)$$);
SELECT t.refused($$SELECT etl.rename_pipeline('life', '')$$);
SELECT t.refused($$SELECT etl.rename_pipeline('life', NULL)$$);
SELECT etl.create_pipeline('life_b', source => 'SELECT id, v FROM source', target => 'definition_lifecycle.target') > 0;
SELECT t.refused($$SELECT etl.rename_pipeline('life', 'life_b')$$);
SELECT t.refused($$SELECT etl.drop_pipeline('nope')$$);
SELECT t.refused($$SELECT etl.alter_pipeline_owner('life', NULL)$$);
SELECT t.refused($$SELECT etl.disable('nope')$$);
SELECT etl.drop_pipeline('life'), etl.drop_pipeline('life_b');
