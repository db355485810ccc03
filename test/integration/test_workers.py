"""Workers: how they start, end, are cancelled, retried and recovered, and what they leave behind."""

import statistics
import threading
import time

import psycopg
import pytest
from harness.postgres import PostgresServer
from harness.process import wait_until
from harness.trees import installed_tree
from workbench import OWNER, elapsed, workbench

FAST = {"retry_backoff": ["50ms"]}


# Starting


def test_run_returns_at_once_and_another_process_works(any_bench):
    any_bench.slow_pipeline(rows=10, batch_size=5, ms=1)
    times = []
    for _ in range(7):
        start = time.monotonic()
        run = any_bench.run()
        times.append(time.monotonic() - start)
        pid = wait_until(lambda: any_bench.one("SELECT worker_pid FROM etl.runs WHERE id = %s", run), 10)
        assert pid != any_bench.admin.info.backend_pid
        assert any_bench.ends(run) == "succeeded"
    assert statistics.median(times) < 0.05, times


def test_a_run_outlives_its_caller(bench):
    bench.slow_pipeline(rows=300, ms=1)
    with bench.owner() as caller:
        run = caller.execute("SELECT etl.run('p')").fetchone()[0]
    assert bench.ends(run) == "succeeded" and bench.same()


def test_nothing_starts_when_the_caller_rolls_back(bench):
    bench.tables(10)
    bench.pipeline()
    with bench.owner(autocommit=False) as caller:
        run = caller.execute("SELECT etl.run('p')").fetchone()[0]
        caller.rollback()
    assert bench.state() == "IDLE" and bench.one("SELECT count(*) FROM etl.runs WHERE id = %s", run) == 0


# Too few processes


@pytest.mark.parametrize("preload", [True, False], ids=["preload", "without"])
def test_no_free_worker_slot_is_a_state_that_ends(preload):
    # One slot for replication's launcher, one for ours when it is there, two for work: a keeper and one worker.
    with PostgresServer(
        installed_tree("15"), "slots", preload=preload, settings={"max_worker_processes": 4 if preload else 3}
    ) as server:
        for bench in workbench(server):
            bench.slow_pipeline("first", rows=1000, ms=1, table="first")
            bench.tables(100, "second")
            bench.pipeline("second", table="second")
            for other in workbench(server):
                other.tables(100)
                other.pipeline()
                wait_until(lambda: bench.processes() + other.processes() == 0, 15, "the slots are free")
                first = bench.run("first")
                bench.first_batch(first, "first")
                wait_until(lambda: bench.processes() == 2, 10, "both slots are taken")
                second = bench.run("second")
                waiting = other.run()
                assert bench.state("second") == other.state() == "RUN_REQUESTED"
                assert bench.ends(first) == "succeeded"
                assert bench.ends(second, 10) == "succeeded" and bench.same("second")
                assert other.ends(waiting, 15) == "succeeded" and other.same()
        assert server.crash_lines() == []


def test_one_worker_slot_is_handed_on():
    with PostgresServer(installed_tree("15"), "oneslot", settings={"max_worker_processes": 2}) as server:
        for bench in workbench(server):
            runs = []
            for number in range(3):
                bench.slow_pipeline(f"p{number}", rows=300, ms=1, table=f"t{number}")
            for number in range(3):
                runs.append(bench.run(f"p{number}"))
            assert [bench.ends(run) for run in runs] == ["succeeded"] * 3
            assert all(bench.same(f"t{number}") for number in range(3))


def test_max_workers_is_honoured(pg_preload):
    pg_preload.reload(**{"etl.max_workers": 2})
    try:
        for bench in workbench(pg_preload):
            wait_until(lambda: bench.one("SHOW etl.max_workers") == "2", 10)
            for number in range(5):
                bench.slow_pipeline(f"p{number}", rows=300, ms=1, table=f"t{number}")
            runs = [bench.run(f"p{number}") for number in range(5)]
            most = 0
            while not all(bench.status(run) == "succeeded" for run in runs):
                most = max(most, bench.one("SELECT count(*) FROM etl.runs WHERE status = 'running'"))
                assert not any(bench.status(run) == "failed" for run in runs)
            assert most == 2
            assert all(bench.same(f"t{number}") for number in range(5))
    finally:
        pg_preload.reload(**{"etl.max_workers": 4})


# Ending


SLEEP = "SELECT id, value FROM w.t_source, LATERAL (SELECT pg_sleep(60) WHERE id = id) s"


