"""Much that passes through little: a large file, and a large hand-over between steps, in a worker that does not grow.

PG_ETL_FLAT_MB is the size of the file in MB; `make soak` wants 2,000 (2 GB). The hand-over has half of it.
"""

import json
import os

import pytest
from file_pipelines import create, run_watched
from test_many_runs import step
from workbench import OWNER

FILE_MB = int(os.environ.get("PG_ETL_FLAT_MB", "100"))
HAND_OVER_MB = FILE_MB // 2
SMALL_MB = 5
TIMEOUT = 60 + FILE_MB  # seconds for a run
LINE = "%d,name of row %d," + "x" * 175 + "\n"
WORK_MEM_KB = 1024
RELATIONS = 8  # work_mem is for each tuplestore, sort and hash table of the plans
CONSTANT_KB = 16 << 10  # a worker with nothing to do has 9 MB
GROWTH_KB = 2 << 10  # between a small file and a large one


@pytest.fixture
def bench(bench):
    bench.admin.execute(f"ALTER ROLE {OWNER} SET work_mem = '{WORK_MEM_KB}kB'")
    yield bench
    bench.admin.execute(f"ALTER ROLE {OWNER} RESET work_mem")


def write_lines(path, megabytes) -> int:
    """How many lines make a file of that size."""
    with open(path, "w", encoding="ascii") as file:
        file.write("id,name,pad\n")
        number = 0
        while file.tell() < megabytes * 1_000_000:
            file.write("".join(LINE % (n, n) for n in range(number, number + 5000)))
            number += 5000
    return number


def test_a_csv_file_moves_in_flat_memory(bench, folder):
    bench.admin.execute(
        f"CREATE UNLOGGED TABLE w.lines (id int, name text, pad text); ALTER TABLE w.lines OWNER TO {OWNER}"
    )
    read = step("read", "csv", path="lines.csv", columns={"id": "int", "name": "text", "pad": "text"})
    save = step("save", "table", ["read"], target="w.lines", write_mode="append")
    peaks = []
    for megabytes in (SMALL_MB, FILE_MB):
        lines = write_lines(folder / "lines.csv", megabytes)
        if not peaks:
            create(bench, json.dumps([read, save]), batch_size=5000)
        bench.admin.execute("TRUNCATE w.lines")
        status, peak = run_watched(bench, TIMEOUT)
        assert status == "succeeded"
        assert bench.one("SELECT count(*) FROM w.lines") == lines
        peaks.append(peak)
    print(f"{SMALL_MB} MB and {FILE_MB} MB: the worker held at most {peaks} kB")
    assert peaks[1] < peaks[0] + GROWTH_KB and peaks[1] < CONSTANT_KB + RELATIONS * WORK_MEM_KB


WIDE = "SELECT id, repeat(md5(id::text), 31) AS pad FROM w.numbers"  # 1 kB a row
COUNT = "SELECT {id} AS id, count(*) AS rows, sum(length(pad)) AS bytes FROM {of}"


def total(name, of, number):
    return step(name, "sql", [of], query=COUNT.format(id=number, of=of))


def save(*inputs):
    return step("save", "table", inputs, target="w.totals")


# Each hands the wide rows over in a relation: since every step is observed, or since two steps want them.
GRAPHS = {
    "observed": (
        [
            step("wide", "sql", query=WIDE),
            step("kept", "filter", ["wide"], where="id > 0"),
            total("first", "kept", 1),
            save("first"),
        ],
        {"observe": "steps"},
    ),
    "two dependants": (
        [
            step("wide", "sql", query=WIDE),
            total("first", "wide", 1),
            total("second", "wide", 2),
            save("first", "second"),
        ],
        {},
    ),
}


@pytest.mark.parametrize("graph", sorted(GRAPHS))
def test_a_hand_over_stays_within_work_mem(bench, graph):
    rows = HAND_OVER_MB * 1000
    steps, options = GRAPHS[graph]
    bench.admin.execute(f"""
        CREATE TABLE w.numbers (id int); INSERT INTO w.numbers SELECT generate_series(1, {rows});
        CREATE TABLE w.totals (id int PRIMARY KEY, rows bigint, bytes bigint);
        ALTER TABLE w.numbers OWNER TO {OWNER}; ALTER TABLE w.totals OWNER TO {OWNER};
        ANALYZE w.numbers""")
    create(bench, json.dumps(steps), options=json.dumps(options))
    status, peak = run_watched(bench, TIMEOUT)
    assert status == "succeeded"
    totals = bench.admin.execute("SELECT DISTINCT rows, bytes FROM w.totals").fetchall()
    assert totals == [(rows, rows * 31 * 32)]
    spilled = bench.one("SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()")
    print(f"{graph}: {spilled >> 20} MB on disk, the worker held at most {peak} kB")
    assert spilled > HAND_OVER_MB * 900_000
    assert peak < CONSTANT_KB + RELATIONS * WORK_MEM_KB
