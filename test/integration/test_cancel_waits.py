"""A cancel ends the wait for another server within a second: for its connection, its greeting, its answer, and between two tries."""

import json
import sys
from pathlib import Path

import psycopg
import pytest
from elastic_workbench import allow_hosts, use_sink
from far_workbench import far_steps
from file_pipelines import create
from harness.far import READER
from harness.process import Process, wait_until
from harness.secret_files import make_secret
from test_http_json import api, items  # noqa: F401
from test_http_json import create as create_http
from workbench import OWNER, elapsed

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))
from lying_postgres import SlowLogin
from silent import Between, Full, Silent

LOCAL = "local://127.0.0.1"  # whatever the port
KINDS = {"never answers": Silent, "never connects": Full}


@pytest.fixture(params=KINDS)
def silent(request):
    server = KINDS[request.param]()
    yield server
    server.stop()


@pytest.fixture(params=[*KINDS, "has a password hashed"])
def unwilling(request):
    """The same, and one that keeps libpq busy."""
    server = KINDS.get(request.param, SlowLogin)()
    yield server
    server.stop()


@pytest.fixture
def full():
    """One that never connects."""
    server = Full()
    yield server
    server.stop()


def cancels(bench, run):
    """The worker is gone and the run has ended, within a second; nothing of the run is left."""
    worker = Process.of(bench.worker_pid(run))

    def cancel():
        with bench.owner() as owner:
            owner.execute("SELECT etl.cancel('p')")
        wait_until(lambda: not worker.alive(), 15, "the worker ends", 0.005)

    assert elapsed(cancel) < 1
    assert (bench.status(run), bench.state()) == ("cancelled", "IDLE")


def holds_nothing(bench, run):
    """While it waits, the worker has neither a snapshot nor a transaction."""
    held = (
        "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND (backend_xmin IS NOT NULL OR xact_start IS NOT NULL)"
    )
    return bench.one(held, bench.worker_pid(run)) == 0


# Servers of TYPE http


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_api_that_is_silent(bench, api, silent, scheme):  # noqa: F811
    bench.admin.execute(f"ALTER SERVER api OPTIONS (SET url '{scheme}://127.0.0.1:{silent.port}/v1')")
    create_http(bench)
    run = bench.run()
    wait_until(silent.waited_for, 10, "it is waited for", 0.01)
    assert holds_nothing(bench, run)
    cancels(bench, run)


def test_an_api_that_stops_within_a_reply(bench, api):  # noqa: F811
    def half(write):
        write(b'[{"id": 1},')
        wait_until(lambda: bench.state() == "IDLE", 30, "the run has ended")

    api.script = lambda *_: (200, {}, half)
    create_http(bench)
    run = bench.run()
    wait_until(lambda: api.seen, 10, "it is asked", 0.01)
    assert holds_nothing(bench, run)
    cancels(bench, run)


@pytest.mark.parametrize("told", [{}, {"Retry-After": "50"}], ids=["own pause", "told"])
def test_an_api_that_is_busy(bench, api, told):  # noqa: F811
    """While it waits to ask again."""
    api.script = lambda *_: (503, told, "busy")
    create_http(bench)
    run = bench.run()
    wait_until(lambda: len(api.seen) == (1 if told else 3), 10, "it waits to ask again", 0.005)
    assert holds_nothing(bench, run)
    cancels(bench, run)
    assert len(api.seen) == (1 if told else 3)


def test_a_session_that_looks_at_a_silent_api(bench, api, silent):  # noqa: F811
    """Nor does a session wait any longer than it says."""
    bench.admin.execute(f"ALTER SERVER api OPTIONS (SET url 'http://127.0.0.1:{silent.port}/v1')")
    create_http(bench)
    with bench.owner() as owner:
        owner.execute("SET statement_timeout = '200ms'")
        for look in ("SELECT etl.preview('p', 1)", "SELECT etl.dry_run('p')"):

            def looked(look=look):
                with pytest.raises(psycopg.errors.QueryCanceled):
                    owner.execute(look)

            assert elapsed(looked) < 1.2, look


def fails_soon(bench, code):
    def fails():
        run = bench.run()
        assert bench.ends(run) == "failed"
        assert bench.error(run)[0] == code

    assert elapsed(fails) < 4


def test_an_api_has_as_long_as_its_server_says(bench, api, silent):  # noqa: F811
    option = "read_timeout" if isinstance(silent, Silent) else "connect_timeout"
    bench.admin.execute(f"ALTER SERVER api OPTIONS (SET url 'http://127.0.0.1:{silent.port}/v1', ADD {option} '300ms')")
    create_http(bench, options='{"max_retries": 0}')
    fails_soon(bench, "PE002")


def test_an_index_has_as_long_to_connect_as_its_server_says(bench, full):
    bench.tables(10)
    use_sink(bench, f"http://127.0.0.1:{full.port}", connect_timeout="300ms")
    bench.pipeline(
        source="SELECT id, value FROM w.t_source", target="es:t", key_columns=["id"], options={"max_retries": 0}
    )
    fails_soon(bench, "PE002")


