-- The film pipelines: targets in schema "analytics", and four definitions. Run as etl_demo after
-- demo/film.sql and demo/grants.sql; can be run again.
--     psql -X -v ON_ERROR_STOP=1 -U etl_demo -f demo/film_pipelines.sql

SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS analytics;

CREATE TABLE IF NOT EXISTS analytics.film_dim (
    film_id integer PRIMARY KEY,
    title text NOT NULL,
    language text NOT NULL,
    category text,
    rating text,
    release_year integer,
    rental_rate numeric(4,2) NOT NULL,
    length integer,
    replacement_cost numeric(5,2),
    actor_count integer NOT NULL,
    last_update timestamptz NOT NULL);

CREATE TABLE IF NOT EXISTS analytics.film_rating_agg (
    rating text PRIMARY KEY,
    films bigint NOT NULL,
    avg_rental_rate numeric(6,2),
    avg_length numeric(6,2),
    rentals bigint NOT NULL,
    revenue numeric(12,2) NOT NULL);

-- One row a film, with its names in place of ids.
SELECT $$
SELECT f.film_id,
       f.title::text AS title,
       rtrim(l.name)::text AS language,
       c.name::text AS category,
       f.rating::text AS rating,
       f.release_year::integer AS release_year,
       f.rental_rate,
       f.length::integer AS length,
       f.replacement_cost,
       (SELECT count(*)::integer FROM dvd.film_actor AS a WHERE a.film_id = f.film_id) AS actor_count,
       f.last_update
FROM dvd.film AS f
JOIN dvd.language AS l ON l.language_id = f.language_id
LEFT JOIN dvd.film_category AS fc ON fc.film_id = f.film_id
LEFT JOIN dvd.category AS c ON c.category_id = fc.category_id
$$ AS film_query \gset

-- One row a rating. Films are counted apart from rentals, so that no join multiplies them.
SELECT $$
WITH per_film AS (
    SELECT f.film_id, f.rating, f.rental_rate, f.length,
           count(r.rental_id) AS rentals, coalesce(sum(p.amount), 0) AS revenue
    FROM dvd.film AS f
    LEFT JOIN dvd.inventory AS i ON i.film_id = f.film_id
    LEFT JOIN dvd.rental AS r ON r.inventory_id = i.inventory_id
    LEFT JOIN dvd.payment AS p ON p.rental_id = r.rental_id
    GROUP BY f.film_id)
SELECT rating::text AS rating,
       count(*) AS films,
       round(avg(rental_rate), 2) AS avg_rental_rate,
       round(avg(length), 2) AS avg_length,
       sum(rentals)::bigint AS rentals,
       sum(revenue) AS revenue
FROM per_film
GROUP BY rating
$$ AS rating_query \gset

SELECT etl.create_pipeline(
    'film_dim',
    source => :'film_query',
    target => 'analytics.film_dim',
    mode => 'incremental',
    incremental_key => 'last_update',
    incremental_id_key => 'film_id',
    description => 'Films with their names, changed ones only',
    tags => '{demo,film}',
    if_not_exists => true);

SELECT etl.create_pipeline(
    'film_dim_es',
    source => :'film_query',
    target => 'es:film_dim',
    mode => 'incremental',
    key_columns => '{film_id}',
    incremental_key => 'last_update',
    incremental_id_key => 'film_id',
    description => 'One document a film, changed ones only',
    tags => '{demo,film}',
    if_not_exists => true);

SELECT etl.create_pipeline(
    'film_rating_agg_pg',
    source => :'rating_query',
    target => 'analytics.film_rating_agg',
    batch_size => 200,
    description => 'Films, rentals and revenue by rating',
    tags => '{demo,film}',
    if_not_exists => true);

SELECT etl.create_pipeline(
    'film_rating_agg_es',
    source => :'rating_query',
    target => 'es:film_rating_agg',
    key_columns => '{rating}',
    batch_size => 200,
    description => 'One document a rating',
    tags => '{demo,film}',
    if_not_exists => true);
