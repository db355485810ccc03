"""Pipelines into the bulk double: after each fault the documents are exactly the source's, or the run failed and says why.

Each case is a rule of test/double/bulk_rules.py. What is unknown is sent again: a body at most 1 + max_retries times.
"""

import base64
import itertools
import json
import re

import psycopg
import pytest
from elastic_workbench import BACKOFF, RecordingDouble, check_counters, failure, source_docs, use_sink
from harness.process import Process, wait_until
from harness.secret_files import forget_secrets, make_secret
from workbench import OWNER, elapsed, workbench

ROWS = 300
BATCH = 100
SOURCE = "SELECT id, value FROM w.t_source"
SENDS = 4  # the first one and max_retries
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def double():
    with RecordingDouble() as running:
        yield running


@pytest.fixture(scope="module")
def shared(pg_preload, double):
    for bench in workbench(pg_preload):
        bench.tables(ROWS)
        use_sink(bench, double.url)
        yield bench


@pytest.fixture
def sink(shared, double):
    """The bench; the double is empty and does as it is told, and nothing runs any more."""
    double.reset()
    yield shared
    double.script.load([])
    wait_until(
        lambda: shared.one("SELECT count(*) FROM etl.pipelines WHERE state IN ('RUNNING', 'RUN_REQUESTED')") == 0, 20
    )


def make(bench, source: str = SOURCE, batch_size: int = BATCH, **options) -> str:
    """A pipeline into an index of its own; both have the returned name."""
    name = f"p{next(_numbers)}"
    bench.pipeline(name, source, f"es:{name}", batch_size=batch_size, key_columns=["id"], options=BACKOFF | options)
    return name


def whole(bench, double, name: str, run: int) -> dict:
    """Asserts that the run succeeded and left the source's documents; its counters."""
    assert bench.ends(run) == "succeeded", bench.error(run)
    assert double.docs(name) == source_docs(bench, SOURCE)
    assert double.versions(name) == {key: max(sent) for key, sent in double.sent.items()}
    counted = check_counters(bench, run)
    assert counted["read"] == ROWS and counted["dead"] == counted["superseded"] == 0
    return counted


def test_the_time_zone_of_the_owner_is_in_no_document(sink, double):
    source = "SELECT t AS id, tstzrange(t, NULL) AS range FROM w.t_source, timestamptz(to_timestamp(86400 * id)) AS t"
    name = make(sink, source)
    wanted = {}
    for zone in ("UTC", "Asia/Tokyo"):
        sink.admin.execute(f"ALTER ROLE {OWNER} SET TimeZone = '{zone}'")
        try:
            run = sink.run(name)
            assert sink.ends(run) == "succeeded", sink.error(run)
        finally:
            sink.admin.execute(f"ALTER ROLE {OWNER} RESET TimeZone")
        wanted = wanted or double.docs(name)
        assert len(wanted) == ROWS and "1970-01-02 00:00:00+00" in wanted
        assert double.docs(name) == wanted


def run_again(bench, double, name: str) -> None:
    """Another run writes every document anew, each with a higher version."""
    before = double.versions(name)
    whole(bench, double, name, bench.run(name))
    after = double.versions(name)
    assert all(after[key] > before[key] for key in before)


# Faults that a run survives

