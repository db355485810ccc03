-- The catalog of pg_etl: definitions (dumped) and state (never dumped). No role has any right on these tables; all
-- writes come from the library's functions, all reads by users from the views.

-- Nothing that somebody has put into another schema, or into pg_temp, stands in for PostgreSQL's own.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Definitions, positions and records pass through JSON, which is UTF-8.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'extension pg_etl wants a database whose encoding is UTF8'
            USING ERRCODE = '0A000', DETAIL = 'It is ' OPERATOR(pg_catalog.||) pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.||) '.',
                  HINT = 'Use CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;
END $$;

CREATE SCHEMA etl;
COMMENT ON SCHEMA etl IS 'pg_etl: pipelines that move data in checkpointed batches';
GRANT USAGE ON SCHEMA etl TO pg_monitor;

CREATE SEQUENCE etl.pipeline_id_seq;
CREATE TABLE etl.pipeline (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('etl.pipeline_id_seq'),
    name text NOT NULL UNIQUE CHECK (name <> '' AND pg_catalog.octet_length(name) <= 200),
    owner regrole NOT NULL,
    description text,
    tags text[] NOT NULL DEFAULT '{}',
    mode text NOT NULL CHECK (mode IN ('full', 'incremental')),
    source text,
    target text NOT NULL,
    key_columns text[],
    incremental_key text,
    incremental_id_key text,
    steps jsonb,
    batch_size int NOT NULL CHECK (batch_size BETWEEN 1 AND 1000000),
    schedule text,
    options jsonb NOT NULL DEFAULT '{}',
    search_path text NOT NULL,
    enabled bool NOT NULL DEFAULT true,
    disabled_reason text,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CHECK ((steps IS NULL) <> (source IS NULL))
);
ALTER SEQUENCE etl.pipeline_id_seq OWNED BY etl.pipeline.id;
COMMENT ON SEQUENCE etl.pipeline_id_seq IS 'Ids of pipelines; dumped by pg_dump';
COMMENT ON TABLE etl.pipeline IS 'Definitions of pipelines; dumped by pg_dump';
COMMENT ON COLUMN etl.pipeline.target IS 'Of a pipeline of steps, the targets of its sinks, separated by ", "';
SELECT pg_catalog.pg_extension_config_dump('etl.pipeline', '');
SELECT pg_catalog.pg_extension_config_dump('etl.pipeline_id_seq', '');

CREATE TABLE etl.allowed_target (
    pattern text NOT NULL,
    role regrole,
    UNIQUE NULLS NOT DISTINCT (pattern, role)
);
COMMENT ON TABLE etl.allowed_target IS 'Targets that pipelines may write: exact names, or * as the last part; role NULL is everyone';
SELECT pg_catalog.pg_extension_config_dump('etl.allowed_target', '');

CREATE TABLE etl.allowed_function (
    function text NOT NULL,
    role regrole,
    UNIQUE NULLS NOT DISTINCT (function, role)
);
COMMENT ON TABLE etl.allowed_function IS 'Functions that steps of pipelines may call, by qualified name and argument types; role NULL is everyone';
SELECT pg_catalog.pg_extension_config_dump('etl.allowed_function', '');

CREATE TABLE etl.operator (
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('source', 'transform', 'sink')),
    function text NOT NULL,
    params_schema jsonb NOT NULL,
    description text NOT NULL
);
COMMENT ON TABLE etl.operator IS 'Operators that were registered, beside those that are built in; function is qualified, with the types of its arguments';
SELECT pg_catalog.pg_extension_config_dump('etl.operator', '');

CREATE TABLE etl.pipeline_grant (
    pipeline_id bigint NOT NULL REFERENCES etl.pipeline ON DELETE CASCADE,
    role regrole NOT NULL,
    privilege text NOT NULL CHECK (privilege IN ('ALTER', 'MONITOR', 'RUN')),
    PRIMARY KEY (pipeline_id, role, privilege)
);
COMMENT ON TABLE etl.pipeline_grant IS 'Rights on single pipelines beside the owner''s own';
SELECT pg_catalog.pg_extension_config_dump('etl.pipeline_grant', '');

-- Not dumped: a restored pipeline's first run fills it.
CREATE TABLE etl.pipeline_object (
    classid oid NOT NULL,
    objid oid NOT NULL,
    use text NOT NULL CHECK (use IN ('read', 'written')),
    pipeline_id bigint NOT NULL REFERENCES etl.pipeline ON DELETE CASCADE,
    PRIMARY KEY (pipeline_id, classid, objid, use)
);
CREATE INDEX pipeline_object_object ON etl.pipeline_object (objid, classid);
COMMENT ON TABLE etl.pipeline_object IS 'Tables, views and servers that pipelines read and write, as when they were defined or ran last; pg_depend cannot hold it, since a pipeline is no object of PostgreSQL';
COMMENT ON INDEX etl.pipeline_object_object IS 'The pipelines of a dropped object';

