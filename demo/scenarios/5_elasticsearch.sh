#!/usr/bin/env bash
# Elasticsearch: documents equal the query, a second run and a change arrive once, and 336,776 flights are all there.
# shellcheck source=demo/scenarios/scenario.bash
. "$(dirname "$0")/scenario.bash"
# shellcheck source=demo/scenarios/expected.bash
. "$(dirname "$0")/expected.bash"

# same_documents INDEX TYPE QUERY: the whole index against the query, typed by the table's row type; the numbers and times may
# be JSON strings.
same_documents() {
    local hits seen
    es POST "$1/_refresh" >/dev/null || fail "could not refresh $1"
    hits=$scratch/hits
    es GET "$1/_search?size=10000" >"$hits" || fail "could not search $1"
    seen=$(sql -v hits_file="$hits" <<SQL
\\set reply \`cat :'hits_file'\`
WITH target AS (SELECT (jsonb_populate_record(NULL::$2, hit -> '_source')).*
                FROM jsonb_array_elements(:'reply'::jsonb -> 'hits' -> 'hits') AS hit),
     expected AS ($3)
SELECT (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE target) AS d) || ' missing, '
    || (SELECT count(*) FROM (TABLE target EXCEPT ALL TABLE expected) AS d) || ' wrong';
SQL
    ) || fail_sql "could not compare $1"
    [ "$seen" = '0 missing, 0 wrong' ] || fail "documents of $1: $seen"
}

need_flights
file "$demo/film.sql"
for index in film_rating_agg film_dim flights; do forget "$index"; done
for pipeline in film_rating_agg_es film_dim_es flights_es; do
    fresh "$pipeline" false
    run_wait "$pipeline"
done
same_documents film_rating_agg analytics.film_rating_agg "$film_rating_expected"
same_documents film_dim analytics.film_dim "$film_dim_expected"

query "UPDATE dvd.film SET rental_rate = rental_rate + 1 WHERE film_id % 100 = 0"
query "INSERT INTO dvd.film (title, language_id, rating) VALUES ('New One', 1, 'G')"
run_wait film_dim_es
run_wait film_rating_agg_es
same_documents film_rating_agg analytics.film_rating_agg "$film_rating_expected"
same_documents film_dim analytics.film_dim "$film_dim_expected"
[ "$(figure film_dim_es rows_read)" -lt 100 ] || fail "the run read $(figure film_dim_es rows_read) rows for 11 changes"

es POST flights/_refresh >/dev/null
seen=$(es GET 'flights/_search?size=0&filter_path=hits.total,aggregations' -d '
    {"track_total_hits": true, "aggs": {"miles": {"sum": {"field": "distance"}}, "late": {"sum": {"field": "arr_delay"}}}}')
expect 'flights, miles and minutes late are as in the table' "
    SELECT (d #>> '{hits,total,value}')::numeric = count(*)
       AND (d #>> '{aggregations,miles,value}')::numeric = sum(distance)
       AND (d #>> '{aggregations,late,value}')::numeric = sum(arr_delay)
    FROM nyc.flights, (SELECT '$seen'::jsonb AS d) AS reply GROUP BY d" t
pass
