"""A table of another PostgreSQL server as target: rows and checkpoint in one transaction there."""

import json
import sys
from pathlib import Path

import psycopg
import pytest
from elastic_workbench import allow_hosts
from far_workbench import cut_far
from file_pipelines import create, outcome, refused_with, run
from harness.process import wait_until
from harness.secret_files import make_secret
from test_postgres_source import ROWS, TYPES
from workbench import OWNER

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))
from lying_postgres import LyingPostgres

ONCE_MORE = '{"retry_backoff": ["50ms"]}'


def there(source="SELECT * FROM w.near", target="far:public.copy", operator="sql", **params):
    """Steps from a query of here to a table of there."""
    read = {"id": "read", "operator": operator, "params": {"query": source}}
    return json.dumps(
        [read, {"id": "save", "operator": "table", "params": {"target": target, **params}, "depends_on": ["read"]}]
    )


@pytest.fixture
def near(far, bench):
    """Rows of many types here, an empty table of the same columns there."""
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    bench.admin.execute(f"CREATE TABLE w.near ({columns}, PRIMARY KEY (id)); INSERT INTO w.near {ROWS.format(1000)}")
    bench.admin.execute(f"ALTER TABLE w.near OWNER TO {OWNER}")
    far.execute(f"CREATE TABLE copy ({columns}, PRIMARY KEY (id))")
    return bench


def same(far, bench, copy="copy"):
    rows = bench.admin.execute("SELECT * FROM w.near ORDER BY id").fetchall()
    return rows and rows == far.execute(f"SELECT * FROM {copy} ORDER BY id").fetchall()


def counts(bench):
    return bench.admin.execute(
        "SELECT rows_read, rows_inserted, rows_updated, rows_unchanged FROM etl.runs ORDER BY id DESC LIMIT 1"
    ).fetchone()


def test_rows_are_inserted_updated_and_left_alone(far, near):
    create(near, there())
    assert run(near) == "succeeded" and same(far, near) and counts(near) == (1000, 1000, 0, 0)
    before = far.execute("SELECT id, xmin::text FROM copy WHERE id > 10 ORDER BY 1").fetchall()
    near.admin.execute("UPDATE w.near SET note = 'new' WHERE id <= 10; INSERT INTO w.near (id) VALUES (5000)")
    assert run(near) == "succeeded" and same(far, near) and counts(near) == (1001, 1, 10, 990)
    assert far.execute("SELECT id, xmin::text FROM copy WHERE id BETWEEN 11 AND 1000 ORDER BY 1").fetchall() == before


def test_source_and_target_without_steps(far, near):
    far.execute("CREATE TABLE who (name text); GRANT ALL ON who TO far_reader")
    far.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO public.who VALUES (current_setting('application_name')); RETURN NULL; END$$;"
        "CREATE TRIGGER noted AFTER INSERT ON copy FOR EACH STATEMENT EXECUTE FUNCTION note()"
    )
    near.pipeline(source="SELECT * FROM w.near", target="far:public.copy", batch_size=300)
    assert run(near) == "succeeded" and same(far, near)
    correlation = near.one("SELECT correlation_id::text FROM etl.runs")
    assert far.execute("SELECT DISTINCT name FROM who").fetchall() == [(f"pg_etl: {correlation}",)]
    kept = far.execute("SELECT pipeline, batch_no, record::json -> 'to' FROM pg_etl_checkpoint").fetchall()
    assert kept == [(1, 4, ["1000"])]


