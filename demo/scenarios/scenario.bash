# What the scenarios share: psql, curl, waiting for a condition, comparing rows, PASS and FAIL.
#
# Environment: PGHOST, PGPORT, PGDATABASE; PGUSER is the ordinary role that owns the pipelines
# (default etl_demo), PGSUPERUSER the superuser (default postgres); ES_URL (default
# http://127.0.0.1:9200). DEMO_TIMEOUT: seconds that any one wait may take (default 120).

set -euo pipefail

export PGUSER=${PGUSER:-etl_demo}
export PGTZ=UTC
# shellcheck disable=SC2034
superuser=${PGSUPERUSER:-postgres}
# shellcheck disable=SC2034
es_url=${ES_URL:-http://127.0.0.1:9200}
timeout=${DEMO_TIMEOUT:-120}
name=$(basename "$0" .sh)
name=${name#*_}
# shellcheck disable=SC2034
demo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
error_log=$scratch/error
cleanup() { :; }
trap 'cleanup; rm -rf "$scratch"' EXIT
exec 3>&1

# One line is printed, also when a command substitution fails inside another failure.
pass() {
    [ ! -e "$scratch/failed" ] || exit 1
    echo "PASS $name" >&3
    exit 0
}
fail() {
    [ -e "$scratch/failed" ] || echo "FAIL $name: $*" >&3
    touch "$scratch/failed"
    exit 1
}

# The first line that psql or the server said; a scenario's own reason otherwise.
fail_sql() { fail "$(grep -m 1 -E 'ERROR|FATAL|error:' "$error_log" || echo "$*")"; }

# Unaligned, without headers; an error ends the scenario.
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@" 2>"$error_log"; }
query() { sql -c "$1" || fail_sql "$1"; }
file() { sql -f "$1" >/dev/null || fail_sql "$1"; }

# wait_until WHAT QUERY: polls until the query gives t. A server that is away counts as not yet.
wait_until() {
    local deadline=$((SECONDS + timeout))
    until [ "$(sql -c "$2" || true)" = t ]; do
        [ $SECONDS -lt $deadline ] || fail "waited ${timeout} s for $1"
        sleep 0.05
    done
}

# expect WHAT QUERY VALUE
expect() {
    local seen
    seen=$(query "$2")
    [ "$seen" = "$3" ] || fail "$1 is '$seen', expected '$3'"
}

# same_rows WHAT TARGET EXPECTED-QUERY: EXCEPT both ways, and the counts, in one snapshot.
same_rows() {
    local seen
    seen=$(query "
        WITH target AS MATERIALIZED (TABLE $2), expected AS MATERIALIZED ($3)
        SELECT (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE target) AS d) || ' missing, '
            || (SELECT count(*) FROM (TABLE target EXCEPT ALL TABLE expected) AS d) || ' wrong, '
            || (SELECT count(*) FROM target) - (SELECT count(*) FROM expected) || ' too many'")
    [ "$seen" = '0 missing, 0 wrong, 0 too many' ] || fail "$1: $seen"
}

# Elasticsearch: es METHOD PATH CURL-OPTION...; CURL_OPTIONS may hold what the server asks for (--cacert, --netrc-file).
# shellcheck disable=SC2086
es() {
    curl -sS --max-time "$timeout" ${CURL_OPTIONS:-} -X "$1" "$es_url/$2" -H 'Content-Type: application/json' "${@:3}" \
        2>"$error_log"
}

# An engine that can be reached, and none of an earlier scenario's documents.
forget() {
    local status
    status=$(es DELETE "$1" -o /dev/null -w '%{http_code}') || fail "could not reach $es_url"
    case $status in 200 | 404) ;; *) fail "DELETE of index $1 gave $status" ;; esac
}

# An idle pipeline with no checkpoint and an empty target, whatever an earlier scenario left behind.
fresh() {
    local state
    state=$(query "SELECT state FROM etl.pipelines WHERE name = '$1'")
    [ -n "$state" ] || fail "there is no pipeline $1: run demo/film_pipelines.sql and demo/flights_pipelines.sql"
    if [ "$state" != IDLE ]; then
        query "SELECT etl.cancel('$1')" >/dev/null
        wait_until "$1 to be idle" "SELECT state = 'IDLE' FROM etl.pipelines WHERE name = '$1'"
    fi
    query "SELECT etl.reset('$1', truncate_target => ${2:-true})" >/dev/null
}

# run_wait PIPELINE: runs it to its end; its own error ends the scenario, and so does a run that is not done in time.
run_wait() {
    local run
    run=$(query "CALL etl.run_wait('$1', timeout => '$timeout s')")
    expect "the run of $1 after $timeout s at most" "SELECT status FROM etl.runs WHERE id = $run" succeeded
}

# figure PIPELINE COLUMN: of its last run.
figure() { query "SELECT $2 FROM etl.runs WHERE pipeline = '$1' ORDER BY id DESC LIMIT 1"; }

need_flights() {
    expect 'number of flights (run demo/load_flights first)' \
        "SELECT coalesce((xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM '
             || to_regclass('nyc.flights'), false, true, '')))[1]::text, 'none')" 336776
}