PASSING = {
    "429": [{"status": 429}],
    "429-applied": [{"status": 429, "applied": True}],
    "500": [{"status": 500}],
    "502": [{"status": 502}],
    "503": [{"status": 503}],
    "504": [{"status": 504}],
    "504-applied": [{"status": 504, "applied": True}],
    "cut-at-request": [{"fault": "cut", "at": "request"}],
    "cut-at-reply": [{"fault": "cut"}],
    "cut-at-mid_reply": [{"fault": "cut", "at": "mid_reply"}],
    "empty": [{"fault": "empty"}],
    "garbled": [{"fault": "garbled"}],
    "html": [{"fault": "html"}],
    "huge": [{"fault": "huge"}],
    "late": [{"fault": "late", "seconds": 0.3}],
    "late-reply": [{"fault": "late", "seconds": 0.3, "when": "after"}],
    "reset-at-request": [{"fault": "reset", "at": "request"}],
    "reset-at-reply": [{"fault": "reset"}],
    "reset-at-mid_reply": [{"fault": "reset", "at": "mid_reply"}],
    "truncated": [{"fault": "truncated"}],
    "wrong_count": [{"fault": "wrong_count"}],
    "wrong_count-none": [{"fault": "wrong_count", "missing": 100}],
    "items-429": [{"items": {"every": 3, "status": 429}}],
    "items-503": [{"items": {"first": 10, "status": 503}}],
    "mixed": [
        {"status": 503},
        {"fault": "garbled"},
        {"fault": "cut"},
        {"items": {"every": 2, "status": 429}},
        {"fault": "empty"},
    ],
}

# The same replies to a request that was not carried out: who takes one for a success has lost the batch.
PASSING |= {
    f"{case}-lost": [PASSING[case][0] | {"applied": False}]
    for case in (
        "cut-at-mid_reply",
        "cut-at-reply",
        "empty",
        "garbled",
        "html",
        "huge",
        "reset-at-mid_reply",
        "reset-at-reply",
        "truncated",
        "wrong_count",
        "wrong_count-none",
    )
}


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("case", sorted(PASSING))
def test_a_fault_passes(sink, double, case, after):
    """`after` 0: the first request, over the connection that made the index; 1: a later one, with another in flight."""
    double.script.load([rule | {"after": after} for rule in PASSING[case]])
    name = make(sink)
    run = sink.run(name)
    whole(sink, double, name, run)
    assert all(rule["hits"] == 1 for rule in double.script.describe())
    assert 1 <= double.most_sends() <= SENDS
    run_again(sink, double, name)


@pytest.mark.parametrize("case", ["503", "garbled", "cut-at-reply", "truncated", "items-429"])
def test_three_faults_in_a_row_pass(sink, double, case):
    double.script.load([rule | {"times": 3} for rule in PASSING[case]])
    name = make(sink, in_flight=1)
    whole(sink, double, name, sink.run(name))


def test_retry_after_is_honoured(sink, double):
    double.script.load([{"status": 429, "retry_after": 1}])
    name = make(sink)
    run = sink.run(name)
    counted = whole(sink, double, name, run)
    assert counted["inserted"] == ROWS
    assert sink.one("SELECT finished_at - started_at >= interval '1 s' FROM etl.runs WHERE id = %s", run)


