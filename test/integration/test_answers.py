"""Questions that a worker answers in the owner's session: who waits for whom, and who ends with whom."""

import threading

import psycopg
import pytest
from harness.process import wait_until
from workbench import OWNER

SLEEP = "SELECT id, value FROM w.t_source, LATERAL (SELECT pg_sleep(60) WHERE id = id) s"
QUESTIONS = {
    "preview": "SELECT etl.preview('p')",
    "dry_run": "SELECT etl.dry_run('p')",
    "explain": "SELECT etl.explain('p', true)",
}


def asker(bench) -> psycopg.Connection:
    """The owner, in a transaction, with an end should nobody see that it waits for itself."""
    connection = bench.owner(autocommit=False)
    connection.execute("SET statement_timeout = '20s'")
    return connection


def refused(connection, question: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as error:
        connection.execute(question)
    assert error.value.sqlstate == "55P03", error.value
    return error.value


def no_answerer(bench) -> None:
    wait_until(lambda: bench.processes("pg_etl worker") == 0, 5, "the worker is gone")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_caller_does_not_wait_for_itself(bench, name):
    bench.tables(10)
    bench.admin.execute("INSERT INTO w.t_target SELECT 1, 'old'")
    bench.pipeline()
    with asker(bench) as caller:
        caller.execute("LOCK TABLE w.t_source, w.t_target")
        error = refused(caller, QUESTIONS[name])
        assert "this transaction" in error.diag.message_primary and error.diag.message_hint
        caller.rollback()
        no_answerer(bench)
        caller.execute(QUESTIONS[name])


def test_a_caller_does_not_wait_for_itself_behind_another(bench):
    """The worker waits for a session that waits for the caller."""
    bench.tables(10)
    bench.admin.execute("CREATE TABLE w.other (); ALTER TABLE w.other OWNER TO " + OWNER)
    bench.pipeline()
    with asker(bench) as caller, bench.owner(autocommit=False) as between:
        caller.execute("LOCK TABLE w.other")
        between.execute("LOCK TABLE w.t_source")
        pid = between.info.backend_pid
        waiting = threading.Thread(target=between.execute, args=("LOCK TABLE w.other",))
        waiting.start()
        wait_until(lambda: bench.one("SELECT cardinality(pg_blocking_pids(%s))", pid), 10, "it waits")
        refused(caller, QUESTIONS["preview"])
        caller.rollback()
        waiting.join()


def test_a_caller_waits_for_others(bench):
    """A lock that will be given up is waited for."""
    bench.tables(10)
    bench.pipeline()
    with bench.owner(autocommit=False) as other, asker(bench) as caller:
        other.execute("LOCK TABLE w.t_source")
        caller.pgconn.send_query(QUESTIONS["preview"].encode())
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'w.t_source'::regclass"
        wait_until(lambda: bench.one(blocked), 10, "the worker waits")
        other.rollback()
        result = caller.pgconn.get_result()
        assert result.ntuples == 10
        assert caller.pgconn.get_result() is None


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_the_worker_ends_with_its_asker(bench, how):
    bench.tables(10)
    bench.pipeline(source=SLEEP)
    caller = bench.owner()
    caller.pgconn.send_query(QUESTIONS["preview"].encode())
    sleeps = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND backend_type = 'pg_etl worker'"
        " AND datname = current_database()"
    )
    wait_until(lambda: bench.one(sleeps), 10, "the worker sleeps", 0.005)
    bench.admin.execute(f"SELECT {how}(%s)", (caller.info.backend_pid,))
    no_answerer(bench)
    caller.close()


def test_an_answered_question_is_no_reason_to_terminate_anybody(bench):
    bench.tables(10)
    bench.pipeline()
    for question in QUESTIONS.values():
        bench.admin.execute(question)
    no_answerer(bench)
    assert f"{bench.name} FATAL" not in bench.server.log()
