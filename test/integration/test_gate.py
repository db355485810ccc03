"""Pipelines that share a remote server, and workers that pipelines share: the circuit breaker, the limits, the priorities."""

import json

import pytest
from elastic_workbench import BACKOFF, RecordingDouble, use_sink
from harness.postgres import PostgresServer
from harness.process import wait_until
from harness.trees import installed_tree
from workbench import OWNER, workbench

SOURCE = "SELECT id, value FROM w.t_source"
SLEEP = SOURCE + ", LATERAL (SELECT pg_sleep(60) WHERE id = id) s"
DEAD = [{"on": "any", "status": 503, "times": "always"}]
HUNG = [{"on": "any", "fault": "hang", "times": "always"}]


@pytest.fixture
def double():
    with RecordingDouble() as running:
        yield running


@pytest.fixture
def sink(pg_preload, double):
    for bench in workbench(pg_preload):
        bench.tables(300)
        yield bench


def make(bench, *names: str, **options) -> None:
    for name in names:
        bench.pipeline(name, SOURCE, f"es:{name}", batch_size=100, key_columns=["id"], options=BACKOFF | options)


def circuit(bench, column: str = "circuit") -> str:
    return bench.one(f"SELECT {column} FROM etl.servers WHERE server = 'es'")


def reason(bench, name: str) -> str:
    return bench.one("SELECT throttle_reason FROM etl.progress WHERE pipeline = %s", name)


def open_breaker(bench, double, name: str = "first") -> None:
    """By a run that fails for want of a server."""
    double.script.load(DEAD)
    make(bench, name, max_retries=5)
    run = bench.run(name)
    assert bench.ends(run) == "failed" and bench.error(run)[0] == "PE001"
    assert circuit(bench) == "open"


# The circuit breaker


def test_a_dead_server_parks_its_pipelines_only(sink, double):
    use_sink(sink, double.url, breaker_pause="5 minutes")
    open_breaker(sink, double)
    double.script.load(HUNG)
    make(sink, "probe", "parked")
    sink.pipeline("table")
    probe = sink.run("probe")
    sink.worker_pid(probe)
    parked = sink.run("parked")
    wait_until(lambda: sink.processes("pg_etl worker") == 1, 10, "the second worker has left")
    assert circuit(sink) == "half_open"
    assert reason(sink, "parked") == 'the circuit breaker of server "es" is half_open'
    assert sink.ends(sink.run("table")) == "succeeded" and sink.same()
    assert sink.state("parked") == "RUN_REQUESTED"
    assert sink.one("SELECT etl.health()->'servers'->0->>'circuit'") == "half_open"
    double.script.load([])  # the probe's requests go on hanging, and its worker is killed with them
    sink.admin.execute("SELECT etl.cancel('probe'), etl.cancel('parked')")
    assert sink.ends(probe) == "cancelled" and sink.status(parked) == "cancelled"


def test_what_is_parked_goes_on_when_the_server_is_back(sink, double):
    use_sink(sink, double.url, breaker_pause="500ms")
    open_breaker(sink, double)
    make(sink, "a", "b", "c", max_retries=20)
    runs = [sink.run(name) for name in "abc"]
    wait_until(lambda: circuit(sink) == "open" and circuit(sink, "failures") > 10, 20, "probes fail")
    assert not any(sink.status(run) == "succeeded" for run in runs)
    double.script.load([])
    assert [sink.ends(run, 60) for run in runs] == ["succeeded"] * 3
    assert circuit(sink) == "closed"
    assert all(len(double.docs(name)) == 300 for name in "abc")
    assert 'server "es": the circuit breaker is open after 5 failed requests in a row' in sink.server.log()
    assert 'server "es": the circuit breaker is closed' in sink.server.log()


def test_a_user_who_asks_need_not_wait_for_the_pause(sink, double):
    use_sink(sink, double.url, breaker_pause="5 minutes")
    open_breaker(sink, double)
    assert circuit(sink, "next_probe > now() + interval '3 minutes' AND next_probe < now() + interval '5 minutes'")
    double.script.load([])
    assert sink.ends(sink.one("SELECT etl.retry('first')")) == "succeeded"
    assert circuit(sink) == "closed"


def test_an_altered_server_starts_with_a_closed_breaker(sink, double):
    use_sink(sink, double.url, breaker_pause="5 minutes")
    open_breaker(sink, double)
    sink.admin.execute("ALTER SERVER es OPTIONS (SET breaker_pause '4 minutes')")
    assert circuit(sink) == "closed" and circuit(sink, "failures") == 0


def test_answers_that_refuse_or_slow_down_are_no_failures(sink, double):
    use_sink(sink, double.url)
    double.script.load([{"status": 429, "times": 6}, {"on": "bulk", "status": 400, "times": "always"}])
    make(sink, "p", max_retries=9, in_flight=1)
    run = sink.run("p")
    assert sink.ends(run) == "failed" and sink.error(run)[0] == "PE020"
    assert circuit(sink) == "closed" and circuit(sink, "failures") == 0