def sleeper(bench):
    """A run whose source sleeps for a minute; returns run and pid."""
    bench.tables(10)
    bench.pipeline(source=SLEEP)
    run = bench.run()
    pid = bench.worker_pid(run)
    wait_until(
        lambda: bench.one("SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'", pid),
        10,
        "the source sleeps",
        0.005,
    )
    return run, pid


def gone(bench, pid):
    wait_until(
        lambda: not bench.one("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid), 5, "it is gone", 0.005
    )


def test_cancel_ends_a_long_query_within_a_second(bench):
    run, pid = sleeper(bench)
    start = time.monotonic()
    assert bench.one("SELECT etl.cancel('p')") == "IDLE"
    gone(bench, pid)
    assert time.monotonic() - start < 1
    assert bench.status(run) == "cancelled" and bench.state() == "IDLE"


def test_terminate_ends_a_long_query_within_a_second_and_the_run_is_recovered(bench):
    run, pid = sleeper(bench)
    start = time.monotonic()
    bench.admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
    gone(bench, pid)
    assert time.monotonic() - start < 1
    wait_until(lambda: bench.one("SELECT attempt FROM etl.runs WHERE id = %s", run) == 2, 10, "a second attempt")
    assert any(reason == "worker lost" for _, _, reason in bench.story(run))
    other = wait_until(lambda: (p := bench.worker_pid(run)) != pid and p, 10, "another worker leads")
    bench.admin.execute("SELECT etl.cancel('p')")
    gone(bench, other)


def test_cancel_backend_on_the_worker_cancels_the_run(bench):
    run, pid = sleeper(bench)
    bench.admin.execute("SELECT pg_cancel_backend(%s)", (pid,))
    assert bench.ends(run, 5) == "cancelled"
    assert bench.error(run)[0] == "57014" and bench.state() == "IDLE"


def test_cancel_between_batches(bench):
    bench.slow_pipeline(rows=3000, ms=1)
    run = bench.run()
    bench.first_batch(run)
    bench.admin.execute("SELECT etl.cancel('p')")
    assert bench.status(run) == "cancelled"
    wait_until(lambda: bench.processes("pg_etl worker") == 0, 2, "the worker is gone")
    assert 0 < bench.one("SELECT count(*) FROM w.t_target") < 3000


def test_pause_lands_between_batches_and_resume_goes_on(bench):
    bench.slow_pipeline(rows=2000, batch_size=100, ms=1)
    run = bench.run()
    for _ in range(3):
        bench.first_batch(run)
        assert bench.one("SELECT etl.pause('p')") == "PAUSE_REQUESTED"
        assert bench.ends(run) == "paused" and bench.state() == "PAUSED"
        wait_until(lambda: bench.processes("pg_etl worker") == 0, 5, "the worker is gone")
        last, count = bench.admin.execute("SELECT max(id), count(*) FROM w.t_target").fetchone()
        assert bench.one("SELECT position FROM etl.checkpoints") == [str(last)]
        assert last == count and count % 100 == 0 and count < 2000
        assert bench.one("SELECT etl.resume('p')") == "RUN_REQUESTED"
    assert bench.ends(run) == "succeeded" and bench.same()
    assert bench.one("SELECT rows_inserted FROM etl.runs WHERE id = %s", run) == 2000


def test_a_paused_request_before_the_worker_came(bench):
    bench.tables(10)
    bench.pipeline()
    with bench.owner(autocommit=False) as caller:
        run = caller.execute("SELECT etl.run('p')").fetchone()[0]
        assert caller.execute("SELECT etl.pause('p')").fetchone()[0] == "PAUSED"
        caller.commit()
    assert bench.status(run) == "paused"
    assert bench.one("SELECT etl.resume('p')") == "RUN_REQUESTED"
    assert bench.ends(run) == "succeeded" and bench.same()


# Errors that pass, and errors that do not


def gaps(bench, run):
    """Seconds between the event of each failed attempt and what follows it."""
    rows = bench.admin.execute(
        "SELECT extract(epoch FROM at)::float8, reason FROM etl.events WHERE run_id = %s"
        " AND (reason LIKE 'attempt %%' OR to_state = 'FAILED') ORDER BY at",
        (run,),
    ).fetchall()
    return [after[0] - before[0] for before, after in zip(rows, rows[1:])], [reason for _, reason in rows]


def test_a_statement_that_takes_too_long_is_tried_three_times_more(bench):
    bench.tables(10)
    timeout = 0.2
    bench.pipeline(source=SLEEP, options={"step_timeout": f"{timeout}s", "retry_backoff": ["0.4s", "0.8s", "1.6s"]})
    run = bench.run()
    assert bench.ends(run, 20) == "failed" and bench.state() == "FAILED"
    measured, reasons = gaps(bench, run)
    assert len(measured) == 3, reasons
    for seconds, wanted in zip(measured, (0.4, 0.8, 1.6)):
        assert wanted <= seconds - timeout <= wanted * 1.2 + 0.05, measured
    assert all("57014" in reason for reason in reasons), reasons
    assert bench.error(run)[0] == "57014"
    assert bench.one("SELECT attempt FROM etl.runs WHERE id = %s", run) == 4


@pytest.mark.parametrize("waits", ["in a statement", "between retries", "for a slice"])
def test_a_run_that_takes_too_long_fails_and_is_retried(bench, waits):
    options = {"run_timeout": "600ms"}
    if waits == "between retries":
        options |= {"step_timeout": "100ms", "retry_backoff": ["1h"]}
    if waits == "for a slice":
        options |= {"slices": 2}
    bench.slow_pipeline(rows=2000, ms=0 if waits == "in a statement" else 2, options=options)
    if waits == "in a statement":
        bench.admin.execute("UPDATE w.t_source SET value = 'slow' WHERE id = 500")
        bench.admin.execute(
            "CREATE OR REPLACE FUNCTION w.slowly(value text, ms float8) RETURNS text LANGUAGE plpgsql STABLE AS"
            " $$BEGIN IF value = 'slow' THEN PERFORM pg_sleep(3600); END IF; RETURN value; END$$"
        )
    run = bench.run()
    assert bench.ends(run) == "failed"
    assert bench.error(run) == ("57014", 'the run took longer than option "run_timeout" allows')
    before = bench.one("SELECT count(*) FROM w.t_target")
    assert before < 2000
    assert waits != "in a statement" or before > 0
    bench.hurry()
    assert bench.one("SELECT etl.retry('p')") == run
    assert bench.ends(run) == "succeeded", bench.error(run)
    assert bench.same()


def test_the_pauses_are_one_two_and_four_seconds_by_default(bench):
    bench.tables(10)
    bench.pipeline()
    with bench.server.connect(bench.name, OWNER, autocommit=False) as blocker:
        bench.admin.execute(f"ALTER ROLE {OWNER} IN DATABASE {bench.name} SET lock_timeout = '50ms'")
        blocker.execute("LOCK TABLE w.t_target IN SHARE MODE")  # 55P03
        run = bench.run()
        assert bench.ends(run, 20) == "failed"
    measured, reasons = gaps(bench, run)
    assert [round(seconds) for seconds in measured] == [1, 2, 4], (measured, reasons)
    for seconds, wanted in zip(measured, (1, 2, 4)):
        assert wanted <= seconds <= wanted * 1.2 + 0.1, measured
    assert bench.error(run)[0] == "55P03"
    assert bench.one("SELECT etl.retry('p')") == run
    assert bench.ends(run) == "succeeded" and bench.same()


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "53100"])
def test_transient_errors_pass(bench, sqlstate):
    bench.tables(1000)
    bench.admin.execute(f"""
        CREATE SEQUENCE w.tries;
        CREATE FUNCTION w.hurt() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF new.id = 450 AND nextval('w.tries') <= 2 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '{sqlstate}'; END IF;
            RETURN new;
        END$$;
        CREATE TRIGGER hurt BEFORE INSERT ON w.t_target FOR EACH ROW EXECUTE FUNCTION w.hurt();
        ALTER SEQUENCE w.tries OWNER TO {OWNER}; ALTER FUNCTION w.hurt OWNER TO {OWNER}""")
    bench.pipeline(batch_size=100, options=FAST)
    run = bench.run()
    assert bench.ends(run) == "succeeded" and bench.same()
    assert bench.one("SELECT attempt FROM etl.batches WHERE run_id = %s AND batch_no = 5", run) == 3
    assert bench.one("SELECT max(attempt) FROM etl.batches WHERE run_id = %s AND batch_no <> 5", run) == 1
    assert bench.one("SELECT rows_inserted FROM etl.runs WHERE id = %s", run) == 1000


