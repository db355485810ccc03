"""Runs by the thousand, of steps, files, an API and another server, good ones and failing ones: they leave nothing behind.

PG_ETL_LEAK_RUNS says how many; `make soak` wants 10,000. The server has one slot for workers and there is always a run
waiting, so that one process leads most of them: what a run leaves open or allocated in it adds up.
"""

import contextlib
import json
import os
import re
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
from file_pipelines import create
from harness.far import READER
from harness.postgres import PostgresServer
from harness.process import wait_until
from harness.trees import installed_tree
from test_leak import left, temporary_files
from workbench import OWNER, workbench

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))
from json_api import JsonApi

RUNS = int(os.environ.get("PG_ETL_LEAK_RUNS", "200"))
COPIES = 2  # of each pipeline
SLOTS = 4  # PostgreSQL's own launcher, ours, a keeper, and one worker
PAGES = 20
RATE_KB = 0.5  # a run: what allocators keep; a leak of one small object a row is above it
SLACK_KB = 4096
SAMPLE_SECONDS = 0.1
BACKOFF = {"retry_backoff": ["10ms"]}
TEMPORARY = "/base/pgsql_tmp/"
OWN_FILES = re.compile(r"/(base/\d+|global|pg_wal|pg_xact)/")  # PostgreSQL keeps those of tables open, within a limit
SLACK_TEMPORARY = 10  # a run that is under way has some
WORK_MEM_KB = 64  # so that rows of w.many go through files


@pytest.fixture(scope="module")
def narrow_server():
    with PostgresServer(installed_tree("15"), "runs", preload=True, settings={"max_worker_processes": SLOTS}) as server:
        yield server
        assert server.crash_lines() == []


@pytest.fixture
def bench(narrow_server):
    yield from workbench(narrow_server)


@pytest.fixture
def api(bench):
    server = JsonApi(page)
    bench.server.reload(**{"etl.allowed_hosts": "127.0.0.1"})
    bench.admin.execute(f"""
        CREATE SERVER api TYPE 'http' FOREIGN DATA WRAPPER etl OPTIONS (url '{server.url}');
        GRANT USAGE ON FOREIGN SERVER api TO {OWNER}""")
    yield server
    server.stop()


def page(path, query, _):
    """PAGES pages of five records, or as many as the path says; of /bad the third has a record that is none."""
    number, last = int(query["page"]), int(path.removeprefix("/").removesuffix("bad") or PAGES)
    records = [{"id": 5 * number + i, "name": f"n{number}"} for i in range(5)]
    if path.endswith("bad") and number == 3:
        records[2] = {"id": "none"}
    return 200, {}, records if number <= last else []


# Pipelines


def step(name, operator, inputs=(), **params):
    return {"id": name, "operator": operator, "params": params, "depends_on": list(inputs)}


def rows(where="true"):
    return step("read", "sql", query=f"SELECT id, name FROM w.rows WHERE {where}")


def table(name, inputs=("read",), target=None):
    return step(name, "table", inputs, target=f"w.{target or name}")


def pages(path):
    return step(
        "read",
        "http_json",
        server="api",
        path=path,
        columns={"id": "int", "name": "text"},
        pagination={"type": "page", "param": "page"},
    )


def files(copy, *kinds):
    return [step(kind, "file", ["read"], path=f"out{copy}.{kind}", format=kind) for kind in kinds]


def lines():
    return step("read", "csv", path="lines.csv", columns={"id": "int", "name": "text"})


def definitions(copy) -> dict:
    """Name: steps, options, and how a run ends."""
    derived = step("upper", "derive", ["read"], columns={"name": "upper(name)"})
    quarantine = {"on_error": "quarantine"}
    return {
        "steps": (
            [rows(), derived, table("one", ["upper"]), table("two", ["upper"])],
            {"observe": "steps"},
            "succeeded",
        ),
        "lines": ([lines(), table("people")], quarantine, "succeeded"),
        "files": ([rows(), *files(copy, "csv", "parquet", "xlsx")], {}, "succeeded"),
        "pages": ([pages("/"), table("items")], {}, "succeeded"),
        "bad_lines": ([lines(), *files(f"{copy}bad", "csv"), table("people")], {}, "failed"),
        "bad_file": ([rows(), *files(f"{copy}no", "csv", "xlsx"), table("narrow")], {}, "failed"),
        "bad_pages": ([pages("/bad"), table("items")], {}, "failed"),
    }


def far_definitions(copy) -> dict:
    there = {"server": "far", "query": "SELECT id, name FROM rows"}
    quarantine = {"on_error": "quarantine"}
    return {
        "from_far": ([step("read", "sql", **there), table("one")], {}, "succeeded"),
        "to_far": ([rows(), far_table("copy")], {}, "succeeded"),
        "append_far": ([rows(), far_table("log", write_mode="append", key_columns=["id"])], {}, "succeeded"),
        "refused_rows": ([rows(), far_table("narrow")], quarantine, "succeeded"),
        "bad_there": ([rows(), far_table("narrow")], {}, "failed"),
        "bad_query": (
            [step("read", "sql", **there | {"query": "SELECT id / (id - 250) AS id, name FROM rows"}), table("two")],
            {},
            "failed",
        ),
    }


