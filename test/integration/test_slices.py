"""Slices: one load by several workers, paused, killed and retried as one run."""

import pytest
from harness.postgres import PostgresServer
from harness.process import wait_until
from harness.trees import installed_tree
from workbench import workbench

ROWS = 100_000
SLICES = 4


def sliced(bench, rows=ROWS, ms=0.0, batch_size=1000, **options):
    options = {"slices": SLICES, "retry_backoff": ["50ms"]} | options
    if ms:
        bench.slow_pipeline(rows=rows, ms=ms, batch_size=batch_size, options=options)
    else:
        bench.tables(rows)
        bench.pipeline(batch_size=batch_size, options=options)


def leases(bench) -> dict:
    """slice -> pid of the processes that work on one now."""
    return dict(
        bench.admin.execute(
            "SELECT objid::int, pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3697"
            " AND mode = 'ExclusiveLock' AND classid <> 0"
        ).fetchall()
    )


def complete(bench, run, rows):
    assert bench.ends(run, 60) == "succeeded", bench.error(run)
    assert bench.same()
    row = bench.admin.execute(
        "SELECT rows_read, rows_inserted, rows_updated, rows_unchanged FROM etl.runs WHERE id = %s", (run,)
    ).fetchone()
    assert row == (rows, rows, 0, 0)
    batches = bench.admin.execute(
        "SELECT slice, count(*), max(batch_no), sum(rows_read) FROM etl.batches WHERE run_id = %s"
        " GROUP BY slice ORDER BY slice",
        (run,),
    ).fetchall()
    assert all(count == highest for _, count, highest, _ in batches) and sum(row[3] for row in batches) == rows
    return batches


@pytest.mark.parametrize("analyzed", [True, False], ids=["statistics", "no statistics"])
def test_slices_together_are_the_source(bench, analyzed):
    sliced(bench)
    if not analyzed:
        bench.admin.execute("DELETE FROM pg_statistic WHERE starelid = 'w.t_source'::regclass")
    batches = complete(bench, bench.run(), ROWS)
    assert [row[0] for row in batches] == list(range(SLICES))
    assert all(row[3] > ROWS / SLICES / 2 for row in batches), batches
    run = bench.run()
    assert bench.ends(run) == "succeeded"
    assert bench.one("SELECT rows_unchanged FROM etl.runs WHERE id = %s", run) == ROWS


def test_pause_and_resume(bench):
    sliced(bench, rows=4000, ms=0.5, batch_size=50)
    run = bench.run()
    for _ in range(2):
        wait_until(lambda: len(leases(bench)) == SLICES, 10, "all slices are worked on")
        bench.one("SELECT etl.pause('p')")
        assert bench.ends(run) == "paused"
        wait_until(lambda: not leases(bench), 5, "all workers are gone")
        assert 0 < bench.one("SELECT count(*) FROM w.t_target") < 4000
        bench.one("SELECT etl.resume('p')")
    complete(bench, run, 4000)


@pytest.mark.parametrize("victim", [0, 2], ids=["leader", "helper"])
def test_a_killed_worker_is_replaced(bench, victim):
    sliced(bench, rows=6000, ms=0.5, batch_size=50)
    run = bench.run()
    wait_until(lambda: len(leases(bench)) == SLICES, 10, "all slices are worked on")
    bench.first_batch(run)
    bench.admin.execute("SELECT pg_terminate_backend(%s)", (leases(bench)[victim],))
    complete(bench, run, 6000)
    assert bench.one("SELECT attempt FROM etl.runs WHERE id = %s", run) == (2 if victim == 0 else 1)


def test_cancel_ends_all_workers(bench):
    sliced(bench, rows=6000, ms=0.5, batch_size=50)
    run = bench.run()
    wait_until(lambda: len(leases(bench)) == SLICES, 10, "all slices are worked on")
    bench.one("SELECT etl.cancel('p')")
    wait_until(lambda: not leases(bench), 1, "all workers are gone within a second", 0.01)
    assert bench.status(run) == "cancelled"


def test_an_error_in_one_slice_fails_the_run_and_a_retry_goes_on(bench):
    sliced(bench, rows=6000, ms=0.2, batch_size=50)
    bench.admin.execute("ALTER TABLE w.t_target ADD CONSTRAINT not_this CHECK (id <> 4100)")
    run = bench.run()
    assert bench.ends(run) == "failed" and bench.error(run)[0] == "23514"
    wait_until(lambda: not leases(bench), 2, "all workers are gone")
    there = bench.one("SELECT count(*) FROM w.t_target")
    assert 0 < there < 6000
    bench.admin.execute("ALTER TABLE w.t_target DROP CONSTRAINT not_this")
    assert bench.one("SELECT etl.retry('p')") == run
    complete(bench, run, 6000)


def test_one_free_worker_slot_is_enough():
    with PostgresServer(installed_tree("15"), "oneslot", settings={"max_worker_processes": 2}) as server:
        for bench in workbench(server):
            sliced(bench, rows=20_000)
            complete(bench, bench.run(), 20_000)
        assert server.crash_lines() == []
