"""A hundred runs that are cancelled, each where it holds something: no session, file, temporary object or segment is left."""

import json
import sys
import threading
from pathlib import Path

import pytest
from elastic_workbench import allow_hosts
from file_pipelines import create
from harness import segments
from harness.far import READER
from harness.postgres import PostgresServer
from harness.process import wait_until
from harness.trees import installed_tree
from test_leak import left, memory_kb, temporary_files
from test_many_runs import held_by_server, open_files
from workbench import OWNER, workbench

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))
from json_api import JsonApi

RUNS = 100
EARLY = 20
GROWTH_KB = 2048  # of the keeper
ROWS = 300
GATE = 4711
KINDS = ("csv", "json", "parquet", "xlsx")
WORK_MEM_KB = 64  # so that rows go through files


@pytest.fixture(scope="module")
def mapped_server():
    with PostgresServer(installed_tree("15"), "cancelled", preload=True, settings=segments.SETTINGS) as server:
        yield server
        assert server.crash_lines() == []


@pytest.fixture
def bench(mapped_server):
    yield from workbench(mapped_server)


class Gates:
    """Where the runs stand still: at an advisory lock of this database, a table lock over there, a page of the API."""

    def __init__(self, bench, far):
        self.bench, self.far = bench, far
        self.api = JsonApi(self.page)
        self.opened = threading.Event()
        self.asked = 0

    def page(self, path, query, _):
        number = int(query["page"])
        if number == 3:
            self.asked += 1
            self.opened.wait(60)
        return 200, {}, [{"id": 5 * number + i, "name": f"n{number}"} for i in range(5)] if number <= 3 else []

    def waiting(self, sessions):
        """Of this database, at the gate."""
        found = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        return self.bench.one(found, GATE) == sessions

    def waiting_there(self, _):
        found = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{READER}' AND wait_event_type = 'Lock'"
        return self.far.execute(found).fetchone()[0] == 1

    def waiting_for_a_page(self, _):
        reached, self.asked = self.asked > 0, 0
        return reached


@pytest.fixture
def gates(bench, folder, far):
    """Everything that the definitions want."""
    folder.chmod(0o777)
    (folder / "lines.csv").write_text("id,name\n" + "".join(f"{i},n{i}\n" for i in range(1, ROWS)) + "none,x\n")
    bench.admin.execute(f"GRANT pg_write_server_files TO {OWNER}")
    for name in ("rows", "one", "held"):
        bench.admin.execute(
            f"CREATE TABLE w.{name} (id int PRIMARY KEY, name text); ALTER TABLE w.{name} OWNER TO {OWNER}"
        )
    bench.admin.execute(f"""
        INSERT INTO w.rows SELECT n, repeat('n', 700) FROM generate_series(1, {ROWS}) n;
        CREATE FUNCTION w.gate() RETURNS int LANGUAGE plpgsql AS
        $$BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN 1; END$$;
        CREATE FUNCTION w.hold() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM w.gate(); RETURN new; END$$;
        ALTER FUNCTION w.gate OWNER TO {OWNER}; ALTER FUNCTION w.hold OWNER TO {OWNER};
        CREATE TRIGGER hold BEFORE INSERT ON w.held FOR EACH ROW WHEN (new.id = 200) EXECUTE FUNCTION w.hold();
        ALTER ROLE {OWNER} IN DATABASE {bench.name} SET work_mem = '{WORK_MEM_KB}kB'""")
    far.execute("""
        CREATE TABLE rows AS SELECT n AS id, 'n' || n AS name FROM generate_series(1, 300) n;
        CREATE TABLE copy (id int PRIMARY KEY, name text)""")
    gates = Gates(bench, far)
    allow_hosts(bench, "local://127.0.0.1")
    bench.admin.execute(f"""
        CREATE SERVER api TYPE 'http' FOREIGN DATA WRAPPER etl OPTIONS (url '{gates.api.url}');
        GRANT USAGE ON FOREIGN SERVER api TO {OWNER}""")
    yield gates
    gates.opened.set()
    gates.api.stop()


def step(name, operator, inputs=(), **params):
    return {"id": name, "operator": operator, "params": params, "depends_on": list(inputs)}


def save(target, *inputs):
    return step("save", "table", inputs or ["read"], target=target)


def files(*kinds):
    return [step(kind, "file", ["read"], path=f"out.{kind}", format=kind) for kind in kinds]


