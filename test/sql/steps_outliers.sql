-- Steps: outliers, by both methods and all actions, against the same by hand.
\a \t
CREATE SCHEMA steps_outliers;
SET search_path = steps_outliers, public;
DO $$ BEGIN PERFORM etl.allow_target('steps_outliers.*'); END $$;
CREATE TABLE src (id int PRIMARY KEY, n int, pay numeric(10,2), ratio double precision, small smallint, same real);
INSERT INTO src SELECT i, CASE WHEN i % 10 = 0 THEN NULL WHEN i = 55 THEN -4000 WHEN i > 195 THEN i * 100 ELSE i % 20 END, CASE WHEN i % 33 = 0 THEN i * 1000.55 ELSE 100 + i % 7 / 3.0 END,
    CASE WHEN i = 50 THEN 'NaN' WHEN i = 51 THEN 'Infinity' WHEN i = 52 THEN '-Infinity' WHEN i = 53 THEN 1e9 WHEN i % 13 = 0 THEN NULL ELSE sin(i) END, CASE WHEN i = 77 THEN 32767 WHEN i = 78 THEN -32768 ELSE i % 3 END, 0.1
FROM generate_series(1, 200) i;
CREATE VIEW iqr AS
SELECT n[1] - 1.5 * (n[2] - n[1]) AS n_low, n[2] + 1.5 * (n[2] - n[1]) AS n_high, pay[1] - 1.5 * (pay[2] - pay[1]) AS pay_low, pay[2] + 1.5 * (pay[2] - pay[1]) AS pay_high, ratio[1] - 1.5 * (ratio[2] - ratio[1]) AS ratio_low,
       ratio[2] + 1.5 * (ratio[2] - ratio[1]) AS ratio_high, small[1] - 1.5 * (small[2] - small[1]) AS small_low, small[2] + 1.5 * (small[2] - small[1]) AS small_high
FROM (SELECT percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY n) AS n, percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY pay) AS pay, percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY small) AS small,
             percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY ratio) FILTER (WHERE ratio NOT IN ('NaN', 'Infinity', '-Infinity')) AS ratio FROM src) q;
SELECT count(*) FILTER (WHERE n NOT BETWEEN n_low AND n_high), count(*) FILTER (WHERE pay NOT BETWEEN pay_low AND pay_high), count(*) FILTER (WHERE ratio NOT BETWEEN ratio_low AND ratio_high),
       count(*) FILTER (WHERE small NOT BETWEEN small_low AND small_high) FROM src, iqr;
-- drop by iqr and 1.5 is the default; NULL and NaN stay.
CALL t.step('outliers', '{"columns": ["n"]}', 'SELECT src.* FROM src, iqr WHERE n BETWEEN n_low AND n_high OR n IS NULL');
CALL t.step('outliers', '{"columns": ["n", "pay", "ratio"]}',
    'SELECT src.* FROM src, iqr WHERE (n BETWEEN n_low AND n_high OR n IS NULL) AND pay BETWEEN pay_low AND pay_high AND (ratio BETWEEN ratio_low AND ratio_high OR ratio = ''NaN'' OR ratio IS NULL)');
CALL t.step('outliers', '{"columns": ["n"], "threshold": 0.25}', 'SELECT src.* FROM src, iqr WHERE n BETWEEN n_low + 1.25 / 3 * (n_high - n_low - (n_high - n_low) / 4) AND n_high - 1.25 / 3 * (n_high - n_low - (n_high - n_low) / 4) OR n IS NULL');
-- flag adds a column.
CALL t.step('outliers', '{"columns": ["n", "ratio"], "action": "flag"}',
    'SELECT src.*, coalesce(n NOT BETWEEN n_low AND n_high, false) OR coalesce(ratio NOT BETWEEN ratio_low AND ratio_high AND ratio <> ''NaN'', false) FROM src, iqr');
