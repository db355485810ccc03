-- What users see: each view shows the pipelines that the caller may see (owner, member of the owner, any grant on the
-- pipeline, pg_monitor).
CREATE VIEW etl.visible_pipeline WITH (security_barrier) AS
SELECT p.*,
       pg_catalog.pg_has_role(p.owner::oid, 'USAGE')
       OR EXISTS (SELECT FROM etl.pipeline_grant g
                  WHERE g.pipeline_id = p.id AND g.privilege = 'ALTER' AND pg_catalog.pg_has_role(g.role::oid, 'USAGE'))
           AS shows_rows
FROM etl.pipeline p
WHERE pg_catalog.pg_has_role(p.owner::oid, 'USAGE')
   OR pg_catalog.pg_has_role('pg_monitor'::name, 'USAGE')
   OR EXISTS (SELECT FROM etl.pipeline_grant g
              WHERE g.pipeline_id = p.id AND pg_catalog.pg_has_role(g.role::oid, 'USAGE'));
COMMENT ON VIEW etl.visible_pipeline IS 'Definitions that the caller may see; the other views build on it';
COMMENT ON COLUMN etl.visible_pipeline.shows_rows IS 'Whether he may see rows of the source too: the owner and ALTER do, as with etl.preview()';

CREATE VIEW etl.pipelines WITH (security_barrier) AS
SELECT p.id, p.name, p.owner::text AS owner, p.description, p.tags, p.mode, coalesce(s.state, 'IDLE') AS state,
       CASE WHEN s.state_reason ~ '^[0-9A-Z]{5}: '
            THEN pg_catalog.left(s.state_reason, 7)
                 || etl.without_values(p.shows_rows, s.state_reason, pg_catalog.substr(s.state_reason, 8))
            ELSE s.state_reason END AS state_reason, p.enabled,
       CASE WHEN s.pipeline_id IS NULL THEN 'restored: it has never run in this database; see etl.enable()'
            WHEN s.system_identifier <> i.system_identifier OR s.database_oid <> i.database_oid
                THEN 'copied: it ran last in another database; see etl.enable()'
            WHEN pg_catalog.current_setting('etl.suspended', true) = 'on' THEN 'the setting etl.suspended is on'
            WHEN NOT p.enabled THEN coalesce(p.disabled_reason, 'disabled')
       END AS suspended_reason,
       p.source, p.target, p.schedule, NULL::timestamptz AS next_run_at, p.options, p.version, p.steps
FROM etl.visible_pipeline p
LEFT JOIN etl.pipeline_state s ON s.pipeline_id = p.id
CROSS JOIN etl.identity() i;
COMMENT ON VIEW etl.pipelines IS 'Pipelines with their state';
COMMENT ON COLUMN etl.pipelines.next_run_at IS 'NULL: schedules are not built';

CREATE VIEW etl.runs WITH (security_barrier) AS
SELECT r.id, p.name AS pipeline, p.id AS pipeline_id, r.status, r.trigger, r.attempt, r.correlation_id, r.worker_pid,
       r.started_at, r.finished_at,
       coalesce(c.rows_read, r.rows_read) AS rows_read,
       coalesce(c.rows_inserted + c.rows_updated + c.rows_deleted, r.rows_inserted + r.rows_updated + r.rows_deleted)
           AS rows_written,
       coalesce(c.rows_inserted, r.rows_inserted) AS rows_inserted,
       coalesce(c.rows_updated, r.rows_updated) AS rows_updated,
       coalesce(c.rows_unchanged, r.rows_unchanged) AS rows_unchanged,
       coalesce(c.rows_deleted, r.rows_deleted) AS rows_deleted,
       coalesce(c.rows_dead, r.rows_dead) AS rows_dead,
       coalesce(c.rows_superseded, r.rows_superseded) AS rows_superseded,
       coalesce(c.bytes, r.bytes) AS bytes, r.error_code,
       etl.without_values(p.shows_rows, r.error_code, r.error_message) AS error_message,
       coalesce(c.late_rows, r.late_rows) AS late_rows,
       (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('step', l.step) || l.figures ORDER BY l.step_no)
        FROM etl.step_run_log l WHERE l.run_id = r.id AND l.operator = 'file' AND l.status = 'succeeded') AS files
