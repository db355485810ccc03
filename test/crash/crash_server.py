"""A server with fault points, and how it comes back after each kind of fault (src/pg/fault.hpp)."""

import contextlib
import itertools
import os
import signal
import time
from pathlib import Path

import psycopg
from harness import segments
from harness.places import hand_over
from harness.postgres import PostgresServer
from harness.process import Process, wait_until
from harness.trees import installed_tree

KINDS = ("error", "sigterm", "sigkill", "postmaster")
SIGNALS = {"sigterm": signal.SIGTERM, "sigkill": signal.SIGKILL, "postmaster": signal.SIGKILL}
OWNER = "mover"
TREE = os.environ.get("PG_ETL_TREE", "15-fault")
_numbers = itertools.count(1)


class CrashServer:
    """One server of the fault flavour; `kind` is what its workers meet, so that it knows which crashes are expected."""

    def __init__(self, kind: str, preload: bool):
        self.kind = kind
        self.preload = preload
        self.expected_crashes = 0
        # Processes die here, never the machine: what was written is there without fsync, and recovery is quicker.
        settings = {"fsync": False, **segments.SETTINGS}
        self.server = PostgresServer(installed_tree(TREE), f"crash-{kind}", preload=preload, settings=settings)
        self.files = self.server.home / "files"
        self.files.mkdir()
        hand_over(self.files)
        self.server.settings["etl.data_directory"] = self.files
        self.server.start()
        with self.server.connect() as admin:
            admin.execute(f"CREATE ROLE {OWNER} LOGIN")
            admin.execute(f"GRANT pg_read_server_files, pg_write_server_files TO {OWNER}")

    def destroy(self) -> None:
        self.server.destroy()

    @contextlib.contextmanager
    def database(self):
        """The name of a fresh database with the extension; dropped afterwards."""
        name = f"crash_{next(_numbers)}"
        with self.server.connect() as admin:
            admin.execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            self.revive()
            with self.server.connect() as admin:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def marker(self, name: str) -> Path:
        return self.server.home / f"hit-{name}"

    def arm(self, database: str, point: int, nth: int) -> Path:
        """Let the worker of `database` fail at the `nth` passage of `point`; the file that will prove it."""
        marker = self.marker(f"{database}-{point}")
        with self.server.connect() as admin:
            admin.execute(f"ALTER DATABASE {database} SET etl.fault_point = '{point}:{self.kind}:{marker}:{nth}'")
        return marker

    def wait_for_fault(self, marker: Path) -> float:
        """Wait until the point was hit and the server accepts connections again; when it did (monotonic)."""
        wait_until(marker.exists, 20, f"fault {marker.name} is hit", 0.01)
        return self._wait_for_return()

    def hurt(self, pid: int) -> float:
        """What a fault point does, done to that process from outside; then as wait_for_fault()."""
        os.kill(self.server.pid if self.kind == "postmaster" else pid, SIGNALS[self.kind])
        return self._wait_for_return()

    def _wait_for_return(self) -> float:
        if self.kind == "sigkill":
            self.expected_crashes += 1
            wait_until(lambda: self.server.crashes() >= self.expected_crashes, 20, "the crash is in the log", 0.02)
            self._wait_until_accepting()
        elif self.kind == "postmaster":
            wait_until(lambda: not self.server.running(), 20, "the postmaster ends", 0.01)
            self.revive()
        return time.monotonic()

    def stop_at_once(self) -> float:
        """An immediate shutdown, and the next start; when that accepted connections (monotonic)."""
        self.server.stop("immediate")
        self.server.start()
        return time.monotonic()

    def revive(self) -> None:
        """Start the server again if its postmaster is gone."""
        if self.server.running():
            self._wait_until_accepting()
            return
        wait_until(lambda: not self._orphans(), 20, "children of a killed postmaster end", 0.02)
        self.server.start()

    def check_well(self) -> None:
        """The server runs, and met no fault but those that were asked for."""
        assert self.server.running()
        assert self.unexpected_crashes() == []

    def unexpected_crashes(self) -> list:
        """The log's crash lines beyond those that the faults made: each sigkill makes exactly one."""
        lines = self.server.crash_lines()
        return lines[self.expected_crashes :] if self.kind == "sigkill" else lines

    def _wait_until_accepting(self) -> None:
        def accepts():
            try:
                self.server.connect().close()
                return True
            except psycopg.OperationalError:
                return False

        wait_until(accepts, 30, "the server accepts connections", 0.02)

    def _orphans(self) -> list:
        """Processes that still sit in the data directory."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").readlink() == self.server.data:
                    process = Process.of(int(entry.name))
                    if process and process.alive():
                        found.append(process)
            except OSError:
                continue
        return found
