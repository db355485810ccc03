"""What is altered under a run: it goes on with what there is now, or fails and says why; nothing is mixed up."""

import contextlib
import json
import threading

import pytest
from elastic_workbench import RecordingDouble, use_sink
from harness.process import wait_until
from workbench import OWNER

ROWS = 3000
GATE = 77


def gated_tables(bench) -> None:
    """Each batch into w.t_target waits in its trigger while the test holds the gate."""
    bench.tables(ROWS)
    bench.admin.execute(f"""
        CREATE FUNCTION w.gate() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NULL; END $$;
        ALTER FUNCTION w.gate() OWNER TO {OWNER};
        CREATE TRIGGER gate BEFORE INSERT ON w.t_target FOR EACH STATEMENT EXECUTE FUNCTION w.gate()""")


def gated_pipeline(bench) -> None:
    """From w.t_source to w.t_target."""
    gated_tables(bench)
    bench.admin.execute("""
        ALTER TABLE w.t_source ADD a text, ADD b text;
        ALTER TABLE w.t_target ADD a text, ADD b text;
        UPDATE w.t_source SET a = 'a' || id, b = 'b' || id""")
    bench.pipeline(source="SELECT * FROM w.t_source", batch_size=500)


def waiting(bench, kind: str) -> int:
    return bench.one(
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE NOT granted AND datname = current_database() AND locktype = %s",
        kind,
    )


@contextlib.contextmanager
def first_batch_held(bench):
    """A run whose first batch is at the gate until the end of the block."""
    with bench.server.connect(bench.name) as keyholder:
        keyholder.execute("SELECT pg_advisory_lock(%s)", [GATE])
        run = bench.run()
        wait_until(lambda: waiting(bench, "advisory"), 10, "the first batch is at the gate")
        yield run
        keyholder.execute("SELECT pg_advisory_unlock(%s)", [GATE])


def altered(bench, sql: str) -> int:
    """Runs `sql` right behind the first batch: it queues for the lock that the batch holds while it waits at the gate."""
    with bench.server.connect(bench.name) as other:
        change = threading.Thread(target=other.execute, args=(sql,))
        with first_batch_held(bench) as run:
            change.start()
            wait_until(lambda: waiting(bench, "relation"), 10, "the change queues")
        change.join()
        bench.ends(run)
    return run


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE w.t_source ALTER value TYPE bigint USING 4096",
        "ALTER TABLE w.t_source ALTER value TYPE varchar(50)",
        "ALTER TABLE w.t_source DROP COLUMN b",
        "ALTER TABLE w.t_source ADD COLUMN c int",
        "ALTER TABLE w.t_source RENAME a TO other",
        "BEGIN; ALTER TABLE w.t_source ADD c text; UPDATE w.t_source SET c = a; ALTER TABLE w.t_source DROP a;"
        " ALTER TABLE w.t_source RENAME c TO a; COMMIT",
    ],
)
def test_a_source_altered_in_mid_run_is_read_as_it_is_now(bench, change):
    gated_pipeline(bench)
    run = altered(bench, change)
    if bench.status(run) == "failed":
        code, message = bench.error(run)
        assert code in ("42703", "42804", "42846"), (code, message)
        assert bench.one("SELECT count(*) FROM w.t_target") % 500 == 0
    else:
        assert bench.one("SELECT count(*) FROM w.t_target") == ROWS
    wrong = "value IS NOT NULL AND value <> md5(id::text) AND value <> '4096' OR a <> 'a' || id OR b <> 'b' || id"
    assert bench.one(f"SELECT count(*) FROM w.t_target WHERE {wrong}") == 0


@pytest.mark.parametrize(("type_name", "code"), [("numeric", "55000"), ("text", "42883")])
def test_a_key_of_another_type_ends_the_run(bench, type_name, code):
    gated_pipeline(bench)
    run = altered(bench, f"ALTER TABLE w.t_source ALTER id TYPE {type_name}")
    assert bench.status(run) == "failed"
    assert bench.error(run)[0] == code


