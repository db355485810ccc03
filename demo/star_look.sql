-- The README's star with an index, as demo/star.sql and a run of it leave them; :es_url is the index's server. The README has what
-- stands below the line `\set ECHO all`, and what it prints.
\pset footer off
\setenv ES_URL :es_url
\! curl -fsS -o /dev/null -XPOST "$ES_URL/star_flights/_refresh"
\set ECHO all
SELECT line AS sinks FROM etl.explain('star') AS line WHERE line ~ '^->';
\! curl -sS "$ES_URL/star_flights/_search?q=destination:honolulu&sort=arr_delay:desc&size=2&_source=airline,destination,model,temp,arr_delay&filter_path=hits.total.value,hits.hits._source&format=yaml"
