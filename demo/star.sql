-- The five files of the New York flights, as they come, into a star in schema "star" and, joined, into an index, one document
-- a flight, by one pipeline of steps; and from the star one document for each route of an airline. Run as etl_demo after
-- demo/grants.sql; can be run again.

SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS star;

CREATE TABLE IF NOT EXISTS star.airline (
    carrier text PRIMARY KEY,
    name text NOT NULL);

CREATE TABLE IF NOT EXISTS star.airport (
    faa text PRIMARY KEY,
    name text NOT NULL,
    lat double precision,
    lon double precision,
    alt bigint,
    tzone text);

-- A plane that is altered gets a new row, and the old one an end.
CREATE TABLE IF NOT EXISTS star.plane (
    tailnum text NOT NULL,
    year bigint,
    manufacturer text,
    model text,
    seats bigint,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    is_current boolean NOT NULL,
    PRIMARY KEY (tailnum, valid_from));

CREATE TABLE IF NOT EXISTS star.flight (
    time_hour timestamptz NOT NULL,
    carrier text NOT NULL,
    flight bigint NOT NULL,
    tailnum text,
    origin text NOT NULL,
    dest text NOT NULL,
    day date NOT NULL,
    cancelled boolean NOT NULL,
    dep_delay bigint,
    arr_delay bigint,
    distance bigint NOT NULL,
    temp double precision,
    wind_speed double precision,
    PRIMARY KEY (time_hour, carrier, flight));

-- The facts of the days that a delivery is about take the place of what was there for those days.
SELECT etl.create_pipeline('star', if_not_exists => true, tags => '{demo,flights}', steps => '[
  {"id": "airlines", "operator": "csv", "params": {"path": "nyc/airlines.csv"}},
  {"id": "airports", "operator": "csv", "params": {"path": "nyc/airports.csv", "null": "NA"}},
  {"id": "planes", "operator": "csv", "params": {"path": "nyc/planes.csv", "null": "NA"}},
  {"id": "flights", "operator": "csv", "params": {"path": "nyc/flights.csv", "null": "NA"}},
  {"id": "weather", "operator": "csv", "params": {"path": "nyc/weather.csv", "null": "NA"}},
  {"id": "places", "operator": "drop_columns", "depends_on": ["airports"], "params": {"columns": ["tz", "dst"]}},
  {"id": "fleet", "operator": "drop_columns", "depends_on": ["planes"], "params": {
      "columns": ["type", "engines", "speed", "engine"]}},
  {"id": "sky", "operator": "drop_columns", "depends_on": ["weather"], "params": {"columns": ["year", "month", "day",
      "hour", "dewp", "humid", "wind_dir", "wind_gust", "precip", "pressure", "visib"]}},
  {"id": "joined", "operator": "join", "depends_on": ["flights", "sky"], "params": {
      "left": "flights", "right": "sky", "keys": ["origin", "time_hour"], "type": "left"}},
  {"id": "known", "operator": "join", "depends_on": ["joined", "airlines"], "params": {
      "left": "joined", "right": "airlines", "keys": ["carrier"], "type": "semi"}},
  {"id": "dated", "operator": "derive", "depends_on": ["known"], "params": {"columns": {
      "day": "make_date(year::int, month::int, day::int)", "cancelled": "dep_time IS NULL"}}},
  {"id": "facts", "operator": "drop_columns", "depends_on": ["dated"], "params": {"columns": ["year", "month", "hour",
      "minute", "dep_time", "sched_dep_time", "arr_time", "sched_arr_time", "air_time"]}},
  {"id": "named", "operator": "sql", "depends_on": ["facts", "airlines"], "params": {"query":
      "SELECT f.*, l.name AS airline FROM facts f JOIN airlines l USING (carrier)"}},
  {"id": "flown", "operator": "sql", "depends_on": ["named", "places", "fleet"], "params": {"query":
      "SELECT n.*, p.name AS destination, model FROM named n LEFT JOIN places p ON faa = dest LEFT JOIN fleet USING (tailnum)"}},
  {"id": "airline", "operator": "table", "depends_on": ["airlines"], "params": {"target": "star.airline"}},
  {"id": "airport", "operator": "table", "depends_on": ["places"], "params": {"target": "star.airport"}},
  {"id": "plane", "operator": "table", "depends_on": ["fleet"], "params": {
      "target": "star.plane", "write_mode": "scd2", "key_columns": ["tailnum"]}},
  {"id": "flight", "operator": "table", "depends_on": ["facts"], "params": {
      "target": "star.flight", "write_mode": "replace_range", "range": {"column": "day"}}},
  {"id": "index", "operator": "elasticsearch", "depends_on": ["flown"], "params": {
      "target": "es:star_flights", "key_columns": ["time_hour", "carrier", "flight"]}}]');

SELECT etl.create_pipeline('star_routes', if_not_exists => true, tags => '{demo,flights}', steps => '[
  {"id": "flights", "operator": "table", "params": {"table": "star.flight", "where": "NOT cancelled"}},
  {"id": "airlines", "operator": "table", "params": {"table": "star.airline"}},
  {"id": "named", "operator": "join", "depends_on": ["flights", "airlines"], "params": {
      "left": "flights", "right": "airlines", "keys": ["carrier"]}},
  {"id": "routes", "operator": "aggregate", "depends_on": ["named"], "params": {
      "group_by": ["carrier", "name", "origin", "dest"], "columns": {
          "flights": "count(*)", "miles": "sum(distance)::bigint", "minutes_late": "round(avg(arr_delay), 1)"}}},
  {"id": "index", "operator": "elasticsearch", "depends_on": ["routes"], "params": {
      "target": "es:star_routes", "key_columns": ["carrier", "origin", "dest"]}}]');