def test_an_empty_table_is_copied_into_until_a_key_comes_again(far, near):
    """The third batch has keys of the first one: from then on rows go through a temporary table."""
    near.admin.execute(
        "CREATE TABLE w.log (seq int PRIMARY KEY, id int, value text);"
        "INSERT INTO w.log SELECT n, n % 250, 'v' || n FROM generate_series(1, 1000) n;"
        f"ALTER TABLE w.log OWNER TO {OWNER}"
    )
    far.execute("CREATE TABLE last (seq int, id int PRIMARY KEY, value text)")
    steps = there("SELECT seq, id, value FROM w.log", target="far:public.last", key_columns=["id"])
    options = '{"safety": "overlap", "overlap": "0s", "settle": "0s"}'
    create(near, steps, mode="incremental", incremental_key="seq", incremental_id_key="seq", options=options)
    assert run(near) == "succeeded" and counts(near) == (1000, 250, 750, 0)
    found = "SELECT count(*), min(seq), max(seq), bool_and(value = 'v' || seq AND id = seq % 250) FROM last"
    assert far.execute(found).fetchone() == (250, 751, 1000, True)


@pytest.mark.parametrize("mode", ["upsert", "append"])
def test_what_copy_does_not_know_holds(far, near, mode):
    """A rule, and a policy, of an empty table there."""
    far.execute(
        "CREATE TABLE seen (id bigint); CREATE RULE also AS ON INSERT TO copy DO ALSO INSERT INTO seen VALUES (1)"
    )
    if mode == "append":  # a rule and ON CONFLICT do not go together
        create(near, there(write_mode=mode))
        assert run(near)[:2] == ("failed", "0A000")  # nor does one with RETURNING
        near.admin.execute("SELECT etl.drop_pipeline('p')")
    far.execute("DROP RULE also ON copy; ALTER TABLE copy ENABLE ROW LEVEL SECURITY")
    far.execute("CREATE POLICY few ON copy USING (true) WITH CHECK (id <> 250)")
    create(near, there(write_mode=mode))
    state = run(near)
    assert state[:2] == ("failed", "42501") and "row-level security" in state[2], state
    assert far.execute("SELECT count(*) FROM copy WHERE id >= 250").fetchone() == (0,)


def test_it_is_previewed_explained_and_run_dry(far, near):
    far.execute("INSERT INTO copy SELECT 1")
    create(near, there())
    with near.owner() as owner:
        assert len(owner.execute("SELECT etl.preview('p', 3)").fetchall()) == 3
        lines = [line for (line,) in owner.execute("SELECT etl.explain('p')")]
        assert "-> save (table) far:public.copy" in lines
        assert any("INSERT INTO public.copy" in line for line in lines)
        rows = owner.execute("SELECT action, key, before->>'note', after->>'id' FROM etl.dry_run('p')").fetchall()
        assert (
            len(rows) == 100 and ("update", {"id": 1}, None, "1") in rows and ("insert", {"id": 2}, None, "2") in rows
        )
    assert far.execute("SELECT count(*) FROM copy").fetchone() == (1,)


def test_from_there_to_there(far, near):
    far.execute(f"INSERT INTO copy {ROWS.format(700)}; CREATE TABLE other (LIKE copy INCLUDING ALL)")
    steps = json.loads(there(target="far:public.other"))
    steps[0] = {"id": "read", "operator": "table", "params": {"table": "copy", "server": "far"}}
    create(near, json.dumps(steps))
    assert run(near) == "succeeded"
    assert far.execute("SELECT count(*) FROM (TABLE copy INTERSECT TABLE other) AS same").fetchone() == (700,)


def test_other_types_there_and_types_of_here_alone(far, bench):
    bench.admin.execute("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN w.positive AS int")
    bench.admin.execute("CREATE TABLE w.near (id int PRIMARY KEY, mood mood, n int, t text)")
    bench.admin.execute(
        f"INSERT INTO w.near VALUES (1, 'ok', 7, '2.50'), (2, NULL, NULL, NULL); ALTER TABLE w.near OWNER TO {OWNER}"
    )
    far.execute("CREATE TYPE feeling AS ENUM ('ok', 'sad')")
    far.execute(
        "CREATE TABLE copy (id bigint PRIMARY KEY, mood feeling, n numeric, t numeric(6,2), more int DEFAULT 3)"
    )
    create(bench, there())
    assert run(bench) == "succeeded"
    rows = far.execute("SELECT id, mood::text, n, t::text, more FROM copy ORDER BY 1").fetchall()
    assert rows == [(1, "ok", 7, "2.50", 3), (2, None, None, None, 3)]
    bench.admin.execute("UPDATE w.near SET mood = 'sad' WHERE id = 2")
    assert run(bench) == "succeeded" and counts(bench) == (2, 0, 1, 1)


