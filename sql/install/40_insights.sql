-- Looking back at runs, and at tables. Functions of the caller: they see what the views show him.
CREATE VIEW etl.run_insights WITH (security_barrier) AS
SELECT r.id AS run_id, r.pipeline, r.pipeline_id, r.status, s.steps, s.succeeded_steps, s.slowest_step, s.slowest_duration,
       r.bytes, r.rows_read, r.rows_written, s.active, r.finished_at - r.started_at AS wall,
       CASE WHEN r.finished_at > r.started_at THEN pg_catalog.round(greatest(0, 1 - extract(epoch FROM s.active)
           / extract(epoch FROM r.finished_at - r.started_at)), 4) END AS overhead
FROM etl.runs r
CROSS JOIN LATERAL (
    SELECT count(*) AS steps, count(*) FILTER (WHERE t.status = 'succeeded') AS succeeded_steps,
           (pg_catalog.array_agg(t.step ORDER BY t.duration DESC NULLS LAST))[1] AS slowest_step,
           max(t.duration) AS slowest_duration, least(sum(t.duration), (
               SELECT sum(upper(span) - lower(span)) FROM pg_catalog.unnest(pg_catalog.range_agg(pg_catalog.tstzrange(
                   t.started_at, t.started_at + greatest(t.duration, t.finished_at - t.started_at)))
                   FILTER (WHERE t.started_at IS NOT NULL AND coalesce(t.duration, t.finished_at - t.started_at) IS NOT NULL)) AS span)) AS active
    FROM etl.step_runs t WHERE t.run_id = r.id) s
WHERE s.steps > 0;
COMMENT ON VIEW etl.run_insights IS 'Runs of steps at a glance. Durations are known of steps that had a statement of their own (see etl.step_runs)';
COMMENT ON COLUMN etl.run_insights.active IS 'In which at least one step worked';
COMMENT ON COLUMN etl.run_insights.overhead IS 'The share of the run''s time in which no step worked: 1 - active / wall';

CREATE FUNCTION etl.run_timeline(run bigint, OUT step text, OUT operator text, OUT status text, OUT started_at timestamptz,
    OUT finished_at timestamptz, OUT waiting interval, OUT active interval) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT s.step, s.operator, s.status, s.started_at, s.finished_at,
       greatest(s.started_at - greatest(r.started_at, (
           SELECT max(d.finished_at) FROM etl.step_runs d WHERE d.run_id = s.run_id AND d.step = ANY (s.depends_on))), interval '0'),
       s.duration
FROM etl.step_runs s JOIN etl.runs r ON r.id = s.run_id
WHERE s.run_id = $1 ORDER BY s.started_at, s.step $$;
COMMENT ON FUNCTION etl.run_timeline(bigint) IS
'The steps of a run in the order in which they began: how long each waited since its inputs were there, and how long it worked';

CREATE FUNCTION etl.compare_runs(a bigint, b bigint DEFAULT NULL, OUT measure text, OUT a_value numeric, OUT b_value numeric,
    OUT change numeric) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH chosen AS (
    SELECT $1 AS a, coalesce($2, (SELECT max(o.id) FROM etl.runs o JOIN etl.runs r ON r.id = $1 AND o.pipeline_id = r.pipeline_id
                                  WHERE o.id < $1 AND o.status = 'succeeded')) AS b),
measures AS (
    SELECT r.id, m.name, m.value, 0 AS place, m.nr::text AS nr FROM etl.runs r CROSS JOIN LATERAL (VALUES
        (1, 'duration', extract(epoch FROM r.finished_at - r.started_at)), (2, 'rows_read', r.rows_read::numeric),
        (3, 'rows_written', r.rows_written::numeric), (4, 'rows_dead', r.rows_dead::numeric), (5, 'bytes', r.bytes::numeric))
        AS m(nr, name, value)
    UNION ALL
    SELECT s.run_id, s.step || '.' || m.name, m.value, 1, s.step || '.' || m.name FROM etl.step_runs s CROSS JOIN LATERAL (
        SELECT v.name, v.value FROM (VALUES ('duration', extract(epoch FROM s.duration)), ('rows_in', s.rows_in::numeric),
               ('rows_out', s.rows_out::numeric)) AS v(name, value) WHERE v.value IS NOT NULL
        UNION ALL
        SELECT f.key, f.value::numeric FROM pg_catalog.jsonb_each_text(s.figures) f
        WHERE pg_catalog.jsonb_typeof(s.figures -> f.key) = 'number') m)
