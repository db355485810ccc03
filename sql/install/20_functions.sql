-- The SQL surface (C functions). Each that takes a name has a twin that takes the id.
-- No SET search_path: the caller's is the one under which the source's names are resolved, and is kept with the definition.
CREATE FUNCTION etl.create_pipeline(
    name text,
    source text DEFAULT NULL,
    target text DEFAULT NULL,
    mode text DEFAULT 'full',
    key_columns text[] DEFAULT NULL,
    incremental_key text DEFAULT NULL,
    incremental_id_key text DEFAULT NULL,
    steps jsonb DEFAULT NULL,
    batch_size int DEFAULT 5000,
    schedule text DEFAULT NULL,
    options jsonb DEFAULT '{}',
    description text DEFAULT NULL,
    tags text[] DEFAULT '{}',
    create_target bool DEFAULT false,
    if_not_exists bool DEFAULT false) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'etl_create_pipeline';
COMMENT ON FUNCTION etl.create_pipeline(text, text, text, text, text[], text, text, jsonb, int, text, jsonb, text, text[], bool, bool) IS
'Stores a pipeline after checking it whole; returns its id. 42710 when the name is taken, 22023 for a wrong argument, 42501 when the target is not allowed';

-- No SET search_path: the checks set the definition's own.
CREATE FUNCTION etl.alter_pipeline(name text, changes jsonb) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'etl_alter_pipeline';
COMMENT ON FUNCTION etl.alter_pipeline(text, jsonb) IS
'Changes a pipeline that is IDLE, PAUSED or FAILED: keys as in create_pipeline, JSON null resets one to its default; returns its id. A role with ALTER changes batch_size, description, schedule, tags and the options but index_mappings, index_settings, range and write_mode; the rest names what runs with the owner''s rights, and is for roles that can SET ROLE to the owner';

CREATE FUNCTION etl.alter_pipeline(id bigint, changes jsonb) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'etl_alter_pipeline';
COMMENT ON FUNCTION etl.alter_pipeline(bigint, jsonb) IS
'Changes a pipeline that is IDLE, PAUSED or FAILED: keys as in create_pipeline, JSON null resets one to its default; returns its id. A role with ALTER changes batch_size, description, schedule, tags and the options but index_mappings, index_settings, range and write_mode; the rest names what runs with the owner''s rights, and is for roles that can SET ROLE to the owner';

CREATE FUNCTION etl.rename_pipeline(name text, new_name text) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_rename_pipeline';
COMMENT ON FUNCTION etl.rename_pipeline(text, text) IS
'Gives a pipeline another name; returns its id';

CREATE FUNCTION etl.rename_pipeline(id bigint, new_name text) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_rename_pipeline';
COMMENT ON FUNCTION etl.rename_pipeline(bigint, text) IS
'Gives a pipeline another name; returns its id';

CREATE FUNCTION etl.alter_pipeline_owner(name text, new_owner regrole) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_alter_pipeline_owner';
COMMENT ON FUNCTION etl.alter_pipeline_owner(text, regrole) IS
'Gives a pipeline another owner: the caller must be able to SET ROLE to both; returns its id';

CREATE FUNCTION etl.alter_pipeline_owner(id bigint, new_owner regrole) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_alter_pipeline_owner';
COMMENT ON FUNCTION etl.alter_pipeline_owner(bigint, regrole) IS
'Gives a pipeline another owner: the caller must be able to SET ROLE to both; returns its id';

CREATE FUNCTION etl.drop_pipeline(name text, if_exists bool DEFAULT false) RETURNS bool
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_drop_pipeline';
COMMENT ON FUNCTION etl.drop_pipeline(text, bool) IS
'Drops a pipeline that is IDLE, PAUSED or FAILED, with its history; false when there is none and if_exists';

CREATE FUNCTION etl.drop_pipeline(id bigint, if_exists bool DEFAULT false) RETURNS bool
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_drop_pipeline';
COMMENT ON FUNCTION etl.drop_pipeline(bigint, bool) IS
'Drops a pipeline that is IDLE, PAUSED or FAILED, with its history; false when there is none and if_exists';

