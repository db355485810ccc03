"""How a batch and a run are committed: what is told to have happened stays, and the statement timer ends before."""

from harness.postgres import PostgresServer
from harness.trees import installed_tree
from workbench import OWNER, workbench


def test_a_run_that_has_succeeded_survives_a_crash_without_synchronous_commit():
    settings = {"wal_writer_delay": "10s", "autovacuum": "off"}
    with PostgresServer(installed_tree("15"), "asynchronous", preload=True, settings=settings) as server:
        for bench in workbench(server):
            bench.tables(500)
            bench.pipeline()
            bench.admin.execute(f"ALTER ROLE {OWNER} SET synchronous_commit = off; CHECKPOINT")
            run = bench.run()
            assert bench.ends(run) == "succeeded"
            server.kill9()
            server.start()
            bench.admin = server.connect(bench.name)
            assert bench.status(run) == "succeeded"
            assert bench.same()


def test_the_timer_does_not_cancel_what_comes_after_a_slow_commit(bench):
    """Each commit takes longer than a step may."""
    bench.tables(50)
    bench.admin.execute(f"ALTER DATABASE {bench.name} SET commit_delay = 100000")
    bench.admin.execute(f"ALTER DATABASE {bench.name} SET commit_siblings = 0")
    options = {"durability": "batch", "step_timeout": "60ms", "max_retries": 20, "retry_backoff": ["10ms"]}
    bench.pipeline(batch_size=5, options=options)
    run = bench.run()
    assert bench.ends(run, 60) == "succeeded", bench.error(run)
    assert bench.same()


def test_deferred_triggers_are_timed(bench):
    bench.tables(5)
    bench.admin.execute(f"""
        CREATE FUNCTION w.hang() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(60); RETURN NULL; END$$;
        ALTER FUNCTION w.hang OWNER TO {OWNER};
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON w.t_target DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION w.hang()""")
    bench.pipeline(options={"step_timeout": "300ms", "max_retries": 0})
    run = bench.run()
    assert bench.ends(run) == "failed"
    assert bench.error(run)[0] == "57014"