def test_the_last_row_of_a_key_wins(far, bench):
    bench.admin.execute("CREATE TABLE w.near AS SELECT n % 10 AS id, n FROM generate_series(1, 100) n")
    bench.admin.execute(f"ALTER TABLE w.near OWNER TO {OWNER}")
    far.execute("CREATE TABLE copy (id int PRIMARY KEY, n int)")
    create(bench, there("SELECT * FROM w.near ORDER BY n"))
    assert run(bench) == "succeeded"
    assert far.execute("SELECT count(*), min(n) FROM copy").fetchone() == (10, 91)


def test_a_partitioned_table(far, bench):
    bench.admin.execute("CREATE TABLE w.near AS SELECT n AS id, 'a' AS t FROM generate_series(1, 250) n")
    bench.admin.execute(f"ALTER TABLE w.near OWNER TO {OWNER}")
    far.execute("CREATE TABLE copy (id int PRIMARY KEY, t text) PARTITION BY RANGE (id)")
    far.execute("CREATE TABLE low PARTITION OF copy FOR VALUES FROM (0) TO (100)")
    far.execute("CREATE TABLE high PARTITION OF copy FOR VALUES FROM (100) TO (1000)")
    create(bench, there())
    assert run(bench) == "succeeded" and counts(bench) == (250, 250, 0, 0)
    bench.admin.execute("UPDATE w.near SET t = 'b' WHERE id % 10 = 0; INSERT INTO w.near VALUES (999, 'c')")
    assert run(bench) == "succeeded" and counts(bench) == (251, 1, 25, 225)
    assert far.execute("SELECT count(*) FROM high WHERE t = 'b'").fetchone() == (16,)


def test_no_value_is_cut(far, bench):
    bench.admin.execute("CREATE TABLE w.near (id text PRIMARY KEY, c text, b text)")
    bench.admin.execute(f"INSERT INTO w.near VALUES ('1', 'ab', '101'); ALTER TABLE w.near OWNER TO {OWNER}")
    far.execute("CREATE TABLE copy (id char(3) PRIMARY KEY, c char(4), b bit(3))")
    create(bench, there())
    assert run(bench) == "succeeded"
    assert far.execute("SELECT id, c, b::text FROM copy").fetchall() == [("1  ", "ab  ", "101")]
    bench.admin.execute("UPDATE w.near SET c = 'abcde'")
    assert run(bench)[:2] == ("failed", "22001")


def test_no_value_is_cut_for_a_domain(far, bench):
    bench.admin.execute("CREATE TABLE w.near (id text PRIMARY KEY, c text, p text)")
    bench.admin.execute(
        f"INSERT INTO w.near VALUES ('1', 'ab', 'x'), ('2', NULL, NULL); ALTER TABLE w.near OWNER TO {OWNER}"
    )
    far.execute("CREATE DOMAIN code AS varchar(3); CREATE DOMAIN own AS code; CREATE DOMAIN padded AS char(3)")
    far.execute("CREATE TABLE copy (id code PRIMARY KEY, c own, p padded)")
    create(bench, there(), options='{"on_error": "quarantine"}')
    assert run(bench) == "succeeded" and counts(bench) == (2, 2, 0, 0)
    assert run(bench) == "succeeded" and counts(bench) == (2, 0, 0, 2)
    bench.admin.execute("UPDATE w.near SET c = 'abcde' WHERE id = '1'; UPDATE w.near SET c = 'abc' WHERE id = '2'")
    bench.admin.execute("INSERT INTO w.near VALUES ('abcd'), ('abce')")
    assert run(bench) == "succeeded" and counts(bench) == (5 - 1, 0, 1, 0)
    assert far.execute("SELECT * FROM copy ORDER BY 1").fetchall() == [("1", "ab", "x  "), ("2", "abc", None)]
    letters = bench.admin.execute("SELECT original_record ->> 'id', error_code FROM etl.dead_letters ORDER BY 1")
    assert letters.fetchall() == [("1", "22001"), ("abcd", "22001"), ("abce", "22001")]


