"""Sink file: what a run delivers as csv, json, xlsx and parquet, whole or not at all."""

import json
import os
import subprocess

import file_pipelines
import pytest
from file_pipelines import create, run
from harness.arrow import python as arrow_python
from workbench import OWNER

ROWS = """CREATE TABLE w.rows AS SELECT i AS id, 'n' || i AS name, i * 1.5::numeric(12, 2) AS pay, i % 2 = 0 AS even,
    date '2024-01-01' + i AS day, timestamptz '2024-01-01 12:00+00' + i * interval '1 second' AS at,
    jsonb_build_object('i', i) AS doc, CASE WHEN i % 3 > 0 THEN 'a "quoted", text' END AS note FROM generate_series(1, 1000) i"""


@pytest.fixture
def folder(bench, folder):
    """That of conftest.py, which the server may write too, with a directory `out`; and the table w.rows."""
    (folder / "out").mkdir()
    for directory in (folder, folder / "out"):
        os.chmod(directory, 0o777)
    bench.admin.execute(f"GRANT pg_write_server_files TO {OWNER}")
    bench.admin.execute(ROWS)
    bench.admin.execute(f"ALTER TABLE w.rows OWNER TO {OWNER}; ALTER TABLE w.rows ADD PRIMARY KEY (id)")
    return folder


def steps(*sinks, query="SELECT * FROM w.rows"):
    read = {"id": "read", "operator": "sql", "params": {"query": query}}
    return json.dumps(
        [read]
        + [
            {"id": f"save{i}", "operator": sink.pop("operator", "file"), "params": sink, "depends_on": ["read"]}
            for i, sink in enumerate(sinks)
        ]
    )


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind, params", [("csv", {}), ("json", {}), ("json", {"layout": "array"}), ("xlsx", {})])
def test_what_is_written_is_read_back(bench, folder, kind, params):
    create(
        bench, steps({"path": f"out/rows.{kind}", "format": kind, **params}, query="SELECT * FROM w.rows ORDER BY id")
    )
    assert bench.one("SELECT count(*) FROM etl.dry_run('p') WHERE action = 'insert'") == 1000
    assert bench.one("SELECT etl.preview('p', 1)")["name"] == "n1"
    assert f"-> save0 (file) out/rows.{kind}" in bench.one("SELECT string_agg(l, ' ') FROM etl.explain('p') AS l")
    assert left(folder) == []
    assert run(bench) == "succeeded"
    assert left(folder) == [f"out/rows.{kind}"]
    size = (folder / "out" / f"rows.{kind}").stat().st_size
    written = {"path": f"out/rows.{kind}", "status": "written", "rows": 1000, "bytes": size}
    assert bench.one("SELECT files FROM etl.runs") == [{"step": "save0", **written}]
    assert bench.one("SELECT figures FROM etl.step_runs WHERE step = 'save0'") == written
    assert bench.one("SELECT rows_written FROM etl.runs") == 1000

    columns = "{int, text, numeric, boolean, date, timestamptz, jsonb, text}".strip("{}").split(", ")
    names = ["id", "name", "pay", "even", "day", "at", "doc", "note"]
    read = {"path": f"out/rows.{kind}", "columns": dict(zip(names, columns, strict=True))}
    if params:
        read["format"] = "array"
    back = [
        {"id": "read", "operator": kind, "params": read},
        {"id": "save", "operator": "table", "params": {"target": "w.back"}, "depends_on": ["read"]},
    ]
    bench.admin.execute(f"CREATE TABLE w.back (LIKE w.rows INCLUDING ALL); ALTER TABLE w.back OWNER TO {OWNER}")
    bench.admin.execute("SET timezone = 'UTC'")
    bench.admin.execute(f"ALTER ROLE {OWNER} SET timezone = 'UTC'")
    create(bench, json.dumps(back), name="back")
    assert bench.ends(bench.run("back")) == "succeeded"
    assert bench.one("SELECT count(*) FROM (TABLE w.rows EXCEPT TABLE w.back) AS d") == 0
    assert bench.one("SELECT count(*) FROM w.back") == 1000


