"""PostgreSQL to PostgreSQL: a pipeline against dlt, which copies the same rows between the same tables.

dlt gets the target as the pipeline gets it, made beforehand with its primary key. A process each run, its start and
imports not counted.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from .figures import Figure, paired, spread
from .tables import CASES, prepare, timed

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = "test/bench/dlt-requirements.txt"
SETUP = "ConnectorX, ADBC COPY, merge by upsert"
VERSION = "from importlib.metadata import version; print(version('dlt'))"


def measure(connection, server, rows: int, runs: int) -> list:
    python = subprocess.check_output([ROOT / "tools" / "python-env", REQUIREMENTS], text=True).strip()
    version = subprocess.check_output([python, "-c", VERSION], text=True).strip()
    figures = []
    with tempfile.TemporaryDirectory() as home:
        for case in CASES:
            mine, theirs = [], []
            for _ in range(runs):
                prepare(connection, "target", case)
                mine.append(timed(connection, "CALL etl.run_wait('bench')"))
                prepare(connection, "dlt_target", case)
                theirs.append(run_dlt(python, server, home))
            check_copy(connection)
            name = f"{rows:,} rows, {case}: dlt's time / time"
            note = f"{spread(theirs)} / {spread(mine)}; dlt {version}: {SETUP}"
            figures.append(Figure(name, paired(theirs, mine), note=note))
    return figures


def run_dlt(python: str, server, home: str) -> float:
    """The seconds of one run. dlt keeps its files and its state in `home`; it wants a password, which nobody asks for."""
    environment = os.environ | {
        "DLT_DATA_DIR": home,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",  # warns in each run that Arrow's types are not those it reflected
    }
    url = server.url("bench", "postgres:unused")
    command = [python, Path(__file__).with_name("dlt_copy.py"), url, "bench", "source", "dlt_target"]
    return float(subprocess.check_output(command, cwd=home, env=environment, text=True))


def check_copy(connection) -> None:
    differing = connection.execute(
        "SELECT count(*) FROM (TABLE bench.source EXCEPT ALL TABLE bench.dlt_target) AS d"
    ).fetchone()[0]
    assert differing == 0, f"dlt's target lacks {differing} rows of the source"
