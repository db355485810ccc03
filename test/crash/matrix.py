"""One cell of the crash matrix: a run that meets a fault at a kill point, and everything that must hold afterwards.

Kill points are those of safety.md 4. 14 (slot confirmed) belongs to change capture and is not here.
"""

import contextlib
import json
import random
import time
from dataclasses import dataclass

from crash_server import OWNER, CrashServer
from harness.process import wait_until

POINTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15)
ONCE_A_RUN = (1, 2, 4, 15)
DEAD_LETTERS = 11
SLICES = 2
RESUME_SECONDS = 10
ENDED = ("succeeded", "failed", "cancelled", "paused")


@dataclass
class Cell:
    """What is moved and where it is hurt."""

    point: int
    kind: str
    rows: int = 2000
    batch: int = 200
    passage: int = 3
    poison: int = 0
    mode: str = "paged"
    durable: bool = False  # each batch is flushed, so that a crash of the server takes none of those before the passage
    victim: int | None = None  # two slices, and which of their workers is hurt

    @classmethod
    def fixed(cls, point: int, kind: str) -> "Cell":
        cell = cls(point, kind)
        return cell._fit()

    @classmethod
    def random(cls, point: int, kind: str, seed: int) -> "Cell":
        dice = random.Random(f"{seed}/{point}/{kind}")
        cell = cls(
            point,
            kind,
            rows=dice.randint(500, 3000),
            batch=dice.randint(50, 400),
            mode=dice.choice(("paged", "spilled")),
        )
        cell.passage = dice.randint(1, max(1, cell.rows // cell.batch))
        return cell._fit()

    def slices(self) -> int:
        return 1 if self.victim is None else SLICES

    def _fit(self) -> "Cell":
        if self.point in ONCE_A_RUN:
            self.passage = 1
        if self.point == DEAD_LETTERS:
            self.poison = 3
            self.passage = min(self.passage, 2)
        return self


def run_cell(crash: CrashServer, sink, cell: Cell) -> None:
    """Move `cell.rows` rows through the fault; AssertionError when anything is lost, doubled, stuck or untold."""
    print(cell)
    with crash.database() as database:
        with crash.server.connect(database) as admin:
            _prepare(admin, sink, cell)
        with _slices_wait(crash, database, cell) if cell.victim is not None else contextlib.nullcontext(_nothing) as go:
            run, accepting = meet_fault(crash, database, cell, go)
        with crash.server.connect(database) as admin:
            wait_for_success(crash, admin, run, accepting)
            _check(admin, sink, cell, run)
            _run_again(admin, sink, cell)
        crash.check_well()


def meet_fault(crash: CrashServer, database: str, cell: Cell, go=lambda: None) -> tuple:
    """Run the pipeline `cell` into its fault: the run, and when the server accepted connections again (monotonic)."""
    marker = crash.arm(database, cell.point, cell.passage)
    run = start(crash, database)
    go()
    return run, crash.wait_for_fault(marker)


def start(crash: CrashServer, database: str) -> int:
    with crash.server.connect(database, OWNER) as owner:
        return owner.execute("SELECT etl.run('cell')").fetchone()[0]


def wait_for_success(crash: CrashServer, admin, run: int, accepting: float, look=lambda: None) -> None:
    """The run goes on by itself and succeeds in time; meanwhile `look` may look at what others see of it."""
    if not crash.preload:
        admin.execute("SELECT etl.health()")  # the first etl call after a restart is what triggers recovery

    def ended():
        look()
        return _ended(admin, run)

    status = wait_until(ended, RESUME_SECONDS + 20, "the run ends", 0.02)
    seconds = time.monotonic() - accepting
    assert status == "succeeded", (status, story_of(admin, run))
    assert seconds < RESUME_SECONDS, f"ended {seconds:.1f} s after the server accepted connections"


def _nothing() -> None:
    pass


@contextlib.contextmanager
def _slices_wait(crash: CrashServer, database: str, cell: Cell):
    """In the batch of the passage each slice waits for a row that a session holds; what is yielded lets the victim go."""
    with contextlib.ExitStack() as stack:
        holders = []
        for number in range(SLICES):
            holders.append(stack.enter_context(contextlib.closing(crash.server.connect(database, autocommit=False))))
            held = number * cell.rows // SLICES + cell.passage * cell.batch - cell.batch // 2
            holders[number].execute("INSERT INTO moved.target VALUES (%s)", (held,))

        def go() -> None:
            pids = [holder.info.backend_pid for holder in holders]
            with crash.server.connect(database) as admin:
                waited_for = (
                    "SELECT count(DISTINCT b) FROM pg_stat_activity, unnest(pg_blocking_pids(pid)) b WHERE b = ANY (%s)"
                )
                wait_until(lambda: admin.execute(waited_for, (pids,)).fetchone()[0] == SLICES, 20, "each slice waits")
                done = admin.execute("SELECT slice, batch_no FROM etl.checkpoint ORDER BY slice").fetchall()
            assert done == [(number, cell.passage - 1) for number in range(SLICES)], done
            holders[cell.victim].rollback()

        yield go


def _prepare(admin, sink, cell: Cell) -> None:
    admin.execute("CREATE EXTENSION pg_etl; CREATE SCHEMA moved")
    admin.execute(f"GRANT USAGE ON SCHEMA etl, moved TO {OWNER}")
    admin.execute("CREATE TABLE moved.source (id bigint PRIMARY KEY, value text, at timestamptz NOT NULL)")
    admin.execute(
        "INSERT INTO moved.source SELECT n, md5(n::text), '2026-01-01'::timestamptz + n * interval '1 s'"
        " FROM generate_series(1, %s::int) n",
        (cell.rows,),
    )
    if cell.poison:
        admin.execute(
            "UPDATE moved.source SET value = 'poison' WHERE id %% %s::int = 7 AND id < %s::int",
            (cell.rows // cell.poison, cell.rows // cell.poison * cell.poison),
        )
    admin.execute(f"ALTER TABLE moved.source OWNER TO {OWNER}; ANALYZE moved.source")
    sink.setup(admin)
    # An aggregate has no index that serves the order, so it is spilled.
    source = {
        "paged": "SELECT id, value, at FROM moved.source",
        "spilled": "SELECT id, max(value) AS value, max(at) AS at FROM moved.source GROUP BY id",
    }[cell.mode]
    options = {"on_error": "quarantine", "retry_backoff": ["50ms"]}
    if cell.durable:
        options["durability"] = "batch"
    if cell.slices() > 1:
        options["slices"] = cell.slices()
    admin.execute(f"SET ROLE {OWNER}")
    admin.execute(
        "SELECT etl.create_pipeline('cell', source => %s, target => %s, key_columns => '{id}', batch_size => %s,"
        " options => %s)",
        (source, sink.target, cell.batch, json.dumps(options)),
    )
    admin.execute("RESET ROLE")


def _ended(admin, run: int):
    status = admin.execute("SELECT status FROM etl.runs WHERE id = %s", (run,)).fetchone()[0]
    return status if status in ENDED else None


def story_of(admin, run: int) -> list:
    events = admin.execute("SELECT from_state, to_state, reason FROM etl.events WHERE run_id = %s ORDER BY at", (run,))
    return events.fetchall()


def _check(admin, sink, cell: Cell, run: int) -> None:
    story = story_of(admin, run)
    state, reason = admin.execute("SELECT state, state_reason FROM etl.pipelines").fetchone()
    assert (state, reason) == ("IDLE", None), story
    assert sink.compare(admin) == (0, 0), story
    row = admin.execute(
        "SELECT rows_read, rows_written, rows_inserted, rows_updated, rows_unchanged, rows_deleted,"
        " rows_dead, rows_superseded, attempt FROM etl.runs WHERE id = %s",
        (run,),
    ).fetchone()
    read, written, inserted, updated, unchanged, deleted, dead, superseded, attempt = row
    assert read == inserted + updated + unchanged + deleted + dead + superseded, row
    assert written == inserted + updated + deleted, row
    assert dead == cell.poison, row
    assert admin.execute(
        "SELECT count(*), count(DISTINCT original_record->>'id') FROM etl.dead_letters WHERE retry_count = 0"
    ).fetchone() == (cell.poison, cell.poison)
    if sink.counters_are_exact():
        assert (read, inserted, updated, unchanged) == (cell.rows, cell.rows - cell.poison, 0, 0), row
        batches = admin.execute(
            "SELECT slice, count(*), max(batch_no), sum(rows_read), sum(rows_written), sum(rows_dead)"
            " FROM etl.batches WHERE run_id = %s GROUP BY slice ORDER BY slice",
            (run,),
        ).fetchall()
        assert tuple(sum(column) for column in list(zip(*batches))[3:]) == (read, written, dead), batches
        assert all(count == highest for _, count, highest, *_ in batches), batches
        assert len(batches) == cell.slices(), batches
    phase = admin.execute("SELECT DISTINCT phase FROM etl.checkpoint").fetchall()
    assert phase == [(cell.mode,)], phase
    check_story(cell, story, attempt)
    if cell.durable:
        _check_resumed(admin, cell, run)


def _check_resumed(admin, cell: Cell, run: int) -> None:
    """The batches before the fault were not done again: the log still has them from before the worker was lost."""
    kept = admin.execute(
        "SELECT slice, count(*) FROM etl.batches WHERE run_id = %s::bigint AND started_at <"
        " (SELECT at FROM etl.events WHERE run_id = %s::bigint AND to_state = 'FAILED') GROUP BY slice ORDER BY slice",
        (run, run),
    ).fetchall()
    assert dict(kept)[cell.victim or 0] == cell.passage - 1, kept
    # The other slice may have come further while the server went down.
    assert len(kept) == cell.slices() and all(count >= cell.passage - 1 for _, count in kept), kept


def check_story(cell: Cell, story: list, attempt: int) -> None:
    """The events name what happened, and nothing else did."""
    moves = [(before, after) for before, after, _ in story if after]
    reasons = " | ".join(reason or "" for _, _, reason in story)
    lost = [("RUNNING", "FAILED"), ("FAILED", "RUN_REQUESTED"), ("RUN_REQUESTED", "RUNNING")]
    expected = [("IDLE", "RUN_REQUESTED"), ("RUN_REQUESTED", "RUNNING"), ("RUNNING", "IDLE")]
    # Nothing was under way yet, all was over, or the leader does himself what his helper has not given.
    if cell.point in (1, 15) or cell.kind == "helper":
        assert moves == expected and attempt == 1, story
    elif cell.kind == "error":
        assert moves == expected and attempt == 2, story
        assert f"attempt 1 failed with 53000: injected fault at point {cell.point}" in reasons, story
    elif cell.kind == "other":  # whom the worker waits for is lost, not the worker
        assert moves == expected and attempt > 1, story
    else:
        assert moves == expected[:2] + lost + expected[2:] and attempt == 2, story
        assert "worker lost" in reasons, story


def _run_again(admin, sink, cell: Cell) -> None:
    """A second run finds everything there: the lease was given back and no position was lost."""
    run = admin.execute("SELECT etl.run('cell')").fetchone()[0]
    assert admin.execute("SELECT etl.wait(%s, '20 s')", (run,)).fetchone()[0] == "succeeded"
    assert sink.compare(admin) == (0, 0)
    if sink.counters_are_exact():
        row = admin.execute(
            "SELECT rows_read, rows_unchanged, rows_dead FROM etl.runs WHERE id = %s", (run,)
        ).fetchone()
        assert row == (cell.rows, cell.rows - cell.poison, cell.poison)