def test_parquet_is_read_by_others(bench, folder):
    create(
        bench,
        steps(
            {"path": "rows.parquet", "format": "parquet", "compression": "zstd"},
            query="SELECT * FROM w.rows ORDER BY id",
        ),
    )
    assert run(bench) == "succeeded"
    assert left(folder) == ["rows.parquet"]
    program = (
        "import sys, pyarrow.parquet as q; t = q.read_table(sys.argv[1]); "
        "print(t.num_rows, [str(f.type) for f in t.schema], t['pay'][9], t['day'][0], t['note'][2])"
    )
    shown = subprocess.run(
        [arrow_python(), "-c", program, folder / "rows.parquet"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert shown == (
        "1000 ['int32', 'string', 'string', 'bool', 'date32[day]', 'timestamp[us, tz=UTC]', 'string', 'string'] 15.00 "
        "2024-01-02 None"
    )


def test_a_file_and_a_table_of_one_run(bench, folder):
    bench.admin.execute(f"CREATE TABLE w.kept (LIKE w.rows INCLUDING ALL); ALTER TABLE w.kept OWNER TO {OWNER}")
    create(bench, steps({"path": "rows.csv", "format": "csv"}, {"operator": "table", "target": "w.kept"}))
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.kept") == 1000
    assert (folder / "rows.csv").read_text().count("\n") == 1001
    assert bench.one("SELECT target FROM etl.pipelines") == "file:rows.csv, w.kept"
    before = (folder / "rows.csv").read_bytes()
    # The table fails after the file was written: the old file stays, and nothing else is left.
    bench.admin.execute("ALTER TABLE w.kept ADD CHECK (id < 1001)")
    bench.admin.execute("INSERT INTO w.rows (id, name) VALUES (2000, 'no')")
    assert run(bench)[:2] == ("failed", "23514")
    assert (folder / "rows.csv").read_bytes() == before
    assert left(folder) == ["rows.csv"]


def test_rows_that_a_format_cannot_hold(bench, folder):
    bench.admin.execute("UPDATE w.rows SET day = '1850-01-01' WHERE id IN (3, 900)")
    create(bench, steps({"path": "rows.xlsx", "format": "xlsx"}))
    status, code, message = run(bench)[:3]
    assert (status, code) == ("failed", "22008")
    assert left(folder) == []
    with bench.owner() as owner:
        owner.execute("SELECT etl.cancel('p')")
        owner.execute('SELECT etl.alter_pipeline(\'p\', \'{"options": {"on_error": "quarantine"}}\')')
    assert run(bench) == "succeeded"
    assert bench.one("SELECT rows_dead FROM etl.runs ORDER BY id DESC LIMIT 1") == 2
    letters = bench.admin.execute(
        "SELECT step, (original_record->>'id')::int, error_code FROM etl.dead_letters ORDER BY 2"
    ).fetchall()
    assert letters == [("save0", 3, "22008"), ("save0", 900, "22008")]
    assert bench.one("SELECT (files -> 0 ->> 'rows')::int FROM etl.runs ORDER BY id DESC LIMIT 1") == 998


def test_what_is_refused(bench, folder, tmp_path_factory):
    def refused(params, **more):
        return file_pipelines.refused(bench, steps(params), **more)

    for path in ("../rows.csv", "/etc/rows.csv", "out/../../rows.csv", ""):
        assert refused({"path": path, "format": "csv"}) in ("42501", "22023"), path
    assert refused({"path": "rows.csv", "format": "tsv"}) == "22023"
    assert refused({"path": "rows.csv", "format": "csv", "sheet": "x"}) == "22023"
    assert refused({"path": "rows.xlsx", "format": "xlsx", "delimiter": ";"}) == "22023"
    assert (
        refused(
            {"path": "rows.csv", "format": "csv"}, mode="incremental", incremental_key="id", incremental_id_key="id"
        )
        == "22023"
    )
    bench.admin.execute(f"REVOKE pg_write_server_files FROM {OWNER}")
    assert refused({"path": "rows.csv", "format": "csv"}) == "42501"
    bench.admin.execute(f"GRANT pg_write_server_files TO {OWNER}")

    outside = tmp_path_factory.mktemp("outside")
    os.chmod(outside, 0o777)
    (folder / "link").symlink_to(outside)
    (folder / "rows.csv").symlink_to(outside / "rows.csv")
    for name, path in (("a", "link/rows.csv"), ("b", "rows.csv")):
        create(bench, steps({"path": path, "format": "csv"}), name=name)
        number = bench.run(name)
        assert bench.ends(number) == "failed"
        assert bench.error(number)[0] == "42501"
    create(bench, steps({"path": "none/rows.csv", "format": "csv"}), name="c")
    number = bench.run("c")
    assert bench.ends(number) == "failed"
    assert bench.error(number)[0] == "58P01"
    assert list(outside.iterdir()) == []
