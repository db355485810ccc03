"""Settings of the configuration file that keep pipelines from running: what they refuse, and that it goes on without them."""

import contextlib
import re
from pathlib import Path

import psycopg
import pytest
from harness.process import wait_until
from workbench import OWNER

ROWS = 500
OFF = {"allow_superuser_pipelines": True, "max_workers": 4, "suspended": False}


@contextlib.contextmanager
def reloaded(bench, **settings):
    """The settings etl.* by a reload, until the end of the block."""
    _reload(bench, settings)
    try:
        yield
    finally:
        _reload(bench, {name: OFF[name] for name in settings})


def _reload(bench, settings: dict) -> None:
    bench.server.reload(**{f"etl.{name}": value for name, value in settings.items()})
    for name, value in settings.items():
        shown = ("on" if value else "off") if isinstance(value, bool) else str(value)
        wait_until(lambda: bench.one(f"SHOW etl.{name}") == shown, 10, f"etl.{name} is {shown}")


def refused(connection, sql: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as error:
        connection.execute(sql)
    return error.value


def keeper_looks(bench) -> None:
    """Waits until the keeper has slept several times: it looks in between."""
    keeper = (
        "SELECT min(pid) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'pg_etl keeper'"
    )
    pid = wait_until(lambda: bench.one(keeper), 10, "a keeper is here")

    def sleeps() -> int:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.M)[1])

    before = sleeps()
    wait_until(lambda: sleeps() >= before + 6, 20, "the keeper has looked")


# etl.suspended


def test_nothing_starts_while_suspended(bench):
    """What runs goes on to its end; what waits is started by nobody, until the setting is off."""
    bench.slow_pipeline("runs", rows=500, ms=1, table="s")
    bench.tables(ROWS)
    bench.pipeline("waits")
    bench.pipeline("rests")
    bench.pipeline("paused")
    with reloaded(bench, max_workers=1):
        running = bench.run("runs")
        bench.first_batch(running, "s")
        waiting, paused = bench.run("waits"), bench.run("paused")
        bench.one("SELECT etl.pause('paused')")
        with reloaded(bench, suspended=True):
            for call in ("run('rests')", "run('runs')", "retry('rests')", "resume('paused')"):
                error = refused(bench.admin, f"SELECT etl.{call}")
                assert error.sqlstate == "55000" and "is suspended" in error.diag.message_primary, call
                assert error.diag.message_detail == "The setting etl.suspended is on."
            assert refused(bench.admin, "CALL etl.run_wait('rests')").sqlstate == "55000"
            assert bench.ends(running) == "succeeded" and bench.same("s")
            with bench.owner() as session:  # its first call of etl looks for runs that wait
                assert session.execute("SELECT etl.wait(%s, '0')", (waiting,)).fetchone() == ("running",)
            keeper_looks(bench)
            assert bench.processes("pg_etl worker%") == 0
            assert (bench.state("waits"), bench.status(waiting)) == ("RUN_REQUESTED", "requested")
            assert bench.one("SELECT count(*) FROM w.t_target") == 0
            assert bench.one("SELECT count(*) FROM etl.events WHERE run_id = %s", waiting) == 1
    assert bench.ends(waiting) == "succeeded"
    assert bench.same()
    bench.one("SELECT etl.resume('paused')")
    assert bench.ends(paused) == "succeeded"
    assert bench.ends(bench.run("rests")) == "succeeded"


def test_a_lost_worker_is_replaced_after_the_suspension(bench):
    bench.slow_pipeline(rows=500, ms=1)
    run = bench.run()
    bench.first_batch(run)
    with reloaded(bench, suspended=True):
        bench.admin.execute("SELECT pg_terminate_backend(%s)", (bench.worker_pid(run),))
        keeper_looks(bench)
        assert bench.processes("pg_etl worker%") == 0
        assert (bench.state(), bench.status(run)) == ("RUNNING", "running")
    assert bench.ends(run) == "succeeded"
    assert bench.same()


# etl.max_workers


