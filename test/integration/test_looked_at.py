"""Every source and every sink is looked at before it runs: preview, dry run and explain tell what the run does, and leave nothing."""

import json

import openpyxl
import pytest
from elastic_workbench import RecordingDouble, allow_hosts, use_sink
from file_pipelines import create, run
from test_file_sink import folder as writable_folder  # noqa: F401
from test_http_json import api  # noqa: F401
from workbench import OWNER

ROWS = 120
RECORDS = [{"id": i, "name": f"n{i}", "pay": i + 0.5} for i in range(1, ROWS + 1)]
COLUMNS = {"id": "int", "name": "text", "pay": "numeric"}
FORMATS = ("csv", "json", "parquet", "xlsx")


@pytest.fixture
def double():
    with RecordingDouble() as running:
        yield running


@pytest.fixture
def world(bench, writable_folder, api, double):  # noqa: F811
    """The same records wherever a source could find them; an empty table, an index and a folder to write to."""
    for name in ("there", "kept"):
        bench.admin.execute(f"CREATE TABLE w.{name} (id int PRIMARY KEY, name text, pay numeric)")
        bench.admin.execute(f"ALTER TABLE w.{name} OWNER TO {OWNER}")
    bench.admin.execute(f"INSERT INTO w.there SELECT n, 'n' || n, n + 0.5 FROM generate_series(1, {ROWS}) n")
    lines = ["id,name,pay", *(f"{one['id']},{one['name']},{one['pay']}" for one in RECORDS)]
    (writable_folder / "in.csv").write_text("\n".join(lines) + "\n")
    (writable_folder / "in.json").write_text(json.dumps(RECORDS))
    book = openpyxl.Workbook()
    book.active.append(list(COLUMNS))
    for one in RECORDS:
        book.active.append(list(one.values()))
    book.save(writable_folder / "in.xlsx")
    api.script = lambda *_: (200, {}, RECORDS)
    use_sink(bench, double.url, allow=False)
    allow_hosts(bench, "local://127.0.0.1")
    return bench


# Of each source: its params, and what explain says of the way it is read.
SOURCES = {
    "csv": ({"path": "in.csv"}, "files, one after the other"),
    "http_json": ({"server": "api", "path": "/items", "columns": COLUMNS}, "pages of an API, a request each"),
    "json": ({"path": "in.json", "format": "array"}, "files, one after the other"),
    "sql": ({"query": "SELECT id, name, pay FROM w.there"}, "Lock: ACCESS SHARE on w.there"),
    "table": ({"table": "w.there"}, "Lock: ACCESS SHARE on w.there"),
    "xlsx": ({"path": "in.xlsx"}, "files, one after the other"),
}
# Of each sink: its params, what explain calls it, and what a dry run would do with a row.
SINKS = {
    "elasticsearch": ({"target": "es:kept", "key_columns": ["id"]}, "es:kept", "index"),
    "table": ({"target": "w.kept"}, "w.kept", "insert"),
} | {f"file {kind}": ({"path": f"out/kept.{kind}", "format": kind}, f"out/kept.{kind}", "insert") for kind in FORMATS}


def define(bench, source, sink):
    read = {"id": "read", "operator": source, "params": SOURCES[source][0]}
    params = SINKS[sink][0]
    save = {"id": "save", "operator": sink.split()[0], "params": params, "depends_on": ["read"]}
    create(bench, json.dumps([read, save]), batch_size=50)


def looks(bench, source, sink):
    """As its owner, before there is any run."""
    with bench.owner() as owner:
        rows = [row for (row,) in owner.execute("SELECT etl.preview('p', 5)")]
        assert len(rows) == 5 and all(row in RECORDS for row in rows), rows
        assert len(owner.execute("SELECT etl.preview('p', 1000)").fetchall()) == ROWS
        dry = owner.execute("SELECT action, after FROM etl.dry_run('p', 1000)").fetchall()
        assert {action for action, _ in dry} == {SINKS[sink][2]}
        assert sorted((row for _, row in dry), key=lambda row: int(row["id"])) == RECORDS
        text = "\n".join(line for (line,) in owner.execute("SELECT etl.explain('p')"))
        assert SOURCES[source][1] in text, text
        assert f"-> save ({sink.split()[0]}) {SINKS[sink][1]}" in text, text
        ((whole,),) = owner.execute("SELECT etl.explain('p', format => 'json')").fetchall()
        assert SINKS[sink][1] in json.dumps(whole if isinstance(whole, dict | list) else json.loads(whole))


def nothing_is_left(bench, folder, double):  # noqa: F811
    for table in ("runs", "batches", "checkpoints", "dead_letters", "events"):
        assert bench.one(f"SELECT count(*) FROM etl.{table}") == 0, table
    assert bench.one("SELECT count(*) FROM w.kept") == 0
    assert list((folder / "out").iterdir()) == []
    assert double.stats.describe()["requests"] == 0


def test_every_operator_is_here(bench):
    """One that is added needs a line above."""
    found = bench.admin.execute(
        "SELECT kind, array_agg(name ORDER BY name) FROM etl.operators GROUP BY kind"
    ).fetchall()
    kinds = dict(found)
    assert kinds["source"] == sorted(SOURCES)
    assert kinds["sink"] == sorted({name.split()[0] for name in SINKS})


@pytest.mark.parametrize("source", SOURCES)
def test_a_source(world, writable_folder, double, source):  # noqa: F811
    define(world, source, "table")
    looks(world, source, "table")
    nothing_is_left(world, writable_folder, double)
    assert run(world) == "succeeded"
    same = "SELECT count(*) FROM (TABLE w.there INTERSECT TABLE w.kept) AS same"
    assert world.one(same) == world.one("SELECT count(*) FROM w.kept") == ROWS
    assert world.one("SELECT rows_read FROM etl.runs") == ROWS
    with world.owner() as owner:  # and again, when all of it is there
        actions = owner.execute("SELECT DISTINCT action FROM etl.dry_run('p', 1000)").fetchall()
        assert actions == [("unchanged",)]
        assert len(owner.execute("SELECT etl.preview('p', 1000)").fetchall()) == ROWS


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("source", ["csv", "sql"])
def test_a_sink(world, writable_folder, double, source, sink):  # noqa: F811
    define(world, source, sink)
    looks(world, source, sink)
    nothing_is_left(world, writable_folder, double)
    assert run(world) == "succeeded"
    assert world.one("SELECT rows_written FROM etl.runs") == ROWS
    delivered = {
        "elasticsearch": lambda: len(double.docs("kept")),
        "table": lambda: world.one("SELECT count(*) FROM w.kept"),
        "file": lambda: world.one("SELECT (files -> 0 ->> 'rows')::int FROM etl.runs"),
    }
    assert delivered[sink.split()[0]]() == ROWS
    assert [path.name for path in (writable_folder / "out").iterdir()] == [
        f"kept.{sink.split()[1]}" for _ in range(sink.startswith("file"))
    ]
