"""What is left of steps on workers of their own, by the hundred: no process, no shared memory, no file, no growth."""

import contextlib
import json
from dataclasses import dataclass

import pytest
from file_pipelines import create
from harness import segments
from harness.postgres import PostgresServer
from harness.process import wait_until
from harness.trees import installed_tree
from test_leak import left, memory_kb, temporary_files
from test_many_runs import open_files
from test_parallel_steps import joined, step
from workbench import OWNER, workbench

RUNS = 150
ATTEMPTS = 100  # of one run; option max_retries goes no further
EARLY = 20
ROWS = 400
WIDTH = 700  # of each: a step gives back 140 kB
GROWTH_KB = 1024  # of a process


@pytest.fixture(scope="module")
def mapped_server():
    settings = segments.SETTINGS
    with PostgresServer(installed_tree("15"), "parallel", preload=True, settings=settings) as server:
        yield server
        assert server.crash_lines() == []


@pytest.fixture
def bench(mapped_server):
    yield from workbench(mapped_server)


@pytest.fixture
def parallel(bench):
    """Functions that the planner cannot look into; w.count() counts its calls, and waits at those that somebody holds."""
    bench.admin.execute(f"""
        CREATE TABLE w.source AS SELECT n AS id, repeat('x', {WIDTH}) AS value FROM generate_series(1, {ROWS}) n;
        CREATE TABLE w.target (id int PRIMARY KEY, value text, pid int);
        CREATE SEQUENCE w.calls;
        CREATE FUNCTION w.pid() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN pg_backend_pid(); END$$;
        CREATE FUNCTION w.broken() RETURNS int LANGUAGE plpgsql AS
        $$BEGIN RAISE 'broken on purpose' USING ERRCODE = 'P0077'; END$$;
        CREATE FUNCTION w.count() RETURNS int LANGUAGE plpgsql AS $$
        DECLARE call bigint := nextval('w.calls');
        BEGIN
          PERFORM pg_advisory_xact_lock(call);
          IF call < {ATTEMPTS} THEN RAISE 'call %', call USING ERRCODE = '40001'; END IF;
          RETURN pg_backend_pid();
        END$$""")
    for name in ("TABLE w.source", "TABLE w.target", "SEQUENCE w.calls"):
        bench.admin.execute(f"ALTER {name} OWNER TO {OWNER}")
    for name in ("pid", "broken", "count"):
        bench.admin.execute(f"ALTER FUNCTION w.{name} OWNER TO {OWNER}")
    return bench


def half(name, call, rows):
    query = f"SELECT id, value, pid FROM w.source, (SELECT w.{call}() OFFSET 0) AS p(pid) WHERE {rows}"
    return step(name, query)


def halves(first="pid", second="pid"):
    """The first is the leader's, the second a worker's."""
    low, high = f"id <= {ROWS // 2}", f"id > {ROWS // 2}"
    return joined(half("first", first, low), half("second", second, high), target="w.target")


def check_nothing_left(bench) -> None:
    wait_until(lambda: bench.processes() == 0, 20, "workers and keeper are gone")
    assert segments.segments(bench.server) == []
    assert bench.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    assert temporary_files(bench) == []
    assert left(bench) == []


def dead_rows():
    """Each of the two fails on a row."""
    both = [
        step(name, f"SELECT i.*, 1 / (i.id - {bad}) AS one, w.pid() FROM input AS i WHERE {rows}", "read")
        for name, bad, rows in (("first", 7, f"id <= {ROWS // 2}"), ("second", ROWS - 7, f"id > {ROWS // 2}"))
    ]
    *steps, save = joined(*both, target="w.target")
    slim = {"id": "slim", "operator": "drop_columns", "params": {"columns": ["one"]}, "depends_on": ["both"]}
    return [step("read", "SELECT id, value FROM w.source"), *steps, slim, save | {"depends_on": ["slim"]}]


def test_runs_leave_nothing_behind(parallel):
    """Each with a worker, or two of them, that gives back rows or an error."""
    definitions = {
        "dead": (dead_rows(), {"on_error": "quarantine"}, "succeeded"),
        "failing": (halves(second="broken"), {}, "failed"),
        "good": (halves(), {}, "succeeded"),
    }
    for name, (steps, options, _) in definitions.items():
        create(parallel, json.dumps(steps), name=name, options=json.dumps(options))
    sizes = []
    with parallel.owner() as caller:
        for number in range(RUNS // len(definitions)):
            for name, (_, _, end) in definitions.items():
                run = caller.execute("SELECT etl.run(%s)", (name,)).fetchone()[0]
                assert caller.execute("SELECT etl.wait(%s, '20 s')", (run,)).fetchone()[0] == end, name
            if number % EARLY == EARLY - 1:
                sizes.append(keeper_kb(parallel))
    assert parallel.one("SELECT count(DISTINCT pid) FROM w.target") == 2
    assert parallel.one("SELECT sum(rows_dead) FROM etl.runs") == 2 * RUNS // len(definitions)
    assert sizes[-1] < sizes[0] + GROWTH_KB, sizes
    check_nothing_left(parallel)


def keeper_kb(bench) -> int:
    return memory_kb(bench.one("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl keeper'"))


@dataclass
class Held:
    """What a process holds."""

    kb: int
    files: int

    @classmethod
    def by(cls, pid: int) -> "Held":
        return cls(memory_kb(pid), len(open_files(pid)))


# Where it fails, and how many workers are there then.
PLACES = {
    "the leader's step": (halves(first="count"), 1),
    "a worker's step": (halves(second="count"), 1),
    "a step behind them": (
        [
            *halves()[:-1],
            step("last", "SELECT id, value, c.pid FROM input, (SELECT w.count() OFFSET 0) AS c(pid)", "both"),
            halves()[-1] | {"depends_on": ["last"]},
        ],
        0,
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_leader_does_not_grow_with_its_attempts(parallel, place):
    steps, workers = PLACES[place]
    create(parallel, json.dumps(steps), options=json.dumps({"max_retries": ATTEMPTS, "retry_backoff": ["1ms"]}))
    seen = []
    with contextlib.ExitStack() as stack:
        holders = {}
        for call in (EARLY, ATTEMPTS):
            holders[call] = stack.enter_context(parallel.server.connect(parallel.name))
            holders[call].execute("SELECT pg_advisory_lock(%s)", (call,))
        run = parallel.run()
        leader = parallel.worker_pid(run)
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        for call in (EARLY, ATTEMPTS):
            wait_until(lambda: parallel.one(waits, call), 60, f"call {call} waits", 0.01)
            wait_until(
                lambda: len(segments.segments(parallel.server)) == workers, 10, "as many segments as workers", 0.01
            )
            seen.append(Held.by(leader))
            holders[call].close()
        assert parallel.ends(run) == "succeeded"
    assert parallel.one("SELECT attempt FROM etl.runs") == ATTEMPTS
    assert parallel.one("SELECT count(*) FROM w.target") == ROWS
    assert seen[1].files <= seen[0].files and seen[1].kb < seen[0].kb + GROWTH_KB, seen
    check_nothing_left(parallel)
