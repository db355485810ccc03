"""After a SIGTERM of its worker every function that takes a pipeline's name answers, with a result or an error that says why."""

import psycopg
import pytest
from harness.process import wait_until
from workbench import OWNER

ROWS = 20_000
CALLS = {
    "alter_pipeline": """SELECT etl.alter_pipeline('p', '{"batch_size": 90}')""",
    "alter_pipeline_owner": f"SELECT etl.alter_pipeline_owner('p', '{OWNER}')",
    "cancel": "SELECT etl.cancel('p')",
    "create_pipeline": "SELECT etl.create_pipeline('p', 'SELECT id, value FROM w.t_source', 'w.t_target')",
    "dead_letter_replay": "SELECT etl.dead_letter_replay('p')",
    "disable": "SELECT etl.disable('p', 'a reason')",
    "drop_pipeline": "SELECT etl.drop_pipeline('p')",
    "dry_run": "SELECT etl.dry_run('p')",
    "enable": "SELECT etl.enable('p')",
    "explain": "SELECT etl.explain('p')",
    "export_pipeline": "SELECT etl.export_pipeline('p')",
    "grant_pipeline": "SELECT etl.grant_pipeline('p', 'RUN', 'pg_monitor')",
    "pause": "SELECT etl.pause('p')",
    "preview": "SELECT etl.preview('p')",
    "rename_pipeline": "SELECT etl.rename_pipeline('p', 'q')",
    "reset": "SELECT etl.reset('p')",
    "resume": "SELECT etl.resume('p')",
    "retry": "SELECT etl.retry('p')",
    "revoke_pipeline": "SELECT etl.revoke_pipeline('p', 'RUN', 'pg_monitor')",
    "accept_target": "SELECT etl.accept_target('p')",
    "rewind": "SELECT etl.rewind('p', '[5]')",
    "run": "SELECT etl.run('p')",
    "run_wait": "CALL etl.run_wait('p', timeout => '0')",
}
# Refused in this state, by this mode, or for this argument; never an internal error, a lost connection or a time-out.
CLEAN = {"0A000", "22023", "42710", "55000", "55006"}
LOOKS = {
    "health": "SELECT etl.health()",
    "wait": "SELECT etl.wait(max(id), '0') FROM etl.runs",
}


def interrupted(bench, recovers: bool) -> None:
    """The pipeline `p`, whose worker has had a SIGTERM just now (recovers), or whose run has failed of one."""
    if not recovers and bench.one("SELECT count(*) FROM etl.pipelines WHERE name = 'p' AND state = 'FAILED'"):
        return  # as the last call left it
    at_rest(bench)
    bench.pipeline(
        source="SELECT id, w.slowly(value, 1) AS value FROM w.t_source",
        batch_size=20,
        options={"auto_recover": recovers},
    )
    run = bench.run()
    pid = bench.worker_pid(run)
    wait_until(lambda: bench.one("SELECT rows_read > 0 FROM etl.runs WHERE id = %s", run), 10, "a batch is committed")
    bench.admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
    if not recovers:
        assert bench.ends(run) == "failed" and bench.error(run)[0] == "PE040"


def at_rest(bench) -> None:
    """All pipelines cancelled and dropped, whatever they are called and wherever they stand."""
    bench.admin.execute("SELECT etl.cancel(id) FROM etl.pipelines WHERE state NOT IN ('IDLE')")
    wait_until(lambda: bench.processes("pg_etl worker%") == 0, 10, "no worker is left", 0.01)
    bench.admin.execute("SELECT etl.drop_pipeline(id) FROM etl.pipelines")


def views(bench) -> dict:
    rows = bench.admin.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = 'etl'::regnamespace"
        " AND has_table_privilege(%s, oid, 'SELECT')",
        (OWNER,),
    ).fetchall()
    assert ("progress",) in rows
    return {row[0]: f"SELECT * FROM etl.{row[0]}" for row in rows}


@pytest.mark.parametrize("recovers", [True, False], ids=["at once", "failed"])
def test_every_function_answers(bench, recovers):
    taking_a_name = bench.admin.execute(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'etl'::regnamespace"
        " AND proargnames[1] = 'name' AND proargtypes[0] = 'text'::regtype AND proname !~ 'register_operator$'"
    ).fetchall()
    assert {row[0] for row in taking_a_name} == set(CALLS), "a function without a call in this test"
    bench.slow_pipeline("first", rows=ROWS)
    answers = {}
    with bench.owner() as caller:
        caller.execute("SET statement_timeout = '20s'")
        for name, call in (CALLS | LOOKS | views(bench)).items():
            interrupted(bench, recovers)
            try:
                caller.execute(call).fetchall() if call.startswith("SELECT") else caller.execute(call)
                answers[name] = "result"
            except psycopg.Error as error:
                answers[name] = error.sqlstate
                assert error.sqlstate in CLEAN, (name, error)
        assert caller.execute("SELECT 1").fetchone() == (1,)
    print(answers)
    assert all(answers[name] == "result" for name in ("dry_run", "explain", "export_pipeline", "preview", *LOOKS))
    assert all(answers[name] == "result" for name in views(bench))
    at_rest(bench)
    bench.admin.execute("TRUNCATE w.t_target; DELETE FROM w.t_source WHERE id > 100")
    bench.pipeline()
    assert bench.ends(bench.run()) == "succeeded" and bench.same()