FROM etl.visible_pipeline p
JOIN etl.run_log r ON r.pipeline_id = p.id
CROSS JOIN LATERAL (
    SELECT sum(c.rows_read)::bigint AS rows_read, sum(c.rows_inserted)::bigint AS rows_inserted,
           sum(c.rows_updated)::bigint AS rows_updated, sum(c.rows_unchanged)::bigint AS rows_unchanged,
           sum(c.rows_deleted)::bigint AS rows_deleted, sum(c.rows_dead)::bigint AS rows_dead,
           sum(c.rows_superseded)::bigint AS rows_superseded, sum(c.bytes)::bigint AS bytes,
           sum(c.late_rows)::bigint AS late_rows
    FROM etl.checkpoint c WHERE c.pipeline_id = r.pipeline_id AND c.run_id = r.id) c;
COMMENT ON VIEW etl.runs IS 'Runs with their counters; rows_read = inserted + updated + unchanged + deleted + dead + superseded';
COMMENT ON COLUMN etl.runs.late_rows IS 'Rows of safety mode overlap that committed late: found and written when the window was read again; part of rows_written';
COMMENT ON COLUMN etl.runs.files IS 'Files that the run has written: step, path, status, rows and bytes of each';

CREATE VIEW etl.batches WITH (security_barrier) AS
SELECT b.run_id, p.name AS pipeline, p.id AS pipeline_id, b.slice, b.batch_no, b.attempt, b.started_at, b.finished_at,
       b.rows_read, b.rows_written, b.rows_dead, b.bytes,
       CASE WHEN p.shows_rows THEN b.from_position END AS from_position,
       CASE WHEN p.shows_rows THEN b.to_position END AS to_position, r.correlation_id
FROM etl.visible_pipeline p
JOIN etl.run_log r ON r.pipeline_id = p.id
JOIN etl.batch_log b ON b.run_id = r.id;
COMMENT ON VIEW etl.batches IS 'Committed batches; positions, which hold values of rows, are NULL for those who are neither owner nor have ALTER';

CREATE VIEW etl.checkpoints WITH (security_barrier) AS
SELECT p.name AS pipeline, p.id AS pipeline_id, c.slice, c.kind,
       CASE WHEN p.shows_rows THEN c.position END AS position, c.system_identifier, c.updated_at
FROM etl.visible_pipeline p
JOIN etl.checkpoint c ON c.pipeline_id = p.id;
COMMENT ON VIEW etl.checkpoints IS 'Where each slice of a pipeline stands; position is NULL for those who are neither owner nor have ALTER';

CREATE VIEW etl.progress WITH (security_barrier) AS
SELECT p.name AS pipeline, p.id AS pipeline_id, r.id AS run_id, c.phase, 'sink'::text AS step, c.rows_done,
       c.rows_total,
       CASE WHEN c.rows_total > 0
            THEN least(100, pg_catalog.round(100.0 * c.rows_done / c.rows_total, 1)) END AS percent,
       pg_catalog.round((c.rows_done / nullif(EXTRACT(epoch FROM c.updated_at - r.started_at), 0))::numeric, 0) AS rows_per_s,
       CASE WHEN c.rows_done > 0 AND c.rows_total > c.rows_done
            THEN (c.updated_at - r.started_at) * ((c.rows_total - c.rows_done)::float8 / c.rows_done) END AS eta,
       CASE WHEN s.state = 'RUN_REQUESTED' AND b.state <> 'closed'
            THEN pg_catalog.format('the circuit breaker of server "%s" is %s', b.server, b.state)
                 || coalesce('; next probe at ' || pg_catalog.date_trunc('second', b.next_probe)::text, '')
            WHEN s.state = 'RUN_REQUESTED' AND w.running >= pg_catalog.current_setting('etl.max_workers')::int
            THEN pg_catalog.format('%s of etl.max_workers are busy', w.running)
            WHEN s.state <> 'RUN_REQUESTED' AND b.throttled_at > pg_catalog.clock_timestamp() - interval '1 second'
            THEN pg_catalog.format('the limits of server "%s"', b.server)
       END AS throttle_reason
FROM etl.visible_pipeline p
JOIN etl.pipeline_state s ON s.pipeline_id = p.id
JOIN etl.run_log r ON r.id = s.run_id
CROSS JOIN LATERAL (
    SELECT sum(c.rows_read)::bigint AS rows_done, sum(c.rows_total)::bigint AS rows_total, max(c.updated_at) AS updated_at,
           coalesce(max(c.phase), pg_catalog.lower(s.state)) AS phase
    FROM etl.checkpoint c WHERE c.pipeline_id = p.id AND c.run_id = r.id) c
