-- A star of the New York flights in schema "analytics" and one document a flight in Elasticsearch.
-- Run as etl_demo after demo/load_flights and demo/grants.sql; can be run again.
--     psql -X -v ON_ERROR_STOP=1 -U etl_demo -f demo/flights_pipelines.sql
--
-- fact_flight refers to the dimensions by their natural keys; there are no foreign keys, so the
-- pipelines run in any order.

SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS analytics;

CREATE TABLE IF NOT EXISTS analytics.dim_airline (
    carrier text PRIMARY KEY,
    name text NOT NULL);

CREATE TABLE IF NOT EXISTS analytics.dim_airport (
    faa text PRIMARY KEY,
    name text,
    latitude double precision,
    longitude double precision,
    altitude_feet integer,
    time_zone text);

CREATE TABLE IF NOT EXISTS analytics.dim_plane (
    tailnum text PRIMARY KEY,
    built smallint,
    manufacturer text,
    model text,
    engines smallint,
    seats smallint,
    engine text);

CREATE TABLE IF NOT EXISTS analytics.dim_date (
    date_id integer PRIMARY KEY,
    day date NOT NULL,
    year smallint NOT NULL,
    quarter smallint NOT NULL,
    month smallint NOT NULL,
    day_of_month smallint NOT NULL,
    iso_weekday smallint NOT NULL,
    is_weekend boolean NOT NULL);

CREATE TABLE IF NOT EXISTS analytics.fact_flight (
    flight_id integer PRIMARY KEY,
    date_id integer NOT NULL,
    carrier text NOT NULL,
    tailnum text,
    origin text NOT NULL,
    dest text NOT NULL,
    flight integer NOT NULL,
    scheduled_at timestamptz NOT NULL,
    cancelled boolean NOT NULL,
    dep_delay smallint,
    arr_delay smallint,
    air_time smallint,
    distance smallint NOT NULL,
    temperature double precision,
    wind_speed double precision,
    precipitation double precision);

SELECT etl.create_pipeline(
    'dim_airline',
    source => 'SELECT carrier, name FROM nyc.airlines',
    target => 'analytics.dim_airline',
    tags => '{demo,flights}',
    if_not_exists => true);

-- Four destinations are missing in the airports file: they get a row with a code alone.
SELECT etl.create_pipeline(
    'dim_airport',
    source => $$
SELECT coalesce(a.faa, d.faa) AS faa, a.name, a.lat AS latitude, a.lon AS longitude,
       a.alt AS altitude_feet, a.tzone AS time_zone
FROM nyc.airports AS a
FULL JOIN (SELECT DISTINCT dest AS faa FROM nyc.flights) AS d ON d.faa = a.faa
$$,
    target => 'analytics.dim_airport',
    tags => '{demo,flights}',
    if_not_exists => true);

-- So do the planes that fly without being registered.
SELECT etl.create_pipeline(
    'dim_plane',
    source => $$
SELECT coalesce(p.tailnum, d.tailnum) AS tailnum, p.year AS built, p.manufacturer, p.model,
       p.engines, p.seats, p.engine
FROM nyc.planes AS p
FULL JOIN (SELECT DISTINCT tailnum FROM nyc.flights WHERE tailnum IS NOT NULL) AS d
    ON d.tailnum = p.tailnum
$$,
    target => 'analytics.dim_plane',
    tags => '{demo,flights}',
    if_not_exists => true);

SELECT etl.create_pipeline(
    'dim_date',
    source => $$
SELECT to_char(day, 'YYYYMMDD')::integer AS date_id,
       day,
       extract(year FROM day)::smallint AS year,
       extract(quarter FROM day)::smallint AS quarter,
       extract(month FROM day)::smallint AS month,
       extract(day FROM day)::smallint AS day_of_month,
       extract(isodow FROM day)::smallint AS iso_weekday,
       extract(isodow FROM day) > 5 AS is_weekend
FROM (SELECT DISTINCT make_date(year, month, day) AS day FROM nyc.flights) AS days
$$,
    target => 'analytics.dim_date',
    tags => '{demo,flights}',
    if_not_exists => true);

SELECT etl.create_pipeline(
    'fact_flight',
    source => $$
SELECT f.flight_id,
       f.year * 10000 + f.month * 100 + f.day AS date_id,
       f.carrier, f.tailnum, f.origin, f.dest, f.flight,
       f.time_hour + f.minute * interval '1 minute' AS scheduled_at,
       f.dep_time IS NULL AS cancelled,
       f.dep_delay, f.arr_delay, f.air_time, f.distance,
       w.temp AS temperature, w.wind_speed, w.precip AS precipitation
FROM nyc.flights AS f
LEFT JOIN nyc.weather AS w ON w.origin = f.origin AND w.time_hour = f.time_hour
$$,
    target => 'analytics.fact_flight',
    description => 'One row a flight, with the weather at its origin',
    tags => '{demo,flights}',
    if_not_exists => true);

SELECT etl.create_pipeline(
    'flights_es',
    source => $$
SELECT f.flight_id,
       make_date(f.year, f.month, f.day) AS day,
       f.time_hour + f.minute * interval '1 minute' AS scheduled_at,
       f.carrier, l.name AS airline, f.flight, f.tailnum,
       p.manufacturer, p.model, p.seats,
       f.origin, o.name AS origin_name, f.dest, d.name AS dest_name,
       f.dep_time IS NULL AS cancelled,
       f.dep_delay, f.arr_delay, f.air_time, f.distance
FROM nyc.flights AS f
JOIN nyc.airlines AS l ON l.carrier = f.carrier
JOIN nyc.airports AS o ON o.faa = f.origin
LEFT JOIN nyc.airports AS d ON d.faa = f.dest
LEFT JOIN nyc.planes AS p ON p.tailnum = f.tailnum
$$,
    target => 'es:flights',
    key_columns => '{flight_id}',
    batch_size => 10000,
    description => 'One document a flight, with the names of its airline and airports',
    tags => '{demo,flights}',
    if_not_exists => true);
