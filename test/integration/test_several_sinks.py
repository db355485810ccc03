"""An index beside tables: the checkpoint moves when all of them have taken the batch."""

import json

import psycopg
import pytest
from elastic_workbench import BACKOFF, RecordingDouble, source_docs, use_sink
from file_pipelines import create, run
from harness.process import wait_until


ROWS = 300
INDEX = {"target": "es:both", "key_columns": ["id"]}
TABLE = {"target": "w.t_target"}
SOURCE = "SELECT id, value FROM w.t_source"


def definition(*between, query=SOURCE, index=INDEX, table=TABLE):
    """A source, the steps between, and two sinks behind the last of them."""
    chain = [{"id": "read", "operator": "sql", "params": {"query": query}}, *between]
    last = [chain[-1]["id"]]
    return json.dumps(
        [
            *chain,
            {"id": "index", "operator": "elasticsearch", "params": index, "depends_on": last},
            {"id": "table", "operator": "table", "params": table, "depends_on": last},
        ]
    )


@pytest.fixture
def double():
    with RecordingDouble() as running:
        yield running


@pytest.fixture
def both(bench, double):
    bench.tables(ROWS)
    use_sink(bench, double.url)
    return bench


def arrived(bench, double):
    return double.docs("both") == source_docs(bench, SOURCE) and bench.same()


def test_all_rows_arrive_in_both(both, double):
    create(both, definition(), batch_size=50)
    assert run(both) == "succeeded" and arrived(both, double)
    counts = "SELECT rows_read, rows_inserted, rows_unchanged FROM etl.runs ORDER BY id DESC LIMIT 1"
    assert both.admin.execute(counts).fetchone() == (2 * ROWS, 2 * ROWS, 0)
    both.admin.execute("UPDATE w.t_source SET value = 'new' WHERE id <= 10")
    assert run(both) == "succeeded" and arrived(both, double)


def test_steps_before_them_are_run_once_a_batch(both, double):
    keep = {"id": "keep", "operator": "filter", "params": {"where": "id % 3 = 0"}, "depends_on": ["read"]}
    create(both, definition(keep), options='{"observe": "steps"}')
    assert run(both) == "succeeded"
    assert len(double.docs("both")) == ROWS // 3 == both.one("SELECT count(*) FROM w.t_target")
    work = both.admin.execute("SELECT step, rows_in, rows_out FROM etl.step_runs ORDER BY step").fetchall()
    assert work == [("index", 100, 100), ("keep", 300, 100), ("read", None, 300), ("table", 100, 100)]


def test_a_file_of_pages_goes_to_both_and_is_not_read_again(both, double, folder):
    (folder / "in.csv").write_text("id,value\n" + "".join(f"{n},v{n}\n" for n in range(1, 251)))
    steps = json.loads(definition())
    steps[0] = {
        "id": "read",
        "operator": "csv",
        "params": {"path": "in.csv", "columns": {"id": "bigint", "value": "text"}},
    }
    create(both, json.dumps(steps), mode="incremental", options='{"settle": "0s"}')
    for rows in (250, 0):
        assert run(both) == "succeeded"
        assert both.one("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1") == 2 * rows
    assert len(double.docs("both")) == 250 == both.one("SELECT count(*) FROM w.t_target")


@pytest.mark.parametrize(
    "rule", [{"status": 503}, {"fault": "cut"}, {"fault": "garbled"}], ids=["503", "cut", "garbled"]
)
def test_a_fault_of_the_index_is_tried_again_by_the_batch(both, double, rule):
    create(both, definition(), options=json.dumps(BACKOFF))
    double.script.load([{"times": 2, **rule}])
    assert run(both) == "succeeded" and arrived(both, double)
    assert both.one("SELECT max(attempt) FROM etl.batches") >= 2  # a connection that was cut is tried anew at once


def test_a_fault_that_stays_fails_the_run_and_moves_nothing(both, double):
    create(both, definition(), options=json.dumps(BACKOFF))
    double.script.load([{"status": 503, "times": "always"}])
    state = run(both)
    assert state[:2] == ("failed", "PE001"), state
    assert double.most_sends() == 0 or len(double.bodies) == 4  # the first one and max_retries
    assert both.one("SELECT count(*) FROM w.t_target") == 0 == both.one("SELECT count(*) FROM etl.batches")
    double.script.load([])
    both.admin.execute("SELECT etl.retry('p')")
    assert both.ends(1) == "succeeded" and arrived(both, double)


