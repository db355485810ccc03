"""Pages of an API: every kill point, and a server that is shut down at once; no record is lost, taken or refused twice."""

import sys
import threading
from pathlib import Path

import pytest
from crash_server import KINDS, OWNER
from harness.process import wait_until
from matrix import ONCE_A_RUN, POINTS, Cell, start
from moves import Move, create, differences, finish, prepare, run_move

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))
from json_api import JsonApi

PAGE = 20
RECORDS = 210  # ten pages, and one that a later run goes on with
MORE = 25  # are there when the second run asks
OTHER_KINDS = tuple(kind for kind in KINDS if kind != "sigkill")


def record(number: int) -> dict:
    """Of each page one record has no number, so that it becomes a dead letter."""
    return {"id": f"no {number}" if number % PAGE == 7 else number, "value": f"value {number}"}


class Pages(Move):
    """Pages into a table without a key, so that a record taken twice shows."""

    read = RECORDS
    dead = len([number for number in range(1, RECORDS + 1) if number % PAGE == 7])

    def __init__(self):
        self.records = [record(number) for number in range(1, RECORDS + 1)]
        self.held = threading.Event()  # is set while request number `hold` waits for `let_go`
        self.let_go = threading.Event()
        self.hold = None
        self.api = JsonApi(self.answer)

    def answer(self, path, query, number):
        if number == self.hold:
            self.held.set()
            self.let_go.wait(60)
        offset = int(query["offset"])
        return 200, {}, self.records[offset : offset + PAGE]

    def setup(self, admin, crash):
        admin.execute(f"""
            CREATE TABLE moved.target (id int, value text);
            ALTER TABLE moved.target OWNER TO {OWNER};
            CREATE SERVER api TYPE 'http' FOREIGN DATA WRAPPER etl OPTIONS (url '{self.api.url}');
            GRANT USAGE ON FOREIGN SERVER api TO {OWNER};
            DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET etl.allowed_hosts = ''127.0.0.1''', current_database()); END$$""")
        read = {
            "server": "api",
            "path": "/records",
            "pagination": {"type": "offset", "param": "offset", "size": PAGE},
            "columns": {"id": "int", "value": "text"},
        }
        save = {"target": "moved.target", "write_mode": "append"}
        create(admin, "http_json", read, save, mode="incremental", on_error="quarantine")

    def check(self, admin):
        good = [record["id"] for record in self.records if isinstance(record["id"], int)]
        wanted = f"SELECT id, 'value ' || id FROM unnest('{{{','.join(map(str, good))}}}'::int[]) id"
        assert differences(admin, wanted, "TABLE moved.target") == (0, 0)
        self.api.seen.clear()
        self.records = [record(number) for number in range(1, RECORDS + MORE + 1)]

    def check_again(self, admin):
        """Another run has gone on in the middle of the last page."""
        assert self.api.paths()[0] == f"/records?offset={RECORDS // PAGE * PAGE}"
        assert admin.execute("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1").fetchone() == (MORE,)
        self.check(admin)

    def close(self):
        self.let_go.set()
        self.api.stop()


@pytest.fixture
def pages():
    move = Pages()
    yield move
    move.close()


@pytest.mark.parametrize("point", POINTS)
def test_killed(crash_servers, pages, point):
    passage = 1 if point in ONCE_A_RUN else 3
    run_move(crash_servers("sigkill", True), pages, Cell(point, "sigkill", passage=passage))


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_other_faults(crash_servers, pages, kind):
    run_move(crash_servers(kind, True), pages, Cell(12, kind, passage=3))


def test_shut_down_while_a_request_is_under_way(crash_servers, pages):
    crash = crash_servers("postmaster", True)
    pages.hold = 4
    with crash.database() as database:
        prepare(crash, database, pages)
        run = start(crash, database)
        wait_until(pages.held.is_set, 20, "the request is under way", 0.01)
        accepting = crash.stop_at_once()
        pages.let_go.set()
        finish(crash, database, pages, Cell(8, "shutdown"), run, accepting)


def test_shut_down_while_a_page_is_written(crash_servers, pages):
    crash = crash_servers("postmaster", True)
    with crash.database() as database:
        prepare(crash, database, pages)
        with crash.server.connect(database) as holder:
            holder.execute(f"""
                CREATE FUNCTION moved.wait() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN new; END$$;
                ALTER FUNCTION moved.wait OWNER TO {OWNER};
                CREATE TRIGGER wait BEFORE INSERT ON moved.target FOR EACH ROW WHEN (new.id = {3 * PAGE + PAGE // 2})
                EXECUTE FUNCTION moved.wait()""")
            holder.execute("SELECT pg_advisory_lock(4711)")
            run = start(crash, database)
            waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"
            wait_until(lambda: holder.execute(waits).fetchone()[0], 20, "the page is being written", 0.01)
            accepting = crash.stop_at_once()
        finish(crash, database, pages, Cell(8, "shutdown"), run, accepting)