SELECT coalesce(x.name, y.name), x.value, y.value, x.value - y.value
FROM (SELECT m.* FROM measures m, chosen c WHERE m.id = c.a) x
FULL JOIN (SELECT m.* FROM measures m, chosen c WHERE m.id = c.b) y ON x.name = y.name
ORDER BY coalesce(x.place, y.place), coalesce(x.nr, y.nr) $$;
COMMENT ON FUNCTION etl.compare_runs(bigint, bigint) IS
'Two runs side by side, b by default the success before a: durations in seconds, rows, bytes, and the figures of each step; change is a - b';

CREATE FUNCTION etl.profile(relation regclass, OUT column_name name, OUT type text, OUT row_count bigint, OUT nulls bigint,
    OUT distinct_values bigint, OUT minimum text, OUT maximum text, OUT mean numeric, OUT standard_deviation numeric,
    OUT quartiles numeric[]) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    col record;
BEGIN
    FOR col IN SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
                      CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype,
                          'float4'::regtype, 'float8'::regtype, 'numeric'::regtype) AS is_number,
                      t.typcategory IN ('B', 'D', 'E', 'N', 'S', 'T') OR t.typname IN ('bytea', 'uuid') AS is_ordered
               FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
               WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LOOP
        column_name := col.attname;
        type := col.type;
        EXECUTE pg_catalog.format('SELECT count(*), count(*) - count(t.%1$I), '
            || CASE WHEN col.is_ordered THEN 'count(DISTINCT t.%1$I), (percentile_disc(0) WITHIN GROUP (ORDER BY t.%1$I))::text, '
                    '(percentile_disc(1) WITHIN GROUP (ORDER BY t.%1$I))::text, ' ELSE 'NULL, NULL, NULL, ' END
            || CASE WHEN col.is_number THEN 'avg(t.%1$I::numeric), stddev_samp(t.%1$I::numeric), '
                    'percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY t.%1$I::double precision)::numeric[]'
               ELSE 'NULL, NULL, NULL' END || ' FROM %2$s t', col.attname, relation)
            INTO row_count, nulls, distinct_values, minimum, maximum, mean, standard_deviation, quartiles;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION etl.profile(regclass) IS
'Each column of a table or view: rows, NULLs, distinct values, smallest and largest as text; of numbers mean, sample standard deviation and quartiles. Reads the table once a column, with the caller''s rights';

GRANT SELECT ON etl.run_insights TO PUBLIC;

-- No SET search_path: what the caller wrote in params is read under his own.
CREATE FUNCTION etl.compile_transform(operator text, params jsonb, ids text[], tables text[]) RETURNS text
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'etl_compile_transform';
COMMENT ON FUNCTION etl.compile_transform(text, jsonb, text[], text[]) IS
'The SELECT of a transform over tables, each under an id. For etl.transform_sql(), not to be called';

-- No SET search_path, likewise.
CREATE FUNCTION etl.transform_sql(operator text, params jsonb, VARIADIC inputs regclass[]) RETURNS text
LANGUAGE sql STABLE AS $$
SELECT etl.compile_transform($1, $2, pg_catalog.array_agg(c.relname::pg_catalog.text ORDER BY i.n),
                             pg_catalog.array_agg(pg_catalog.format('%I.%I', n.nspname, c.relname) ORDER BY i.n))
FROM pg_catalog.unnest($3) WITH ORDINALITY AS i(relation, n)
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace $$;
COMMENT ON FUNCTION etl.transform_sql(text, jsonb, regclass[]) IS
'The SELECT that a transform is over all rows of tables or views, which it knows by their names as a step knows its inputs by their ids. With the caller''s rights, without pipeline and worker; \gexec runs it with typed columns';

-- No SET search_path, likewise.
CREATE FUNCTION etl.transform(operator text, params jsonb, VARIADIC inputs regclass[]) RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY EXECUTE pg_catalog.format('SELECT pg_catalog.to_jsonb(r.*) FROM (%s) AS r',
                                           etl.transform_sql(operator, params, VARIADIC inputs));
END $$;
COMMENT ON FUNCTION etl.transform(text, jsonb, regclass[]) IS
'The rows that a transform makes of tables or views (see etl.transform_sql): SELECT etl.transform(''clean_nulls'', ''{"strategy": "mean"}'', ''staff'')';
