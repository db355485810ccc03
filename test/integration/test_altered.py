"""Tables that are altered under a run: it goes on with what they are now, or fails and says why; nothing is mixed up."""

import threading

import pytest
from elastic_workbench import RecordingDouble, use_sink
from harness.process import wait_until
from workbench import OWNER

ROWS = 3000
GATE = 77


def gated_pipeline(bench) -> None:
    """From w.t_source to w.t_target; each batch waits in the target's trigger while the test holds the gate."""
    bench.tables(ROWS)
    bench.admin.execute(f"""
        ALTER TABLE w.t_source ADD a text, ADD b text;
        ALTER TABLE w.t_target ADD a text, ADD b text;
        UPDATE w.t_source SET a = 'a' || id, b = 'b' || id;
        CREATE FUNCTION w.gate() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NULL; END $$;
        ALTER FUNCTION w.gate() OWNER TO {OWNER};
        CREATE TRIGGER gate BEFORE INSERT ON w.t_target FOR EACH STATEMENT EXECUTE FUNCTION w.gate()""")
    bench.pipeline(source="SELECT * FROM w.t_source", batch_size=500)


def altered(bench, sql: str) -> int:
    """Runs `sql` right behind the first batch: it queues for the lock that the batch holds while it waits at the gate."""
    with bench.server.connect(bench.name) as keyholder, bench.server.connect(bench.name) as other:
        keyholder.execute("SELECT pg_advisory_lock(%s)", [GATE])
        run = bench.run()
        waiting = (
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE NOT granted AND datname = current_database()"
        )
        wait_until(lambda: bench.one(f"{waiting} AND locktype = 'advisory'"), 10, "the first batch is at the gate")
        change = threading.Thread(target=other.execute, args=(sql,))
        change.start()
        wait_until(lambda: bench.one(f"{waiting} AND locktype = 'relation'"), 10, "the change queues")
        keyholder.execute("SELECT pg_advisory_unlock(%s)", [GATE])
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