def far_table(name, **params):
    return step(name, "table", ["read"], target=f"far:public.{name}", **params)


def dead_row_definitions(copy) -> dict:
    """Steps and sinks that fail on rows, which are found by halves."""
    quarantine = {"on_error": "quarantine"}
    fragile = step("fragile", "derive", ["read"], columns={"id": "id + 0 / (id % 100)"})
    together = "SELECT i.id + 0 * (sum(i.id) OVER ())::int2 AS id, i.name FROM input AS i"
    many = step("read", "sql", query="SELECT id, name FROM w.many")
    return {
        "one_set": ([rows(), fragile, table("one", ["fragile"])], quarantine, "succeeded"),
        "spilled": ([many, fragile, table("many_copy", ["fragile"])], quarantine, "succeeded"),
        "batches": ([lines(), fragile, table("people", ["fragile"])], quarantine, "succeeded"),
        "sink": ([rows(), table("narrow")], quarantine, "succeeded"),
        "too_many": (
            [rows(), fragile, table("two", ["fragile"])],
            quarantine | {"max_dead_letters": 2},
            "failed",
        ),
        "together": (
            [rows(), step("all", "sql", ["read"], query=together), table("two", ["all"])],
            quarantine,
            "failed",
        ),
    }


def prepare(bench, folder, definitions) -> dict:
    """The pipelines, and how the runs of each end."""
    folder.chmod(0o777)
    (folder / "lines.csv").write_text("id,name\n" + "".join(f"{i},n{i}\n" for i in range(1, 300)) + "none,x\n")
    bench.admin.execute(f"GRANT pg_write_server_files TO {OWNER}")
    names = ("rows", "one", "two", "items", "narrow", "many", "many_copy")
    for name in names:
        bench.admin.execute(
            f"CREATE TABLE w.{name} (id int PRIMARY KEY, name text); ALTER TABLE w.{name} OWNER TO {OWNER}"
        )
    bench.admin.execute("""
        INSERT INTO w.rows SELECT n, 'n' || n FROM generate_series(1, 300) n;
        INSERT INTO w.many SELECT n, repeat('n', 200) FROM generate_series(1, 999) n;
        ALTER TABLE w.narrow ADD CHECK (id < 300)""")
    ends = {}
    for copy in range(COPIES):
        for name, (steps, options, end) in definitions(copy).items():
            create(bench, json.dumps(steps), name=f"{name}{copy}", options=json.dumps(BACKOFF | options))
            ends[f"{name}{copy}"] = end
    return ends


# What the processes hold


@dataclass
class Sample:
    run: int
    kb: int
    files: list  # what is open, but for the files of tables and those of temporary rows
    temporary: int


def open_files(pid: int) -> list:
    """Their names, without those of tables."""
    names = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return [name for name in names if not OWN_FILES.search(name)]


def look(bench, samples, run) -> None:
    """A sample of each of our processes."""
    ours = "SELECT pid, backend_type FROM pg_stat_activity WHERE backend_type LIKE 'pg_etl%'"
    for pid, kind in bench.admin.execute(ours).fetchall():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            names = open_files(pid)
            memory = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
            if memory:  # a process that is about to end has none
                files = [name for name in names if TEMPORARY not in name]
                samples[kind, pid].append(Sample(run, int(memory.group(1)), files, len(names) - len(files)))


def drive(bench, names) -> dict:
    """RUNS runs, as soon as their pipelines are at rest; the samples by process."""
    samples = defaultdict(list)
    started, next_look = 0, 0.0
    resting = "SELECT name FROM etl.pipelines WHERE state IN ('IDLE', 'FAILED') ORDER BY name"
    with bench.owner() as owner:
        while started < RUNS:
            for (name,) in owner.execute(resting).fetchall():
                owner.execute("SELECT etl.run(%s)", (name,))
                started += 1
            if time.monotonic() > next_look:
                look(bench, samples, started)
                next_look = time.monotonic() + SAMPLE_SECONDS
            time.sleep(0.002)
    wait_until(lambda: not bench.one("SELECT count(*) FROM etl.pipelines WHERE state NOT IN ('IDLE', 'FAILED')"), 60)
    look(bench, samples, started)  # at rest, if the worker is still there
    return samples