def test_a_real_deadlock_passes(bench):
    bench.tables(200)
    bench.admin.execute("INSERT INTO w.t_target SELECT id, 'old' FROM w.t_source")
    bench.pipeline(batch_size=200, options=FAST)
    with bench.server.connect(bench.name, autocommit=False) as user:
        user.execute("SET deadlock_timeout = '5s'")  # so that the worker is the victim
        user.execute("UPDATE w.t_target SET value = 'mine' WHERE id = 150")
        run = bench.run()
        pid = bench.worker_pid(run)
        wait_until(lambda: bench.one("SELECT cardinality(pg_blocking_pids(%s))", pid), 10, "the worker waits", 0.005)
        user.execute("UPDATE w.t_target SET value = 'mine' WHERE id = 50")
        user.commit()
    assert bench.ends(run) == "succeeded" and bench.same()
    assert any("40P01" in (reason or "") for _, _, reason in bench.story(run))


def test_a_permanent_error_fails_at_once(bench):
    bench.tables(100)
    bench.pipeline(source="SELECT id, (1 / (id - 50))::text AS value FROM w.t_source", batch_size=10)
    run = bench.run()
    assert elapsed(lambda: bench.ends(run)) < 1
    assert bench.status(run) == "failed" and bench.error(run)[0] == "22012"
    assert bench.one("SELECT max(id) FROM w.t_target") == 40
    assert bench.state() == "FAILED"