CREATE TABLE etl.pipeline_state (
    pipeline_id bigint PRIMARY KEY REFERENCES etl.pipeline ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'IDLE'
        CHECK (state IN ('IDLE', 'RUN_REQUESTED', 'RUNNING', 'PAUSE_REQUESTED', 'PAUSED', 'FAILED')),
    state_reason text,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    run_id bigint,
    worker_pid int,
    epoch bigint NOT NULL DEFAULT 0,
    doc_version bigint NOT NULL DEFAULT 0,
    system_identifier text NOT NULL,
    database_oid oid NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE etl.pipeline_state IS 'State of pipelines in this database; absent after a restore, so that a copy comes up suspended';
COMMENT ON COLUMN etl.pipeline_state.changed_at IS 'Since when it is in this state; runs that wait for a worker grow older by it';
COMMENT ON COLUMN etl.pipeline_state.epoch IS 'Number of the lease: a checkpoint of an older epoch is refused';
COMMENT ON COLUMN etl.pipeline_state.doc_version IS 'The highest external version given to documents';

CREATE SEQUENCE etl.run_id_seq;
CREATE TABLE etl.run_log (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('etl.run_id_seq'),
    pipeline_id bigint NOT NULL REFERENCES etl.pipeline ON DELETE CASCADE,
    status text NOT NULL CHECK (status IN ('requested', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
    trigger text NOT NULL,
    attempt int NOT NULL DEFAULT 1,
    recoveries int NOT NULL DEFAULT 0,
    correlation_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    requested_by regrole NOT NULL,
    params jsonb NOT NULL DEFAULT '{}',
    worker_pid int,
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_inserted bigint NOT NULL DEFAULT 0,
    rows_updated bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_deleted bigint NOT NULL DEFAULT 0,
    rows_dead bigint NOT NULL DEFAULT 0,
    rows_superseded bigint NOT NULL DEFAULT 0,
    late_rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    error_code text,
    error_message text,
    error_detail text,
    error_hint text,
    error_context text
) WITH (fillfactor = 70);
ALTER SEQUENCE etl.run_id_seq OWNED BY etl.run_log.id;
COMMENT ON SEQUENCE etl.run_id_seq IS 'Ids of runs';
CREATE INDEX run_log_pipeline ON etl.run_log (pipeline_id, id);
COMMENT ON INDEX etl.run_log_pipeline IS 'The runs of a pipeline, newest last';
COMMENT ON TABLE etl.run_log IS 'One row a run; its counters stand in etl.checkpoint until the next run takes that over';

CREATE TABLE etl.checkpoint (
    pipeline_id bigint NOT NULL REFERENCES etl.pipeline ON DELETE CASCADE,
    slice int NOT NULL,
    epoch bigint NOT NULL,
    run_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('file', 'key', 'pair', 'page')),
    position jsonb,
    position_types text[] NOT NULL,
    targets text[],
    range_from jsonb,
    range_to jsonb,
    done bool NOT NULL DEFAULT false,
    batch_no bigint NOT NULL DEFAULT 0,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_inserted bigint NOT NULL DEFAULT 0,
    rows_updated bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_deleted bigint NOT NULL DEFAULT 0,
    rows_dead bigint NOT NULL DEFAULT 0,
    rows_superseded bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    late_rows bigint NOT NULL DEFAULT 0,
    rows_total bigint,
    phase text,
    system_identifier text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    error jsonb,
    PRIMARY KEY (pipeline_id, slice)
) WITH (fillfactor = 20);
COMMENT ON TABLE etl.checkpoint IS 'Where each slice of a pipeline stands, with the counters of the current run; updated in the batch''s transaction';
COMMENT ON COLUMN etl.checkpoint.position IS 'The key of the last row that the target holds: an array of texts that the types'' input functions read';
COMMENT ON COLUMN etl.checkpoint.targets IS 'What holds the rows up to the position: a table by its OID, one of another server and an index by that server''s url; NULL after etl.accept_target()';
COMMENT ON COLUMN etl.checkpoint.position_types IS 'Name, type and collation of each column in whose order the source was read: position and range mean nothing in another order';

CREATE TABLE etl.source_file (
    pipeline_id bigint NOT NULL REFERENCES etl.pipeline ON DELETE CASCADE,
    step text NOT NULL,
    path text NOT NULL,
    byte bigint NOT NULL,
    line bigint NOT NULL,
    finished bool NOT NULL,
    inode numeric NOT NULL,
    size bigint NOT NULL,
    modified_ns bigint NOT NULL,
    fingerprint text NOT NULL,
    read_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (pipeline_id, step, path)
);
COMMENT ON TABLE etl.source_file IS 'Files that an incremental pipeline has read, and up to where; updated in the batch''s transaction';
COMMENT ON COLUMN etl.source_file.byte IS 'Of the unpacked file';
COMMENT ON COLUMN etl.source_file.finished IS 'It was read to the end that it had then; read again when size or time of change differ';
COMMENT ON COLUMN etl.source_file.fingerprint IS 'Of what was read: number of bytes, and CRC-32 of the first and the last 4 KiB. A file that begins otherwise is another one';

CREATE TABLE etl.watermark (
    pipeline_id bigint PRIMARY KEY REFERENCES etl.pipeline ON DELETE CASCADE,
    safety text NOT NULL,
    safe_watermark text,
    mark text,
    mark_holders text[],
    frozen_gids text[],
    history jsonb NOT NULL DEFAULT '[]',
    held_by_pid int,
    held_since timestamptz,
    window_breaches bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE etl.watermark IS 'Up to where an incremental source is safe to read, and who holds it back';

CREATE TABLE etl.batch_log (
    run_id bigint NOT NULL REFERENCES etl.run_log ON DELETE CASCADE,
    slice int NOT NULL,
    batch_no bigint NOT NULL,
    attempt int NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    rows_read bigint NOT NULL,
    rows_written bigint NOT NULL,
    rows_dead bigint NOT NULL,
    bytes bigint NOT NULL,
    from_position jsonb,
    to_position jsonb,
    PRIMARY KEY (run_id, slice, batch_no)
);
COMMENT ON TABLE etl.batch_log IS 'One row a committed batch';

CREATE TABLE etl.step_run_log (
    run_id bigint NOT NULL REFERENCES etl.run_log ON DELETE CASCADE,
    step_no int NOT NULL,
    step text NOT NULL,
    operator text NOT NULL,
    depends_on text[] NOT NULL,
    status text NOT NULL CHECK (status IN ('requested', 'running', 'succeeded', 'failed', 'cancelled')),
    started_at timestamptz,
    finished_at timestamptz,
    active_us bigint NOT NULL,
    rows_in bigint,
    rows_out bigint,
    figures jsonb NOT NULL DEFAULT '{}',
    error_code text,
    error_message text,
    PRIMARY KEY (run_id, step)
) WITH (fillfactor = 50);
COMMENT ON TABLE etl.step_run_log IS 'One row a step and run; summed up over the batches, in the transaction of each';
COMMENT ON COLUMN etl.step_run_log.active_us IS 'Microseconds in which it worked; of a step that is a part of another one''s statement, 0';

CREATE UNLOGGED TABLE etl.kept_step (
    run_id bigint NOT NULL REFERENCES etl.run_log ON DELETE CASCADE,
    step text NOT NULL,
    shape text NOT NULL,
    found jsonb NOT NULL,
    PRIMARY KEY (run_id, step)
);
COMMENT ON TABLE etl.kept_step IS 'Steps of runs under way, with option materialize: etl.retry() does not run them again. Unlogged: after a crash of the server they are run again';
COMMENT ON COLUMN etl.kept_step.shape IS 'Version of the definition, columns and types: what is kept serves this only';
COMMENT ON COLUMN etl.kept_step.found IS 'Violations and records that are no rows, to become dead letters when all steps are done';

CREATE UNLOGGED TABLE etl.kept_rows (
    run_id bigint NOT NULL,
    step text NOT NULL,
    part int NOT NULL,
    rows bytea NOT NULL,
    PRIMARY KEY (run_id, step, part),
    FOREIGN KEY (run_id, step) REFERENCES etl.kept_step ON DELETE CASCADE
);
ALTER TABLE etl.kept_rows ALTER COLUMN rows SET STORAGE EXTERNAL;
COMMENT ON TABLE etl.kept_rows IS 'The rows of kept steps, in the binary form of COPY';

CREATE SEQUENCE etl.dead_letter_id_seq;
CREATE TABLE etl.dead_letter (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('etl.dead_letter_id_seq'),
    pipeline_id bigint NOT NULL REFERENCES etl.pipeline ON DELETE CASCADE,
    run_id bigint NOT NULL,
    step text NOT NULL,
    original_record json NOT NULL,
    copy int NOT NULL DEFAULT 0,
    error_code text NOT NULL,
    error_message text NOT NULL,
    context jsonb NOT NULL DEFAULT '{}',
    retry_count int NOT NULL DEFAULT 0,
    first_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'replayed', 'discarded'))
);
ALTER SEQUENCE etl.dead_letter_id_seq OWNED BY etl.dead_letter.id;
COMMENT ON SEQUENCE etl.dead_letter_id_seq IS 'Ids of dead letters';
COMMENT ON COLUMN etl.dead_letter.copy IS 'How many equal records of its batch came before it';
CREATE UNIQUE INDEX dead_letter_pending ON etl.dead_letter (pipeline_id, step, pg_catalog.md5(original_record::text), copy)
    WHERE status = 'pending';
COMMENT ON INDEX etl.dead_letter_pending IS 'A record that fails again is counted, not kept twice';
COMMENT ON TABLE etl.dead_letter IS 'Records that could not be processed, whole, with their error';

CREATE TABLE etl.event (
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    pipeline_id bigint NOT NULL REFERENCES etl.pipeline ON DELETE CASCADE,
    run_id bigint,
    role text NOT NULL,
    from_state text,
    to_state text,
    reason text
);
CREATE INDEX event_pipeline ON etl.event (pipeline_id, at);
COMMENT ON INDEX etl.event_pipeline IS 'The events of a pipeline, newest last';
COMMENT ON TABLE etl.event IS 'Every change of state and every move of a checkpoint by hand';
