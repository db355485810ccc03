"""Dump and copy: definitions travel, states and secrets do not, and a copy runs only when somebody says so."""

import json
import subprocess

import psycopg
import pytest
from harness.places import as_service_user
from workbench import OWNER, drop_database

CANARY = "canary-7f3b9c"


def dump(bench) -> str:
    done = subprocess.run(
        as_service_user([bench.server.tree.bin / "pg_dump", "-d", bench.server.url(bench.name)]),
        env=bench.server.tree.environment(),
        cwd="/",
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def exported(connection) -> list:
    return connection.execute("SELECT name, etl.export_pipeline(name) FROM etl.pipelines ORDER BY name").fetchall()


@pytest.fixture
def filled(bench):
    """Pipelines of several shapes that have run, an allow-list, a grant, and a server with a secret's reference."""
    bench.tables(100)
    bench.pipeline("plain")
    bench.pipeline(
        "all of it",
        options={"on_error": "quarantine", "slices": 2, "retry_backoff": ["1s", "7s"]},
        description='It\'s "quoted" \\ and\nlong',
        tags=["a", "b,c"],
        key_columns=["id"],
        batch_size=77,
    )
    bench.admin.execute("ALTER TABLE w.t_source ADD at timestamptz NOT NULL DEFAULT now()")
    bench.pipeline(
        "by time",
        "SELECT id, value, at FROM w.t_source",
        "w.t_target2",
        mode="incremental",
        incremental_key="at",
        incremental_id_key="id",
        key_columns=["id"],
        create_target=True,
    )
    bench.admin.execute("SELECT etl.grant_pipeline('plain', 'RUN', 'pg_monitor')")
    bench.admin.execute("SELECT etl.disable('all of it', 'for the test')")
    bench.admin.execute(f"""
        CREATE SERVER es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url 'http://127.0.0.1:9200');
        CREATE USER MAPPING FOR {OWNER} SERVER es OPTIONS (user 'elastic', password_file '{CANARY}.secret')""")
    assert bench.ends(bench.run("plain")) == "succeeded"
    return bench


def check_copy(bench, name: str) -> None:
    """The copy has the same definitions, is suspended as a whole, and runs once it is enabled."""
    with bench.server.connect(name) as copy:
        assert exported(copy) == exported(bench.admin)
        reasons = dict(copy.execute("SELECT name, suspended_reason FROM etl.pipelines").fetchall())
        assert set(reasons) == {"plain", "all of it", "by time"} and all(reasons.values()), reasons
        with pytest.raises(psycopg.Error) as refused:
            copy.execute("SELECT etl.run('plain')")
        assert refused.value.sqlstate == "55000" and "suspended" in str(refused.value)
        assert "etl.enable" in refused.value.diag.message_hint
        copy.execute("TRUNCATE w.t_target")
        assert copy.execute("SELECT etl.enable('plain')").fetchone()[0] == 1
        run = copy.execute("SELECT etl.run('plain')").fetchone()[0]
        assert copy.execute("SELECT etl.wait(%s, '20 s')", (run,)).fetchone()[0] == "succeeded"
        assert copy.execute("SELECT count(*) FROM w.t_target").fetchone()[0] == 100
        # A new pipeline gets a number of its own, although the sequence was restored.
        copy.execute(f"SET ROLE {OWNER}")
        copy.execute(
            "SELECT etl.create_pipeline('new', source => 'SELECT id, value FROM w.t_source', target => 'w.t_target')"
        )


def test_a_restored_dump_has_the_same_pipelines_suspended(filled):
    text = dump(filled)
    name = f"{filled.name}_restored"
    with filled.server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        filled.server.psql(text, name)
        check_copy(filled, name)
    finally:
        drop_database(filled.server, name)
    # the origin has not noticed
    assert filled.ends(filled.run("plain")) == "succeeded"


def test_a_copied_database_is_suspended(filled):
    name = f"{filled.name}_copied"
    filled.admin.close()
    with filled.server.connect() as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (filled.name,))
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {filled.name}")
    filled.admin = filled.server.connect(filled.name)
    try:
        check_copy(filled, name)
    finally:
        drop_database(filled.server, name)
    assert filled.ends(filled.run("plain")) == "succeeded"


def test_a_dump_holds_no_state_and_no_secret(filled):
    secret = "canary-in-a-file"
    text = dump(filled)
    for table in (
        "pipeline_state",
        "run_log",
        "checkpoint",
        "watermark",
        "batch_log",
        "dead_letter",
        "event",
        "pipeline_object",
    ):
        assert f"COPY etl.{table} " not in text
    for table in ("pipeline", "allowed_function", "allowed_target", "pipeline_grant"):
        assert f"COPY etl.{table} " in text
    assert secret not in text
    with pytest.raises(psycopg.Error) as refused:
        filled.admin.execute(f"ALTER USER MAPPING FOR {OWNER} SERVER es OPTIONS (ADD password '{secret}')")
    assert secret not in str(refused.value) and secret not in dump(filled)


STEPS = [
    {"id": "count", "operator": "count_up", "params": {"to": 30}},
    {"id": "even", "operator": "filter", "params": {"where": "id % 2 = 0"}, "depends_on": ["count"]},
    {"id": "loud", "operator": "shout", "params": {"mark": 'it\'s: "#1"\n'}, "depends_on": ["even"]},
    {"id": "twice", "operator": "function", "params": {"function": "w.twice(w.item[])"}, "depends_on": ["loud"]},
    {"id": "save", "operator": "keep", "params": {"tag": "a"}, "depends_on": ["loud"]},
    {"id": "table", "operator": "table", "params": {"target": "w.t_target"}, "depends_on": ["twice"]},
]


