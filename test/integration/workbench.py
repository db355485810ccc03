"""What the integration tests work with: a fresh database with an ordinary owner, tables, and short ways to run pipelines."""

import itertools
import json
import time
from collections.abc import Iterator

import psycopg
from harness.postgres import PostgresServer
from harness.process import wait_until

OWNER = "mover"
ENDED = ("succeeded", "failed", "cancelled", "paused")
_numbers = itertools.count(1)


class Workbench:
    """One database: `admin` is a superuser's autocommit connection, pipelines belong to the ordinary role OWNER."""

    def __init__(self, server: PostgresServer, name: str):
        self.server = server
        self.name = name
        self.admin = server.connect(name)
        self.admin.execute("CREATE EXTENSION pg_etl; CREATE SCHEMA w")
        self.admin.execute(f"GRANT USAGE ON SCHEMA etl TO {OWNER}; GRANT ALL ON SCHEMA w TO {OWNER}")
        self.admin.execute(f"SELECT etl.allow_target('w.*', '{OWNER}')")

    def owner(self, **options) -> psycopg.Connection:
        return self.server.connect(self.name, OWNER, **options)

    def one(self, sql: str, *parameters):
        """The first column of the first row."""
        return self.admin.execute(sql, parameters or None).fetchone()[0]

    def tables(self, rows: int, name: str = "t") -> None:
        """w.<name>_source with ids 1..rows, and an empty w.<name>_target; both of OWNER."""
        self.admin.execute(f"""
            CREATE TABLE w.{name}_source (id bigint PRIMARY KEY, value text);
            CREATE TABLE w.{name}_target (id bigint PRIMARY KEY, value text);
            INSERT INTO w.{name}_source SELECT n, md5(n::text) FROM generate_series(1, {rows}) n;
            ALTER TABLE w.{name}_source OWNER TO {OWNER};
            ALTER TABLE w.{name}_target OWNER TO {OWNER};
            ANALYZE w.{name}_source""")

    def pipeline(
        self,
        name: str = "p",
        source: str | None = None,
        target: str | None = None,
        table: str = "t",
        batch_size: int = 1000,
        mode: str = "full",
        options: dict | None = None,
        **more,
    ) -> None:
        """Made by OWNER; without a source the whole of w.<table>_source goes to w.<table>_target."""
        arguments = {
            "name": name,
            "source": source or f"SELECT id, value FROM w.{table}_source",
            "target": target or f"w.{table}_target",
            "mode": mode,
            "batch_size": batch_size,
            "options": json.dumps(options or {}),
        } | more
        listed = ", ".join(f"{key} => %({key})s" for key in arguments)
        with self.owner() as connection:
            connection.execute(f"SELECT etl.create_pipeline({listed})", arguments)

    def slow_pipeline(
        self,
        name: str = "p",
        rows: int = 2000,
        batch_size: int = 100,
        ms: float = 1.0,
        table: str = "t",
        options: dict | None = None,
        **more,
    ) -> None:
        """Its tables and a pipeline that needs `ms` milliseconds a row, so that one can meddle while it runs."""
        self.tables(rows, table)
        self.admin.execute(
            f"CREATE OR REPLACE FUNCTION w.slowly(value text, ms float8) RETURNS text LANGUAGE plpgsql STABLE AS"
            f" $$BEGIN PERFORM pg_sleep(ms / 1000); RETURN value; END$$;"
            f"ALTER FUNCTION w.slowly OWNER TO {OWNER}"
        )
        self.pipeline(
            name,
            f"SELECT id, w.slowly(value, {ms}) AS value FROM w.{table}_source",
            table=table,
            batch_size=batch_size,
            options=options,
            **more,
        )

    def hurry(self) -> None:
        """Lets slow pipelines be quick from now on. In the same language: who calls it now would parse SQL as PL/pgSQL."""
        self.admin.execute(
            "CREATE OR REPLACE FUNCTION w.slowly(value text, ms float8) RETURNS text LANGUAGE plpgsql STABLE AS"
            " $$BEGIN RETURN value; END$$"
        )

    def run(self, name: str = "p") -> int:
        return self.one("SELECT etl.run(%s)", name)

    def status(self, run: int) -> str:
        return self.one("SELECT status FROM etl.runs WHERE id = %s", run)

    def state(self, name: str = "p") -> str:
        return self.one("SELECT state FROM etl.pipelines WHERE name = %s", name)

    def ends(self, run: int, timeout: float = 30) -> str:
        """The status in which the run ended; found by looking, never by etl.wait, which would start a keeper."""
        return wait_until(lambda: (s := self.status(run)) in ENDED and s, timeout, f"run {run} ends", 0.01)

    def worker_pid(self, run: int) -> int:
        """The pid of the worker, once it leads the run."""
        return wait_until(
            lambda: self.status(run) == "running" and self.one("SELECT worker_pid FROM etl.runs WHERE id = %s", run),
            10,
            f"run {run} is led by a worker",
            0.005,
        )

    def first_batch(self, run: int, table: str = "t") -> int:
        """Waits until a batch of the run has been committed; how many rows the target has."""
        return wait_until(
            lambda: self.status(run) == "running" and self.one(f"SELECT count(*) FROM w.{table}_target"),
            10,
            "the first batch is committed",
            0.005,
        )

    def error(self, run: int) -> tuple:
        return self.admin.execute("SELECT error_code, error_message FROM etl.runs WHERE id = %s", (run,)).fetchone()

    def story(self, run: int) -> list:
        return self.admin.execute(
            "SELECT from_state, to_state, reason FROM etl.events WHERE run_id = %s ORDER BY at", (run,)
        ).fetchall()

    def same(self, table: str = "t") -> bool:
        """Whether source and target of `table` hold the same rows, each once."""
        return self.admin.execute(
            f"SELECT NOT EXISTS (TABLE w.{table}_source EXCEPT ALL TABLE w.{table}_target) AND"
            f" NOT EXISTS (TABLE w.{table}_target EXCEPT ALL TABLE w.{table}_source)"
        ).fetchone()[0]

    def processes(self, what: str = "pg_etl%") -> int:
        """How many of our processes are connected to this database."""
        return self.one(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE %s", what
        )


def workbench(server: PostgresServer) -> Iterator[Workbench]:
    """A fresh database on that server, dropped afterwards."""
    name = f"bench_{next(_numbers)}"
    with server.connect() as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone():
            admin.execute(f"CREATE ROLE {OWNER} LOGIN")
        admin.execute(f"CREATE DATABASE {name}")
        bench = Workbench(server, name)
        yield bench
        bench.admin.close()
        drop_database(server, name)


def drop_database(server: PostgresServer, name: str) -> None:
    with server.connect() as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def elapsed(action) -> float:
    """Seconds that the call takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start
