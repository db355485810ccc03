#!/usr/bin/env bash
# Steps: a query, a filter, a derived column and an aggregate, each with its own figures, give the
# same rows as one hand-written statement.
# shellcheck source=demo/scenarios/scenario.bash
. "$(dirname "$0")/scenario.bash"

file "$demo/film.sql"
query "SELECT etl.drop_pipeline('film_steps', if_exists => true);
    DROP TABLE IF EXISTS analytics.dim_long_film;
    CREATE TABLE analytics.dim_long_film (
        category text PRIMARY KEY, films bigint NOT NULL, hours numeric NOT NULL)" >/dev/null

# One batch holds all films: an aggregate is over its batch.
query "SELECT etl.create_pipeline('film_steps', mode => 'full', batch_size => 5000,
    options => '{\"observe\": \"steps\"}', tags => '{demo,film}', steps => '[
    {\"id\": \"films\", \"operator\": \"sql\", \"params\": {\"query\":
        \"SELECT f.film_id, f.length::integer AS length, c.name::text AS category FROM dvd.film AS f JOIN dvd.film_category AS fc ON fc.film_id = f.film_id JOIN dvd.category AS c ON c.category_id = fc.category_id\"}},
    {\"id\": \"long\", \"operator\": \"filter\", \"depends_on\": [\"films\"],
        \"params\": {\"where\": \"length > 120\"}},
    {\"id\": \"timed\", \"operator\": \"derive\", \"depends_on\": [\"long\"],
        \"params\": {\"columns\": {\"hours\": \"round(length / 60.0, 2)\"}}},
    {\"id\": \"by_category\", \"operator\": \"aggregate\", \"depends_on\": [\"timed\"],
        \"params\": {\"group_by\": [\"category\"], \"columns\": {\"films\": \"count(*)\", \"hours\": \"sum(hours)\"}}},
    {\"id\": \"load\", \"operator\": \"table\", \"depends_on\": [\"by_category\"],
        \"params\": {\"target\": \"analytics.dim_long_film\", \"key_columns\": [\"category\"]}}]')" >/dev/null
run_wait film_steps

same_rows dim_long_film analytics.dim_long_film "
    SELECT (SELECT name::text FROM dvd.category WHERE category_id = fc.category_id), count(*), sum(round(length / 60.0, 2))
    FROM dvd.film JOIN dvd.film_category AS fc USING (film_id) WHERE length > 120 GROUP BY fc.category_id"

run=$(figure film_steps id)
expect 'steps of the run that succeeded' "
    SELECT string_agg(step, ' ' ORDER BY step) FROM etl.step_runs WHERE run_id = $run AND status = 'succeeded'" \
    'by_category films load long timed'
expect 'films in and out of the filter' "
    SELECT format('%s %s', rows_in, rows_out) FROM etl.step_runs WHERE run_id = $run AND step = 'long'" \
    "$(query "SELECT format('%s %s', count(*), count(*) FILTER (WHERE length > 120)) FROM dvd.film")"
pass
