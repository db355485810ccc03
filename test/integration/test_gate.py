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


def busy(bench) -> int:
    """How many runs of the server are under way."""
    return bench.one("SELECT count(*) FROM etl.pipelines WHERE starts_with(target, 'es:') AND state = 'RUNNING'")


def test_a_dead_server_parks_its_pipelines_only(sink, double):
    use_sink(sink, double.url, breaker_pause="5 minutes")
    open_breaker(sink, double)
    make(sink, "probe", "parked", "later", retry_backoff=["20s"])
    sink.pipeline("table")
    probe = sink.run("probe")
    sink.worker_pid(probe)
    wait_until(lambda: circuit(sink) == "open", 10, "the probe has failed, and will try again")
    parked = [sink.run("parked"), sink.run("later")]
    for _ in range(5):  # while workers come and go that the parked runs could have
        assert sink.ends(sink.run("table")) == "succeeded" and sink.same()
        assert busy(sink) == 1
    assert sink.state("parked") == sink.state("later") == "RUN_REQUESTED"
    assert reason(sink, "parked").startswith('the circuit breaker of server "es" is open; next probe at ')
    assert sink.one("SELECT etl.health()->'servers'->0->>'circuit'") == "open"
    sink.admin.execute("SELECT etl.cancel('probe'), etl.cancel('parked'), etl.cancel('later')")
    assert [sink.ends(run) for run in (probe, *parked)] == ["cancelled"] * 3


def test_what_is_parked_goes_on_when_the_server_is_back(sink, double):
    use_sink(sink, double.url, breaker_pause="500ms")
    open_breaker(sink, double)
    make(sink, "a", "b", "c", max_retries=100, retry_backoff=["50ms"])
    runs = [sink.run(name) for name in "abc"]
    wait_until(lambda: circuit(sink, "failures") > 10, 20, "the probe fails")
    assert busy(sink) == 1
    double.script.load([])
    assert [sink.ends(run, 60) for run in runs] == ["succeeded"] * 3
    assert circuit(sink) == "closed"
    assert all(len(double.docs(name)) == 300 for name in "abc")


def test_a_probe_that_sends_nothing_gives_way_to_the_next(sink, double):
    use_sink(sink, double.url, breaker_pause="5 minutes")
    open_breaker(sink, double)
    double.script.load([])
    make(sink, "early", "late")
    sink.admin.execute("ALTER TABLE w.t_source RENAME TO away")
    early = sink.run("early")
    assert sink.ends(early) == "failed" and sink.error(early)[0] == "42P01"
    sink.admin.execute("ALTER TABLE w.away RENAME TO t_source")
    assert circuit(sink) == "half_open"
    assert sink.ends(sink.run("late")) == "succeeded"
    assert circuit(sink) == "closed"


def test_the_log_says_when_a_breaker_opens_and_closes(sink, double):
    use_sink(sink, double.url, name="logged", breaker_pause="5 minutes", breaker_successes=1)
    double.script.load(DEAD)
    sink.pipeline("p", SOURCE, "logged:p", key_columns=["id"], options=BACKOFF | {"max_retries": 5})
    run = sink.run("p")
    assert sink.ends(run) == "failed"
    double.script.load([])
    sink.admin.execute("SELECT etl.retry('p')")
    assert sink.ends(run) == "succeeded"
    lines = [line.split("LOG:  ")[1] for line in sink.server.log().splitlines() if 'server "logged": ' in line]
    assert lines == [
        'server "logged": the circuit breaker is open after 5 failed requests in a row',
        'server "logged": the circuit breaker is closed again',
    ]


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


def test_a_worker_that_began_before_an_alter_does_not_move_the_new_breaker(sink, double):
    use_sink(sink, double.url)
    double.script.load(DEAD)
    make(sink, "old", max_retries=100, retry_backoff=["20ms"])
    sink.run("old")
    wait_until(lambda: circuit(sink) == "open", 10, "it fails")
    sink.admin.execute("ALTER SERVER es OPTIONS (ADD breaker_pause '4 minutes')")
    make(sink, "new", max_retries=0)
    assert sink.ends(sink.run("new")) == "failed"
    before = len(double.stats.faults)
    wait_until(lambda: len(double.stats.faults) > before + 10, 10, "the old one goes on failing")
    assert circuit(sink) == "closed" and circuit(sink, "failures") == 1
    sink.admin.execute("SELECT etl.cancel('old')")


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
        assert owner.execute("SELECT state FROM etl.circuit('es')").fetchone() == (None,)
        assert owner.execute("SELECT etl.health()->'servers'->0->>'circuit'").fetchone() == (None,)


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
    # The double counts a request until its reply is out, when the next may be in already. Without the limit it is 12.
    assert double.stats.max_in_flight <= 4
    assert circuit(sink, "requests_in_flight") == 0


def test_a_place_is_handed_on(sink, double):
    """A long load that always has a request to send lets others have the only place in between."""
    use_sink(sink, double.url, requests_in_flight=1)
    double.script.load([{"fault": "late", "seconds": 0.02, "times": "always"}])
    sink.admin.execute("INSERT INTO w.t_source SELECT n, 'x' FROM generate_series(301, 3000) n")
    make(sink, "long", bulk_items=10)
    sink.pipeline("short", SOURCE + " WHERE id <= 300", "es:short", batch_size=100, key_columns=["id"], options=BACKOFF)
    long = sink.run("long")
    wait_until(lambda: double.docs("long"), 10, "the long load goes", 0.005)
    assert sink.ends(sink.run("short")) == "succeeded"
    assert sink.status(long) == "running"
    assert sink.ends(long, 60) == "succeeded"


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


def test_owners_take_turns(narrow):
    """Runs of one owner, all with the highest priority, do not keep a run of another waiting for all of them."""
    for bench in workbench(narrow):
        bench.slow_pipeline("many0", rows=100, ms=1, table="t0", options={"priority": 100})
        slow = "SELECT id, w.slowly(value, 1) AS value FROM w.t0_source"
        for number in range(1, 5):
            bench.pipeline(f"many{number}", slow, table="t0", options={"priority": 100})
        bench.admin.execute(
            "CREATE ROLE etl_turn LOGIN; GRANT USAGE ON SCHEMA etl, w TO etl_turn;"
            "CREATE TABLE w.other (id bigint PRIMARY KEY); ALTER TABLE w.other OWNER TO etl_turn;"
            "SELECT etl.allow_target('w.other', 'etl_turn')"
        )
        try:
            with bench.server.connect(bench.name, "etl_turn") as other:
                other.execute("SELECT etl.create_pipeline('other', 'SELECT 1::bigint AS id', 'w.other')")
            runs = [bench.run(f"many{number}") for number in range(5)] + [bench.run("other")]
            assert [bench.ends(run) for run in runs] == ["succeeded"] * 6
            order = [row[0] for row in bench.admin.execute("SELECT pipeline FROM etl.runs ORDER BY started_at")]
            assert order.index("other") <= 2, order
        finally:
            bench.admin.execute("SELECT etl.drop_pipeline('other', if_exists => true)")
            bench.admin.execute("SELECT etl.revoke_target('w.other', 'etl_turn')")
            bench.admin.execute("DROP OWNED BY etl_turn; DROP ROLE etl_turn")