def test_keys_that_are_one_only_over_there(far, bench):
    bench.admin.execute("CREATE TABLE w.near (id text, n int); INSERT INTO w.near VALUES ('01', 1), ('1', 2), ('2', 3)")
    bench.admin.execute(f"ALTER TABLE w.near OWNER TO {OWNER}")
    far.execute("CREATE TABLE copy (id int PRIMARY KEY, n int)")
    create(bench, there("SELECT * FROM w.near ORDER BY n"))
    assert run(bench) == "succeeded"
    assert far.execute("SELECT * FROM copy ORDER BY 1").fetchall() == [(1, 2), (2, 3)]


def test_slices_into_a_new_schema(far, near):
    near.pipeline(source="SELECT * FROM w.near", target="far:public.copy", options={"slices": 2}, batch_size=100)
    assert run(near) == "succeeded" and same(far, near)
    assert far.execute("SELECT count(*) FROM pg_etl_checkpoint").fetchone() == (2,)


def test_two_tables_there(far, near):
    far.execute("CREATE TABLE other (LIKE copy INCLUDING ALL)")
    steps = json.loads(there())
    steps.append(steps[1] | {"id": "save_too", "params": {"target": "far:public.other"}})
    create(near, json.dumps(steps))
    for _ in range(2):
        assert run(near) == "succeeded"
        assert same(far, near) and same(far, near, "other")


# Exactly once


def appending(near, far):
    far.execute("CREATE TABLE log (LIKE copy)")
    create(near, there(target="far:public.log", write_mode="append", key_columns=["id"]), options=ONCE_MORE)


def test_a_connection_that_is_lost_repeats_no_row(far, near):
    """It is cut while a batch is being written: the next one reads there what has arrived."""
    appending(near, far)
    with near.server.connect(far.info.dbname, autocommit=False) as holder:
        holder.execute("LOCK TABLE log IN SHARE MODE")
        number = near.run()
        waiting = "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'far_reader' AND wait_event_type = 'Lock'"
        near.server.wait_until(waiting)
        assert cut_far(far) == 1
        holder.rollback()
    assert outcome(near, number, near.ends(number, 30)) == "succeeded"
    assert far.execute("SELECT count(*), count(DISTINCT id) FROM log").fetchone() == (1000, 1000)
    assert counts(near)[:2] == (1000, 1000)


def test_a_worker_lost_after_the_commit_there_repeats_no_row(far, near):
    """The batch has arrived, and this database does not know: it learns it from the checkpoint there."""
    appending(near, far)
    with near.server.connect(near.name, autocommit=False) as holder:
        number = near.run()
        pid = near.worker_pid(number)
        # The worker cannot save what it delivered.
        holder.execute("SET lock_timeout = '10s'; LOCK TABLE etl.batch_log IN SHARE MODE")
        blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
        wait_until(lambda: near.one(blocked, pid), 10, "it waits for the log of batches")
        arrived = far.execute("SELECT count(*) FROM log").fetchone()[0]
        saved = holder.execute("SELECT coalesce(sum(rows_read), 0) FROM etl.batches").fetchone()[0]
        assert arrived == saved + 100
        near.admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
        holder.rollback()
    assert outcome(near, number, near.ends(number, 30)) == "succeeded"
    assert far.execute("SELECT count(*), count(DISTINCT id) FROM log").fetchone() == (1000, 1000)
    assert counts(near) == (1000, 1000, 0, 0)
    assert near.one("SELECT count(*) FROM etl.batches") == 10