# Servers of TYPE postgres


@pytest.fixture
def tables(far, bench):
    """A table of the same columns here and there; that of here has rows."""
    far.execute("CREATE TABLE copy (id int PRIMARY KEY, value text)")
    bench.admin.execute(
        "CREATE TABLE w.near (id int PRIMARY KEY, value text); INSERT INTO w.near SELECT n, 'x' FROM generate_series(1, 500) n;"
        f"CREATE TABLE w.none (id int PRIMARY KEY, value text); ALTER TABLE w.near OWNER TO {OWNER}; ALTER TABLE w.none OWNER TO {OWNER}"
    )
    return bench


def lead_to(bench, far, port):
    """The server far is found at that port from now on."""
    url = f"postgresql://127.0.0.1:{port}/{far.info.dbname}"
    make_secret(bench.server, "far.secret", url, "far away")
    allow_hosts(bench, LOCAL)
    bench.admin.execute(f"ALTER SERVER far OPTIONS (SET url '{url}')")


def from_far():
    return far_steps({"table": "copy"}, "w.none")


def to_far():
    read = {"id": "read", "operator": "sql", "params": {"query": "SELECT * FROM w.near"}}
    save = {"id": "save", "operator": "table", "params": {"target": "far:public.copy"}, "depends_on": ["read"]}
    return json.dumps([read, save])


WAYS = {"source": from_far, "sink": to_far}


@pytest.mark.parametrize("way", WAYS)
def test_a_postgres_that_is_silent(far, tables, unwilling, way):
    create(tables, WAYS[way]())
    lead_to(tables, far, unwilling.port)
    run = tables.run()
    wait_until(unwilling.waited_for, 10, "it is waited for", 0.01)
    cancels(tables, run)


def test_a_postgres_has_as_long_to_connect_as_its_server_says(far, tables, unwilling):
    create(tables, from_far(), options='{"max_retries": 0}')
    lead_to(tables, far, unwilling.port)
    tables.admin.execute("ALTER SERVER far OPTIONS (ADD connect_timeout '300ms')")
    fails_soon(tables, "08001")


def test_a_session_that_looks_at_a_silent_postgres(far, tables, unwilling):
    create(tables, from_far())
    lead_to(tables, far, unwilling.port)
    with tables.owner() as owner:
        owner.execute("SET statement_timeout = '200ms'")
        for look in ("SELECT etl.preview('p', 1)", "SELECT etl.dry_run('p')", "SELECT etl.explain('p')"):

            def looked(look=look):
                with pytest.raises(psycopg.errors.QueryCanceled):
                    owner.execute(look)

            assert elapsed(looked) < 1.2, look


@pytest.fixture
def between(far, tables):
    """The server far behind one that can hold back what it says."""
    server = Between(tables.server.port)
    lead_to(tables, far, server.port)
    yield server
    server.stop()


def there(far, condition):
    """The pids of the sessions of runs over there."""
    found = far.execute(f"SELECT pid FROM pg_stat_activity WHERE usename = '{READER}' AND {condition}").fetchall()
    return [pid for (pid,) in found]


@pytest.mark.parametrize("way", WAYS)
def test_a_postgres_that_falls_silent(far, tables, between, way):
    """In the middle of a statement: the answer, and whatever is said to end it, do not get through."""
    create(tables, WAYS[way]())
    with tables.server.connect(far.info.dbname, autocommit=False) as holder:
        holder.execute("LOCK TABLE copy")
        run = tables.run()
        wait_until(lambda: there(far, "wait_event_type = 'Lock'"), 10, "its statement waits over there", 0.01)
        between.flows.clear()
        cancels(tables, run)
        holder.rollback()
    between.flows.set()
    wait_until(lambda: not there(far, "true"), 10, "the session over there has ended")


@pytest.mark.parametrize("way", WAYS)
def test_a_statement_over_there(far, tables, way):
    """And the session there ends with the run, not with its statement."""
    create(tables, WAYS[way]())
    with tables.server.connect(far.info.dbname, autocommit=False) as holder:
        holder.execute("LOCK TABLE copy")
        run = tables.run()
        wait_until(lambda: there(far, "wait_event_type = 'Lock'"), 10, "its statement waits over there", 0.01)
        cancels(tables, run)
        wait_until(lambda: not there(far, "true"), 10, "the session over there has ended")
        holder.rollback()
    assert far.execute("SELECT count(*) FROM copy").fetchone() == (0,)


@pytest.mark.parametrize("way", WAYS)
def test_a_pause_before_another_connection(far, tables, way):
    """Nobody is there: the run waits to try again."""
    create(tables, WAYS[way](), options='{"retry_backoff": ["1min"]}')
    gone = Silent()
    gone.stop()
    lead_to(tables, far, gone.port)
    run = tables.run()
    tries = "SELECT count(*) FROM etl.events WHERE run_id = %s AND reason LIKE 'attempt 1 failed with 08001%%'"
    wait_until(lambda: tables.one(tries, run), 10, "it has tried", 0.01)
    cancels(tables, run)