def check_flat(samples) -> None:
    """No process holds more in its last third than in its second: in the first it meets every pipeline."""
    checked = set()
    for (kind, pid), seen in samples.items():
        runs = seen[-1].run - seen[0].run
        if runs < RUNS / 5:
            continue
        checked.add(kind)
        first, second = seen[0].run + runs / 3, seen[0].run + 2 * runs / 3
        early = [sample for sample in seen if first < sample.run <= second]
        late = [sample for sample in seen if sample.run > second]
        # What a run under way has open is no leak: the least of what was seen is what stays.
        files = [min(len(sample.files) for sample in part) for part in (early, late)]
        sizes = [max(sample.kb for sample in part) for part in (early, late)]
        print(f"{kind} {pid}, {runs} runs: {files[0]} -> {files[1]} files, {sizes[0]} -> {sizes[1]} kB")
        assert files[1] <= files[0] + 2, late[-1].files
        temporary = [max(sample.temporary for sample in part) for part in (early, late)]
        assert temporary[1] <= temporary[0] + SLACK_TEMPORARY, (kind, runs, temporary)
        assert sizes[1] <= sizes[0] + SLACK_KB + RATE_KB * runs, (kind, runs, sizes)
    assert "pg_etl worker" in checked


def check_nothing_left(bench, before) -> None:
    wait_until(lambda: bench.processes() == 0, 20, "worker and keeper are gone")
    assert bench.one("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == 1
    assert bench.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    assert held_by_server(bench) == before
    assert temporary_files(bench) == []
    assert left(bench) == []


def held_by_server(bench) -> list:
    """How many there are of what outlives a session that forgets it."""
    counts = (
        "pg_class WHERE relpersistence <> 'p'",
        "pg_class WHERE relnamespace <> ALL ('{11,99}') AND relkind IN ('r', 'i', 't', 'S')",
        "pg_prepared_xacts",
        "pg_replication_slots",
        "pg_largeobject_metadata",
    )
    return [bench.one(f"SELECT count(*) FROM {what}") for what in counts]


def run_all(bench, ends) -> list:
    """RUNS runs of these pipelines that end as they should, in few processes, which do not grow; their pipelines."""
    before = held_by_server(bench)
    start = time.monotonic()
    samples = drive(bench, ends)
    print(f"{RUNS / (time.monotonic() - start):.0f} runs a second")
    ended = bench.admin.execute("SELECT pipeline, status, error_code, error_message, attempt FROM etl.runs").fetchall()
    assert [run for run in ended if run[1] != ends[run[0]] or run[4] > 1] == []
    workers = bench.one("SELECT count(DISTINCT worker_pid) FROM etl.runs")
    print(f"{len(ended)} runs by {workers} workers")
    assert workers <= max(2, RUNS / 50)
    check_flat(samples)
    check_nothing_left(bench, before)
    return [name for name, *_ in ended]


def test_runs_leave_nothing_behind(bench, folder, api):
    ended = run_all(bench, prepare(bench, folder, definitions))
    wait_until(lambda: api.open == 0, 5, "no connection to the API is left")
    wanted = {f"out{copy}.{kind}" for copy in range(COPIES) for kind in ("csv", "parquet", "xlsx")}
    assert {path.name for path in folder.iterdir()} == wanted | {"lines.csv"}
    asked = sum("pages" in name for name in ended)
    print(f"{len(api.seen)} requests of {asked} runs on {api.connections} connections")
    assert 1 - api.connections / len(api.seen) >= 0.99


def test_runs_leave_nothing_in_another_server(bench, folder, far):
    far.execute("""
        CREATE TABLE rows AS SELECT n AS id, 'n' || n AS name FROM generate_series(1, 300) n;
        CREATE TABLE copy (id int PRIMARY KEY, name text); CREATE TABLE log (id int, name text);
        CREATE TABLE narrow (id int PRIMARY KEY CHECK (id < 300), name text)""")
    ended = run_all(bench, prepare(bench, folder, far_definitions))
    assert far.execute("SELECT count(*) FROM log").fetchone()[0] == 300 * sum("append_far" in name for name in ended)
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{READER}'"
    wait_until(lambda: far.execute(sessions).fetchone()[0] == 0, 5, "no connection is left there")


def test_rows_that_fail_leave_nothing_behind(bench, folder):
    bench.admin.execute(f"ALTER ROLE {OWNER} SET work_mem = '{WORK_MEM_KB}kB'")
    ended = run_all(bench, prepare(bench, folder, dead_row_definitions))
    bench.admin.execute(f"ALTER ROLE {OWNER} RESET work_mem")
    assert bench.one("SELECT count(*) FROM w.one") == 297 and bench.one("SELECT count(*) FROM w.many_copy") == 990
    assert bench.one("SELECT count(*) FROM w.two") == 0 and len(ended) >= RUNS


def test_a_thousand_pages_come_over_one_connection(bench, folder, api):
    bench.admin.execute(f"CREATE TABLE w.items (id int PRIMARY KEY, name text); ALTER TABLE w.items OWNER TO {OWNER}")
    create(bench, json.dumps([pages("/1000"), table("items")]))
    assert bench.ends(bench.run(), 120) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.items") == 5000
    assert len(api.seen) == 1001
    assert 1 - api.connections / len(api.seen) >= 0.99
