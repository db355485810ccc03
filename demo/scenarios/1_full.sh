#!/usr/bin/env bash
# Full load: an aggregate and a large table arrive complete, and a second run changes nothing.
# shellcheck source=demo/scenarios/scenario.bash
. "$(dirname "$0")/scenario.bash"
# shellcheck source=demo/scenarios/expected.bash
. "$(dirname "$0")/expected.bash"

need_flights
for pipeline in film_rating_agg_pg dim_airline dim_airport dim_plane dim_date fact_flight; do
    fresh "$pipeline"
    run_wait "$pipeline"
done

same_rows film_rating_agg analytics.film_rating_agg "$film_rating_expected"
same_rows dim_airline analytics.dim_airline 'SELECT carrier, name FROM nyc.airlines'
same_rows fact_flight analytics.fact_flight "$fact_flight_expected"
expect 'flights without their dimensions' "
    SELECT count(*) FROM analytics.fact_flight AS f
    WHERE NOT EXISTS (SELECT FROM analytics.dim_airline AS a WHERE a.carrier = f.carrier)
       OR NOT EXISTS (SELECT FROM analytics.dim_date AS d WHERE d.date_id = f.date_id)
       OR NOT EXISTS (SELECT FROM analytics.dim_airport AS a WHERE a.faa = f.dest)
       OR f.tailnum IS NOT NULL AND NOT EXISTS (SELECT FROM analytics.dim_plane AS p WHERE p.tailnum = f.tailnum)" 0
[ "$(figure fact_flight rows_inserted)" = 336776 ] || fail "the run inserted $(figure fact_flight rows_inserted) flights"

run_wait fact_flight
[ "$(figure fact_flight rows_written)" = 0 ] || fail "the second run wrote $(figure fact_flight rows_written) rows"
same_rows 'fact_flight after a second run' analytics.fact_flight "$fact_flight_expected"
pass