def test_rows_that_one_of_them_refuses(both, double):
    """They are dead letters of that sink; the other one has them."""
    both.admin.execute("ALTER TABLE w.t_target ADD CHECK (id <> 7)")
    create(both, definition(), options='{"on_error": "quarantine"}')
    double.script.load([{"items": [{"match": {"_id": "9"}, "status": 400}], "times": "always"}])
    assert run(both) == "succeeded"
    letters = "SELECT step, error_code, original_record->>'id' FROM etl.dead_letters ORDER BY 1"
    assert both.admin.execute(letters).fetchall() == [("index", "PE010", "9"), ("table", "23514", "7")]
    assert len(double.docs("both")) == ROWS - 1 == both.one("SELECT count(*) FROM w.t_target")
    # The batch of row 7 was delivered twice, so that its documents were updated.
    counters = "SELECT rows_read, rows_inserted + rows_updated, rows_dead, rows_unchanged FROM etl.runs"
    assert both.admin.execute(counters).fetchone() == (2 * ROWS, 2 * ROWS - 2, 2, 0)
    # Each goes back into the sink that refused it: the index first, since a table can be taken back.
    with both.owner() as owner:
        with pytest.raises(psycopg.Error) as error:
            owner.execute("SELECT etl.dead_letter_replay('p')")
        assert error.value.sqlstate == "PE010"
        double.script.load([])
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute("SELECT etl.dead_letter_replay('p')")
        assert len(double.docs("both")) == ROWS
        assert both.one("SELECT count(*) FROM etl.dead_letters WHERE status = 'pending'") == 2
        both.admin.execute("ALTER TABLE w.t_target DROP CONSTRAINT t_target_id_check")
        assert owner.execute("SELECT etl.dead_letter_replay('p')").fetchone() == (2,)
    assert arrived(both, double)


def test_a_table_that_fails_leaves_the_checkpoint(both, double):
    both.admin.execute("ALTER TABLE w.t_target ADD CHECK (id <> 270)")
    create(both, definition())
    state = run(both)
    assert state[:2] == ("failed", "23514"), state
    assert both.one("SELECT max((position->>0)::int) FROM etl.checkpoints") == 200
    both.admin.execute("ALTER TABLE w.t_target DROP CONSTRAINT t_target_id_check; SELECT etl.retry('p')")
    assert both.ends(1) == "succeeded" and arrived(both, double)


def test_a_worker_lost_between_the_two_repeats_the_batch(both, double):
    """The index has the batch, the table has not; the new worker sends it under a higher version."""
    create(both, definition())
    with both.server.connect(both.name, autocommit=False) as holder:
        holder.execute("INSERT INTO w.t_target VALUES (150, 'held')")
        number = both.run()
        pid = both.worker_pid(number)
        wait_until(lambda: len(double.docs("both")) == 200, 10, "the second batch is in the index")
        wait_until(lambda: both.one("SELECT cardinality(pg_blocking_pids(%s)) > 0", pid), 10, "its table part waits")
        before = double.versions("both")["150"]
        both.admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
        holder.rollback()
    assert both.ends(number, 30) == "succeeded" and arrived(both, double)
    assert double.versions("both")["150"] > before


def test_no_snapshot_is_held_while_the_index_is_waited_for(both, double):
    create(both, definition())
    double.script.load([{"fault": "hang"}])
    number = both.run()
    pid = both.worker_pid(number)
    wait_until(lambda: any(seen for seen in double.bodies), 10, "the request is under way")
    state = both.admin.execute(
        "SELECT backend_xmin, xact_start FROM pg_stat_activity WHERE pid = %s", (pid,)
    ).fetchone()
    assert state == (None, None)
    both.admin.execute("SELECT etl.cancel('p')")
    assert both.ends(number, 5) == "cancelled"


def test_they_are_explained_and_run_dry(both, double):
    create(both, definition())
    with both.owner() as owner:
        lines = [line for (line,) in owner.execute("SELECT etl.explain('p')")]
        assert "-> index (elasticsearch) es:both" in lines and "-> table (table) w.t_target" in lines
        actions = dict(owner.execute("SELECT action, count(*) FROM etl.dry_run('p') GROUP BY 1").fetchall())
        assert actions == {"index": 100, "insert": 100}
        assert len(owner.execute("SELECT etl.preview('p', 5)").fetchall()) == 5
    assert double.docs("both") == {}


def test_two_indexes_and_a_swept_table(both, double):
    both.admin.execute("INSERT INTO w.t_target VALUES (999, 'goes')")
    steps = json.loads(definition(table=TABLE | {"write_mode": "replace"}))
    steps.append(
        {"id": "more", "operator": "elasticsearch", "params": INDEX | {"target": "es:more"}, "depends_on": ["read"]}
    )
    create(both, json.dumps(steps))
    assert run(both) == "succeeded" and arrived(both, double)
    assert double.docs("more") == source_docs(both, SOURCE)
    assert both.one("SELECT rows_deleted FROM etl.runs") == 1