# Recovery


def test_a_lost_worker_stays_failed_without_auto_recover(bench):
    bench.slow_pipeline(rows=3000, ms=1, options={"auto_recover": False})
    run = bench.run()
    bench.first_batch(run)
    bench.admin.execute("SELECT pg_terminate_backend(%s)", (bench.worker_pid(run),))
    assert bench.ends(run, 10) == "failed" and bench.state() == "FAILED"
    assert bench.error(run) == ("PE040", "worker lost")
    wait_until(lambda: bench.processes() == 0, 10, "the keeper leaves, since nothing is active")
    assert bench.status(run) == "failed"
    assert bench.one("SELECT etl.retry('p')") == run
    bench.hurry()
    assert bench.ends(run) == "succeeded" and bench.same()
    assert bench.one("SELECT rows_inserted FROM etl.runs WHERE id = %s", run) == 3000


@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("preload", [True, False], ids=["preload", "without"])
def test_a_restart_in_the_middle(preload, mode):
    with PostgresServer(installed_tree("15"), "restart", preload=preload) as server:
        for bench in workbench(server):
            bench.slow_pipeline(rows=1500, ms=1)
            run = bench.run()
            bench.first_batch(run)
            assert elapsed(lambda: server.stop(mode)) < 5
            server.start()
            start = time.monotonic()
            bench.admin = server.connect(bench.name)
            if not preload:
                assert bench.status(run) == "running"  # nobody is there to see it, and the docs say so
                bench.admin.execute("SELECT etl.health()")
            assert bench.ends(run, 10) == "succeeded" and bench.same()
            assert time.monotonic() - start < 10
            assert bench.one("SELECT rows_inserted FROM etl.runs WHERE id = %s", run) == 1500
        assert server.crash_lines() == []


# Databases


def test_two_databases_of_one_server(pg):
    for one in workbench(pg):
        for two in workbench(pg):
            runs = []
            for bench in (one, two):
                bench.slow_pipeline(rows=300, ms=1)
                runs.append(bench.run())
            assert [one.ends(runs[0]), two.ends(runs[1])] == ["succeeded", "succeeded"]
            assert one.same() and two.same()


def test_a_database_can_be_dropped_once_idle(pg_preload):
    for bench in workbench(pg_preload):
        bench.tables(10)
        bench.pipeline()
        assert bench.ends(bench.run()) == "succeeded"
        wait_until(lambda: bench.processes() == 0, 10, "nobody is left")
        bench.admin.close()
        with pg_preload.connect() as admin:
            assert elapsed(lambda: admin.execute(f"DROP DATABASE {bench.name}")) < 2


def test_create_database_elsewhere_is_not_held_up(bench):
    sleeper(bench)
    with bench.server.connect() as admin:
        assert elapsed(lambda: admin.execute("CREATE DATABASE elsewhere")) < 2
        assert elapsed(lambda: admin.execute("DROP DATABASE elsewhere")) < 2


