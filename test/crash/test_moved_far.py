"""Rows of a table of another PostgreSQL server, and rows into one: it has each once, whoever is killed, and what it keeps as
checkpoint is what this server has."""

import contextlib
import os
import signal
import time
from collections import Counter

import pytest
from crash_server import KINDS, OWNER, TREE
from harness.far import READER, make_far, make_far_database
from harness.far import let_in as let_reader_in
from harness.postgres import PostgresServer
from harness.process import wait_until
from harness.trees import installed_tree
from matrix import DEAD_LETTERS, Cell, start
from moves import Move, create, create_of, differences, finish, prepare, run_move
from test_moved_files import CsvLines

ROWS = 1000
BATCHES = 10
HELD = 450  # of a source there, whose end comes later
OLD = 150  # rows of the target that an upsert writes over
ROWS_OF_SOURCE = f"SELECT n AS id, md5(n::text) AS value FROM generate_series(1, {ROWS}) n"
# Sent there: written, about to be committed, committed; then, as everywhere, the checkpoint here. A passage of 8 to 10 is
# that of the sender, the next one that of this database.
SENT, UNCOMMITTED, ARRIVED, UNSAVED, SAVED = 8, 9, 10, 12, 13


def sent(batch: int) -> int:
    """The passage of SENT, UNCOMMITTED and ARRIVED in a batch."""
    return 2 * batch - 1


@pytest.fixture(scope="module")
def far():
    with PostgresServer(installed_tree(TREE), "far", settings={"fsync": False}) as server:
        let_reader_in(server)
        yield server


class Far:
    """The other end: a database on server `far` with the name of that here."""

    def __init__(self, far: PostgresServer):
        self.far = far
        self.name = "not made"

    def make_far(self, admin, crash, sql: str) -> None:
        """The SQL/MED server far here, and there what the SQL makes."""
        self.name = admin.info.dbname
        make_far_database(self.far, self.name)
        make_far(admin, crash.server, self.far, self.name, OWNER)
        with self.connect() as there:
            there.execute(sql)

    def connect(self):
        return self.far.connect(self.name)

    def close(self) -> None:
        with self.far.start().connect() as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


class FromFar(Far, Move):
    """Into a table without a key, so that a row taken twice shows."""

    read = ROWS
    source = f"CREATE TABLE source AS {ROWS_OF_SOURCE}; ALTER TABLE source ADD PRIMARY KEY (id); ANALYZE source"
    query = "SELECT id, value FROM source"

    def setup(self, admin, crash):
        self.make_far(admin, crash, self.source)
        admin.execute(f"CREATE TABLE moved.target (id int, value text); ALTER TABLE moved.target OWNER TO {OWNER}")
        save = {"target": "moved.target", "write_mode": "append", "key_columns": ["id"]}
        create(admin, "sql", {"query": self.query, "server": "far"}, save, durability="batch", max_retries=100)

    def check(self, admin):
        assert differences(admin, ROWS_OF_SOURCE, "TABLE moved.target") == (0, 0)
        kept = admin.execute("SELECT kind, position, batch_no FROM etl.checkpoint").fetchall()
        assert kept == [("key", [str(ROWS)], BATCHES)]

    def check_again(self, admin):
        """A run of mode full begins at the beginning."""
        assert differences(admin, f"{ROWS_OF_SOURCE} UNION ALL {ROWS_OF_SOURCE}", "TABLE moved.target") == (0, 0)


class FromFarHeld(FromFar):
    """Row HELD, and what is behind it, comes when nobody has the lock."""

    source = f"""{FromFar.source};
        CREATE FUNCTION pass(id int, value text) RETURNS text LANGUAGE plpgsql AS $$BEGIN
        IF id = {HELD} THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF; RETURN value; END$$"""
    query = "SELECT id, pass(id, value) AS value FROM source ORDER BY id"  # in this order it is called


