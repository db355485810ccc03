"""A private PostgreSQL server: its own data directory, socket directory and loopback port; ended by its pid.

    with PostgresServer(installed_tree("15"), "orders", preload=True) as server:
        server.connect(autocommit=True).execute("CREATE EXTENSION pg_etl")

Everybody on this machine who reaches the port is trusted; it holds test data only. fsync stays on unless a test's
settings say otherwise.
"""

import atexit
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

import psycopg

from .places import as_service_user, hand_over, server_home
from .process import Process, children, free_port, wait_until
from .trees import Tree

SUPERUSER = "postgres"
DEFAULTS = {
    "listen_addresses": "127.0.0.1",
    "log_line_prefix": "%m [%p] %b %u@%d ",
    "max_connections": 60,
    "max_prepared_transactions": 10,
    "max_worker_processes": 32,
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "wal_level": "logical",
}
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
CRASH = re.compile(r"was terminated by signal|TRAP: |ERROR: AddressSanitizer|: runtime error: ")


class PostgresServer:
    """One server. With `directory` its files stay there and it survives this process; else both end with it."""

    def __init__(
        self,
        tree: Tree,
        name: str = "pg",
        port: int | None = None,
        preload: bool = False,
        settings: dict | None = None,
        directory: Path | None = None,
        initdb: tuple = (),
        prefix: tuple = (),
    ):
        """prefix: a command that ends by executing its further arguments, so that the pid stays the same."""
        self.tree = tree
        self.name = name
        self.keep = directory is not None
        self.home = Path(directory) if directory is not None else server_home(name)
        self.data = self.home / "data"
        self.log_path = self.home / "log"
        self.settings = DEFAULTS | ({"shared_preload_libraries": "pg_etl"} if preload else {}) | (settings or {})
        self._initdb_options = initdb
        self._prefix = prefix
        self._process: Process | None = self._running()
        self.port = self._recorded_port() if self._process else port or free_port()
        if not self.keep:
            atexit.register(self.destroy)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_) -> None:
        self.destroy()

    # Life

    def start(self, timeout: float = 60) -> Self:
        """Make the cluster if it is missing, start the postmaster, wait until it answers; no-op while it runs."""
        if self.running():
            return self
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self._write_settings()
        command = [*self._prefix, *as_service_user([self.tree.bin / "postgres", "-D", self.data])]
        self._process = Process.spawn(command, self.log_path, env=self.tree.server_environment(), cwd=self.home)
        try:
            wait_until(self._answers, timeout, f'server "{self.name}" answers')
        except AssertionError as error:
            self.kill9()
            raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None
        return self

    def stop(self, mode: str = "fast", timeout: float = 60) -> None:
        """Stop as pg_ctl would; AssertionError (and SIGKILL) when it takes longer than `timeout`."""
        if self._process:
            self._process.end(STOP_SIGNALS[mode], timeout)
        self._process = None

    def restart(self, mode: str = "fast") -> Self:
        self.stop(mode)
        return self.start()

    def kill9(self) -> None:
        """SIGKILL the postmaster alone and wait until its children noticed, so that the next start can succeed."""
        if not self._process:
            return
        orphans = [process for pid in children(self._process.pid) if (process := Process.of(pid))]
        self._process.send(signal.SIGKILL)
        wait_until(lambda: not self._process.alive(), 10, "the postmaster ends after SIGKILL")
        self._process = None
        try:
            wait_until(lambda: not any(orphan.alive() for orphan in orphans), 20, "children of a killed postmaster end")
        except AssertionError:
            for orphan in orphans:
                orphan.send(signal.SIGKILL)
            raise

    def reload(self, **changes) -> None:
        """Change settings and make the running server read them."""
        self.settings |= changes
        self._write_settings()
        if self._process:
            self._process.send(signal.SIGHUP)

    def destroy(self) -> None:
        """Stop, and remove all files; leaves nothing of a server that belongs to this process."""
        atexit.unregister(self.destroy)
        try:
            self.stop("immediate", 20)
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def running(self) -> bool:
        return self._process is not None and self._process.alive()

    @property
    def pid(self) -> int | None:
        """The postmaster's pid, None while it is down."""
        return self._process.pid if self.running() else None

    # Use

    def url(self, dbname: str = "postgres", user: str = SUPERUSER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{dbname}"

    def connect(
        self, dbname: str = "postgres", user: str = SUPERUSER, autocommit: bool = True, **options
    ) -> psycopg.Connection:
        return psycopg.connect(self.url(dbname, user), autocommit=autocommit, connect_timeout=10, **options)

    def psql(self, sql: str, dbname: str = "postgres", user: str = SUPERUSER) -> str:
        """The unaligned output of psql, which stops at the first error; RuntimeError with its stderr when it fails."""
        command = [self.tree.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(dbname, user), "-f", "-"]
        done = subprocess.run(
            as_service_user(command),
            input=sql,
            text=True,
            capture_output=True,
            check=False,
            env=self.tree.environment(),
            cwd="/",
        )
        if done.returncode:
            raise RuntimeError(f"psql exited with {done.returncode}: {done.stderr}")
        return done.stdout.rstrip("\n")

    def wait_until(self, sql: str, timeout: float = 30, dbname: str = "postgres"):
        """Poll a query until the first column of its first row is true, also through a crash recovery; that value."""

        def value():
            try:
                with self.connect(dbname) as connection:
                    return (connection.execute(sql).fetchone() or (None,))[0]
            except psycopg.OperationalError:
                return None

        return wait_until(value, timeout, sql)

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def crash_lines(self) -> list:
        """The log's lines about processes that died of a signal, failed assertions and sanitizer findings."""
        return [line for line in self.log().splitlines() if CRASH.search(line)]

    def crashes(self) -> int:
        return len(self.crash_lines())

    # Parts

    def _make_cluster(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        hand_over(self.home)
        command = [
            self.tree.bin / "initdb",
            "-D",
            self.data,
            "-U",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            *self._initdb_options,
        ]
        done = subprocess.run(
            as_service_user(command), env=self.tree.environment(), cwd="/", text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write("include 'harness.conf'\n")

    def _write_settings(self) -> None:
        settings = self.settings | {"port": self.port, "unix_socket_directories": str(self.home)}
        lines = [f"{name} = '{_literal(value)}'\n" for name, value in sorted(settings.items())]
        path = self.data / "harness.conf"
        path.write_text("".join(lines), encoding="utf-8")
        hand_over(path)

    def _answers(self) -> bool:
        if not self.running():
            raise AssertionError(f'server "{self.name}" ended while starting')
        try:
            self.connect().close()
            return True
        except psycopg.OperationalError:
            return False

    def _pid_file(self) -> list:
        path = self.data / "postmaster.pid"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def _running(self) -> Process | None:
        """The postmaster that runs on this directory, started by whomever."""
        lines = self._pid_file()
        process = Process.of(int(lines[0])) if lines else None
        if process is None:
            return None
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        return process if str(self.data).encode() in command else None

    def _recorded_port(self) -> int:
        return int(self._pid_file()[3])


def _literal(value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value).replace("\\", "\\\\").replace("'", "''")