def test_a_key_of_another_collation_ends_the_run(bench):
    gated_pipeline(bench)
    bench.admin.execute("ALTER TABLE w.t_source ALTER id TYPE text; ALTER TABLE w.t_target ALTER id TYPE text")
    run = altered(bench, 'ALTER TABLE w.t_source ALTER id TYPE text COLLATE "C"')
    assert bench.status(run) == "failed"
    assert bench.error(run)[0] == "55000"


def signed_as(word: str) -> str:
    return f"""CREATE OR REPLACE FUNCTION w.signed(rows w.t_source[], params jsonb) RETURNS SETOF w.t_source STABLE
        LANGUAGE sql AS $$ SELECT id, '{word} ' || value FROM unnest(rows) $$;
        CREATE OR REPLACE FUNCTION w.signed(rows w.t_source[]) RETURNS SETOF w.t_source STABLE
        LANGUAGE sql AS $$ SELECT id, '{word} ' || value FROM unnest(rows) $$"""


@pytest.mark.parametrize(
    "sign",
    [
        {"operator": "function", "params": {"function": "w.signed(w.t_source[])"}},
        {"operator": "signed"},  # registered
    ],
)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (signed_as("new"), None),
        ("REVOKE EXECUTE ON FUNCTION w.signed(w.t_source[]), w.signed(w.t_source[], jsonb) FROM PUBLIC", "42501"),
        ("DROP FUNCTION w.signed(w.t_source[]), w.signed(w.t_source[], jsonb)", "42883"),
    ],
    ids=["replaced", "revoked", "dropped"],
)
def test_a_function_of_a_step_is_what_it_is_now(bench, sign, change, code):
    gated_tables(bench)
    bench.admin.execute(signed_as("old"))
    bench.admin.execute("SELECT etl.allow_function('w.signed(w.t_source[])')")
    bench.admin.execute(
        "SELECT etl.register_operator('signed', 'transform', 'w.signed(w.t_source[], jsonb)',"
        " jsonb_build_object('type', 'object'), 'x')"
    )
    known = {"rules": [{"rule": "not_null", "column": "id"}]}
    steps = [
        {"id": "read", "operator": "table", "params": {"table": "w.t_source"}},
        {"id": "sign", "depends_on": "read", **sign},
        {"id": "check", "operator": "check", "params": known, "depends_on": "sign"},
        {"id": "save", "operator": "table", "params": {"target": "w.t_target"}, "depends_on": "check"},
    ]
    with bench.owner() as owner:
        owner.execute(
            "SELECT etl.create_pipeline('p', steps => %s, mode => 'incremental', incremental_key => 'id',"
            " incremental_id_key => 'id', batch_size => 500)",
            (json.dumps(steps),),
        )
    with first_batch_held(bench) as run:
        bench.admin.execute(change)
    ends = (bench.ends(run), bench.error(run)[0])
    assert ends == (("failed", code) if code else ("succeeded", None)), bench.error(run)
    words = "SELECT string_agg(word || ' ' || n, ', ' ORDER BY word) FROM"
    words += " (SELECT split_part(value, ' ', 1) AS word, count(*) AS n FROM w.t_target GROUP BY 1) AS w"
    assert bench.one(words) == ("old 500" if code else f"new {ROWS - 500}, old 500")


def test_a_source_altered_while_documents_are_under_way(bench):
    bench.tables(ROWS)
    with RecordingDouble() as double:
        use_sink(bench, double.url)
        double.script.load([{"fault": "late", "seconds": 0.2, "times": "always"}])
        bench.pipeline(
            source="SELECT * FROM w.t_source",
            target="es:altered",
            key_columns=["id"],
            batch_size=100,
            options={"in_flight": 1},
        )
        run = bench.run()
        wait_until(lambda: double.bodies, 10, "the first request is under way")
        bench.admin.execute("ALTER TABLE w.t_source ADD COLUMN extra int DEFAULT 7")
        double.script.load([])
        assert bench.ends(run) == "succeeded", bench.error(run)
        documents = double.docs("altered")
        assert len(documents) == ROWS
        sent = [source for versions in double.sent.values() for source in versions.values()]
        assert any("extra" not in source for source in sent), "the change came before the run"
        assert 7 in {document.get("extra") for document in documents.values()}
