"""What is left behind: nothing. The boundary experiments of style.md 3, as far as they can be seen from outside."""

import re
from pathlib import Path

from harness.process import wait_until
from workbench import OWNER

TIMES = 20_000
LEFT = re.compile(
    r"leaked|still referenced|not closed|snapshot .* (still active|reference leak)|reference leak", re.IGNORECASE
)


def memory_kb(pid: int) -> int:
    """What the process holds for itself: shared buffers that it has touched do not count."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"RssAnon:\s+(\d+)", text).group(1))


def repeat(connection, statement: str, times: int) -> None:
    """Run a statement in a plpgsql loop that swallows its error; counts that it did fail or did not."""
    connection.execute(f"""
        DO $do$
        DECLARE failed int := 0;
        BEGIN
            FOR i IN 1 .. {times} LOOP
                BEGIN
                    {statement};
                EXCEPTION WHEN OTHERS THEN
                    failed := failed + 1;
                END;
            END LOOP;
            PERFORM set_config('w.failed', failed::text, false);
        END $do$""")


def grows(bench, statement: str, fails: bool, times: int = TIMES) -> int:
    """By how many kB the backend grows when it runs the statement `times` times, after a first round of warming up."""
    with bench.owner() as connection:
        pid = connection.info.backend_pid
        for _ in range(2):
            repeat(connection, statement, times // 10)
        before = memory_kb(pid)
        repeat(connection, statement, times)
        assert connection.execute("SELECT current_setting('w.failed')::int").fetchone()[0] == (times if fails else 0)
        return memory_kb(pid) - before


def left(bench) -> list:
    return [line for line in bench.server.log().splitlines() if "WARNING" in line and LEFT.search(line)]


def test_failing_statements_do_not_grow_the_backend(bench):
    bench.tables(10)
    bad = (
        "PERFORM etl.create_pipeline('bad', source => 'SELECT id, nothing FROM w.t_source', target => 'w.t_target')",
        "PERFORM etl.create_pipeline('bad', source => 'SELECT id FROM w.t_source; SELECT 1', target => 'w.t_target')",
        "PERFORM etl.run('missing')",
        "PERFORM etl.create_pipeline('bad', source => 'SELECT id FROM w.t_source', target => 'w.t_target', options => '{\"x\": 1}')",
    )
    for statement in bad:
        assert grows(bench, statement, True, TIMES // len(bad)) < 4096, statement
    assert left(bench) == []


def test_validating_does_not_grow_the_backend(bench):
    bench.tables(10)
    for source in ("SELECT id, value FROM w.t_source", "SELECT nothing FROM w.t_source"):
        statement = (
            'PERFORM etl.validate_pipeline(\'{"name": "v", "source": "' + source + '", "target": "w.t_target"}\')'
        )
        assert grows(bench, statement, False, TIMES // 10) < 4096, source
    assert left(bench) == []


def test_definitions_that_come_and_go_do_not_grow_the_backend(bench):
    bench.tables(10)
    statement = (
        "PERFORM etl.create_pipeline('x', source => 'SELECT id, value FROM w.t_source', target => 'w.t_target');"
        " PERFORM etl.drop_pipeline('x')"
    )
    assert grows(bench, statement, False, TIMES // 20) < 6144
    assert left(bench) == []


def temporary_files(bench) -> list:
    data = bench.server.data / "base" / "pgsql_tmp"
    return list(data.iterdir()) if data.exists() else []


def test_three_hundred_runs_leave_nothing_behind(bench):
    bench.tables(50)
    bench.pipeline("paged")
    bench.pipeline("spilled", "SELECT id, max(value) AS value FROM w.t_source GROUP BY id")
    bench.pipeline("failing", "SELECT id, (1 / (id - 30))::text AS value FROM w.t_source")
    with bench.owner() as caller:
        for _ in range(100):
            for name in ("paged", "spilled", "failing"):
                run = caller.execute("SELECT etl.run(%s)", (name,)).fetchone()[0]
                status = caller.execute("SELECT etl.wait(%s, '20 s')", (run,)).fetchone()[0]
                assert status == ("failed" if name == "failing" else "succeeded")
    assert bench.one("SELECT count(*) FROM etl.runs") == 300
    wait_until(lambda: bench.processes() == 0, 10, "worker and keeper are gone")
    assert bench.one("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == 1
    assert (
        bench.one(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        == 0
    )
    assert temporary_files(bench) == []
    assert left(bench) == []


def test_a_worker_does_not_grow_with_its_batches(bench):
    """Ten times the batches, the same memory: what a batch takes, it gives back."""
    sizes = []
    for rows in (20_000, 200_000):
        table = f"r{rows}"
        bench.tables(rows, table)
        bench.pipeline(table, table=table, batch_size=100)
        bench.admin.execute(f"""
            CREATE FUNCTION w.hold_{table}() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END$$;
            ALTER FUNCTION w.hold_{table} OWNER TO {OWNER};
            CREATE TRIGGER hold AFTER INSERT ON w.{table}_target FOR EACH ROW WHEN (new.id = {rows})
            EXECUTE FUNCTION w.hold_{table}()""")
        with bench.server.connect(bench.name) as gate:
            gate.execute("SELECT pg_advisory_lock(4711)")
            run = bench.run(table)
            pid = bench.worker_pid(run)
            wait_until(
                lambda pid=pid: bench.one("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", pid),
                60,
                "the worker stands in its last batch",
            )
            sizes.append(memory_kb(pid))
        assert bench.ends(run) == "succeeded"
    assert sizes[1] < sizes[0] * 1.1 + 4096, sizes
