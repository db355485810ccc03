#!/usr/bin/env bash
# Incremental load: a run moves what changed and nothing else, and a row that is committed after
# rows with later keys is not missed.
# shellcheck source=demo/scenarios/scenario.bash
. "$(dirname "$0")/scenario.bash"
# shellcheck source=demo/scenarios/expected.bash
. "$(dirname "$0")/expected.bash"

new_film="INSERT INTO dvd.film (title, language_id, rating) VALUES"

file "$demo/film.sql"
fresh film_dim
run_wait film_dim
same_rows 'first run' analytics.film_dim "$film_dim_expected"

query "UPDATE dvd.film SET rental_rate = rental_rate + 1 WHERE film_id % 27 = 0" # 37 films
query "$new_film ('New One', 1, 'G'), ('New Two', 2, 'PG'), ('New Three', 3, 'R')"
run_wait film_dim
same_rows 'run after changes' analytics.film_dim "$film_dim_expected"
[ "$(figure film_dim rows_written)" = 40 ] || fail "40 films changed, the run wrote $(figure film_dim rows_written)"
[ "$(figure film_dim rows_read)" -lt 100 ] || fail "the run read $(figure film_dim rows_read) rows for 40 changes"

run_wait film_dim
[ "$(figure film_dim rows_written)" = 0 ] || fail "nothing changed, the run wrote $(figure film_dim rows_written)"

# A transaction stamps its film first and commits last; between, others commit and a run reads.
coproc WRITER { psql -X -q -A -t -v ON_ERROR_STOP=1 2>&1; }
# shellcheck disable=SC2317
cleanup() { kill "${WRITER_PID:-}" 2>/dev/null || true; }
writer_says() {
    read -r -t "$timeout" answer <&"${WRITER[0]}" || answer=nothing
    [ "$answer" = "$1" ] || fail "the slow writer said '$answer', expected '$1'"
}
echo "BEGIN; $new_film ('Early Stamp', 1, 'G'); SELECT 'written';" >&"${WRITER[1]}"
writer_says written
query "$new_film ('Late Stamp', 1, 'G')"
run_wait film_dim
echo "COMMIT; SELECT 'committed';" >&"${WRITER[1]}"
writer_says committed
run_wait film_dim
same_rows 'run after a late commit' analytics.film_dim "$film_dim_expected"
pass
