"""Another PostgreSQL server: a second database of the bench's server (harness/far.py)."""

import contextlib
import json

from harness.far import READER, let_in, make_far, make_far_database
from harness.secret_files import forget_secrets
from workbench import OWNER


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
    let_in(bench.server)
    make_far_database(bench.server, name)
    make_far(bench.admin, bench.server, bench.server, name, OWNER)
    with contextlib.closing(bench.server.connect(name)) as connection:
        yield connection
    forget_secrets(bench.server)
    bench.admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    bench.admin.execute(f"DROP ROLE {READER}")


def cut_far(far):
    """Ends the connections of OWNER's pipelines to it; how many."""
    cut = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{READER}'"
    return far.execute(cut).fetchone()[0]
