"""Steps of one layer that call functions, or read files: each on a worker of its own, in the snapshot of the run."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from file_pipelines import create, letters, outcome, run
from harness.process import wait_until
from workbench import OWNER

# w.meet() returns when as many have come to the place as it is told, or raises; who has come is counted, not who is there.
FUNCTIONS = """
CREATE SEQUENCE w.place_1;
CREATE SEQUENCE w.place_2;
CREATE FUNCTION w.come(place int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN RETURN nextval(format('w.place_%s', place)); END$$;
CREATE FUNCTION w.here(place int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN RETURN coalesce(pg_sequence_last_value(format('w.place_%s', place)), 0); END$$;
CREATE FUNCTION w.meet(place int, sessions int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
  PERFORM w.come(place);
  FOR i IN 1 .. 1000 LOOP
    IF w.here(place) >= sessions THEN RETURN true; END IF;
    PERFORM pg_sleep(0.01);
  END LOOP;
  RAISE 'nobody came';
END$$;
CREATE FUNCTION w.fail_when(place int, sessions int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
  PERFORM w.meet(place, sessions);
  RAISE 'broken on purpose' USING ERRCODE = 'P0077';
END$$;
CREATE FUNCTION w.wait_for_ever(place int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
  PERFORM w.come(place);
  PERFORM pg_sleep(3600);
  RETURN true;
END$$;
"""
SOURCE = "SELECT id, value FROM w.t_source"


@pytest.fixture
def parallel(bench):
    bench.tables(300)
    bench.admin.execute(FUNCTIONS)
    bench.admin.execute(f"ALTER SEQUENCE w.place_1 OWNER TO {OWNER}; ALTER SEQUENCE w.place_2 OWNER TO {OWNER}")
    for name in ("come(int)", "here(int)", "meet(int, int)", "fail_when(int, int)", "wait_for_ever(int)"):
        bench.admin.execute(f"ALTER FUNCTION w.{name} OWNER TO {OWNER}")
    return bench


def step(name, query, *inputs):
    read = {"id": name, "operator": "sql", "params": {"query": query}}
    return read | ({"depends_on": list(inputs)} if inputs else {})


def branch(name, call, where="true", table="w.t_source"):
    """A source that calls something once, and gives those rows of t_source."""
    return step(name, f"WITH c AS MATERIALIZED (SELECT {call} AS c) SELECT id, value FROM {table}, c WHERE {where}")


def joined(*branches, target="w.t_target"):
    ids = [branch["id"] for branch in branches]
    both = {"id": "both", "operator": "union", "params": {}, "depends_on": ids}
    return [*branches, both, {"id": "save", "operator": "table", "params": {"target": target}, "depends_on": ["both"]}]


def halves(first, second):
    return json.dumps(joined(branch("a", first, "id <= 150"), branch("b", second, "id > 150")))


def workers(bench):
    return bench.processes("pg_etl worker")


def test_two_steps_run_at_the_same_time(parallel):
    create(parallel, halves("w.meet(1, 2)", "w.meet(1, 2)"))
    assert run(parallel) == "succeeded"
    assert parallel.same()
    lines = [line for (line,) in parallel.admin.execute("SELECT etl.explain('p')")]
    assert [line.split(":")[0].strip() for line in lines if "same time" in line] == [
        "step a (sql), once, at the same time as b",
        "step b (sql), once, at the same time as a",
    ]
    steps = parallel.admin.execute("SELECT step, status, rows_out FROM etl.step_runs ORDER BY 1").fetchall()
    assert steps[:3] == [("a", "succeeded", 150), ("b", "succeeded", 150), ("both", "succeeded", None)]


def test_each_gets_its_inputs_whole(parallel):
    """Rows of all sorts go to a worker and come back: wide ones, out of line, compressed, NULL."""
    parallel.admin.execute(f"""
        CREATE TYPE w.mood AS ENUM ('sad', 'fine');
        CREATE TABLE w.wide (id int PRIMARY KEY, t text, b bytea, n numeric, j jsonb, arr int[], m w.mood, e text);
        ALTER TABLE w.wide ALTER t SET STORAGE EXTERNAL;
        INSERT INTO w.wide SELECT n, repeat(md5(n::text), (n % 7) * 2000), nullif(decode(md5(n::text), 'hex'), ''),
          n / 7.0, jsonb_build_object('n', n, 'long', repeat('x', n * 10)), array_fill(n, ARRAY[n % 50]),
          CASE WHEN n % 3 > 0 THEN 'fine'::w.mood END, repeat('compressible', n) FROM generate_series(1, 400) n;
        CREATE TABLE w.wide_copy (LIKE w.wide, PRIMARY KEY (id));
        ALTER TABLE w.wide OWNER TO {OWNER}; ALTER TABLE w.wide_copy OWNER TO {OWNER}; ALTER TYPE w.mood OWNER TO {OWNER}""")
    ask = "SELECT i.* FROM {0} AS i, (SELECT w.meet(1, 2) OFFSET 0) AS m WHERE id {1}"
    steps = joined(
        step("low", ask.format("read", "<= 250"), "read"),
        step("high", ask.format("read", "> 250"), "read"),
        target="w.wide_copy",
    )
    create(parallel, json.dumps([step("read", "SELECT * FROM w.wide"), *steps]), options='{"observe": "steps"}')
    assert run(parallel) == "succeeded"
    differing = "SELECT count(*) FROM (SELECT w::text FROM w.wide w EXCEPT SELECT c::text FROM w.wide_copy c) AS d"
    assert parallel.one("SELECT count(*) FROM w.wide_copy") == 400 and parallel.one(differing) == 0
    figures = "SELECT step, rows_in, rows_out FROM etl.step_runs WHERE step IN ('low', 'high') ORDER BY 1"
    assert parallel.admin.execute(figures).fetchall() == [("high", 400, 150), ("low", 400, 250)]


def test_rows_that_could_be_altered_on_the_way_go_nowhere(parallel):
    """A composite type keeps its OID when it is altered: the steps are the leader's, one after the other."""
    parallel.admin.execute(f"CREATE TYPE w.pair AS (a int, b text); ALTER TYPE w.pair OWNER TO {OWNER}")
    steps = halves("w.meet(1, 1)", "w.meet(1, 1)").replace(
        "SELECT id, value", "SELECT id, value, ARRAY[ROW(1, 'x')::w.pair] AS p"
    )
    parallel.admin.execute("ALTER TABLE w.t_target ADD p w.pair[]")
    create(parallel, steps)
    assert run(parallel) == "succeeded"
    assert not [line for (line,) in parallel.admin.execute("SELECT etl.explain('p')") if "same time" in line]


def test_two_that_fail_at_once_are_one_failure(parallel):
    """Each interrupts the leader; none of the interrupts is taken for a cancel."""
    parts = [branch(name, "w.fail_when(1, 3)", f"id % 3 = {n}") for n, name in enumerate("abc")]
    create(parallel, json.dumps(joined(*parts)))
    for attempt in range(5):
        assert run(parallel) == ("failed", "P0077", "broken on purpose"), attempt
        parallel.admin.execute("ALTER SEQUENCE w.place_1 RESTART")


def test_a_worker_that_cannot_begin_leaves_its_step_to_the_leader(parallel):
    create(parallel, halves("w.meet(1, 1)", "w.meet(1, 1)"))
    parallel.admin.execute(f"ALTER ROLE {OWNER} CONNECTION LIMIT 1")
    try:
        assert run(parallel) == "succeeded" and parallel.same()
    finally:
        parallel.admin.execute(f"ALTER ROLE {OWNER} CONNECTION LIMIT -1")


def test_all_see_the_snapshot_of_the_run(parallel):
    """Before the workers begin, rows come that the leader's snapshot does not have."""
    first = step("first", "SELECT w.meet(1, 2) AS met")
    both = [
        step(name, f"SELECT id, value FROM w.t_source, first, (SELECT w.come(2) OFFSET 0) AS c WHERE {where}", "first")
        for name, where in (("a", "id <= 150"), ("b", "id > 150"))
    ]
    create(parallel, json.dumps([first, *joined(*both)]), options='{"observe": "steps"}')
    number = parallel.run()
    wait_until(lambda: parallel.one("SELECT w.here(1)") == 1, 20, "the first step has begun")
    parallel.admin.execute("INSERT INTO w.t_source VALUES (1000, 'late'), (0, 'late')")
    parallel.admin.execute("SELECT w.come(1)")
    assert parallel.ends(number) == "succeeded", parallel.error(number)
    assert parallel.one("SELECT count(*) FROM w.t_target") == 300


@pytest.mark.parametrize("failing", ["a", "b"])
def test_one_that_fails_ends_the_others(parallel, failing):
    """The first step is the leader's, the second a worker's: either has to end the other."""
    calls = ["w.wait_for_ever(1)", "w.fail_when(1, 2)"]
    create(parallel, halves(*(calls if failing == "b" else reversed(calls))))
    assert run(parallel) == ("failed", "P0077", "broken on purpose")
    wait_until(lambda: workers(parallel) == 0, 10, "all workers are gone")
    states = "SELECT step, status, error_code FROM etl.step_runs ORDER BY 1"
    found = dict((row[0], row[1:]) for row in parallel.admin.execute(states).fetchall())
    assert found[failing] == ("failed", "P0077")
    assert found["a" if failing == "b" else "b"][0] == "cancelled"
    assert parallel.one("SELECT count(*) FROM w.t_target") == 0


def test_of_three_the_first_cause_is_told(parallel):
    parts = [
        branch("a", "w.wait_for_ever(1)", "id % 3 = 0"),
        branch("b", "w.wait_for_ever(1)", "id % 3 = 1"),
        branch("c", "w.fail_when(1, 3)", "id % 3 = 2"),
    ]
    create(parallel, json.dumps(joined(*parts)))
    assert run(parallel) == ("failed", "P0077", "broken on purpose")
    wait_until(lambda: workers(parallel) == 0, 10, "all workers are gone")


def test_without_a_free_worker_the_leader_runs_all(parallel):
    parallel.server.reload(**{"etl.max_workers": "1"})
    try:
        create(parallel, halves("w.meet(1, 1)", "w.meet(1, 1)"))
        assert run(parallel) == "succeeded" and parallel.same()
    finally:
        parallel.server.reload(**{"etl.max_workers": "4"})


def test_a_step_timeout_of_a_worker_is_tried_again(parallel):
    create(
        parallel,
        halves("w.meet(2, 1)", "w.wait_for_ever(2)"),
        options='{"step_timeout": "300ms", "max_retries": 1, "retry_backoff": ["10ms"]}',
    )
    state = run(parallel)
    assert state[:2] == ("failed", "57014"), state
    assert parallel.one("SELECT count(*) FROM etl.events WHERE reason LIKE 'attempt 1 failed with 57014%'") == 1


def test_a_worker_that_is_lost_is_tried_again(parallel):
    create(parallel, halves("w.meet(2, 1)", "w.meet(1, 2)"), options='{"retry_backoff": ["10ms"]}')
    number = parallel.run()
    wait_until(lambda: parallel.one("SELECT w.here(1)") == 1, 20, "the worker has begun")
    pid = parallel.one(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'pg_etl: % p step b'"
    )
    assert parallel.one("SELECT pg_terminate_backend(%s, 10000)", pid)
    parallel.admin.execute("SELECT w.come(1)")
    status = parallel.ends(number)
    assert outcome(parallel, number, status) == "succeeded" and parallel.same()


def test_a_cancel_ends_all(parallel):
    create(parallel, halves("w.wait_for_ever(1)", "w.wait_for_ever(1)"))
    number = parallel.run()
    wait_until(lambda: parallel.one("SELECT w.here(1)") == 2, 20, "both have begun")
    parallel.admin.execute("SELECT etl.cancel('p')")
    assert parallel.ends(number) == "cancelled"
    wait_until(lambda: workers(parallel) == 0, 10, "all workers are gone")


def test_a_lock_that_the_leader_holds_up_is_no_deadlock(parallel):
    """The leader has read the table, somebody waits to lock it, and the worker's step waits behind him."""
    parallel.admin.execute(
        f"CREATE TABLE w.held (id int); INSERT INTO w.held VALUES (1); ALTER TABLE w.held OWNER TO {OWNER};"
        "CREATE FUNCTION w.look() RETURNS bool LANGUAGE plpgsql AS $$BEGIN"
        " PERFORM w.meet(1, 3); RETURN EXISTS (SELECT FROM w.held); END$$"
    )
    read = step("read", f"{SOURCE} WHERE EXISTS (SELECT FROM w.held)")
    both = [
        step(name, f"SELECT id, value FROM read, (SELECT {call} OFFSET 0) AS m WHERE {where}", "read")
        for name, call, where in (("a", "w.meet(1, 3)", "id <= 150"), ("b", "w.look()", "id > 150"))
    ]
    create(parallel, json.dumps([read, *joined(*both)]), options='{"retry_backoff": ["10ms"], "observe": "steps"}')
    number = parallel.run()
    wait_until(lambda: parallel.one("SELECT w.here(1)") == 2, 20, "both have begun")
    with parallel.server.connect(parallel.name, autocommit=False) as other, ThreadPoolExecutor() as pool:
        locked = pool.submit(other.execute, "LOCK TABLE w.held")
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'w.held'::regclass"
        wait_until(lambda: parallel.one(waiting) == 1, 20, "somebody waits for the lock")
        parallel.admin.execute("SELECT w.come(1)")
        locked.result(timeout=20)
        other.rollback()
        assert parallel.ends(number) == "succeeded", parallel.error(number)
    assert parallel.same()
    assert parallel.one("SELECT count(*) FROM etl.events WHERE reason LIKE 'attempt 1 failed with 55P03%'") == 1


def test_what_a_check_of_a_worker_finds_is_kept(parallel):
    parallel.admin.execute(
        "CREATE FUNCTION w.good(id bigint) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RETURN id % 100 > 0; END$$"
    )
    rule = {"rule": "expression", "expression": "w.good(id)"}
    checks = [
        {
            "id": name,
            "operator": "check",
            "params": {"rules": [rule], "severity": "quarantine"},
            "depends_on": [source],
        }
        for name, source in (("look", "low"), ("see", "high"))
    ]
    sources = [step("low", f"{SOURCE} WHERE id <= 150"), step("high", f"{SOURCE} WHERE id > 150")]
    create(parallel, json.dumps([*sources, *joined(*checks)]), options='{"on_error": "quarantine"}')
    assert run(parallel) == "succeeded"
    assert parallel.one("SELECT count(*) FROM w.t_target") == 297
    found = "SELECT step, original_record ->> 'id' FROM etl.dead_letters ORDER BY 2"
    assert parallel.admin.execute(found).fetchall() == [("look", "100"), ("see", "200"), ("see", "300")]


def test_two_files_are_read_at_the_same_time(bench, folder):
    for name, first in (("one", 1), ("two", 101)):
        rows = "".join(f"{n},name {n}\n" for n in range(first, first + 100))
        (folder / f"{name}.csv").write_text(f"id,name\n{rows}bad,{name}\n", encoding="utf-8")
    files = [
        {
            "id": name,
            "operator": "csv",
            "params": {"path": f"{name}.csv", "columns": {"id": "integer", "name": "text"}},
        }
        for name in ("one", "two")
    ]
    create(bench, json.dumps(joined(*files, target="w.people")), options='{"on_error": "quarantine"}')
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.people") == 200
    assert len(letters(bench)) == 2


def test_a_retry_takes_up_what_was_kept(parallel):
    """With option materialize: the layer that failed is run again, the one before it is not."""
    parallel.admin.execute(f"CREATE SEQUENCE w.reads; ALTER SEQUENCE w.reads OWNER TO {OWNER}")
    parallel.admin.execute(
        "CREATE FUNCTION w.counted() RETURNS bigint LANGUAGE sql AS $$SELECT nextval('w.reads')$$;"
        "CREATE FUNCTION w.maybe() RETURNS bool LANGUAGE plpgsql AS $$BEGIN"
        " IF to_regclass('w.mended') IS NULL THEN RAISE 'not yet' USING ERRCODE = 'P0078'; END IF; RETURN true; END$$"
    )
    read = step("read", "WITH c AS MATERIALIZED (SELECT w.counted() AS c) SELECT id, value FROM w.t_source, c")
    steps = joined(
        step("a", "SELECT id, value FROM read, (SELECT w.maybe() OFFSET 0) AS m WHERE id <= 150", "read"),
        step("b", "SELECT id, value FROM read, (SELECT w.maybe() OFFSET 0) AS m WHERE id > 150", "read"),
    )
    create(parallel, json.dumps([read, *steps]), options='{"materialize": true, "max_retries": 0}')
    assert run(parallel)[:2] == ("failed", "P0078")
    parallel.admin.execute("CREATE TABLE w.mended ()")
    number = parallel.one("SELECT etl.retry('p')")
    assert outcome(parallel, number, parallel.ends(number)) == "succeeded" and parallel.same()
    assert parallel.one("SELECT last_value FROM w.reads") == 1


def test_rows_that_fail_on_a_worker_are_left_out(parallel):
    """The plan is made again with the rows of each step kept: the workers' as well."""
    steps = [
        branch("a", "w.meet(1, 1)", "id <= 150"),
        {"id": "b", "operator": "sql", "params": {"query": "SELECT id, value FROM w.t_source WHERE id > 150"}},
        *[
            {
                "id": f"number_{side}",
                "operator": "sql",
                "params": {"query": f"SELECT i.id, i.value, 1 / (i.id - {bad}) AS n, w.meet(1, 1) AS met FROM input i"},
                "depends_on": [side],
            }
            for side, bad in (("a", 7), ("b", 170))
        ],
        {"id": "all", "operator": "union", "params": {}, "depends_on": ["number_a", "number_b"]},
        {"id": "slim", "operator": "drop_columns", "params": {"columns": ["n", "met"]}, "depends_on": ["all"]},
        {"id": "save", "operator": "table", "params": {"target": "w.t_target"}, "depends_on": ["slim"]},
    ]
    create(parallel, json.dumps(steps), options='{"on_error": "quarantine"}')
    assert run(parallel) == "succeeded"
    letters = "SELECT step, (original_record ->> 'id')::int, error_code FROM etl.dead_letters ORDER BY 2"
    assert parallel.admin.execute(letters).fetchall() == [("number_a", 7, "22012"), ("number_b", 170, "22012")]
    missing = "SELECT array_agg(id ORDER BY id) FROM w.t_source WHERE id NOT IN (SELECT id FROM w.t_target)"
    assert parallel.admin.execute(missing).fetchone() == ([7, 170],)
    counters = "SELECT rows_read, rows_inserted, rows_dead FROM etl.runs"
    assert parallel.admin.execute(counters).fetchone() == (300, 298, 2)