class ToFar(Far, Move):
    """A table of here into one of there: appended where it has no key, or written over where there are rows."""

    read = ROWS

    def __init__(self, far, mode: str):
        super().__init__(far)
        self.write_mode = mode

    def setup(self, admin, crash):
        self.make_far(admin, crash, self.target())
        admin.execute(f"CREATE TABLE moved.source AS {ROWS_OF_SOURCE}; ALTER TABLE moved.source ADD PRIMARY KEY (id)")
        admin.execute(f"ALTER TABLE moved.source OWNER TO {OWNER}; ANALYZE moved.source")
        save = {"target": "far:public.target", "write_mode": self.write_mode, "key_columns": ["id"]}
        create(admin, "sql", {"query": "SELECT id, value FROM moved.source"}, save, max_retries=100)

    def target(self) -> str:
        table = "CREATE TABLE target (id int, value text)"
        if self.write_mode == "append":
            return table
        return f"{table}; ALTER TABLE target ADD PRIMARY KEY (id); INSERT INTO target SELECT generate_series(1, {OLD})"

    def differences(self, admin, wanted: str) -> tuple:
        """As moves.differences(), of a query of here and the target there."""
        expected = Counter(admin.execute(wanted).fetchall())
        with self.connect() as there:
            found = Counter(there.execute("TABLE target").fetchall())
        return (expected - found).total(), (found - expected).total()

    def check(self, admin):
        assert self.differences(admin, ROWS_OF_SOURCE) == (0, 0)
        self.check_checkpoint(admin)

    def check_checkpoint(self, admin) -> None:
        """That of the last run."""
        here = admin.execute(
            "SELECT r.correlation_id, c.batch_no, c.position, c.epoch FROM etl.checkpoint c JOIN etl.runs r ON r.id = c.run_id"
        ).fetchall()
        with self.connect() as there:
            kept = there.execute("SELECT run, batch_no, record::json -> 'to', epoch FROM pg_etl_checkpoint").fetchall()
        assert kept == here and len(here) == 1
        batches = admin.execute("SELECT run_id, count(*), max(batch_no), sum(rows_read) FROM etl.batches GROUP BY 1")
        assert [row[1:] for row in batches] == [(BATCHES, BATCHES, ROWS)] * batches.rowcount

    def check_again(self, admin):
        twice = f"{ROWS_OF_SOURCE} UNION ALL {ROWS_OF_SOURCE}"
        assert self.differences(admin, twice if self.write_mode == "append" else ROWS_OF_SOURCE) == (0, 0)
        self.check_checkpoint(admin)


class LinesToFar(ToFar, CsvLines):
    """Lines of which some cannot be read."""

    read = CsvLines.read
    dead = 2 * ROWS // 100

    def __init__(self, far):
        super().__init__(far, "append")

    def setup(self, admin, crash):
        CsvLines.setup(self, admin, crash)

    def make_target(self, admin, crash):
        self.make_far(admin, crash, self.target())
        return "far:public.target"

    def wanted(self):
        return f"""SELECT n, CASE n % 100 WHEN 91 THEN 'poison ' ELSE 'value ' END || n FROM generate_series(1, {ROWS}) n
            WHERE n % 100 NOT IN (7, 57)"""

    def check(self, admin):
        CsvLines.check(self, admin)
        self.check_checkpoint(admin)

    def check_again(self, admin):
        CsvLines.check_again(self, admin)


class RefusedLinesToFar(LinesToFar):
    """And some are refused there."""

    dead = CsvLines.dead

    def target(self):
        return f"{super().target()}; ALTER TABLE target ADD CHECK (value !~ 'poison')"

    def wanted(self):
        return CsvLines.wanted(self)


class ToBoth(ToFar):
    """A table of here beside it."""

    read = 2 * ROWS

    def __init__(self, far):
        super().__init__(far, "upsert")

    def setup(self, admin, crash):
        self.make_far(admin, crash, self.target())
        admin.execute(f"""
            CREATE TABLE moved.source AS {ROWS_OF_SOURCE}; ALTER TABLE moved.source ADD PRIMARY KEY (id);
            CREATE TABLE moved.target (id int PRIMARY KEY, value text);
            ALTER TABLE moved.source OWNER TO {OWNER}; ALTER TABLE moved.target OWNER TO {OWNER}; ANALYZE moved.source""")
        steps = [{"id": "read", "operator": "sql", "params": {"query": "SELECT id, value FROM moved.source"}}]
        for name, target in (("here", "moved.target"), ("there", "far:public.target")):
            steps.append({"id": name, "operator": "table", "params": {"target": target}, "depends_on": ["read"]})
        create_of(admin, steps, max_retries=3)

    def check(self, admin):
        assert self.differences(admin, ROWS_OF_SOURCE) == (0, 0)
        assert differences(admin, ROWS_OF_SOURCE, "TABLE moved.target") == (0, 0)

    def check_again(self, admin):
        self.check(admin)


