"""What a full run sees of a source that others change meanwhile: each batch has a snapshot of its own, and holds nothing."""

import random
import threading

import pytest
from harness.process import wait_until
from workbench import OWNER

KEPT = 3000
BATCH = 50
GATE = 78


class Writers:
    """Sessions that change w.t_source as fast as they can: two update even ids, two insert and delete odd ones."""

    def __init__(self, bench):
        self.bench = bench
        self.stopped = threading.Event()
        self.commits = [0] * 4
        self.errors: list = []
        self.threads = [threading.Thread(target=self._write, args=(number,)) for number in range(4)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: self.errors or all(self.commits), 10, "each writer has written")
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _write(self, number: int) -> None:
        dice = random.Random(number)
        try:
            with self.bench.owner() as connection:
                while not self.stopped.is_set():
                    self._change(connection, number, dice)
                    self.commits[number] += 1
        except Exception as error:  # noqa: BLE001 - what it is, is the assertion's business
            self.errors.append(error)

    def _change(self, connection, number: int, dice: random.Random) -> None:
        id = 2 * dice.randint(1, KEPT)
        if number < 2:
            value = f"{id}:{self.commits[number] + 1}"
            connection.execute("UPDATE w.t_source SET value = %s WHERE id = %s", (value, id))
        elif dice.random() < 0.5:
            connection.execute("INSERT INTO w.t_source VALUES (%s, %s) ON CONFLICT DO NOTHING", (id - 1, f"{id - 1}:0"))
        else:
            connection.execute("DELETE FROM w.t_source WHERE id = %s", (id - 1,))


class Horizons(threading.Thread):
    """The values that backend_xmin of one process takes, in their order, while that lives."""

    def __init__(self, bench, pid: int):
        super().__init__()
        self.bench, self.pid, self.seen = bench, pid, []

    def run(self) -> None:
        look = "SELECT backend_xmin::text::bigint FROM pg_stat_activity WHERE pid = %s"
        with self.bench.owner() as connection:
            while row := connection.execute(look, (self.pid,)).fetchone():
                if row[0] is not None and row[0] not in self.seen[-1:]:
                    self.seen.append(row[0])


def test_a_full_run_under_load(bench):
    """Every row that keeps its key is written exactly once, and vacuum is kept waiting by no more than a batch."""
    bench.slow_pipeline(rows=2 * KEPT, batch_size=BATCH, ms=0.2)
    bench.admin.execute(f"""
        DELETE FROM w.t_source WHERE id % 2 = 1;
        UPDATE w.t_source SET value = id || ':0';
        CREATE TABLE w.writes (id bigint);
        CREATE FUNCTION w.note() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO w.writes VALUES (new.id); RETURN NULL; END $$;
        ALTER TABLE w.writes OWNER TO {OWNER};
        ALTER FUNCTION w.note() OWNER TO {OWNER};
        CREATE TRIGGER note AFTER INSERT OR UPDATE ON w.t_target FOR EACH ROW EXECUTE FUNCTION w.note()""")
    with Writers(bench) as writers:
        run = bench.run()
        horizons = Horizons(bench, bench.worker_pid(run))
        horizons.start()
        assert bench.ends(run, 60) == "succeeded", bench.error(run)
        horizons.join()
    assert writers.errors == []
    batches, read, inserted = bench.admin.execute(
        "SELECT (SELECT count(*) FROM etl.batches WHERE run_id = r.id), rows_read, rows_inserted"
        " FROM etl.runs r WHERE id = %s",
        (run,),
    ).fetchone()
    print(f"{batches} batches, {writers.commits} commits, {len(horizons.seen)} horizons")
    assert batches >= KEPT // BATCH
    assert horizons.seen == sorted(horizons.seen)
    assert len(horizons.seen) >= 10, horizons.seen
    assert read == inserted == bench.one("SELECT count(*) FROM w.t_target")
    not_once = "SELECT count(*) FROM w.t_source s WHERE id % 2 = 0 AND 1 <> (SELECT count(*) FROM w.writes w WHERE w.id = s.id)"
    bench.admin.execute("CREATE INDEX ON w.writes (id)")
    assert bench.one(not_once) == 0
    assert bench.one("SELECT count(*) FROM w.t_target WHERE split_part(value, ':', 1) <> id::text") == 0
    assert bench.one("SELECT count(*) FROM w.t_target WHERE id % 2 = 0 AND value <> id || ':0'"), "nothing was changed"
    assert bench.one("SELECT count(*) FROM w.t_target WHERE id % 2 = 1"), "nothing came"
    assert bench.ends(bench.run(), 60) == "succeeded"
    assert bench.one("SELECT count(*) FROM (TABLE w.t_source EXCEPT ALL TABLE w.t_target) missing") == 0


@pytest.mark.parametrize("snapshot", ["batch", "run"])
def test_what_is_committed_behind_the_position(bench, snapshot):
    """A batch reads it as it is by then; with one snapshot for the run it is read as it was at the run's start."""
    bench.tables(2000)
    bench.admin.execute(f"""
        CREATE FUNCTION w.gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF (SELECT count(*) FROM w.t_target) >= 1000 THEN PERFORM pg_advisory_xact_lock_shared({GATE}); END IF;
            RETURN NULL;
        END $$;
        ALTER FUNCTION w.gate() OWNER TO {OWNER};
        CREATE TRIGGER gate BEFORE INSERT ON w.t_target FOR EACH STATEMENT EXECUTE FUNCTION w.gate()""")
    bench.pipeline(batch_size=500, options={"snapshot": snapshot})
    expected = dict(bench.admin.execute("TABLE w.t_source").fetchall())
    with bench.server.connect(bench.name) as keyholder:
        keyholder.execute("SELECT pg_advisory_lock(%s)", [GATE])
        run = bench.run()
        waits = (
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE NOT granted AND locktype = 'advisory' AND datname = current_database()"
        )
        wait_until(lambda: bench.one(waits), 10, "the third batch is at the gate")
        assert bench.one("SELECT count(*) FROM w.t_target") == 1000
        bench.admin.execute("UPDATE w.t_source SET value = 'changed' WHERE id IN (500, 1700)")
        bench.admin.execute("DELETE FROM w.t_source WHERE id = 1800")
        bench.admin.execute("INSERT INTO w.t_source VALUES (2001, 'new')")
        keyholder.execute("SELECT pg_advisory_unlock(%s)", [GATE])
        assert bench.ends(run) == "succeeded", bench.error(run)
    if snapshot == "batch":
        expected |= {1700: "changed", 2001: "new"}
        del expected[1800]
    assert dict(bench.admin.execute("TABLE w.t_target").fetchall()) == expected
