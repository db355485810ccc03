"""Runs the pg_regress and the isolation suites on a private server of one tree.

Debian 15's drivers serve all majors (the kits' own crash or are missing), with 15's psql. SQL tests are the Makefile's
REGRESS list, in test/sql with the answers in expected/; specs and their answers are in test/isolation. The servers
preload the extension and take more settings from test/regress.conf when that exists.
"""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from .places import ROOT
from .postgres import PostgresServer
from .process import clean_environment, run
from .trees import DEBIAN_PG_CONFIG, Tree, installed_tree

DRIVERS = Path("/usr/lib/postgresql/15/lib/pgxs/src/test")
DATABASE = "contrib_regression"


def run_regress(name: str, flavour: str = "") -> int:
    """Run all SQL tests on that tree; 0 when all passed and no server process crashed."""
    listed = run(["make", "-s", "--no-print-directory", "print-regress"], cwd=ROOT, env=clean_environment()).stdout
    return _run(DRIVERS / "regress" / "pg_regress", "regress", ROOT / "test", listed.split(), name, flavour)


def run_isolation(name: str, flavour: str = "") -> int:
    """Run all isolation specs on that tree; 0 when all passed and no server process crashed."""
    folder = ROOT / "test" / "isolation"
    specs = sorted(spec.stem for spec in (folder / "specs").glob("*.spec"))
    return _run(DRIVERS / "isolation" / "pg_isolation_regress", "isolation", folder, specs, name, flavour)


def _run(driver: Path, kind: str, inputs: Path, tests: list, name: str, flavour: str) -> int:
    if not tests:
        print(f"there are no {kind} tests")
        return 1
    target = installed_tree(name, flavour)
    output = ROOT / "build" / "test" / f"{kind}-{target.name}"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    if kind == "regress":  # pg_regress looks for answers below its output directory, then below its input directory
        (output / "expected").symlink_to(ROOT / "expected")
    with PostgresServer(target, kind, preload=True, settings=_settings()) as server:
        status = subprocess.run(
            _command(driver, server, inputs, output, tests), cwd=ROOT, check=False, env=_environment(target)
        ).returncode
        _show_differences(output)
        for line in server.crash_lines():
            print(f"in the server's log: {line}")
        shutil.copyfile(server.log_path, output / "server.log")
        return status or (1 if server.crashes() else 0)


def _command(driver: Path, server: PostgresServer, inputs: Path, output: Path, tests: list) -> list:
    return [
        str(part)
        for part in (
            driver,
            f"--bindir={DEBIAN_PG_CONFIG.parent}",
            f"--inputdir={inputs}",
            f"--outputdir={output}",
            f"--dbname={DATABASE}",
            "--host=127.0.0.1",
            f"--port={server.port}",
            "--user=postgres",
            *tests,
        )
    ]


def _environment(target: Tree) -> dict:
    """For the driver and psql; they are Debian's, so no library path of the tree."""
    own = {name: value for name, value in target.environment().items() if name != "LD_LIBRARY_PATH"}
    return own | {"USER": pwd.getpwuid(os.geteuid()).pw_name}


def _settings() -> dict:
    """`name = value` lines of test/regress.conf."""
    path = ROOT / "test" / "regress.conf"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    pairs = (line.split("#")[0].partition("=") for line in text.splitlines())
    return {name.strip(): value.strip().strip("'") for name, separator, value in pairs if separator}


def _show_differences(output: Path) -> None:
    differences = output / "regression.diffs"
    if differences.exists():
        sys.stdout.flush()
        print(differences.read_text(encoding="utf-8", errors="replace"), flush=True)