def run_far(crash, move, cell) -> None:
    with contextlib.closing(move):
        run_move(crash, move, cell)


@pytest.mark.parametrize(
    "point, kind", [(5, "sigkill"), (8, "sigkill"), (12, "sigterm"), (12, "postmaster"), (13, "sigkill")]
)
def test_from_there(crash_servers, far, point, kind):
    run_far(crash_servers(kind, True), FromFar(far), Cell(point, kind, passage=3))


@pytest.mark.parametrize(
    "point, passage, kind",
    [
        (SENT, sent(3), "sigkill"),
        (UNCOMMITTED, sent(3), "sigkill"),
        (ARRIVED, sent(3), "sigterm"),
        (ARRIVED, sent(3), "sigkill"),
        (ARRIVED, sent(3), "postmaster"),
        (UNSAVED, 3, "sigkill"),
        (SAVED, 3, "sigkill"),
    ],
)
def test_append_there(crash_servers, far, point, passage, kind):
    run_far(crash_servers(kind, True), ToFar(far, "append"), Cell(point, kind, passage=passage))


@pytest.mark.parametrize(
    "point, passage, kind",
    [(SENT, sent(2), "postmaster"), (ARRIVED, sent(2), "sigkill"), (UNSAVED, 2, "sigterm")],
)
def test_upsert_there(crash_servers, far, point, passage, kind):
    run_far(crash_servers(kind, True), ToFar(far, "upsert"), Cell(point, kind, passage=passage))


@pytest.mark.parametrize("point, passage, kind", [(ARRIVED, sent(3), "sigkill"), (UNSAVED, 3, "postmaster")])
def test_lines_of_which_some_cannot_be_read(crash_servers, far, point, passage, kind):
    run_far(crash_servers(kind, True), LinesToFar(far), Cell(point, kind, passage=passage))


@pytest.mark.parametrize("point, passage, kind", [(DEAD_LETTERS, 5, "sigkill"), (ARRIVED, sent(3), "postmaster")])
def test_lines_of_which_some_are_refused_there(crash_servers, far, point, passage, kind):
    run_far(crash_servers(kind, True), RefusedLinesToFar(far), Cell(point, kind, passage=passage))


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_here(crash_servers, far, kind):
    run_far(crash_servers(kind, True), ToBoth(far), Cell(ARRIVED, kind, passage=sent(3)))


# The other server is lost: the run waits for it, and goes on


def wait_for_reader(there) -> int:
    """The process that serves the run, once it waits for a lock."""
    waits = f"SELECT pid FROM pg_stat_activity WHERE usename = '{READER}' AND wait_event_type = 'Lock'"
    return wait_until(lambda: there.execute(waits).fetchone(), 20, "the run waits for a lock there", 0.01)[0]


def test_from_a_server_that_crashes(crash_servers, far):
    """In the middle of what it sends."""
    crash = crash_servers("error", True)
    with crash.database() as database, contextlib.closing(FromFarHeld(far)) as move:
        prepare(crash, database, move)
        with contextlib.closing(move.connect()) as holder:
            holder.execute("SELECT pg_advisory_lock(4711)")
            run = start(crash, database)
            with crash.server.connect(database) as admin:
                arrived = "SELECT count(*) FROM moved.target"
                wait_until(lambda: admin.execute(arrived).fetchone()[0], 20, "a batch is committed", 0.01)
            os.kill(wait_for_reader(holder), signal.SIGKILL)
        finish(crash, database, move, Cell(5, "other"), run, time.monotonic())


def test_to_a_server_that_is_gone_for_a_while(crash_servers, far):
    """It ends while it writes a batch."""
    crash = crash_servers("error", True)
    with crash.database() as database, contextlib.closing(ToFar(far, "append")) as move:
        prepare(crash, database, move)
        with contextlib.closing(move.connect()) as holder:
            holder.execute("BEGIN; LOCK TABLE target IN SHARE MODE")
            run = start(crash, database)
            with move.connect() as there:
                wait_for_reader(there)
            far.kill9()
        with crash.server.connect(database) as admin:
            attempt = "SELECT attempt FROM etl.runs WHERE id = %s"
            wait_until(lambda: admin.execute(attempt, (run,)).fetchone()[0] > 2, 20, "nobody was met there", 0.01)
        far.start()
        finish(crash, database, move, Cell(8, "other"), run, time.monotonic())