def test_drop_extension_while_running(bench):
    bench.slow_pipeline(rows=3000, ms=1)
    run = bench.run()
    bench.first_batch(run)
    bench.admin.execute("DROP EXTENSION pg_etl")
    wait_until(lambda: bench.processes() == 0, 10, "worker and keeper leave")
    bench.admin.execute("CREATE EXTENSION pg_etl")
    bench.admin.execute(f"GRANT USAGE ON SCHEMA etl TO {OWNER}; SELECT etl.allow_target('w.*')")
    bench.admin.execute("TRUNCATE w.t_target; DROP FUNCTION w.slowly")
    bench.pipeline()
    assert bench.ends(bench.run()) == "succeeded" and bench.same()


def test_drop_pipeline_is_refused_while_running(bench):
    bench.slow_pipeline(rows=500, ms=1)
    run = bench.run()
    bench.first_batch(run)
    for call in ("drop_pipeline('p')", "reset('p')", "alter_pipeline('p', '{\"batch_size\": 7}')"):
        with pytest.raises(psycopg.Error) as refused:
            bench.admin.execute(f"SELECT etl.{call}")
        assert refused.value.sqlstate in ("55000", "55006")
    assert bench.ends(run) == "succeeded" and bench.same()


def test_a_keeper_whose_database_was_dropped_does_not_come_back():
    with PostgresServer(installed_tree("15"), "dropped", settings={"max_worker_processes": 8}) as server:
        for _ in range(3):
            for bench in workbench(server):
                bench.slow_pipeline(rows=3000, ms=1)
                bench.first_batch(bench.run())
                wait_until(lambda: bench.processes("pg_etl keeper") == 1, 5, "a keeper is there")
        for bench in workbench(server):  # the slots are free again, and nobody asks for a database that is gone
            bench.tables(10)
            bench.pipeline()
            assert bench.ends(bench.run(), 10) == "succeeded"
            wait_until(lambda: server.log().count("does not exist") >= 3, 15, "each keeper found its database gone")
            before = server.log().count("does not exist")
            wait_until(lambda: bench.processes() == 0, 10, "the keeper is gone")
            assert server.log().count("does not exist") == before == 3


# Owners and tables that change under a run


def failure(bench, change, sqlstate, word):
    """The run fails after `change` with this SQLSTATE, and the message names what happened."""
    bench.slow_pipeline(rows=5000, ms=1, options=FAST)
    run = bench.run()
    bench.first_batch(run)
    change()
    assert bench.ends(run, 15) == "failed" and bench.state() == "FAILED"
    code, message = bench.error(run)
    assert code == sqlstate and word in message, (code, message)
    return run


def test_the_owner_loses_its_rights(bench):
    bench.admin.execute("CREATE ROLE stranger")
    try:
        failure(
            bench,
            lambda: bench.admin.execute(
                f"ALTER TABLE w.t_target OWNER TO stranger;REVOKE ALL ON w.t_target FROM {OWNER}"
            ),
            "42501",
            "t_target",
        )
    finally:
        bench.admin.execute("DROP OWNED BY stranger; DROP ROLE stranger")


def test_the_owner_becomes_nologin(bench):
    bench.slow_pipeline(rows=3000, ms=1, options=FAST)
    run = bench.run()
    bench.first_batch(run)
    bench.admin.execute(f"ALTER ROLE {OWNER} NOLOGIN")
    try:
        bench.admin.execute("SELECT pg_terminate_backend(%s)", (bench.worker_pid(run),))
        assert bench.ends(run, 30) == "failed" and bench.state() == "FAILED"
        code, message = bench.error(run)
        assert code == "42501" and "cannot log in" in message, (code, message)
    finally:
        bench.admin.execute(f"ALTER ROLE {OWNER} LOGIN")
    bench.hurry()
    assert bench.one("SELECT etl.retry('p')") == run
    assert bench.ends(run) == "succeeded" and bench.same()


def test_the_owner_is_dropped(bench):
    bench.admin.execute(
        "CREATE ROLE doomed LOGIN; GRANT USAGE ON SCHEMA etl, w TO doomed; SELECT etl.allow_target('w.*')"
    )
    bench.slow_pipeline(rows=3000, ms=1, options=FAST)
    bench.admin.execute(
        "ALTER TABLE w.t_source OWNER TO doomed; ALTER TABLE w.t_target OWNER TO doomed;"
        "SELECT etl.alter_pipeline_owner('p', 'doomed')"
    )
    run = bench.run()
    bench.first_batch(run)
    bench.admin.execute("REASSIGN OWNED BY doomed TO postgres; DROP OWNED BY doomed; DROP ROLE doomed")
    assert bench.ends(run, 15) == "failed" and bench.state() == "FAILED"
    assert bench.error(run)[0] in ("42501", "42704"), bench.error(run)
    run = bench.run()
    assert bench.ends(run, 15) == "failed"
    assert bench.error(run)[0] == "42704", bench.error(run)