def definitions(gates) -> dict:
    """Name: steps, options, how it is seen that they stand still, and how many sessions do."""
    rows = step("read", "sql", query="SELECT id, name FROM w.rows")
    lines = step("read", "csv", path="lines.csv", columns={"id": "int", "name": "text"})
    slow = "SELECT i.* FROM input AS i, (SELECT w.gate() OFFSET 0) AS g WHERE i.id % 2 = "
    halves = [step("even", "sql", ["read"], query=slow + "0"), step("odd", "sql", ["read"], query=slow + "1")]
    there = step("read", "sql", server="far", query="SELECT id, name FROM rows")
    pages = step(
        "read",
        "http_json",
        server="api",
        path="/",
        columns={"id": "int", "name": "text"},
        pagination={"type": "page", "param": "page"},
    )
    quarantine = {"on_error": "quarantine"}
    return {
        "batch": ([rows, save("w.held")], {}, gates.waiting, 1),
        "lines": ([lines, save("w.held")], quarantine, gates.waiting, 1),
        "files": ([rows, *files(*KINDS), save("w.held")], {}, gates.waiting, 1),
        "workers": (
            [rows, *halves, step("both", "union", ["even", "odd"]), save("w.one", "both")],
            {},
            gates.waiting,
            2,
        ),
        "replaced": ([rows, save("w.held")], {"write_mode": "replace"}, gates.waiting, 1),
        "slices": ([rows, save("w.held")], {"slices": 2}, gates.waiting, 1),
        "pages": ([pages, save("w.one")], {}, gates.waiting_for_a_page, 1),
        "from_far": ([there, save("w.held")], {}, gates.waiting, 1),
        "to_far": ([rows, save("far:public.copy")], {}, gates.waiting_there, 1),
    }


def check_nothing_left(bench, far, gates, before) -> None:
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{READER}'"
    wait_until(lambda: bench.processes() == 0, 20, "worker and keeper are gone")
    wait_until(lambda: far.execute(sessions).fetchone()[0] == 0, 10, "no connection is left there")
    gates.opened.set()
    wait_until(lambda: gates.api.open == 0, 10, "no connection to the API is left")
    assert segments.segments(bench.server) == []
    ours = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid NOT IN (SELECT pg_backend_pid())"
    assert bench.one(ours) == 0
    assert held_by_server(bench) == before
    assert temporary_files(bench) == []
    assert left(bench) == []


def test_cancelled_runs_leave_nothing_behind(bench, folder, far, gates):
    before = held_by_server(bench)
    wanted = definitions(gates)
    for name, (steps, options, *_) in wanted.items():
        create(bench, json.dumps(steps), name=name, options=json.dumps(options))
    far_holder = bench.server.connect(far.info.dbname, autocommit=False)
    seen = []
    with bench.server.connect(bench.name) as holder, far_holder, bench.owner() as owner:
        holder.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        far_holder.execute("LOCK TABLE copy")
        for number in range(RUNS):
            name = list(wanted)[number % len(wanted)]
            _, _, stands, sessions = wanted[name]
            run = owner.execute("SELECT etl.run(%s)", (name,)).fetchone()[0]
            wait_until(lambda: stands(sessions), 20, f"run {run} of {name} stands still", 0.005)
            unfinished = [path.name for path in folder.iterdir() if path.name.startswith(".out.")]
            assert len(unfinished) == (len(KINDS) if name == "files" else 0)
            owner.execute("SELECT etl.cancel(%s)", (name,))
            assert bench.ends(run) == "cancelled", name
            wait_until(lambda: bench.processes("pg_etl worker%") == 0, 10, f"the workers of {name} are gone", 0.005)
            assert {path.name for path in folder.iterdir()} == {"lines.csv"}, name
            if number in (EARLY, RUNS - 1):
                pid = bench.one("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl keeper'")
                seen.append((memory_kb(pid), len(open_files(pid))))
        far_holder.rollback()
    assert bench.admin.execute("SELECT status, count(*) FROM etl.runs GROUP BY 1").fetchall() == [("cancelled", RUNS)]
    assert seen[1][0] < seen[0][0] + GROWTH_KB and seen[1][1] <= seen[0][1], seen
    check_nothing_left(bench, far, gates, before)
    for name in wanted:  # and all of them can run
        run = bench.run(name)
        assert bench.ends(run) == "succeeded", (name, bench.error(run))
    assert {path.name for path in folder.iterdir()} == {"lines.csv", *(f"out.{kind}" for kind in KINDS)}