LEFT JOIN LATERAL (
    SELECT n.server, i.state, i.next_probe, i.throttled_at
    FROM (SELECT pg_catalog.substring(p.target, '^([^":]+):') AS server) n, etl.circuit(n.server) i) b ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS running FROM etl.pipeline_state o WHERE o.state IN ('RUNNING', 'PAUSE_REQUESTED')) w
WHERE r.status IN ('requested', 'running', 'paused');
COMMENT ON VIEW etl.progress IS 'Runs under way with rate and expected rest, for \watch; rows_total is the planner''s estimate';
COMMENT ON COLUMN etl.progress.throttle_reason IS 'What the run waits for beside its own work: the circuit breaker or the limits of its server, a free worker';

CREATE VIEW etl.lag WITH (security_barrier) AS
SELECT p.name AS pipeline, p.id AS pipeline_id, w.safety, w.safe_watermark,
       pg_catalog.clock_timestamp() - w.updated_at AS lag, NULL::bigint AS lag_bytes, w.held_by_pid, w.held_since,
       w.window_breaches, nullif(w.frozen_gids, '{}') AS held_by_gids
FROM etl.visible_pipeline p
JOIN etl.watermark w ON w.pipeline_id = p.id;
COMMENT ON VIEW etl.lag IS 'Up to where an incremental source was safe to read when a run looked last, and who held it back; lag is the time since that look';
COMMENT ON COLUMN etl.lag.lag IS 'Time since a run looked last; not the age of what the target still lacks';
COMMENT ON COLUMN etl.lag.held_by_gids IS 'Prepared transactions that write to the source and hold safety mode xact back until they end: see pg_prepared_xacts';
COMMENT ON COLUMN etl.lag.lag_bytes IS 'NULL: for change capture, which is not built';

CREATE VIEW etl.dead_letters WITH (security_barrier) AS
SELECT d.id, p.name AS pipeline, p.id AS pipeline_id, d.run_id, d.step,
       CASE WHEN p.shows_rows THEN etl.record_as_jsonb(d.original_record) END AS original_record,
       d.error_code, CASE WHEN p.shows_rows THEN d.error_message END AS error_message,
       CASE WHEN p.shows_rows THEN d.context END AS context, d.retry_count, d.first_seen, d.last_seen, d.status
FROM etl.visible_pipeline p
JOIN etl.dead_letter d ON d.pipeline_id = p.id;
COMMENT ON VIEW etl.dead_letters IS 'Records that could not be processed, with their error; original_record, error_message and context, which hold data of the source, are NULL for those who are neither owner nor have ALTER. A record that jsonb does not take (\u0000, a lone surrogate, a number out of its range) is shown as a JSON string of its text, and cannot be replayed';

CREATE VIEW etl.events WITH (security_barrier) AS
SELECT e.at, p.name AS pipeline, p.id AS pipeline_id, e.run_id, e.role, e.from_state, e.to_state,
       CASE WHEN p.shows_rows THEN e.reason
            WHEN e.reason ~ '^[0-9A-Z]{5}: '
            THEN pg_catalog.left(e.reason, 7) || etl.without_values(false, e.reason, pg_catalog.substr(e.reason, 8))
            ELSE pg_catalog.regexp_replace(e.reason, '^(checkpoint moved) to .*', '\1') END AS reason
FROM etl.visible_pipeline p
JOIN etl.event e ON e.pipeline_id = p.id;
COMMENT ON VIEW etl.events IS 'Changes of state and moves of checkpoints';

