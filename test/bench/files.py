"""Files to PostgreSQL: a pipeline against COPY of the same file, and against a script in Python that reads it and copies;
and tables to files, against a script that fetches and writes.

A script is a process each run; its start and imports are not counted. Its target is as the pipeline's: made beforehand,
empty, with its primary key.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from .figures import Figure, paired, spread
from .tables import ALL, DIFFERS_INSERT, SET, prepare, timed

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = "test/bench/file-requirements.txt"
TYPES = {
    "id": "integer",
    "name": "text",
    "hash": "text",
    "amount": "numeric(12,2)",
    "category": "integer",
    "at": "timestamptz",
    "day": "smallint",
}
# The file, its reader in a pipeline, its readers in Python, and how many of the rows it has.
PEERS = {
    "rows.csv": ({"operator": "csv"}, ("pandas", "pyarrow"), 1.0),
    "rows.ndjson": ({"operator": "json"}, ("pandas", "pyarrow"), 1.0),
    "rows.xlsx": ({"operator": "xlsx"}, ("openpyxl",), 0.1),
}
# The file, its writers in Python, and how many of the rows it gets.
WRITERS = {"out.parquet": (("pandas", "pyarrow"), 1.0), "out.xlsx": (("openpyxl",), 0.1)}
UPSERT = (
    f"INSERT INTO bench.limit_target AS t SELECT {ALL} FROM incoming ON CONFLICT (id) DO UPDATE SET {SET}"
    f" WHERE {DIFFERS_INSERT}"
)


def measure(connection, server, rows: int, runs: int) -> list:
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)  # the server reads and writes there
        server.reload(**{"etl.data_directory": home})
        python = subprocess.check_output([ROOT / "tools" / "python-env", REQUIREMENTS], text=True).strip()
        script = Script(python, server, Path(home))
        write_files(connection, script, rows)
        for path, (reader, _, _) in PEERS.items():
            make_pipeline(connection, f"bench_{path}", path, reader, "append")
        make_pipeline(connection, "bench_upsert", "rows.csv", {"operator": "csv"}, "upsert")
        return [
            against_copy(connection, home, runs),
            *[against_upsert(connection, home, case, runs) for case in ("changed", "unchanged")],
            *[figure for path in PEERS for figure in against_scripts(connection, script, path, rows, runs)],
            *[figure for path in WRITERS for figure in against_writers(connection, script, path, rows, runs)],
        ]


def write_files(connection, script, rows: int) -> None:
    columns = ", ".join(TYPES)
    write_copy(connection, f"SELECT {columns} FROM bench.source", "(FORMAT csv, HEADER)", script.home / "rows.csv")
    write_copy(connection, "SELECT row_to_json(s)::text FROM bench.source AS s", "", script.home / "rows.ndjson")
    few = int(rows * PEERS["rows.xlsx"][2])
    path = script.home / "few.csv"
    write_copy(connection, f"SELECT {columns} FROM bench.source ORDER BY id LIMIT {few}", "(FORMAT csv, HEADER)", path)
    script.run("write", path, script.home / "rows.xlsx")


def write_copy(connection, query: str, options: str, path: Path) -> None:
    with connection.cursor() as cursor, open(path, "wb") as file:
        with cursor.copy(f"COPY ({query}) TO STDOUT {options}") as rows:
            for piece in rows:
                file.write(piece)


def make_pipeline(connection, name: str, path: str, reader: dict, write_mode: str) -> None:
    params = {"path": path, "columns": TYPES}
    steps = [
        {"id": "extract", "operator": reader["operator"], "params": params},
        {
            "id": "save",
            "operator": "table",
            "params": {"target": "bench.target", "write_mode": write_mode},
            "depends_on": ["extract"],
        },
    ]
    connection.execute("CREATE TABLE IF NOT EXISTS bench.target (LIKE bench.source INCLUDING ALL)")
    connection.execute("SELECT etl.create_pipeline(%s, steps => %s, batch_size => 10000)", [name, json.dumps(steps)])


def run(connection, pipeline: str) -> float:
    return timed(connection, f"CALL etl.run_wait('{pipeline}')")


def against_copy(connection, home: str, runs: int) -> Figure:
    mine, copied = [], []
    for _ in range(runs):
        prepare(connection, "target", "empty")
        mine.append(run(connection, "bench_rows.csv"))
        prepare(connection, "limit_target", "empty")
        copied.append(timed(connection, f"COPY bench.limit_target ({ALL}) FROM '{home}/rows.csv' (FORMAT csv, HEADER)"))
    size = os.path.getsize(f"{home}/rows.csv") / 1e6
    note = f"{spread(copied)} / {spread(mine)}"
    return Figure(f"CSV of {size:.0f} MB, append: COPY's time / time", paired(copied, mine), 0.7, ">=", note)


def against_upsert(connection, home: str, case: str, runs: int) -> Figure:
    mine, copied = [], []
    for _ in range(runs):
        prepare(connection, "target", case)
        mine.append(run(connection, "bench_upsert"))
        prepare(connection, "limit_target", case)
        connection.execute("DROP TABLE IF EXISTS incoming; CREATE TEMPORARY TABLE incoming (LIKE bench.source)")
        copied.append(
            timed(connection, f"COPY incoming ({ALL}) FROM '{home}/rows.csv' (FORMAT csv, HEADER)")
            + timed(connection, UPSERT)
        )
    note = f"{spread(copied)} / {spread(mine)}"
    return Figure(f"CSV, upsert, {case}: time of COPY and upsert / time", paired(copied, mine), 0.9, ">=", note)


def against_scripts(connection, script, path: str, rows: int, runs: int) -> list:
    _, tools, share = PEERS[path]
    mine, theirs = [], {tool: [] for tool in tools}
    for _ in range(runs):
        prepare(connection, "target", "empty")
        mine.append(run(connection, f"bench_{path}"))
        for tool in tools:
            prepare(connection, "limit_target", "empty")
            theirs[tool].append(script.run(tool, script.home / path))
            copied = connection.execute("SELECT count(*) FROM bench.limit_target").fetchone()[0]
            assert copied == connection.execute("SELECT count(*) FROM bench.target").fetchone()[0] == int(rows * share)
    return [
        Figure(
            f"{path}, {int(rows * share):,} rows: {tool} and COPY's time / time",
            paired(theirs[tool], mine),
            1.0,
            ">=",
            f"{spread(theirs[tool])} / {spread(mine)}",
        )
        for tool in tools
    ]


def against_writers(connection, script, path: str, rows: int, runs: int) -> list:
    tools, share = WRITERS[path]
    few = int(rows * share)
    query = f"SELECT {ALL} FROM bench.source WHERE id <= {few}"
    form = path.split(".")[1]
    steps = [
        {"id": "read", "operator": "sql", "params": {"query": query}},
        {"id": "save", "operator": "file", "params": {"path": path, "format": form}, "depends_on": ["read"]},
    ]
    connection.execute("SELECT etl.create_pipeline(%s, steps => %s)", [f"bench_{path}", json.dumps(steps)])
    mine, theirs = [], {tool: [] for tool in tools}
    for _ in range(runs):
        mine.append(run(connection, f"bench_{path}"))
        written = connection.execute("SELECT rows_written FROM etl.runs ORDER BY id DESC LIMIT 1").fetchone()[0]
        assert written == few, f"{written} rows were written"
        for tool in tools:
            theirs[tool].append(script.run(f"to-{tool}", script.home / f"their_{path}", query))
    return [
        Figure(
            f"{path}, {few:,} rows: time of fetching and {tool} / time",
            paired(theirs[tool], mine),
            1.0,
            ">=",
            f"{spread(theirs[tool])} / {spread(mine)}",
        )
        for tool in tools
    ]


class Script:
    """file_copy.py in an environment of its own; `home` has the files."""

    def __init__(self, python: str, server, home: Path):
        self.python, self.server, self.home = python, server, home

    def run(self, what: str, path: Path, other: Path | str = "bench.limit_target") -> float:
        """The seconds that it took."""
        command = [self.python, Path(__file__).with_name("file_copy.py"), what, path, other, self.server.url("bench")]
        return float(subprocess.check_output(command, cwd=self.home, text=True))
