"""Another PostgreSQL server: a second database of the bench's server, reached as far_reader, who needs a password."""

import contextlib
import json

from elastic_workbench import allow_hosts, forget_secrets, make_secret
from workbench import OWNER

PASSWORD = "far away"


def far_steps(source, target, **params):
    """A chain of a source of the far server and a table sink."""
    operator = "sql" if "query" in source else "table"
    return json.dumps(
        [
            {"id": "extract", "operator": operator, "params": {**source, "server": "far"}},
            {"id": "save", "operator": "table", "params": {"target": target, **params}, "depends_on": ["extract"]},
        ]
    )


def far_server(bench):
    """Yields a superuser's connection to it. The SQL/MED server is called far; OWNER may write what is in its public."""
    name = f"{bench.name}_far"
    rule = "host all far_reader 127.0.0.1/32 scram-sha-256\n"
    rules = bench.server.data / "pg_hba.conf"
    if rule not in rules.read_text(encoding="utf-8"):
        rules.write_text(rule + rules.read_text(encoding="utf-8"), encoding="utf-8")
    bench.admin.execute(f"CREATE DATABASE {name}")
    bench.admin.execute("DROP ROLE IF EXISTS far_reader")
    bench.admin.execute(f"CREATE ROLE far_reader LOGIN PASSWORD '{PASSWORD}'")
    bench.server.reload()
    url = f"postgresql://127.0.0.1:{bench.server.port}/{name}"
    make_secret(bench, "far.secret", url, PASSWORD)
    bench.server.wait_until("SELECT current_setting('etl.secrets_directory') <> ''")
    bench.admin.execute(f"""
        CREATE SERVER far TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url '{url}');
        GRANT USAGE ON FOREIGN SERVER far TO {OWNER};
        CREATE USER MAPPING FOR {OWNER} SERVER far OPTIONS (user 'far_reader', password_file 'far.secret');
        SELECT etl.allow_target('far:public.*', '{OWNER}')""")
    allow_hosts(bench, f"postgresql://127.0.0.1:{bench.server.port}")
    with contextlib.closing(bench.server.connect(name)) as connection:
        connection.execute(
            "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO far_reader; GRANT ALL ON SCHEMA public TO far_reader"
        )
        yield connection
    forget_secrets(bench)
    bench.admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    bench.admin.execute("DROP ROLE far_reader")


def cut_far(far):
    """Ends the connections of OWNER's pipelines to it; how many."""
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'far_reader'"
    return far.execute(cut).fetchone()[0]
