"""Dump and copy: definitions travel, states and secrets do not, and a copy runs only when somebody says so."""

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