def test_an_append_without_a_key_is_one_batch_and_arrives_once(far, near):
    far.execute("CREATE TABLE log (LIKE copy)")
    create(near, there(target="far:public.log", write_mode="append"), options=ONCE_MORE)
    assert run(near) == "succeeded"
    assert far.execute("SELECT count(*), count(DISTINCT id) FROM log").fetchone() == (1000, 1000)
    assert near.one("SELECT count(*) FROM etl.batches") == 1


def test_an_older_epoch_is_fenced_there(far, near):
    create(near, there())
    assert run(near) == "succeeded"
    far.execute("UPDATE pg_etl_checkpoint SET epoch = 9000000000000000000")
    near.admin.execute("UPDATE w.near SET note = 'stale'")
    number = near.run()
    wait_until(lambda: near.status(number) != "requested" and near.processes() == 0, 30, "the worker stops")
    assert near.status(number) != "succeeded"
    assert far.execute("SELECT count(*) FROM copy WHERE note = 'stale'").fetchone() == (0,)
    near.admin.execute("SELECT etl.cancel('p')")


def test_a_database_that_fell_back_repeats_no_row(far, near):
    """As a standby that was promoted: of the four batches that are there it knows one."""
    appending(near, far)
    near.admin.execute("ALTER TABLE etl.batch_log ADD CONSTRAINT odd CHECK (batch_no <> 4)")
    assert run(near)[0] == "failed"
    near.admin.execute("ALTER TABLE etl.batch_log DROP CONSTRAINT odd; DELETE FROM etl.batch_log WHERE batch_no > 1")
    near.admin.execute("UPDATE etl.checkpoint SET batch_no = 1, position = '[\"100\"]'")
    near.admin.execute("SELECT etl.retry('p')")
    assert outcome(near, 1, near.ends(1)) == "succeeded"
    assert far.execute("SELECT count(*), count(DISTINCT id) FROM log").fetchone() == (1000, 1000)
    assert near.one("SELECT position FROM etl.checkpoints") == ["1000"]


def test_a_rewind_is_not_undone(far, near):
    """The batch of 201 to 300 has arrived there, and is refused here; rewound, all is delivered once more."""
    create(near, there())
    near.admin.execute("ALTER TABLE etl.batch_log ADD CONSTRAINT odd CHECK (batch_no <> 3)")
    assert run(near)[0] == "failed"
    near.admin.execute("ALTER TABLE etl.batch_log DROP CONSTRAINT odd")
    far.execute("TRUNCATE copy")
    with near.owner() as owner:
        owner.execute("SELECT etl.rewind('p', to_key => '[0]')")
        owner.execute("SELECT etl.retry('p')")
    assert outcome(near, 1, near.ends(1)) == "succeeded" and same(far, near)


LATER = {
    "mode": "incremental",
    "incremental_key": "id",
    "incremental_id_key": "id",
    "options": '{"safety": "overlap", "overlap": "0"}',
}


def test_a_table_that_was_made_anew_there_is_not_gone_on_with(far, near):
    create(near, there(), **LATER)
    assert run(near) == "succeeded"
    far.execute("ALTER TABLE copy RENAME TO old; CREATE TABLE copy (LIKE old INCLUDING ALL)")
    near.admin.execute("INSERT INTO w.near (id) VALUES (5000)")
    status, code, _ = run(near)
    assert (status, code) == ("failed", "55000") and far.execute("SELECT count(*) FROM copy").fetchone()[0] == 0
    far.execute("INSERT INTO copy SELECT * FROM old")
    with near.owner() as owner:
        owner.execute("SELECT etl.accept_target('p')")
    assert run(near) == "succeeded" and same(far, near)