-- cap sets the bound, in the type of the column; of integers what is still within it.
CALL t.step('outliers', '{"columns": ["n", "pay", "ratio", "small"], "action": "cap"}',
    'SELECT id, CASE WHEN n < n_low THEN ceil(n_low) WHEN n > n_high THEN floor(n_high) ELSE n END::int, CASE WHEN pay < pay_low THEN pay_low WHEN pay > pay_high THEN pay_high ELSE pay END::numeric(10,2),
            CASE WHEN ratio = ''NaN'' THEN ratio WHEN ratio < ratio_low THEN ratio_low WHEN ratio > ratio_high THEN ratio_high ELSE ratio END, CASE WHEN small < small_low THEN ceil(small_low) WHEN small > small_high THEN floor(small_high) ELSE small END::smallint, same
     FROM src, iqr');
-- zscore: of the population, as scipy.stats.zscore.
CREATE VIEW z AS SELECT avg(n) AS n, stddev_pop(n) AS n_width, avg(small) AS small, stddev_pop(small) AS small_width FROM src;
CALL t.step('outliers', '{"columns": ["n", "small"], "method": "zscore"}', 'SELECT src.* FROM src, z WHERE coalesce(abs(src.n - z.n) / n_width, 0) <= 3 AND abs(src.small - z.small) / small_width <= 3');
CALL t.step('outliers', '{"columns": ["n"], "method": "zscore", "threshold": 0.5, "action": "flag"}', 'SELECT src.*, coalesce(abs(src.n - z.n) / n_width, 0) > 0.5 FROM src, z');
CALL t.step('outliers', '{"columns": ["n"], "method": "zscore", "action": "cap"}',
    'SELECT id, CASE WHEN (src.n - z.n) / n_width > 3 THEN floor(z.n + 3 * n_width) WHEN (src.n - z.n) / n_width < -3 THEN ceil(z.n - 3 * n_width) ELSE src.n END::int, pay, ratio, src.small, same FROM src, z');
-- At the threshold itself a value is none.
CREATE VIEW edge AS SELECT i AS id, i % 2 * 2 AS v FROM generate_series(1, 10) i;
CALL t.step('outliers', '{"columns": ["v"], "method": "zscore", "threshold": 1}', 'SELECT * FROM edge', inputs => '["edge"]');
CALL t.step('outliers', '{"columns": ["v"], "method": "zscore", "threshold": 0.999}', 'SELECT * FROM edge WHERE false', inputs => '["edge"]');
-- Equal values, one value and no value have no outlier.
CALL t.step('outliers', '{"columns": ["same"], "method": "zscore"}', 'SELECT * FROM src');
CALL t.step('outliers', '{"columns": ["same"]}', 'SELECT * FROM src');
CREATE VIEW few AS SELECT 1 AS id, 7 AS one, NULL::int AS none;
CALL t.step('outliers', '{"columns": ["one", "none"], "action": "flag"}', 'SELECT *, false FROM few', inputs => '["few"]');
CALL t.step('outliers', '{"columns": ["one", "none"], "method": "zscore"}', 'SELECT * FROM few', inputs => '["few"]');
-- How it is run.
CREATE TABLE dst (LIKE src INCLUDING ALL);
SELECT etl.create_pipeline('outliers', steps => '[
  {"id": "src", "operator": "table", "params": {"table": "steps_outliers.src"}},
  {"id": "fair", "operator": "outliers", "params": {"columns": ["n"]}, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_outliers.dst"}, "depends_on": "fair"}]') > 0;
SELECT line FROM etl.explain('outliers') AS line WHERE line ~ '^(Layers|-> source)';
SELECT name, of_batch, of_set FROM etl.operators WHERE name = 'outliers';
-- Refused.
CREATE FUNCTION refused(params text, query text DEFAULT 'SELECT * FROM steps_outliers.src') RETURNS text LANGUAGE sql AS $$ SELECT t.refused(format('SELECT etl.create_pipeline(''bad'', steps => %L)', format('[
  {"id": "src", "operator": "sql", "params": {"query": "%s"}},
  {"id": "fair", "operator": "outliers", "params": %s, "depends_on": "src"},
  {"id": "save", "operator": "table", "params": {"target": "steps_outliers.dst"}, "depends_on": "fair"}]', query, params))) $$;
SELECT refused('{}');
SELECT refused('{"columns": ["name"]}', 'SELECT 1 AS id, ''x'' AS name');
SELECT refused('{"columns": ["n"], "threshold": 0}');
SELECT refused('{"columns": ["n"], "threshold": "1.5"}');
SELECT refused('{"columns": ["n"], "action": "flag"}', 'SELECT 1 AS id, 2 AS n, true AS is_outlier');
SELECT etl.drop_pipeline('outliers');
-- Of integers with none within the bounds, the nearest one: no value passes another.
CREATE TABLE narrow (n int);
INSERT INTO narrow VALUES (0), (0), (1), (1);
SELECT etl.transform('outliers', '{"columns": ["n"], "method": "zscore", "threshold": 0.5, "action": "cap"}', 'narrow') AS capped;