def test_only_rejected_documents_are_sent_again(sink, double):
    double.script.load([{"items": {"every": 5, "status": 429}}])
    name = make(sink, in_flight=1)
    assert whole(sink, double, name, sink.run(name))["inserted"] == ROWS
    counts = sorted(double.stats.describe(True)["item_counts"].values())
    assert counts == [1] * (ROWS - BATCH // 5) + [2] * (BATCH // 5)


def test_a_stale_document_is_done(sink, double):
    """409 says that a version as high is there: neither an error nor a dead letter."""
    name = make(sink)
    double.script.load([{"fault": "cut", "times": 1}])  # applied, unknown, sent again: each item is 409
    run = sink.run(name)
    counted = whole(sink, double, name, run)
    assert (counted["inserted"], counted["unchanged"]) == (ROWS - BATCH, BATCH)


# Bodies that are too large


def test_413_is_split_until_it_fits(sink, double):
    double.script.load([{"status": 413, "max_bytes": 2000, "times": "always"}])
    name = make(sink)
    assert whole(sink, double, name, sink.run(name))["inserted"] == ROWS
    assert double.most_sends() == 1


@pytest.fixture
def fat_row(sink):
    sink.admin.execute("UPDATE w.t_source SET value = repeat('x', 5000) WHERE id = 150")
    yield 150
    sink.admin.execute("UPDATE w.t_source SET value = md5(id::text) WHERE id = 150")


def test_a_row_too_large_alone_is_a_dead_letter(sink, double, fat_row):
    double.script.load([{"status": 413, "max_bytes": 4000, "times": "always"}])
    name = make(sink, on_error="quarantine")
    run = sink.run(name)
    assert sink.ends(run) == "succeeded"
    expected = source_docs(sink, SOURCE)
    assert sink.admin.execute(
        "SELECT original_record, error_code FROM etl.dead_letters WHERE run_id = %s", (run,)
    ).fetchall() == [(expected.pop(str(fat_row)), "PE011")]
    assert double.docs(name) == expected
    assert check_counters(sink, run)["dead"] == 1


def test_a_row_too_large_alone_fails_the_run(sink, double, fat_row):
    double.script.load([{"status": 413, "max_bytes": 4000, "times": "always"}])
    name = make(sink)
    error = failure(sink, name)
    assert error.sqlstate == "PE011" and f'"{fat_row}"' in error.diag.message_detail, error
    assert sink.state(name) == "FAILED"
    double.script.load([])
    whole_after_retry(sink, double, name)


def whole_after_retry(bench, double, name: str) -> None:
    """A run that failed goes on where it stood; then everything is there."""
    run = bench.one("SELECT etl.retry(%s)", name)
    assert bench.ends(run) == "succeeded", bench.error(run)
    assert double.docs(name) == source_docs(bench, SOURCE)
    counted = check_counters(bench, run)
    assert counted["read"] == ROWS, counted


# Faults that stay

STAYING = {
    "429": ({"status": 429}, "PE001", SENDS),
    "500": ({"status": 500}, "PE001", SENDS),
    "503": ({"status": 503}, "PE001", SENDS),
    "garbled": ({"fault": "garbled"}, "PE001", SENDS),
    "html": ({"fault": "html"}, "PE001", SENDS),
    "empty": ({"fault": "empty"}, "PE001", SENDS),
    "wrong_count": ({"fault": "wrong_count"}, "PE001", SENDS),
    "huge": ({"fault": "huge"}, "PE001", SENDS),
    "truncated": ({"fault": "truncated"}, "08006", SENDS),
    "cut": ({"fault": "cut"}, "08006", SENDS),
    "reset": ({"fault": "reset"}, "08006", SENDS),
    "items-429": ({"items": {"first": 1, "status": 429}}, "PE001", SENDS),
    "400": ({"status": 400}, "PE020", 1),
    "401": ({"status": 401}, "PE021", 1),
    "403": ({"status": 403}, "PE021", 1),
    "404": ({"status": 404}, "PE020", 1),
    "items-401": ({"items": {"first": 1, "status": 401}}, "PE021", 1),
    "items-404": ({"items": {"every": 1, "status": 404}}, "PE020", 1),
}


@pytest.mark.parametrize("case", sorted(STAYING))
def test_a_fault_stays(sink, double, case):
    """The run fails with the fault's SQLSTATE, without a flood of dead letters, and a retry finds everything."""
    rule, sqlstate, sends = STAYING[case]
    double.script.load([rule | {"after": 1, "times": "always"}])
    name = make(sink, in_flight=1, on_error="quarantine")
    error = failure(sink, name)
    assert error.sqlstate == sqlstate, error
    assert sink.state(name) == "FAILED"
    assert (
        double.script.describe()[0]["hits"] <= sends + 1
    )  # libcurl repeats once when a kept connection breaks at once
    assert double.most_sends() <= sends + (1 if sqlstate == "08006" else 0)
    assert sink.one("SELECT count(*) FROM etl.dead_letters WHERE pipeline = %s", name) == 0
    assert len(double.docs(name)) >= BATCH  # the batch before it
    assert sink.one("SELECT position->>0 FROM etl.checkpoints WHERE pipeline = %s", name) == str(BATCH)
    double.script.load([])
    whole_after_retry(sink, double, name)


def test_no_redirect_is_followed(sink, double):
    with RecordingDouble() as elsewhere:
        double.script.load([{"fault": "redirect", "location": elsewhere.url + "/x/_bulk"}])
        name = make(sink)
        error = failure(sink, name)
        assert error.sqlstate == "PE020" and "302" in error.diag.message_detail, error
        assert elsewhere.stats.describe()["sockets"] == 0
    whole_after_retry(sink, double, name)


# Documents that are refused

BAD = (7, 150, 300)


def refuse(double, *ids, status=400):
    rules = [{"match": {"_id": str(number)}, "status": status} for number in ids]
    double.script.load([{"items": rules, "times": "always"}])


def test_refused_documents_become_dead_letters(sink, double):
    refuse(double, *BAD)
    name = make(sink, on_error="quarantine")
    run = sink.run(name)
    assert sink.ends(run) == "succeeded", sink.error(run)
    expected = source_docs(sink, SOURCE)
    rows = sink.admin.execute(
        "SELECT original_record, error_code, error_message, context->>'detail', status"
        " FROM etl.dead_letters WHERE run_id = %s ORDER BY id",
        (run,),
    ).fetchall()
    assert [row[0] for row in rows] == [expected.pop(str(number)) for number in BAD]
    for number, (_, code, message, detail, status) in zip(BAD, rows):
        assert (code, status) == ("PE010", "pending") and "document_parsing_exception" in message
        assert detail == f'Document "{number}": [{number}]: failed to parse field'
    assert double.docs(name) == expected
    counted = check_counters(sink, run)
    assert (counted["inserted"], counted["dead"]) == (ROWS - len(BAD), len(BAD))
    assert max(double.stats.describe(True)["item_counts"].values()) == 1  # nothing was sent twice
    run = sink.run(name)  # the same rows are refused again: the same dead letters
    assert sink.ends(run) == "succeeded"
    assert sink.admin.execute("SELECT retry_count FROM etl.dead_letters WHERE pipeline = %s", (name,)).fetchall() == [
        (1,)
    ] * len(BAD)


def test_a_refused_document_fails_the_run(sink, double):
    refuse(double, 150)
    name = make(sink, in_flight=1)
    error = failure(sink, name)
    assert error.sqlstate == "PE010"
    assert 'Document "150": [150]: failed to parse field' in error.diag.message_detail
    assert sink.one("SELECT value FROM w.t_source WHERE id = 150") in error.diag.message_detail  # the row itself
    assert "on_error" in error.diag.message_hint
    assert sink.state(name) == "FAILED"
    assert sink.one("SELECT count(*) FROM etl.dead_letters WHERE pipeline = %s", name) == 0
    assert set(double.docs(name)) >= {str(number) for number in range(1, BATCH + 1)}
    double.script.load([])
    whole_after_retry(sink, double, name)


def test_more_dead_letters_than_allowed_fail_the_run(sink, double):
    refuse(double, *range(1, 20))
    name = make(sink, on_error="quarantine", max_dead_letters=5)
    assert failure(sink, name).sqlstate == "PE030"
    assert (
        sink.one("SELECT count(*) FROM etl.dead_letters WHERE pipeline = %s", name) == 0
    )  # rolled back with their batch
    double.script.load([])
    whole_after_retry(sink, double, name)


def test_the_last_row_of_a_key_wins(sink, double):
    """In one page and over pages: what comes last in source order is what is stored."""
    name = make(sink, source="SELECT least(n, 250) AS id, n AS value FROM generate_series(1, 300) n", batch_size=20)
    run = sink.run(name)
    assert sink.ends(run) == "succeeded"
    docs = double.docs(name)
    assert docs == {str(n): {"id": n, "value": n} for n in range(1, 250)} | {"250": {"id": 250, "value": 300}}
    counted = check_counters(sink, run)
    assert (counted["read"], counted["superseded"]) == (300, 50)


# Shape of the traffic


def test_bodies_and_connections(sink, double):
    opened = double.stats.describe()["sockets"]
    double.script.load([{"fault": "late", "seconds": 0.02, "times": "always"}])
    name = make(sink, batch_size=20, in_flight=3, bulk_bytes="2kB")
    assert whole(sink, double, name, sink.run(name))["inserted"] == ROWS
    figures = double.stats.describe()
    assert figures["max_body"] <= 2048
    assert 2 <= figures["max_in_flight"] <= 3
    assert figures["sockets"] - opened <= 4
    assert figures["documents_sent_again"] == 0


@pytest.mark.parametrize(("options", "encoding"), [({}, "identity"), ({"compress": True}, "gzip")])
def test_bodies_are_compressed_on_request(sink, double, options, encoding):
    name = make(sink, **options)
    assert whole(sink, double, name, sink.run(name))["inserted"] == ROWS
    assert double.stats.describe()["bodies_by_encoding"] == {encoding: ROWS // BATCH}


def test_a_body_has_no_more_items_than_asked_for(sink, double):
    name = make(sink, bulk_items=7, in_flight=3)
    assert whole(sink, double, name, sink.run(name))["inserted"] == ROWS
    items = sorted(body.count(b"\n") // 2 for body in double.bodies)
    full, rest = divmod(BATCH, 7)
    assert items == [rest] * (ROWS // BATCH) + [7] * (full * ROWS // BATCH)


# Rows without a key

KEYLESS = {
    "spilled": "SELECT nullif(id, 150) AS id, value FROM w.t_source",
    "paged": "SELECT * FROM w.keyless",
}


@pytest.fixture
def keyless(sink):
    """Each source of KEYLESS has ROWS rows, of which the 150th has no id."""
    sink.admin.execute(f"""
        CREATE TABLE w.keyless AS {KEYLESS["spilled"]};
        CREATE UNIQUE INDEX ON w.keyless (id);
        ALTER TABLE w.keyless OWNER TO {OWNER}""")
    value = sink.one("SELECT value FROM w.t_source WHERE id = 150")
    yield {"id": None, "value": value}
    sink.admin.execute("DROP TABLE w.keyless")


@pytest.mark.parametrize("how", sorted(KEYLESS))
def test_a_null_key_fails_the_run(sink, double, keyless, how):
    name = make(sink, KEYLESS[how], on_error="quarantine")
    error = failure(sink, name)
    assert (error.sqlstate, error.diag.message_primary) == ("23502", "a key column of a row is null")
    shown = error.diag.message_detail.removeprefix("The row is ").removesuffix(".")
    assert json.loads(shown) == keyless
    assert '"null_keys"' in error.diag.message_hint
    assert sink.state(name) == "FAILED"
    assert sink.one("SELECT count(*) FROM etl.dead_letters WHERE pipeline = %s", name) == 0
    assert keyless not in [source for versions in double.sent.values() for source in versions.values()]


@pytest.mark.parametrize("how", sorted(KEYLESS))
def test_a_null_key_becomes_a_dead_letter(sink, double, keyless, how):
    name = make(sink, KEYLESS[how], null_keys="dead_letter")
    run = sink.run(name)
    assert sink.ends(run) == "succeeded", sink.error(run)
    assert sink.admin.execute(
        "SELECT original_record, error_code, error_message, status FROM etl.dead_letters WHERE run_id = %s", (run,)
    ).fetchall() == [(keyless, "23502", "a key column of a row is null", "pending")]
    expected = source_docs(sink, SOURCE)
    del expected["150"]
    assert double.docs(name) == expected
    counted = check_counters(sink, run)
    assert (counted["read"], counted["inserted"], counted["dead"]) == (ROWS, ROWS - 1, 1)


# Looking without sending


def versions_masked(ndjson: str) -> str:
    masked, count = re.subn(r'"version":\d+', '"version":0', ndjson)
    assert count == ROWS
    return masked


def test_a_dry_run_shows_what_a_run_sends_and_sends_nothing(sink, double):
    opened = double.stats.describe()["sockets"]
    name = make(sink, in_flight=1)
    rows = sink.admin.execute(
        "SELECT batch, action, key->>'_id', after, payload FROM etl.dry_run(%s, 1000)", (name,)
    ).fetchall()
    figures = double.stats.describe()
    assert (figures["requests"], figures["sockets"]) == (0, opened)
    assert {row[1] for row in rows} == {"index"}
    assert [row[0] for row in rows] == [1 + row // BATCH for row in range(ROWS)]
    assert {row[2]: row[3] for row in rows} == source_docs(sink, SOURCE)
    whole(sink, double, name, sink.run(name))
    sent = b"".join(double.bodies).decode()
    assert versions_masked("".join(row[4] for row in rows)) == versions_masked(sent)


# Secrets


def test_an_echoed_secret_is_stored_nowhere(sink, double):
    canary = "canary+echo/9f81c2"
    encoded = base64.b64encode(f"elastic:{canary}".encode()).decode()
    make_secret(sink.server, "echo.secret", double.url, canary)
    sink.admin.execute(
        f"CREATE USER MAPPING FOR {OWNER} SERVER es OPTIONS (user 'elastic', password_file 'echo.secret')"
    )
    try:
        double.script.load([{"fault": "echo", "times": "always"}])
        name = make(sink, on_error="quarantine")
        error = failure(sink, name)
        assert error.sqlstate == "PE020" and "echo_exception" in error.diag.message_detail
        assert "Authorization: Basic ***" in error.diag.message_detail  # it was echoed, and taken out
        refuse(double, 7)
        seen = json.dumps(
            sink.admin.execute(
                "SELECT to_jsonb(r)::text FROM etl.runs r UNION ALL"
                " SELECT to_jsonb(e)::text FROM etl.events e UNION ALL"
                " SELECT to_jsonb(d)::text FROM etl.dead_letters d"
            ).fetchall()
        )
        for secret in (canary, encoded):
            assert secret not in str(error) + (error.diag.message_detail or "") + seen + sink.server.log()
        double.script.load([])
        whole_after_retry(sink, double, name)
    finally:
        sink.admin.execute(f"DROP USER MAPPING FOR {OWNER} SERVER es")
        forget_secrets(sink.server)


# A sink that never answers


def hung(bench, double, name: str) -> tuple:
    """A run whose request is being ignored; run and worker."""
    double.script.load([{"fault": "hang", "times": "always", "after": 1}])
    run = bench.run(name)
    pid = bench.worker_pid(run)
    wait_until(
        lambda: double.stats.describe()["max_in_flight"] > 0 and double.script.describe()[0]["hits"],
        10,
        "it hangs",
        0.01,
    )
    return run, Process.of(pid)


def test_cancel_while_the_sink_hangs(sink, double):
    name = make(sink)
    run, worker = hung(sink, double, name)
    idle = "SELECT backend_xmin IS NULL AND xact_start IS NULL FROM pg_stat_activity WHERE pid = %s"
    wait_until(lambda: sink.one(idle, worker.pid), 5, "the batch ahead is read, and nothing is held")

    def cancel():
        sink.admin.execute("SELECT etl.cancel(%s)", (name,))
        wait_until(lambda: not worker.alive(), 5, "the worker ends", 0.005)

    assert elapsed(cancel) < 1
    assert (sink.status(run), sink.state(name)) == ("cancelled", "IDLE")
    double.script.load([])
    whole(sink, double, name, sink.run(name))


def test_terminate_while_the_sink_hangs(sink, double):
    name = make(sink)
    run, worker = hung(sink, double, name)
    double.script.load([])

    def terminate():
        sink.admin.execute("SELECT pg_terminate_backend(%s)", (worker.pid,))
        wait_until(lambda: not worker.alive(), 5, "the worker ends", 0.005)

    assert elapsed(terminate) < 1
    assert sink.ends(run, 15) == "succeeded", sink.error(run)  # recovery went on with it
    assert double.docs(name) == source_docs(sink, SOURCE)
    check_counters(sink, run)


def test_a_late_request_changes_nothing(sink, double):
    """The request of a cancelled run is applied after a newer run has written: the newer documents stay."""
    name = make(sink)
    double.script.load([{"fault": "late", "seconds": 1.5}])
    run = sink.run(name)
    wait_until(lambda: double.script.describe()[0]["hits"], 10, "the request is there", 0.01)
    sink.admin.execute("SELECT etl.cancel(%s)", (name,))
    assert sink.ends(run) == "cancelled"
    sink.admin.execute("UPDATE w.t_source SET value = 'newer ' || id WHERE id <= 50")
    try:
        run = sink.run(name)
        assert sink.ends(run) == "succeeded"
        newer = source_docs(sink, SOURCE)
        assert double.docs(name) == newer
        wait_until(lambda: double.stats.describe()["faults"], 10, "the late request was applied", 0.02)
        assert double.docs(name) == newer
    finally:
        sink.admin.execute("UPDATE w.t_source SET value = md5(id::text)")


# Before the first batch


@pytest.mark.parametrize("on,status,sqlstate", [("head", 401, "PE021"), ("put", 400, "PE020"), ("put", 403, "PE021")])
def test_the_index_cannot_be_made(sink, double, on, status, sqlstate):
    double.script.load([{"on": on, "status": status}])
    name = make(sink)
    assert failure(sink, name).sqlstate == sqlstate
    whole_after_retry(sink, double, name)


@pytest.mark.parametrize(
    "on,rule",
    [("head", {"status": 503}), ("put", {"status": 429}), ("head", {"fault": "cut"}), ("put", {"fault": "cut"})],
)
def test_making_the_index_is_tried_again(sink, double, on, rule):
    double.script.load([rule | {"on": on, "times": 2}])
    name = make(sink)
    whole(sink, double, name, sink.run(name))


def test_a_pipeline_of_somebody_else_goes_on(sink, double):
    """A sink that is down keeps only its own pipeline waiting."""
    double.script.load([{"fault": "hang", "times": "always", "index": "p_hangs"}])
    sink.pipeline("p_hangs", SOURCE, "es:p_hangs", key_columns=["id"], options=BACKOFF)
    hangs = sink.run("p_hangs")
    wait_until(lambda: double.script.describe()[0]["hits"], 10, "it hangs", 0.01)
    name = make(sink)
    assert elapsed(lambda: sink.ends(sink.run(name))) < 5
    assert double.docs(name) == source_docs(sink, SOURCE)
    sink.admin.execute("SELECT etl.cancel('p_hangs')")
    assert sink.ends(hangs) == "cancelled"


def test_the_cancel_of_a_back_off(sink, double):
    double.script.load([{"status": 429, "retry_after": 30, "times": "always"}])
    name = make(sink)
    run = sink.run(name)
    wait_until(lambda: double.script.describe()[0]["hits"], 10, "it backs off", 0.01)

    def cancel():
        sink.admin.execute("SELECT etl.cancel(%s)", (name,))
        wait_until(lambda: sink.processes("pg_etl worker%") == 0, 5, "the worker ends", 0.005)

    assert elapsed(cancel) < 1
    assert sink.status(run) == "cancelled"


def test_a_definition_without_server_is_refused(sink):
    with pytest.raises(psycopg.Error) as refused:
        sink.pipeline("nowhere", SOURCE, "nowhere:x", key_columns=["id"])
    assert refused.value.sqlstate in ("42704", "22023", "42501")