def test_a_server_that_leads_elsewhere_is_not_gone_on_with(far, near):
    create(near, there(), **LATER)
    assert run(near) == "succeeded"
    (url,) = near.admin.execute("SELECT option_value FROM pg_options_to_table((SELECT srvoptions FROM pg_foreign_server"
                                " WHERE srvname = 'far')) WHERE option_name = 'url'").fetchone()  # fmt: skip
    near.admin.execute(f"ALTER SERVER far OPTIONS (SET url '{url.replace('127.0.0.1', 'localhost')}')")
    allow_hosts(near, "http://127.0.0.1", "http://localhost")
    make_secret(near.server, "far.secret", url.replace("127.0.0.1", "localhost"), "far away")
    assert run(near)[:2] == ("failed", "55000")
    with near.owner() as owner:
        owner.execute("SELECT etl.reset('p')")
    assert run(near) == "succeeded" and same(far, near)


# Rows that it refuses


def test_a_refused_row_is_a_dead_letter_and_is_replayed(far, near):
    far.execute("ALTER TABLE copy ADD CONSTRAINT odd CHECK (id NOT IN (7, 230, 231))")
    create(near, there(), options='{"on_error": "quarantine"}')
    assert run(near) == "succeeded"
    letters = (
        "SELECT step, error_code, original_record->>'id' FROM etl.dead_letters WHERE status = 'pending' ORDER BY id"
    )
    assert near.admin.execute(letters).fetchall() == [
        ("save", "23514", "7"),
        ("save", "23514", "230"),
        ("save", "23514", "231"),
    ]
    assert far.execute("SELECT count(*) FROM copy").fetchone() == (997,)
    assert near.one("SELECT rows_dead FROM etl.runs") == 3 and counts(near) == (1000, 997, 0, 0)
    far.execute("ALTER TABLE copy DROP CONSTRAINT odd")
    with near.owner() as owner:
        assert owner.execute("SELECT etl.dead_letter_replay('p')").fetchone() == (3,)
    assert near.admin.execute(letters).fetchall() == [] and same(far, near)


