"""Pipelines over files: a source of them, steps behind it, a table; and how they end."""

import json
import re
import time
from pathlib import Path

import psycopg
import pytest
from workbench import ENDED

PEOPLE = "CREATE TABLE w.people (id int PRIMARY KEY, name text, age int, pay numeric, born date)"


def steps(path, *between, operator="csv", target="w.people", **params):
    """A chain: the source `extract`, the steps between as they are, and `save`, behind the last of them, to `target`."""
    source = {"id": "extract", "operator": operator, "params": {"path": path, **params}}
    chain = [source, *between]
    last = {"id": "save", "operator": "table", "params": {"target": target}, "depends_on": [chain[-1]["id"]]}
    return json.dumps([*chain, last])


def create(bench, definition, **more):
    arguments = {"name": "p", "steps": definition, "batch_size": 100, **more}
    names = ", ".join(f"{key} => %({key})s" for key in arguments)
    with bench.owner() as owner:
        owner.execute(f"SELECT etl.create_pipeline({names})", arguments)


def alter(bench, **changes):
    bench.admin.execute("SELECT etl.alter_pipeline('p', %s)", (json.dumps(changes),))


def run(bench):
    number = bench.run()
    return outcome(bench, number, bench.ends(number))


def outcome(bench, number, status):
    return status if status == "succeeded" else (status, *bench.error(number))


def run_watched(bench, timeout=120):
    """How the run ends, and the most kB that its worker held for itself, as far as it was seen."""
    number = bench.run()
    peak = 0
    deadline = time.monotonic() + timeout
    while (status := bench.status(number)) not in ENDED:
        assert time.monotonic() < deadline, f"run {number} is {status}"
        peak = max(peak, worker_kb(bench))
        time.sleep(0.005)
    return outcome(bench, number, status), peak


def worker_kb(bench) -> int:
    sizes = [0]
    for (pid,) in bench.admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'pg_etl worker'"
    ):
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found = re.search(r"RssAnon:\s+(\d+)", status)
        sizes.append(int(found.group(1)) if found else 0)
    return sum(sizes)


def refusal(bench, definition, **more):
    with pytest.raises(psycopg.Error) as error:
        create(bench, definition, **more)
    return error.value


def refused(bench, definition, **more):
    return refusal(bench, definition, **more).sqlstate


def refused_with(bench, definition, **more):
    error = refusal(bench, definition, **more)
    return error.sqlstate, error.diag.message_primary


def detail(bench):
    """Of the last run's error."""
    return bench.one("SELECT error_detail FROM etl.run_log ORDER BY id DESC LIMIT 1")


def letters(bench):
    """The dead letters: error, line, and the raw text."""
    return bench.admin.execute(
        "SELECT error_code, (original_record ->> '_line')::int,"
        " coalesce(original_record ->> '_raw', original_record ->> '_raw_hex') FROM etl.dead_letters ORDER BY id"
    ).fetchall()
