"""Recovery of a lost worker: how often, and what a worker whose lease was taken over may still write."""

import contextlib
import json
import threading

import pytest
from elastic_workbench import BACKOFF, RecordingDouble, source_docs, use_sink
from harness.process import wait_until

BATCH = 100
ONCE = {"max_retries": 1, "retry_backoff": ["50ms"]}
WORKERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'pg_etl worker'"
STUCK = "SELECT id, value FROM w.t_source, LATERAL (SELECT pg_sleep(60) WHERE id = id) s"


def terminate(bench, pid):
    """Ends that worker and waits until its lease is free."""
    bench.admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
    wait_until(
        lambda: not bench.one("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid), 10, "it is gone", 0.005
    )


def next_worker(bench, run, before):
    """The pid of the worker that leads the run after `before` did."""
    return wait_until(lambda: (pid := bench.worker_pid(run)) != before and pid, 10, "another worker leads", 0.01)


def recovered(bench, run):
    """How often the events say so."""
    return sum(reason == "recovered after: worker lost" for _, _, reason in bench.story(run))


# The limit


def test_as_many_recoveries_as_max_retries_without_a_committed_batch(bench):
    bench.tables(10)
    bench.pipeline(source=STUCK, options=ONCE)
    run = bench.run()
    first = bench.worker_pid(run)
    terminate(bench, first)
    terminate(bench, next_worker(bench, run, first))
    wait_until(lambda: bench.processes() == 0, 15, "the keeper has nothing left to do and leaves")
    assert bench.status(run) == "failed" and bench.state() == "FAILED"
    assert bench.error(run) == ("PE040", "worker lost")
    assert recovered(bench, run) == 1
    assert bench.one("SELECT attempt FROM etl.runs WHERE id = %s", run) == 2
    # Who calls etl.retry() gives it as many again.
    bench.admin.execute("SELECT etl.retry('p')")
    terminate(bench, bench.worker_pid(run))
    wait_until(lambda: recovered(bench, run) == 2, 15, "the run is recovered once more")
    bench.admin.execute("SELECT etl.cancel('p')")


def lose_workers(bench, run, times):
    """Ends all workers that often, each time after batches of theirs have been committed; then lets the rest be quick."""
    pid = None
    for lost in range(1, times + 1):
        pid = next_worker(bench, run, pid)
        there = bench.one("SELECT count(*) FROM w.t_target")
        wait_until(
            lambda have=there: bench.one("SELECT count(*) FROM w.t_target") >= have + 2 * BATCH,
            10,
            "two more batches: with the second the first has been counted",
            0.005,
        )
        assert bench.one("SELECT recoveries FROM etl.run_log WHERE id = %s", run) == 0
        for (worker,) in bench.admin.execute(WORKERS).fetchall():
            terminate(bench, worker)
        wait_until(lambda number=lost: recovered(bench, run) == number, 10, "the run is recovered", 0.01)
    bench.hurry()


def complete(bench, run, rows, attempts):
    assert bench.ends(run) == "succeeded", (bench.error(run), bench.story(run))
    assert bench.same()
    assert bench.admin.execute(
        "SELECT attempt, rows_read, rows_inserted FROM etl.runs WHERE id = %s", (run,)
    ).fetchone() == (attempts, rows, rows)
    batches = bench.admin.execute(
        "SELECT count(*), max(batch_no) FROM etl.batches WHERE run_id = %s GROUP BY slice", (run,)
    ).fetchall()
    assert all(count == highest for count, highest in batches), batches


def test_a_committed_batch_sets_the_count_of_recoveries_back(bench):
    bench.slow_pipeline(rows=4000, batch_size=BATCH, options=ONCE)
    run = bench.run()
    lose_workers(bench, run, 4)
    complete(bench, run, 4000, 5)


def test_so_does_a_batch_of_a_slice_whose_leader_has_nothing_left_to_do(bench):
    bench.slow_pipeline(rows=4000, batch_size=BATCH, options=ONCE | {"slices": 2})
    source = "SELECT id, CASE WHEN id > 2100 THEN w.slowly(value, 1) ELSE value END AS value FROM w.t_source"
    bench.one("SELECT etl.alter_pipeline('p', %s)", json.dumps({"source": source}))
    run = bench.run()
    wait_until(
        lambda: bench.one("SELECT count(*) FROM etl.checkpoint WHERE slice = 0 AND done"),
        10,
        "the leader is done",
        0.01,
    )
    assert bench.one("SELECT count(*) FROM etl.checkpoint WHERE NOT done") == 1
    lose_workers(bench, run, 3)
    complete(bench, run, 4000, 4)


# The fence


@contextlib.contextmanager
def held_row(bench, row):
    """While a session holds that row of the target, whoever writes it waits inside of its batch."""
    with contextlib.closing(bench.server.connect(bench.name, autocommit=False)) as holder:
        holder.execute("INSERT INTO w.t_target VALUES (%s, 'held')", (row,))
        yield holder.info.backend_pid


def waits_for(bench, pid, holder):
    wait_until(
        lambda: bench.one("SELECT %s = ANY (pg_blocking_pids(%s))", holder, pid),
        10,
        "the worker waits inside of its batch",
        0.005,
    )


def checkpoint(bench):
    return bench.admin.execute("SELECT slice, position, batch_no, rows_read FROM etl.checkpoint").fetchall()


@pytest.mark.parametrize("tables", [("pipeline_state", "checkpoint"), ("checkpoint",)], ids=["both", "checkpoint"])
def test_a_worker_whose_lease_was_taken_over_writes_nothing_more(bench, tables):
    """The new holder is played: it has moved the epoch on, and is then itself lost, so that nobody else writes."""
    bench.tables(10 * BATCH)
    bench.pipeline(batch_size=BATCH, options={"auto_recover": False} | ONCE)
    with held_row(bench, 2 * BATCH + 50) as holder:
        run = bench.run()
        pid = bench.worker_pid(run)
        waits_for(bench, pid, holder)
        before = checkpoint(bench)
        assert before == [(0, [str(2 * BATCH)], 2, 2 * BATCH)]
        for table in tables:
            bench.admin.execute(f"UPDATE etl.{table} SET epoch = epoch + 1")
    assert bench.ends(run) == "failed"
    assert checkpoint(bench) == before
    assert bench.admin.execute("SELECT count(*), max(id) FROM w.t_target").fetchone() == (2 * BATCH, 2 * BATCH)
    assert bench.one("SELECT count(*) FROM etl.batches WHERE run_id = %s", run) == 2
    # The worker left without a word of its own, PE041: the keeper found the lease free. Nothing was tried again.
    assert bench.error(run) == ("PE040", "worker lost")
    assert [reason for _, _, reason in bench.story(run) if reason] == ["worker lost"]
    assert bench.one("SELECT attempt FROM etl.runs WHERE id = %s", run) == 1
    assert bench.one("SELECT etl.retry('p')") == run
    assert bench.ends(run) == "succeeded" and bench.same()
    assert bench.one("SELECT rows_inserted FROM etl.runs WHERE id = %s", run) == 10 * BATCH


@pytest.mark.parametrize("tables", [("pipeline_state", "checkpoint"), ("checkpoint",)], ids=["both", "checkpoint"])
def test_nor_moves_the_checkpoint_of_a_remote_target(bench, tables):
    """As above. What was on the wire may land; no version is given after it."""
    asked, answer = threading.Event(), threading.Event()
    with RecordingDouble() as double:
        store = double.store.bulk

        def bulk(*arguments, **options):
            asked.set()
            assert answer.wait(30)
            return store(*arguments, **options)

        double.store.bulk = bulk
        bench.tables(300)
        use_sink(bench, double.url)
        bench.pipeline(target="es:p", batch_size=10, key_columns=["id"], options=BACKOFF | {"auto_recover": False})
        run = bench.run()
        try:
            assert asked.wait(10)
            for table in tables:
                bench.admin.execute(f"UPDATE etl.{table} SET epoch = epoch + 1")
            reserved = bench.one("SELECT doc_version FROM etl.pipeline_state")
        finally:
            answer.set()
        assert bench.ends(run) == "failed" and bench.error(run) == ("PE040", "worker lost")
        assert [reason for _, _, reason in bench.story(run) if reason] == ["worker lost"]
        assert checkpoint(bench) == [(0, None, 0, 0)]
        assert bench.one("SELECT count(*) FROM etl.batches WHERE run_id = %s", run) == 0
        versions = {version for sent in double.sent.values() for version in sent}
        assert versions and ("pipeline_state" not in tables or max(versions) <= reserved)
        assert bench.one("SELECT etl.retry('p')") == run
        assert bench.ends(run) == "succeeded"
        assert double.docs("p") == source_docs(bench, "SELECT id, value FROM w.t_source")
        assert double.versions("p") == {key: max(sent) for key, sent in double.sent.items()}