def test_no_more_rows_are_tried_alone_than_may_be_dead(far, near):
    far.execute(
        "CREATE SEQUENCE tries; GRANT USAGE ON tries TO far_reader;"
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM nextval('public.tries'); RAISE check_violation; END$$;"
        "CREATE TRIGGER refused BEFORE INSERT ON copy FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    create(near, there(), batch_size=1000, options='{"on_error": "quarantine", "max_dead_letters": 2}')
    state = run(near)
    assert state[:2] == ("failed", "PE030"), state
    assert far.execute("SELECT last_value < 50 FROM tries").fetchone() == (True,)
    assert far.execute("SELECT count(*) FROM copy").fetchone() == (0,)


def test_a_refused_row_fails_the_run(far, near):
    far.execute("ALTER TABLE copy ADD CONSTRAINT odd CHECK (id <> 230)")
    create(near, there())
    state = run(near)
    assert state[:2] == ("failed", "23514") and 'server "far"' in state[2], state
    assert far.execute("SELECT count(*) FROM copy").fetchone() == (200,)


# What is refused


def test_definitions_that_are_refused(far, near):
    far.execute(
        "CREATE VIEW view AS TABLE copy; CREATE TABLE bare (id bigint); CREATE TABLE more (id bigint PRIMARY KEY, x int NOT NULL)"
    )
    one = "SELECT id FROM w.near"
    assert refused_with(near, there(target="far:public.nowhere")) == (
        "42P01",
        'server "far": relation "public.nowhere" does not exist',
    )
    assert refused_with(near, there(target="far:public.view")) == ("42809", 'target "far:public.view" is a view')
    assert refused_with(near, there(one, target="far:public.bare"))[0] == "42P10"
    assert refused_with(near, there(one, target="far:public.bare", key_columns=["id"]))[0] == "42P10"
    assert refused_with(near, there(one, target="far:public.more")) == (
        "23502",
        'the source does not return column "x"',
    )
    assert refused_with(near, there("SELECT id, 1 AS y FROM w.near"))[0] == "42703"
    assert refused_with(near, there(write_mode="replace")) == (
        "22023",
        'write_mode "replace" is for tables of this database',
    )
    beside = json.loads(there(write_mode="append"))
    beside.append({"id": "too", "operator": "table", "params": {"target": "w.near"}, "depends_on": ["read"]})
    assert refused_with(near, json.dumps(beside))[0] == "0A000"
    near.admin.execute("SELECT etl.revoke_target('far:public.*', 'mover')")
    assert refused_with(near, there()) == ("42501", 'target "far:public.copy" is not allowed for role "mover"')


def test_a_server_that_does_not_end_its_answer_is_left(near):
    liar = LyingPostgres(rows=50000, size=2000)
    url = f"postgresql://127.0.0.1:{liar.port}/x"
    make_secret(near.server, "liar.secret", url, "password")
    near.admin.execute(f"""
        CREATE SERVER liar TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url '{url}');
        GRANT USAGE ON FOREIGN SERVER liar TO {OWNER};
        CREATE USER MAPPING FOR {OWNER} SERVER liar OPTIONS (user 'me', password_file 'liar.secret');
        SELECT etl.allow_target('liar:public.*', '{OWNER}')""")
    allow_hosts(near, url.removesuffix("/x"))
    state, message = refused_with(near, there(target="liar:public.copy"))
    assert state == "54000" and 'a reply of server "liar" is too long' in message
    assert liar.sent < liar.rows
    liar.stop()


def test_a_statement_there_has_the_time_of_a_step(far, near):
    create(near, there(), options='{"step_timeout": "300ms", "max_retries": 0}')
    with near.server.connect(far.info.dbname, autocommit=False) as holder:
        holder.execute("LOCK TABLE copy")
        state = run(near)
        holder.rollback()
    assert state[:2] == ("failed", "08006") and "statement timeout" in state[2], state


def test_a_checkpoint_table_of_somebody_else_is_refused(far, near):
    far.execute("CREATE ROLE far_other; GRANT ALL ON SCHEMA public TO far_other; SET ROLE far_other")
    far.execute("CREATE TABLE pg_etl_checkpoint (source text); GRANT ALL ON pg_etl_checkpoint TO PUBLIC; RESET ROLE")
    try:
        create(near, there())
        state = run(near)
        assert state[:2] == ("failed", "42501") and "cannot be trusted" in state[2], state
    finally:
        far.execute("DROP OWNED BY far_other; DROP ROLE far_other")


def test_a_checkpoint_that_is_none_is_refused(far, near):
    create(near, there())
    near.admin.execute("ALTER TABLE etl.batch_log ADD CONSTRAINT odd CHECK (batch_no <> 3)")
    assert run(near)[0] == "failed"
    near.admin.execute("ALTER TABLE etl.batch_log DROP CONSTRAINT odd")
    far.execute("UPDATE pg_etl_checkpoint SET record = '[]'")
    near.admin.execute("SELECT etl.retry('p')")
    assert outcome(near, 1, near.ends(1)) == "succeeded"  # not of this position: delivered once more
    far.execute("UPDATE pg_etl_checkpoint SET record = '{}', batch_no = 100")
    assert run(near) == "succeeded"  # of another run


def test_letters_are_not_appended_again(far, near):
    far.execute("CREATE TABLE log (LIKE copy); ALTER TABLE log ADD CHECK (id <> 7)")
    create(
        near,
        there(target="far:public.log", write_mode="append", key_columns=["id"]),
        options='{"on_error": "quarantine"}',
    )
    assert run(near) == "succeeded"
    with near.owner() as owner, pytest.raises(psycopg.errors.FeatureNotSupported):
        owner.execute("SELECT etl.dead_letter_replay('p')")
    with near.owner() as owner:
        assert owner.execute("SELECT action, count(*) FROM etl.dry_run('p') GROUP BY 1").fetchall() in (
            [("error", 1)],
            [("insert", 100)],
        )


def test_rights_are_those_of_the_role_there(far, near):
    far.execute("REVOKE INSERT ON copy FROM far_reader")
    create(near, there())
    state = run(near)
    assert state[:2] == ("failed", "42501"), state