def test_a_column_is_dropped(bench):
    failure(bench, lambda: bench.admin.execute("ALTER TABLE w.t_target DROP COLUMN value"), "42703", "value")


def test_the_target_is_dropped(bench):
    failure(bench, lambda: bench.admin.execute("DROP TABLE w.t_target"), "42P01", "t_target")


def test_tables_that_change_without_harm(bench):
    bench.slow_pipeline(rows=1500, ms=1, options=FAST)
    run = bench.run()
    bench.first_batch(run)
    bench.admin.execute("ALTER TABLE w.t_target ADD COLUMN more int DEFAULT 7")
    bench.admin.execute("ALTER TABLE w.t_source ADD COLUMN more int")
    bench.admin.execute("ALTER TABLE w.t_source ALTER COLUMN value TYPE varchar(40)")  # 0A000 under a prepared plan
    assert bench.ends(run) == "succeeded"
    assert (
        bench.one("SELECT count(*) FROM w.t_target JOIN w.t_source USING (id, value) WHERE t_target.more = 7") == 1500
    )


def blocked(bench, pid):
    wait_until(lambda: bench.one("SELECT cardinality(pg_blocking_pids(%s))", pid), 10, "the worker waits", 0.005)


def test_a_source_that_is_rewritten_meanwhile_is_read_whole(bench):
    """To a snapshot that is older than the rewrite the table is empty: the largest key would be none."""
    bench.tables(100)
    bench.admin.execute(
        f"CREATE VIEW w.shown AS SELECT id + 0 AS id, value FROM w.t_source; ALTER VIEW w.shown OWNER TO {OWNER}"
    )
    bench.pipeline(
        source="SELECT id, value FROM w.shown",
        mode="incremental",
        incremental_key="id",
        incremental_id_key="id",
        options={"safety": "lock", "settle": "0s"},
    )
    with bench.server.connect(bench.name, autocommit=False) as user:
        user.execute("ALTER TABLE w.t_source ADD COLUMN more float8 DEFAULT random()")  # a new file
        run = bench.run()
        blocked(bench, bench.worker_pid(run))
        user.commit()
    assert bench.ends(run) == "succeeded"
    assert bench.one("SELECT rows_inserted FROM etl.runs WHERE id = %s", run) == 100


def test_a_target_that_is_rewritten_meanwhile_is_emptied_whole(bench):
    bench.tables(100)
    bench.pipeline()
    assert bench.ends(bench.run()) == "succeeded"
    wait_until(lambda: bench.processes("pg_etl worker") == 0, 5, "the worker is gone")
    with bench.server.connect(bench.name, autocommit=False) as user, bench.owner() as owner:
        user.execute("ALTER TABLE w.t_target ADD COLUMN more float8 DEFAULT random()")
        reset = threading.Thread(target=owner.execute, args=("SELECT etl.reset('p', truncate_target => true)",))
        reset.start()
        worker = "SELECT max(pid) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'pg_etl worker'"
        blocked(bench, wait_until(lambda: bench.one(worker), 10, "the worker comes", 0.005))
        user.commit()
        reset.join()
    assert bench.one("SELECT count(*) FROM w.t_target") == 0


# Rest


def test_idle_pipelines_burn_no_xid_and_write_no_wal(bench):
    for number in range(20):
        bench.tables(10, f"t{number}")
        bench.pipeline(f"p{number}", table=f"t{number}")
        assert bench.ends(bench.run(f"p{number}")) == "succeeded"
    wait_until(lambda: bench.processes() == 0, 10, "nobody is left")
    with bench.server.connect() as quiet:
        quiet.execute("CHECKPOINT")

        def figures():
            return quiet.execute(
                "SELECT pg_snapshot_xmax(pg_current_snapshot())::text, pg_current_wal_insert_lsn()"
            ).fetchone()

        # The background writer logs running transactions once after activity; then nothing moves.
        def still():
            before = figures()
            end = time.monotonic() + 6  # longer than the launcher's round
            while time.monotonic() < end:
                quiet.execute("SELECT pg_sleep(0.2)")
                if figures() != before:
                    return False
            return True

        wait_until(still, 60, "nothing moves for six seconds")