@pytest.fixture
def registered(bench):
    """Operators of all kinds, an allowed function, and pipelines of steps that use them, which have run."""
    bench.tables(0)
    bench.admin.execute(f"""
        CREATE TYPE w.item AS (id bigint, value text);
        CREATE TABLE w.kept (id bigint, value text, tag text);
        CREATE TABLE w.stream (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value text);
        CREATE TABLE w.stream_copy (id bigint PRIMARY KEY, value text);
        INSERT INTO w.stream (value) SELECT 'v' || i FROM generate_series(1, 25) i;
        ALTER TABLE w.kept OWNER TO {OWNER};
        ALTER TABLE w.stream OWNER TO {OWNER};
        ALTER TABLE w.stream_copy OWNER TO {OWNER};
        CREATE FUNCTION w.count_up(params jsonb) RETURNS TABLE (id bigint, value text) LANGUAGE sql STABLE AS
            $$SELECT i, 'n' || i FROM generate_series(1, (params->>'to')::bigint) i$$;
        CREATE FUNCTION w.shout(rows w.item[], params jsonb) RETURNS SETOF w.item LANGUAGE sql AS
            $$SELECT r.id, upper(r.value) || (params->>'mark') FROM unnest(rows) r$$;
        CREATE FUNCTION w.keep(rows w.item[], params jsonb) RETURNS void LANGUAGE sql AS
            $$INSERT INTO w.kept SELECT r.id, r.value, params->>'tag' FROM unnest(rows) r$$;
        CREATE FUNCTION w.twice(rows w.item[]) RETURNS SETOF w.item LANGUAGE sql STABLE AS
            $$SELECT r.id * 2, r.value FROM unnest(rows) r$$;
        SELECT etl.register_operator('count_up', 'source', 'w.count_up(jsonb)',
            '{{"type": "object", "properties": {{"to": {{"type": "integer", "minimum": 1}}}}, "required": ["to"]}}', 'Counts.');
        SELECT etl.register_operator('shout', 'transform', 'w.shout(w.item[],jsonb)',
            '{{"type": "object", "properties": {{"mark": {{"type": "string", "description": "é ''"}}}}}}', 'It''s loud.');
        SELECT etl.register_operator('keep', 'sink', 'w.keep(w.item[],jsonb)',
            '{{"type": "object", "properties": {{"tag": {{"type": "string"}}}}}}', 'Keeps.');
        SELECT etl.register_operator('gone', 'sink', 'w.keep(w.item[],jsonb)', '{{"type": "object"}}', 'Is taken back.');
        SELECT etl.unregister_operator('gone');
        SELECT etl.allow_function('w.twice(w.item[])', '{OWNER}')""")
    stream = [
        {"id": "read", "operator": "table", "params": {"table": "w.stream"}},
        {"id": "loud", "operator": "shout", "params": {"mark": "!"}, "depends_on": ["read"]},
        {"id": "save", "operator": "table", "params": {"target": "w.stream_copy"}, "depends_on": ["loud"]},
    ]
    with bench.owner() as owner:
        owner.execute("SELECT etl.create_pipeline('steps', steps => %s)", (json.dumps(STEPS),))
        owner.execute(
            "SELECT etl.create_pipeline('stream', mode => 'incremental', incremental_key => 'id', incremental_id_key => 'id',"
            """ batch_size => 10, options => '{"settle": "0s"}', steps => %s)""",
            (json.dumps(stream),),
        )
    assert bench.ends(bench.run("steps")) == "succeeded"
    assert bench.ends(bench.run("stream")) == "succeeded"
    return bench


def written(connection) -> list:
    """What the pipelines of steps have written."""
    return connection.execute(
        "SELECT 'kept', id, value || tag FROM w.kept UNION ALL SELECT 'target', * FROM w.t_target"
        " UNION ALL SELECT 'stream', * FROM w.stream_copy ORDER BY 1, 2"
    ).fetchall()


def operators(connection) -> list:
    return connection.execute("SELECT * FROM etl.operators ORDER BY kind, name").fetchall()


def test_registered_operators_and_steps_are_restored_and_run(registered):
    before = written(registered.admin)
    assert len(before) == 15 + 15 + 25 and ("stream", 7, "V7!") in before, before
    name = f"{registered.name}_restored"
    with registered.server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        registered.server.psql(dump(registered), name)
        with registered.server.connect(name) as copy:
            assert operators(copy) == operators(registered.admin)
            assert exported(copy) == exported(registered.admin)
            assert written(copy) == before
            copy.execute("TRUNCATE w.kept, w.t_target, w.stream_copy")
            assert copy.execute("SELECT count(etl.enable(name)) FROM etl.pipelines").fetchone()[0] == 2
            for pipeline in ("steps", "stream"):
                run = copy.execute("SELECT etl.run(%s)", (pipeline,)).fetchone()[0]
                assert copy.execute("SELECT etl.wait(%s, '20 s')", (run,)).fetchone()[0] == "succeeded"
            # The checkpoint stayed behind: the copy reads its stream from the start.
            assert written(copy) == before
            # What is registered is this database's: taken back here, it is there still.
            assert copy.execute("SELECT etl.unregister_operator('shout')").fetchone()[0]
            with pytest.raises(psycopg.Error) as refused:
                copy.execute("SELECT * FROM etl.preview('stream')")
            assert refused.value.sqlstate == "42704" and 'operator "shout"' in str(refused.value)
    finally:
        drop_database(registered.server, name)
    assert registered.ends(registered.run("stream")) == "succeeded"