def test_the_index_needs_keys(both, double):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="needs key_columns"):
        create(both, definition(index={"target": "es:both"}))


@pytest.mark.parametrize("alone", [True, False], ids=["the index alone", "beside a table"])
@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_a_row_that_a_step_fails_on_is_left_out(both, double, mode, alone):
    number = {"id": "number", "operator": "filter", "params": {"where": "1 / (id - 70) < 2"}, "depends_on": ["read"]}
    steps = json.loads(definition(number))
    keys = {"mode": mode, "incremental_key": "id", "incremental_id_key": "id"} if mode == "incremental" else {}
    create(
        both, json.dumps(steps[:-1] if alone else steps), batch_size=50, options='{"on_error": "quarantine"}', **keys
    )
    assert run(both) == "succeeded"
    query = SOURCE + " WHERE id <> 70"
    assert double.docs("both") == source_docs(both, query)
    letters = "SELECT step, (original_record ->> 'id')::int, error_code FROM etl.dead_letters"
    assert both.admin.execute(letters).fetchall() == [("number", 70, "22012")]
    replay = "SELECT etl.dead_letter_replay('p', patch => '{\"id\": 1070}')"
    assert both.admin.execute(replay).fetchone() == (1,)
    assert len(double.docs("both")) == ROWS
    # What was under way to the index when the row was met is sent once more.
    counters = "SELECT rows_inserted + rows_updated, rows_dead FROM etl.runs"
    assert both.admin.execute(counters).fetchone() == ((ROWS - 1) * (1 if alone else 2), 1)


FAR = {"target": "far:public.t_far", "key_columns": ["id"]}


@pytest.fixture
def far_too(far, bench):
    """A table of another server, which is delivered to first, and one of here."""
    bench.tables(ROWS)
    far.execute("CREATE TABLE t_far (id bigint PRIMARY KEY, value text)")
    return bench


def far_definition():
    steps = json.loads(definition(index=FAR))
    steps[1]["operator"] = "table"
    return json.dumps(steps)


def arrived_far(bench, far):
    rows = far.execute("SELECT id, value FROM t_far ORDER BY id").fetchall()
    return len(rows) == ROWS and rows == bench.admin.execute(f"{SOURCE} ORDER BY id").fetchall()


def test_a_row_that_the_table_of_here_refuses_beside_one_of_elsewhere(far, far_too):
    """The batch has arrived there when it fails here: it is delivered again."""
    far_too.admin.execute("ALTER TABLE w.t_target ADD CHECK (id <> 7)")
    create(far_too, far_definition(), batch_size=50, options='{"on_error": "quarantine"}')
    assert run(far_too) == "succeeded" and arrived_far(far_too, far)
    letters = "SELECT step, error_code, original_record->>'id' FROM etl.dead_letters"
    assert far_too.admin.execute(letters).fetchall() == [("table", "23514", "7")]
    assert far_too.one("SELECT count(*) FROM w.t_target") == ROWS - 1


def test_a_run_that_failed_here_behind_the_commit_elsewhere_goes_on(far, far_too):
    far_too.admin.execute("ALTER TABLE w.t_target ADD CHECK (id <> 270)")
    create(far_too, far_definition(), batch_size=50)
    state = run(far_too)
    assert state[:2] == ("failed", "23514"), state
    assert far.execute("SELECT count(*) FROM t_far").fetchone() == (ROWS,)
    far_too.admin.execute("ALTER TABLE w.t_target DROP CONSTRAINT t_target_id_check; SELECT etl.retry('p')")
    assert far_too.ends(1) == "succeeded" and arrived_far(far_too, far) and far_too.same()


def test_a_worker_lost_behind_the_commit_elsewhere_repeats_the_batch(far, far_too):
    create(far_too, far_definition(), batch_size=100)
    with far_too.server.connect(far_too.name, autocommit=False) as holder:
        holder.execute("INSERT INTO w.t_target VALUES (150, 'held')")
        number = far_too.run()
        pid = far_too.worker_pid(number)
        there = "SELECT count(*) FROM t_far"
        wait_until(lambda: far.execute(there).fetchone() == (200,), 10, "the second batch is there")
        blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
        wait_until(lambda: far_too.one(blocked, pid), 10, "its part of here waits")
        far_too.admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
        holder.rollback()
    assert far_too.ends(number, 30) == "succeeded" and arrived_far(far_too, far) and far_too.same()