CREATE FUNCTION etl.enable(name text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_enable';
COMMENT ON FUNCTION etl.enable(text) IS
'Lets a disabled or suspended pipeline run again (NULL: all that the caller''s role itself owns); returns how many';

CREATE FUNCTION etl.enable(id bigint) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_enable';
COMMENT ON FUNCTION etl.enable(bigint) IS
'Lets a disabled or suspended pipeline run again (NULL: all that the caller''s role itself owns); returns how many';

CREATE FUNCTION etl.disable(name text DEFAULT NULL, reason text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_disable';
COMMENT ON FUNCTION etl.disable(text, text) IS
'Refuses new runs of a pipeline (NULL: all that the caller''s role itself owns); a run under way ends as usual; returns how many';

CREATE FUNCTION etl.disable(id bigint, reason text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_disable';
COMMENT ON FUNCTION etl.disable(bigint, text) IS
'Refuses new runs of a pipeline (NULL: all that the caller''s role itself owns); a run under way ends as usual; returns how many';

-- No SET search_path: a definition without one is checked under the caller's.
CREATE FUNCTION etl.validate_pipeline(definition jsonb, OUT rule text, OUT severity text, OUT message text, OUT hint text) RETURNS SETOF record
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'etl_validate_pipeline';
COMMENT ON FUNCTION etl.validate_pipeline(jsonb) IS
'Checks a definition as export_pipeline gives it and lists every finding; stores nothing';

CREATE FUNCTION etl.export_pipeline(name text, format text DEFAULT 'json') RETURNS text
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_export_pipeline';
COMMENT ON FUNCTION etl.export_pipeline(text, text) IS
'The definition as import_pipeline reads it, in format ''json'' or ''yaml''';

CREATE FUNCTION etl.export_pipeline(id bigint, format text DEFAULT 'json') RETURNS text
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_export_pipeline';
COMMENT ON FUNCTION etl.export_pipeline(bigint, text) IS
'The definition as import_pipeline reads it, in format ''json'' or ''yaml''';

-- No SET search_path: a definition without one gets the caller's.
CREATE FUNCTION etl.import_pipeline(definition text, replace bool DEFAULT false) RETURNS SETOF text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'etl_import_pipeline';
COMMENT ON FUNCTION etl.import_pipeline(text, bool) IS
'Creates the pipelines of a text, or replaces them; returns their names. A text that begins with { or [ is JSON: one object or '
'an array. Any other is YAML 1.2: one pipeline a document, or a list; write --- before flow style';

CREATE FUNCTION etl.allow_target(pattern text, to_role regrole DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_allow_target';
COMMENT ON FUNCTION etl.allow_target(text, regrole) IS
'Lets a role (NULL: everyone) name matching tables or indexes as targets; for superusers and the database''s owner';

CREATE FUNCTION etl.revoke_target(pattern text, from_role regrole DEFAULT NULL) RETURNS bool
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_revoke_target';
COMMENT ON FUNCTION etl.revoke_target(text, regrole) IS
'Takes an entry off the allow-list; false when there was none';

CREATE FUNCTION etl.allow_function(function regprocedure, to_role regrole DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_allow_function';
COMMENT ON FUNCTION etl.allow_function(regprocedure, regrole) IS
'Lets a role (NULL: everyone) call a function in steps of operator function; for superusers and the database''s owner';

CREATE FUNCTION etl.revoke_function(function text, from_role regrole DEFAULT NULL) RETURNS bool
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_revoke_function';
COMMENT ON FUNCTION etl.revoke_function(text, regrole) IS
'Takes an entry off the allow-list of functions, as etl.allowed_functions shows it; false when there was none';

CREATE FUNCTION etl.register_operator(name text, kind text, function regprocedure, params_schema jsonb, description text) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_register_operator';
COMMENT ON FUNCTION etl.register_operator(text, text, regprocedure, jsonb, text) IS
'Makes a function an operator of steps; for superusers and the database''s owner. A source is f(params jsonb) and returns rows; a transform f(rows t[], params jsonb), where t is a composite type, and returns rows; a sink f(rows t[], params jsonb), called in the batch''s transaction. Who owns a pipeline with it needs EXECUTE';

CREATE FUNCTION etl.unregister_operator(name text) RETURNS bool
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_unregister_operator';
COMMENT ON FUNCTION etl.unregister_operator(text) IS
'Takes back what register_operator made; false when there is none of that name. Pipelines with it fail at their next run';

CREATE FUNCTION etl.grant_pipeline(name text, privilege text, to_role regrole) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_grant_pipeline';
COMMENT ON FUNCTION etl.grant_pipeline(text, text, regrole) IS
'Grants a privilege on a pipeline to a role. RUN: run, pause, resume, cancel, retry. MONITOR: see it in the views, export and explain it. ALTER: change how it runs but not what (see alter_pipeline), reset and rewind it, enable and disable it, and see its rows by preview, dry_run and etl.dead_letters';

CREATE FUNCTION etl.grant_pipeline(id bigint, privilege text, to_role regrole) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_grant_pipeline';
COMMENT ON FUNCTION etl.grant_pipeline(bigint, text, regrole) IS
'Grants a privilege on a pipeline to a role. RUN: run, pause, resume, cancel, retry. MONITOR: see it in the views, export and explain it. ALTER: change how it runs but not what (see alter_pipeline), reset and rewind it, enable and disable it, and see its rows by preview, dry_run and etl.dead_letters';

CREATE FUNCTION etl.revoke_pipeline(name text, privilege text, from_role regrole) RETURNS bool
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_revoke_pipeline';
COMMENT ON FUNCTION etl.revoke_pipeline(text, text, regrole) IS
'Takes RUN, MONITOR or ALTER on a pipeline from a role';

CREATE FUNCTION etl.revoke_pipeline(id bigint, privilege text, from_role regrole) RETURNS bool
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_revoke_pipeline';
COMMENT ON FUNCTION etl.revoke_pipeline(bigint, text, regrole) IS
'Takes RUN, MONITOR or ALTER on a pipeline from a role';

CREATE FUNCTION etl.run(name text, params jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_run';
COMMENT ON FUNCTION etl.run(text, jsonb) IS
'Requests a run; a worker starts at the caller''s COMMIT. Returns the run''s id; 55006 when one is under way';

CREATE FUNCTION etl.run(id bigint, params jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_run';
COMMENT ON FUNCTION etl.run(bigint, jsonb) IS
'Requests a run; a worker starts at the caller''s COMMIT. Returns the run''s id; 55006 when one is under way';

CREATE FUNCTION etl.wait(run_id bigint, timeout interval DEFAULT '1 hour') RETURNS text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_wait';
COMMENT ON FUNCTION etl.wait(bigint, interval) IS
'Waits until the run has ended or is paused; returns its status, running after the timeout. 25001 for a run requested in this transaction. Holds the snapshot of its statement as long as it waits, which keeps VACUUM from removing rows: for long runs use CALL etl.run_wait()';

CREATE FUNCTION etl.pause(name text) RETURNS text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_pause';
COMMENT ON FUNCTION etl.pause(text) IS
'Asks the run to stop after the batch under way; returns the new state';

CREATE FUNCTION etl.pause(id bigint) RETURNS text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_pause';
COMMENT ON FUNCTION etl.pause(bigint) IS
'Asks the run to stop after the batch under way; returns the new state';

CREATE FUNCTION etl.resume(name text) RETURNS text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_resume';
COMMENT ON FUNCTION etl.resume(text) IS
'Goes on from the checkpoint; returns the new state';

CREATE FUNCTION etl.resume(id bigint) RETURNS text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_resume';
COMMENT ON FUNCTION etl.resume(bigint) IS
'Goes on from the checkpoint; returns the new state';

CREATE FUNCTION etl.cancel(name text) RETURNS text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_cancel';
COMMENT ON FUNCTION etl.cancel(text) IS
'Ends the run within a second of COMMIT; the checkpoint stays; returns the new state';

CREATE FUNCTION etl.cancel(id bigint) RETURNS text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_cancel';
COMMENT ON FUNCTION etl.cancel(bigint) IS
'Ends the run within a second of COMMIT; the checkpoint stays; returns the new state';

CREATE FUNCTION etl.retry(name text) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_retry';
COMMENT ON FUNCTION etl.retry(text) IS
'Goes on with a FAILED run from its checkpoint; returns the run''s id';

CREATE FUNCTION etl.retry(id bigint) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_retry';
COMMENT ON FUNCTION etl.retry(bigint) IS
'Goes on with a FAILED run from its checkpoint; returns the run''s id';

CREATE FUNCTION etl.reset(name text, truncate_target bool DEFAULT false) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_reset';
COMMENT ON FUNCTION etl.reset(text, bool) IS
'Forgets the checkpoint: the next run starts at the beginning. truncate_target also empties a target table, as the owner, in the same transaction of a worker: it cannot be rolled back, so inside a transaction block it is 25001';

CREATE FUNCTION etl.reset(id bigint, truncate_target bool DEFAULT false) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_reset';
COMMENT ON FUNCTION etl.reset(bigint, bool) IS
'Forgets the checkpoint: the next run starts at the beginning. truncate_target also empties a target table, as the owner, in the same transaction of a worker: it cannot be rolled back, so inside a transaction block it is 25001';

CREATE FUNCTION etl.rewind(name text, to_key jsonb DEFAULT NULL, to_time timestamptz DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_rewind';
COMMENT ON FUNCTION etl.rewind(text, jsonb, timestamptz) IS
'Moves the checkpoint back to a key (an array, or one value; dates in ISO form), or to a time of the incremental key; exactly one of them, else 22023, as for a key after the checkpoint';

CREATE FUNCTION etl.rewind(id bigint, to_key jsonb DEFAULT NULL, to_time timestamptz DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_rewind';
COMMENT ON FUNCTION etl.rewind(bigint, jsonb, timestamptz) IS
'Moves the checkpoint back to a key (an array, or one value; dates in ISO form), or to a time of the incremental key; exactly one of them, else 22023, as for a key after the checkpoint';

CREATE FUNCTION etl.accept_target(name text) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_accept_target';
COMMENT ON FUNCTION etl.accept_target(text) IS
'Says that the target, which was made anew or whose server leads elsewhere by now, holds the rows up to the checkpoint: the next run goes on there. Without it such a run ends with 55000';

CREATE FUNCTION etl.accept_target(id bigint) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_accept_target';
COMMENT ON FUNCTION etl.accept_target(bigint) IS
'Says that the target, which was made anew or whose server leads elsewhere by now, holds the rows up to the checkpoint: the next run goes on there. Without it such a run ends with 55000';

CREATE FUNCTION etl.dead_letter_replay(name text, where_sql text DEFAULT NULL, patch jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_dead_letter_replay';
COMMENT ON FUNCTION etl.dead_letter_replay(text, text, jsonb) IS
'Puts pending dead letters, patched, back as the owner; returns how many. A row that a sink refused goes into that sink, one that a check found through the steps behind it. where_sql is one expression over the columns of etl.dead_letters, read only. A worker commits it: it cannot be rolled back, so inside a transaction block it is 25001';

CREATE FUNCTION etl.dead_letter_replay(id bigint, where_sql text DEFAULT NULL, patch jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_dead_letter_replay';
COMMENT ON FUNCTION etl.dead_letter_replay(bigint, text, jsonb) IS
'Puts pending dead letters, patched, back as the owner; returns how many. A row that a sink refused goes into that sink, one that a check found through the steps behind it. where_sql is one expression over the columns of etl.dead_letters, read only. A worker commits it: it cannot be rolled back, so inside a transaction block it is 25001';

CREATE FUNCTION etl.dead_letter_discard(ids bigint[]) RETURNS bigint
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_dead_letter_discard';
COMMENT ON FUNCTION etl.dead_letter_discard(bigint[]) IS
'Marks dead letters as discarded; returns how many';

CREATE FUNCTION etl.preview(name text, rows int DEFAULT 10) RETURNS SETOF jsonb
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_preview';
COMMENT ON FUNCTION etl.preview(text, int) IS
'The first rows of the source, read in a worker with the owner''s rights; writes nothing';

CREATE FUNCTION etl.preview(id bigint, rows int DEFAULT 10) RETURNS SETOF jsonb
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_preview';
COMMENT ON FUNCTION etl.preview(bigint, int) IS
'The first rows of the source, read in a worker with the owner''s rights; writes nothing';

CREATE FUNCTION etl.dry_run(name text, batches int DEFAULT 1, OUT batch int, OUT action text, OUT key jsonb, OUT before jsonb, OUT after jsonb, OUT payload text, OUT error_code text, OUT error_message text) RETURNS SETOF record
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_dry_run';
COMMENT ON FUNCTION etl.dry_run(text, int) IS
'Runs batches with all their effects and rolls them back; nothing is sent. action is insert, update, unchanged, index (a document: payload is its NDJSON, with version 1) or error; with option on_error "quarantine" each row that fails has an error line, its record as payload, and otherwise the batch has one. Sequences do advance';

CREATE FUNCTION etl.dry_run(id bigint, batches int DEFAULT 1, OUT batch int, OUT action text, OUT key jsonb, OUT before jsonb, OUT after jsonb, OUT payload text, OUT error_code text, OUT error_message text) RETURNS SETOF record
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_dry_run';
COMMENT ON FUNCTION etl.dry_run(bigint, int) IS
'Runs batches with all their effects and rolls them back; nothing is sent. action is insert, update, unchanged, index (a document: payload is its NDJSON, with version 1) or error; with option on_error "quarantine" each row that fails has an error line, its record as payload, and otherwise the batch has one. Sequences do advance';

CREATE FUNCTION etl.explain(name text, "analyze" bool DEFAULT false, format text DEFAULT 'text', OUT "QUERY PLAN" text) RETURNS SETOF text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_explain';
COMMENT ON FUNCTION etl.explain(text, bool, text) IS
'The steps, their SQL and plans, the safety mode and warnings; with analyze a batch is run and rolled back, which wants ALTER';

CREATE FUNCTION etl.explain(id bigint, "analyze" bool DEFAULT false, format text DEFAULT 'text', OUT "QUERY PLAN" text) RETURNS SETOF text
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_explain';
COMMENT ON FUNCTION etl.explain(bigint, bool, text) IS
'The steps, their SQL and plans, the safety mode and warnings; with analyze a batch is run and rolled back, which wants ALTER';

CREATE FUNCTION etl.health() RETURNS jsonb
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_health';
COMMENT ON FUNCTION etl.health() IS
'State of the extension in this database: workers, servers, suspended pipelines';

CREATE FUNCTION etl.version(OUT component text, OUT version text) RETURNS SETOF record
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_version';
COMMENT ON FUNCTION etl.version() IS
'Versions of the library, the SQL objects and what they link to';

CREATE FUNCTION etl.state_transitions(OUT state text, OUT call text, OUT outcome text, OUT hint text) RETURNS SETOF record
LANGUAGE c IMMUTABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_state_transitions';
COMMENT ON FUNCTION etl.state_transitions() IS
'The 36 transitions of the state machine, from the table in the code; for the documentation';

CREATE FUNCTION etl.fdw_validator(options text[], catalog oid) RETURNS void
LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_fdw_validator';
COMMENT ON FUNCTION etl.fdw_validator(text[], oid) IS
'Refuses unknown options of servers and user mappings of wrapper etl, secrets in the catalog, a secret file in a mapping that is made by others than superusers and members of pg_read_server_files, and option password_required of others than superusers';

-- No SET search_path: a procedure with a SET clause cannot commit.
CREATE PROCEDURE etl.run_wait(name text, params jsonb DEFAULT '{}', timeout interval DEFAULT NULL, INOUT run_id bigint DEFAULT NULL)
LANGUAGE c AS 'MODULE_PATHNAME', 'etl_run_wait';
COMMENT ON PROCEDURE etl.run_wait(text, jsonb, interval, bigint) IS
'Requests a run, commits, waits for its end and raises the run''s own error when it failed. 25001 inside a transaction block. In PL/pgSQL the INOUT argument wants a variable: DECLARE run bigint; ... CALL etl.run_wait(''x'', run_id => run)';

CREATE PROCEDURE etl.run_wait(id bigint, params jsonb DEFAULT '{}', timeout interval DEFAULT NULL, INOUT run_id bigint DEFAULT NULL)
LANGUAGE c AS 'MODULE_PATHNAME', 'etl_run_wait';
COMMENT ON PROCEDURE etl.run_wait(bigint, jsonb, interval, bigint) IS
'Requests a run, commits, waits for its end and raises the run''s own error when it failed. 25001 inside a transaction block. In PL/pgSQL the INOUT argument wants a variable: DECLARE run bigint; ... CALL etl.run_wait(''x'', run_id => run)';

CREATE FUNCTION etl.identity(OUT system_identifier text, OUT database_oid oid) RETURNS record
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_identity';
COMMENT ON FUNCTION etl.identity() IS
'What tells this database from a copy of it: system identifier and database OID. For the view etl.pipelines, not to be called';

CREATE FUNCTION etl.list_operators(OUT name text, OUT kind text, OUT params_schema jsonb, OUT description text, OUT of_batch text,
    OUT of_set text) RETURNS SETOF record
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_list_operators';
COMMENT ON FUNCTION etl.list_operators() IS
'What steps can do: of_batch and of_set say what it means for a batch and for all rows of a full run, where that differs';

CREATE FUNCTION etl.circuit(server text, OUT state text, OUT failures int, OUT opened_at timestamptz,
    OUT next_probe timestamptz, OUT requests_in_flight int, OUT throttled_at timestamptz) RETURNS record
LANGUAGE c VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_circuit';
COMMENT ON FUNCTION etl.circuit(text) IS
'Circuit breaker and limits of a server as its workers share them; NULLs for one that is not of wrapper etl, or that the caller may not use. For the view etl.servers, not to be called';

-- No SET search_path: it is called for each row, reads bytes only and looks no name up.
CREATE FUNCTION etl.image_differs(stored anyelement, given anyelement) RETURNS bool
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'etl_image_differs';
COMMENT ON FUNCTION etl.image_differs(anyelement, anyelement) IS
'Whether two values are stored differently: for types whose equal values may look different (1.0 and 1.00), or that have no equality. For the statements of a worker, which run as the owner; not to be called';

CREATE FUNCTION etl.record_as_jsonb(record json) RETURNS jsonb
LANGUAGE c STABLE STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'etl_record_as_jsonb';
COMMENT ON FUNCTION etl.record_as_jsonb(json) IS
'The record as jsonb, or as a JSON string of its text where jsonb does not take it. For the view etl.dead_letters, not to be called';

CREATE FUNCTION etl.without_values(shows_rows bool, error_code text, error_message text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE WHEN shows_rows OR error_code !~ '^(22|P0|PE01)' THEN error_message
            WHEN error_message IS NOT NULL THEN 'hidden: it may hold values of rows, which the owner and roles with ALTER see' END $$;
COMMENT ON FUNCTION etl.without_values(bool, text, text) IS
'The message of an error for who sees rows; for others only if PostgreSQL or pg_etl put no values into it (they do in classes 22 and P0, and in PE010 and PE011). For the views, not to be called';

REVOKE EXECUTE ON FUNCTION etl.state_transitions(), etl.fdw_validator(text[], oid) FROM PUBLIC;

-- In PL/pgSQL and not in the library: where that is missing, no DROP of the database must fail. With its owner's rights, because
-- whoever drops a table need not see who reads it; what it tells him is the name of the pipeline.
CREATE FUNCTION etl.tell_dropped() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped record;
BEGIN
    FOR dropped IN
        SELECT d.object_type, d.object_identity, o.use, p.name
        FROM pg_catalog.pg_event_trigger_dropped_objects() AS d
        JOIN etl.pipeline_object AS o ON o.classid = d.classid AND o.objid = d.objid
        JOIN etl.pipeline AS p ON p.id = o.pipeline_id
        WHERE d.objsubid = 0
        ORDER BY d.object_identity, p.name, o.use
    LOOP
        RAISE WARNING '% % is % by pipeline "%"', dropped.object_type, dropped.object_identity, dropped.use, dropped.name
            USING HINT = 'Its next run will fail: create the ' || dropped.object_type || ' again'
                || CASE WHEN dropped.use = 'written' AND dropped.object_type = 'table'
                       THEN ' (an incremental pipeline then needs etl.reset(), to load all rows)' ELSE '' END
                || ', or alter or drop the pipeline.';
    END LOOP;
END $$;
COMMENT ON FUNCTION etl.tell_dropped() IS
'A WARNING for each pipeline that reads or writes what is dropped. For the event trigger etl_dropped, not to be called';
REVOKE EXECUTE ON FUNCTION etl.tell_dropped() FROM PUBLIC;

CREATE EVENT TRIGGER etl_dropped ON sql_drop
    WHEN TAG IN ('DROP FOREIGN TABLE', 'DROP MATERIALIZED VIEW', 'DROP OWNED', 'DROP SCHEMA', 'DROP SERVER', 'DROP TABLE', 'DROP VIEW')
    EXECUTE FUNCTION etl.tell_dropped();
COMMENT ON EVENT TRIGGER etl_dropped IS 'pg_etl: tells who drops a table, view or server which pipelines read or write it';

CREATE FOREIGN DATA WRAPPER etl NO HANDLER VALIDATOR etl.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER etl IS 'Remote systems of pg_etl, told apart by the TYPE of the server';