def test_who_may_not_use_a_server_does_not_see_it(sink, double):
    use_sink(sink, double.url)
    with sink.owner() as owner:
        assert owner.execute("SELECT server, type, circuit FROM etl.servers").fetchall() == [
            ("es", "elasticsearch", "closed")
        ]
    sink.admin.execute(f"REVOKE USAGE ON FOREIGN SERVER es FROM {OWNER}")
    with sink.owner() as owner:
        assert owner.execute("SELECT server FROM etl.servers").fetchall() == []


# Limits


def test_requests_in_flight_are_counted_over_all_workers(sink, double):
    use_sink(sink, double.url, requests_in_flight=2)
    double.script.load([{"fault": "late", "seconds": 0.05, "times": "always"}])
    names = ["a", "b", "c"]
    make(sink, *names, bulk_items=10)
    runs = [sink.run(name) for name in names]
    seen = wait_until(lambda: reason(sink, "a"), 10, "a waits for its turn", 0.005)
    assert seen == 'the limits of server "es"'
    assert [sink.ends(run, 60) for run in runs] == ["succeeded"] * 3
    assert double.stats.max_in_flight == 2
    assert circuit(sink, "requests_in_flight") == 0


def test_a_worker_that_is_gone_holds_no_request(sink, double):
    use_sink(sink, double.url, requests_in_flight=1)
    double.script.load([{"fault": "hang", "times": "always"}])
    make(sink, "hung", "p", auto_recover=False)
    run = sink.run("hung")
    pid = sink.worker_pid(run)
    wait_until(lambda: circuit(sink, "requests_in_flight") == 1, 10, "a request is under way", 0.005)
    double.script.load([])
    sink.admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
    wait_until(lambda: circuit(sink, "requests_in_flight") == 0, 10, "it is given back", 0.005)
    assert sink.ends(sink.run("p")) == "succeeded"


def test_requests_per_second_are_counted_over_all_workers(sink, double):
    use_sink(sink, double.url, requests_per_second=20)
    make(sink, "a", "b", bulk_items=10)  # 30 requests each: 20 at once, and 40 more take two seconds
    runs = [sink.run(name) for name in "ab"]
    assert [sink.ends(run, 60) for run in runs] == ["succeeded"] * 2
    took = sink.one(
        "SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM etl.runs WHERE id = ANY (%s)", runs
    )
    assert took >= 1.9
    assert circuit(sink, "throttled_at IS NOT NULL")


# Priorities


@pytest.fixture(scope="module")
def narrow():
    """One run at a time."""
    with PostgresServer(installed_tree("15"), "narrow", preload=True, settings={"etl.max_workers": 1}) as server:
        yield server
        assert server.crash_lines() == []


def first_of(bench, aged: str | None = None, **priorities: int) -> str:
    """Which of the waiting runs is started first when the worker becomes free."""
    bench.tables(10)
    for name, priority in {"busy": 0, **priorities}.items():
        bench.pipeline(name, SLEEP, options={"priority": priority})
    bench.worker_pid(bench.run("busy"))
    for name in priorities:
        bench.run(name)
    assert reason(bench, aged or next(iter(priorities))) == "1 of etl.max_workers are busy"
    if aged:
        bench.admin.execute(
            "UPDATE etl.pipeline_state SET changed_at = changed_at - interval '1 hour'"
            " WHERE pipeline_id = (SELECT id FROM etl.pipelines WHERE name = %s)",
            (aged,),
        )
    bench.admin.execute("SELECT etl.cancel('busy')")
    first = wait_until(
        lambda: [row[0] for row in bench.admin.execute("SELECT name FROM etl.pipelines WHERE state = 'RUNNING'")],
        20,
        "the next run starts",
    )
    bench.admin.execute("SELECT etl.cancel(name) FROM etl.pipelines WHERE state <> 'IDLE'")
    return first


@pytest.mark.parametrize(
    ("aged", "priorities", "first"),
    [
        (None, {"low": -50, "high": 50, "middle": 0}, ["high"]),
        (None, {"a": 5, "b": 5}, ["a"]),
        ("low", {"low": -100, "high": 100}, ["low"]),
    ],
    ids=["the highest", "who came first", "who has waited for long"],
)
def test_who_is_next(narrow, aged, priorities, first):
    for bench in workbench(narrow):
        assert first_of(bench, aged, **priorities) == first


def test_a_new_request_does_not_overtake(narrow):
    """It comes in the moment in which the worker becomes free."""
    for bench in workbench(narrow):
        bench.tables(10)
        bench.pipeline("busy", SLEEP)
        bench.pipeline("waiting", options={"priority": 9})
        bench.pipeline("new")
        bench.worker_pid(bench.run("busy"))
        runs = [bench.run("waiting")]
        wait_until(lambda: bench.processes("pg_etl worker") == 1, 10, "its worker has left")
        runs.append(bench.one("SELECT etl.run('new') FROM etl.cancel('busy')"))
        assert [bench.ends(run) for run in runs] == ["succeeded"] * 2
        started = bench.admin.execute(
            "SELECT pipeline FROM etl.runs WHERE pipeline <> 'busy' ORDER BY started_at"
        ).fetchall()
        assert started == [("waiting",), ("new",)]


def test_priority_is_an_option(narrow):
    for bench in workbench(narrow):
        bench.tables(10)
        bench.pipeline(options={"priority": -100})
        assert json.loads(bench.one("SELECT etl.export_pipeline('p')"))["options"] == {"priority": -100}
