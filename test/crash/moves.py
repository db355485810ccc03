"""What is moved in the suites beside the matrix: a pipeline `cell` of steps, what must hold at any moment, and at the end.

A run meets one fault as in matrix.py, whose events tell the same story; its counters add up, and a dead letter is written
and counted once.
"""

import json

from crash_server import OWNER, CrashServer
from matrix import Cell, check_story, meet_fault, story_of, wait_for_success


class Move:
    """One pipeline, and what becomes of its rows."""

    read = None  # rows that all runs until then have read together; None: as many as their outcomes
    dead = 0  # of which so many became dead letters

    def setup(self, admin, crash: CrashServer) -> None:
        """As superuser, in a fresh database with schema moved: what is read, the target, and the pipeline `cell`."""
        raise NotImplementedError

    def look(self, admin) -> None:
        """Whatever others see while the run goes on is the old state or the new one, or a part that is committed."""

    def check(self, admin) -> None:
        """After the run: everything arrived, once."""
        raise NotImplementedError

    def check_again(self, admin) -> None:
        """After a second run."""
        self.check(admin)

    def close(self) -> None:
        """Ends what does not go with the database."""


def run_move(crash: CrashServer, move: Move, cell: Cell) -> None:
    """The move through the fault, and once more without one."""
    print(cell)
    with crash.database() as database:
        prepare(crash, database, move)
        run, accepting = meet_fault(crash, database, cell)
        finish(crash, database, move, cell, run, accepting)


def prepare(crash: CrashServer, database: str, move: Move) -> None:
    with crash.server.connect(database) as admin:
        admin.execute("CREATE EXTENSION pg_etl; CREATE SCHEMA moved")
        admin.execute(f"GRANT USAGE ON SCHEMA etl TO {OWNER}; GRANT ALL ON SCHEMA moved TO {OWNER}")
        admin.execute(f"SELECT etl.allow_target('moved.*', '{OWNER}')")
        move.setup(admin, crash)


def finish(crash: CrashServer, database: str, move: Move, cell: Cell, run: int, accepting: float) -> None:
    with crash.server.connect(database) as admin:
        wait_for_success(crash, admin, run, accepting, lambda: move.look(admin))
        attempt = admin.execute("SELECT attempt FROM etl.runs WHERE id = %s", (run,)).fetchone()[0]
        check_story(cell, story_of(admin, run), attempt)
        move.check(admin)
        check_counters(admin, move)
        run_again(admin)
        move.check_again(admin)
    crash.check_well()


def check_counters(admin, move: Move) -> None:
    read, dead, others = admin.execute(
        "SELECT sum(rows_read), sum(rows_dead), sum(rows_inserted + rows_updated + rows_unchanged + rows_deleted +"
        " rows_superseded) FROM etl.runs"
    ).fetchone()
    assert (read, dead) == (dead + others if move.read is None else move.read, move.dead)
    assert read == dead + others
    letters = admin.execute("SELECT count(*), count(DISTINCT original_record) FROM etl.dead_letters").fetchone()
    assert letters == (move.dead, move.dead)


def run_again(admin) -> None:
    run = admin.execute("SELECT etl.run('cell')").fetchone()[0]
    assert admin.execute("SELECT etl.wait(%s, '20 s')", (run,)).fetchone()[0] == "succeeded"


def create(admin, operator: str, read: dict, save: dict, batch: int = 100, mode: str = "full", **options) -> None:
    """The pipeline `cell` of a source `read` and a sink `save`, of the operators `operator` and save["operator"]."""
    steps = [
        {"id": "read", "operator": operator, "params": read},
        {"id": "save", "operator": save.pop("operator", "table"), "params": save, "depends_on": ["read"]},
    ]
    create_of(admin, steps, batch, mode, **options)


def create_of(admin, steps: list, batch: int = 100, mode: str = "full", **options) -> None:
    admin.execute(f"SET ROLE {OWNER}")
    admin.execute(
        "SELECT etl.create_pipeline('cell', steps => %s, mode => %s, batch_size => %s, options => %s)",
        (json.dumps(steps), mode, batch, json.dumps({"retry_backoff": ["50ms"]} | options)),
    )
    admin.execute("RESET ROLE")


def differences(admin, wanted: str, found: str) -> tuple:
    """(rows that are lost, rows that are too many) of two queries; each row counts as often as it is there."""
    return admin.execute(
        f"SELECT (SELECT count(*) FROM (({wanted}) EXCEPT ALL ({found})) d),"
        f" (SELECT count(*) FROM (({found}) EXCEPT ALL ({wanted})) d)"
    ).fetchone()