def test_a_run_that_waits_for_room_outlives_a_disabling(bench):
    """While its pipeline is disabled nobody starts it; once it is enabled, it starts by itself."""
    bench.slow_pipeline("runs", rows=300, ms=1, table="s")
    bench.tables(ROWS)
    bench.pipeline("waits")
    with reloaded(bench, max_workers=1):
        running = bench.run("runs")
        bench.first_batch(running, "s")
        waiting = bench.run("waits")
        bench.one("SELECT etl.disable('waits')")
        assert bench.ends(running) == "succeeded"
        wait_until(lambda: bench.processes() == 0, 15, "the keeper leaves, since nothing is to be done")
        assert bench.status(waiting) == "requested"
        bench.one("SELECT etl.enable('waits')")
        assert bench.ends(waiting) == "succeeded" and bench.same()


# etl.allow_superuser_pipelines


def superuser_tables(bench) -> str:
    """w.root_source and w.root_target of the superuser; the pipeline `root` of his own. His name."""
    superuser = bench.one("SELECT current_user")
    bench.admin.execute(f"""
        CREATE TABLE w.root_source AS SELECT n AS id, 'v' || n AS value FROM generate_series(1, {ROWS}) n;
        CREATE TABLE w.root_target (id int PRIMARY KEY, value text);
        GRANT ALL ON w.root_source, w.root_target TO {OWNER}""")
    bench.one("SELECT etl.allow_target('w.*', %s::regrole)", superuser)
    return superuser


ROOT = "source => 'SELECT id, value FROM w.root_source', target => 'w.root_target'"


def test_a_superusers_pipelines_can_be_switched_off(bench):
    superuser = superuser_tables(bench)
    bench.one(f"SELECT etl.create_pipeline('root', {ROOT})")
    bench.tables(ROWS)
    bench.pipeline()
    assert bench.ends(bench.run("root")) == "succeeded"
    checked = (
        "SELECT message FROM etl.validate_pipeline(jsonb_build_object('name', 'x',"
        " 'source', 'SELECT id, value FROM w.root_source', 'target', 'w.root_target'))"
    )
    assert bench.admin.execute(checked).fetchone() is None
    with reloaded(bench, allow_superuser_pipelines=False):
        for call in (
            f"SELECT etl.create_pipeline('other', {ROOT})",
            """SELECT etl.alter_pipeline('root', '{"batch_size": 10}')""",
            f"SELECT etl.alter_pipeline_owner('p', '{superuser}')",
            "SELECT etl.preview('root')",
            "SELECT etl.dry_run('root')",
            "SELECT etl.explain('root')",
            "CALL etl.run_wait('root')",
        ):
            error = refused(bench.admin, call)
            assert (error.sqlstate, error.diag.message_primary) == (
                "42501",
                "a superuser's pipelines are switched off",
            ), call
            assert "etl.alter_pipeline_owner()" in error.diag.message_hint
        assert bench.one(checked) == "a superuser's pipelines are switched off"
        run = bench.run("root")  # taken, and refused by the worker
        assert bench.ends(run) == "failed"
        assert bench.error(run)[0] == "42501"
        assert bench.ends(bench.run()) == "succeeded"  # of an ordinary role
        assert bench.same()
        bench.one("SELECT etl.alter_pipeline_owner('root', %s::regrole)", OWNER)  # the way out
        assert bench.ends(bench.run("root")) == "succeeded"
        bench.admin.execute(f"ALTER ROLE {OWNER} SUPERUSER")
        try:
            run = bench.run()
            assert bench.ends(run) == "failed" and bench.error(run)[0] == "42501"
        finally:
            bench.admin.execute(f"ALTER ROLE {OWNER} NOSUPERUSER")
    assert bench.ends(bench.run()) == "succeeded"


def test_a_superusers_pipelines_run_again(bench):
    superuser_tables(bench)
    bench.one(f"SELECT etl.create_pipeline('root', {ROOT})")
    with reloaded(bench, allow_superuser_pipelines=False):
        run = bench.run("root")
        assert bench.ends(run) == "failed"
    assert bench.one("SELECT etl.retry('root')") == run
    assert bench.ends(run) == "succeeded", bench.error(run)
    assert bench.same("root")
