"""Steps on workers of their own: whichever process dies, the run ends with each row there once, and nothing of the workers is
left: neither a process nor shared memory."""

import contextlib

import pytest
from crash_server import OWNER
from harness.process import Process, wait_until
from harness.segments import segments
from matrix import Cell, start
from moves import Move, create_of, differences, finish, prepare, run_move

ROWS = 1000
WIDE = 400  # bytes a row: what a step gives back does not fit into the queue that it is sent through
# Advisory locks, at which a step waits while the test has them.
LEADERS_STEP, WORKERS_STEP = 1, 2
WORKERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'pg_etl worker'"


class Halves(Move):
    """Two steps that run at the same time, the first by the leader and the second by a worker, and what both give."""

    read = ROWS

    def setup(self, admin, crash):
        self.server = crash.server
        admin.execute(f"""
            CREATE TABLE moved.source AS SELECT n AS id, repeat('x', {WIDE}) AS value FROM generate_series(1, {ROWS}) n;
            CREATE TABLE moved.target (id int, value text);
            ALTER TABLE moved.source OWNER TO {OWNER}; ALTER TABLE moved.target OWNER TO {OWNER};
            CREATE FUNCTION moved.pass(gate int) RETURNS bool LANGUAGE plpgsql AS
            $$BEGIN PERFORM pg_advisory_xact_lock_shared(gate); RETURN true; END$$""")
        steps = []
        for name, gate, where in (("first", LEADERS_STEP, "id <= 500"), ("second", WORKERS_STEP, "id > 500")):
            query = f"SELECT id, value FROM moved.source, (SELECT moved.pass({gate}) OFFSET 0) p WHERE {where}"
            steps.append({"id": name, "operator": "sql", "params": {"query": query}})
        steps.append({"id": "both", "operator": "union", "params": {}, "depends_on": ["first", "second"]})
        save = {"target": "moved.target", "write_mode": "append", "key_columns": ["id"]}
        steps.append({"id": "save", "operator": "table", "params": save, "depends_on": ["both"]})
        create_of(admin, steps, durability="batch")  # so that a crash takes none of those before its passage

    def check(self, admin):
        assert differences(admin, "TABLE moved.source", "TABLE moved.target") == (0, 0)
        self.check_nothing_left(admin)

    def check_again(self, admin):
        twice = "TABLE moved.source UNION ALL TABLE moved.source"
        assert differences(admin, twice, "TABLE moved.target") == (0, 0)
        self.check_nothing_left(admin)

    def check_nothing_left(self, admin) -> None:
        wait_until(lambda: not admin.execute(WORKERS).fetchall(), 10, "all workers are gone", 0.01)
        assert segments(self.server) == []


@contextlib.contextmanager
def closed(crash, database: str, *gates: int):
    """Steps that come to one of them wait there."""
    with contextlib.closing(crash.server.connect(database)) as holder:
        for gate in gates:
            holder.execute("SELECT pg_advisory_lock(%s)", (gate,))
        yield


def waiting(admin) -> int:
    """How many stand before a gate."""
    return admin.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()[0]


def in_their_steps(admin) -> bool:
    return waiting(admin) == 2


def sending(admin) -> bool:
    """The worker has its rows, of which the leader takes none yet."""
    full = f"{WORKERS} AND wait_event = 'MessageQueueSend'"
    return waiting(admin) == 1 and admin.execute(full).fetchone() is not None


MOMENTS = {"in their steps": ((LEADERS_STEP, WORKERS_STEP), in_their_steps), "sending": ((LEADERS_STEP,), sending)}


def processes(admin, run: int) -> dict:
    leader = admin.execute("SELECT worker_pid FROM etl.runs WHERE id = %s", (run,)).fetchone()[0]
    (worker,) = [pid for (pid,) in admin.execute(WORKERS) if pid != leader]
    return {"leader": Process.of(leader), "worker": Process.of(worker)}


@pytest.mark.parametrize(
    "moment, victim, kind",
    [
        ("in their steps", "leader", "sigkill"),
        ("in their steps", "leader", "sigterm"),
        ("in their steps", "worker", "sigkill"),
        ("in their steps", "worker", "postmaster"),
        ("sending", "leader", "sigkill"),
        ("sending", "leader", "sigterm"),
        ("sending", "worker", "sigkill"),
        ("sending", "worker", "sigterm"),
    ],
)
def test_killed_while_both_run(crash_servers, moment, victim, kind):
    crash = crash_servers(kind, True)
    move = Halves()
    gates, reached = MOMENTS[moment]
    with crash.database() as database:
        prepare(crash, database, move)
        with closed(crash, database, *gates):
            run = start(crash, database)
            with crash.server.connect(database) as admin:
                wait_until(lambda: reached(admin), 20, f"both are {moment}", 0.01)
                assert len(segments(crash.server)) == 1
                both = processes(admin, run)
            accepting = crash.hurt(both[victim].pid)
            wait_until(lambda: not any(both[name].alive() for name in {victim, "worker"}), 10, "it and the worker end")
        alone = victim == "worker" and kind == "sigterm"  # the server and the leader live
        finish(crash, database, move, Cell(5, "helper" if alone else kind), run, accepting)


@pytest.mark.parametrize("point, kind", [(4, "sigkill"), (12, "postmaster"), (12, "error"), (13, "sigkill")])
def test_killed_behind_the_steps(crash_servers, point, kind):
    run_move(crash_servers(kind, True), Halves(), Cell(point, kind, passage=1 if point == 4 else 3))