CREATE VIEW etl.servers WITH (security_barrier) AS
SELECT s.srvname::text AS server, s.srvtype AS type, c.state AS circuit, c.failures, c.opened_at, c.next_probe,
       c.requests_in_flight, c.throttled_at
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'etl'
CROSS JOIN LATERAL etl.circuit(s.srvname::text) c
WHERE pg_catalog.has_server_privilege(s.oid, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor'::name, 'USAGE');
COMMENT ON VIEW etl.servers IS 'Remote systems with the circuit breaker and the limits that all workers share; a breaker forgets with a restart, and when its server is altered';
COMMENT ON COLUMN etl.servers.circuit IS 'closed; open: runs wait for the next probe, unless a user asks for one; half_open: a probe was let in. Unless it is closed, one run at a time uses the server';
COMMENT ON COLUMN etl.servers.failures IS 'Requests in a row that got no answer or a 5xx; option breaker_failures (5) opens the breaker';
COMMENT ON COLUMN etl.servers.opened_at IS 'Not closed since then';
COMMENT ON COLUMN etl.servers.next_probe IS 'While open: option breaker_pause (30 s), doubled by each failed probe up to 5 minutes, less up to a fifth';
COMMENT ON COLUMN etl.servers.requests_in_flight IS 'Bulk requests now; counted only where the server has option requests_in_flight or requests_per_second';
COMMENT ON COLUMN etl.servers.throttled_at IS 'When a request last had to wait for option requests_in_flight or requests_per_second';

CREATE VIEW etl.allowed_functions AS
SELECT a.function, a.role::text AS role FROM etl.allowed_function a;
COMMENT ON VIEW etl.allowed_functions IS 'Functions that steps of pipelines may call; role NULL is everyone';

CREATE VIEW etl.allowed_targets AS
SELECT a.pattern, a.role::text AS role FROM etl.allowed_target a;
COMMENT ON VIEW etl.allowed_targets IS 'Targets that pipelines may write; role NULL is everyone';

CREATE VIEW etl.step_runs WITH (security_barrier) AS
SELECT l.run_id, p.name AS pipeline, p.id AS pipeline_id, l.step, l.operator, l.status, l.started_at,
       CASE WHEN l.status NOT IN ('requested', 'running') THEN l.finished_at END AS finished_at,
       CASE WHEN l.active_us > 0 THEN l.active_us * interval '1 microsecond' END AS duration, l.rows_in, l.rows_out,
       l.figures, l.error_code,
       etl.without_values(p.shows_rows, l.error_code, l.error_message) AS error_message,
       'pg_etl'::text AS service, p.name AS dataset_name, l.started_at AS "timestamp",
       CASE WHEN l.active_us > 0 THEN pg_catalog.round(l.active_us / 1e6, 6) END AS duration_sec, l.figures ->> 'strategy' AS strategy,
       CASE WHEN pg_catalog.jsonb_typeof(l.figures -> 'columns_affected') = 'array'
            THEN ARRAY(SELECT pg_catalog.jsonb_array_elements_text(l.figures -> 'columns_affected')) END AS columns_affected,
       (l.figures ->> 'nulls_filled')::bigint AS nulls_filled, l.depends_on
FROM etl.visible_pipeline p
JOIN etl.run_log r ON r.pipeline_id = p.id
JOIN etl.step_run_log l ON l.run_id = r.id
ORDER BY l.run_id, l.step_no;
COMMENT ON VIEW etl.step_runs IS 'Steps of runs. Rows and duration of a step that is a part of another one''s statement are NULL: option "observe": "steps" gives each one of its own';
COMMENT ON COLUMN etl.step_runs.figures IS 'The operator''s own figures';
COMMENT ON COLUMN etl.step_runs.service IS 'As in JSON log lines: the fields of an audit record, from here on';
COMMENT ON COLUMN etl.step_runs.dataset_name IS 'The pipeline, as in JSON log lines';
COMMENT ON COLUMN etl.step_runs."timestamp" IS 'When the step began';
COMMENT ON COLUMN etl.step_runs.duration_sec IS 'Seconds of work; NULL where duration is';
COMMENT ON COLUMN etl.step_runs.strategy IS 'Of clean_nulls';
COMMENT ON COLUMN etl.step_runs.columns_affected IS 'Of clean_nulls and mask, with option "observe": "steps"';
COMMENT ON COLUMN etl.step_runs.nulls_filled IS 'Of clean_nulls, with option "observe": "steps"';
COMMENT ON COLUMN etl.step_runs.depends_on IS 'As it was in that run';

CREATE VIEW etl.operators WITH (security_barrier) AS
SELECT name, kind, params_schema, description, of_batch, of_set FROM etl.list_operators();
COMMENT ON VIEW etl.operators IS 'What the steps of a pipeline can do: operators with the JSON schema of their params';

GRANT SELECT ON etl.operators, etl.step_runs, etl.pipelines, etl.runs, etl.batches, etl.checkpoints, etl.progress, etl.lag, etl.dead_letters, etl.events,
    etl.servers, etl.allowed_functions, etl.allowed_targets TO PUBLIC;
