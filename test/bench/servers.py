"""From one PostgreSQL server to another: a pipeline, on either side, against psql's COPY piped into psql's COPY."""

import json
import subprocess
import time

from harness.postgres import PostgresServer
from harness.trees import DEBIAN_PG_CONFIG, installed_tree

from .figures import Figure, paired, spread
from .tables import prepare, timed

PSQL = DEBIAN_PG_CONFIG.parent / "psql"
LEAST = 0.8
PULL = ("pull", {"operator": "table", "params": {"server": "far", "table": "bench.source"}}, "bench.target")
PUSH = ("push", {"operator": "table", "params": {"table": "bench.source"}}, "far:bench.target")


def measure(connection, server, settings: dict, runs: int) -> list:
    with PostgresServer(installed_tree("15"), "bench_far", settings=settings) as far:
        far.psql("CREATE DATABASE bench")
        away = far.connect("bench")
        copy_schema(server, far)
        make_server(connection, server, far)
        figures = []
        for direction in (PULL, PUSH):
            sides = (far, server) if direction is PULL else (server, far)
            for mode in ("append", "upsert"):
                name = f"bench_{direction[0]}_{mode}"
                target = connection if direction is PULL else away
                prepare(target, "target", "empty")
                make_pipeline(connection, name, direction, mode)
                mine, pipe = [], []
                for _ in range(runs):
                    prepare(target, "target", "empty")
                    mine.append(timed(connection, f"CALL etl.run_wait('{name}')"))
                    prepare(target, "limit_target", "empty")
                    pipe.append(piped(*sides))
                    check_same(target)
                figures.append(
                    Figure(
                        f"{direction[0]} from server to server, {mode}: rows/s of psql | psql",
                        paired(pipe, mine),
                        LEAST,
                        ">=",
                        f"{spread(mine)} / {spread(pipe)}",
                    )
                )
        return figures


def copy_schema(server, far) -> None:
    """The far server gets the same source."""
    dump = ["pg_dump", "-h", "127.0.0.1", "-U", "postgres", "-d", "bench", "-t", "bench.source", "-p", str(server.port)]
    far.connect("bench").execute("CREATE SCHEMA bench")
    with subprocess.Popen([PSQL.parent / dump[0], *dump[1:]], stdout=subprocess.PIPE) as source:
        subprocess.run([*psql(far, "bench"), "-q"], stdin=source.stdout, stdout=subprocess.DEVNULL, check=True)
    far.connect("bench").execute("VACUUM ANALYZE bench.source")


def make_server(connection, server, far) -> None:
    url = f"postgresql://127.0.0.1:{far.port}/bench"
    connection.execute(
        f"CREATE SERVER far TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url '{url}');"
        "CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'postgres', password_required 'false');"
        "SELECT etl.allow_target('far:bench.*')"
    )
    hosts = connection.execute("SHOW etl.allowed_hosts").fetchone()[0]
    server.reload(**{"etl.allowed_hosts": ",".join(filter(None, [hosts, f"127.0.0.1:{far.port}"]))})
    server.wait_until(f"SELECT current_setting('etl.allowed_hosts') LIKE '%{far.port}%'")


def make_pipeline(connection, name: str, direction: tuple, mode: str) -> None:
    _, read, target = direction
    save = {"operator": "table", "params": {"target": target, "key_columns": ["id"], "write_mode": mode}}
    if mode == "append":
        del save["params"]["key_columns"]
    steps = [{"id": "read", **read}, {"id": "save", **save, "depends_on": ["read"]}]
    connection.execute("SELECT etl.create_pipeline(%s, steps => %s, batch_size => 10000)", [name, json.dumps(steps)])


def psql(server, database: str) -> list:
    return [
        PSQL,
        "-X",
        "-h",
        "127.0.0.1",
        "-p",
        str(server.port),
        "-U",
        "postgres",
        "-d",
        database,
        "-v",
        "ON_ERROR_STOP=1",
    ]


def piped(source, target) -> float:
    start = time.monotonic()
    with subprocess.Popen(
        [*psql(source, "bench"), "-c", "COPY bench.source TO STDOUT"], stdout=subprocess.PIPE
    ) as reader:
        subprocess.run(
            [*psql(target, "bench"), "-q", "-c", "COPY bench.limit_target FROM STDIN"], stdin=reader.stdout, check=True
        )
    return time.monotonic() - start


def check_same(target) -> None:
    differing = target.execute(
        "SELECT count(*) FROM (TABLE bench.limit_target EXCEPT ALL TABLE bench.target) AS d"
    ).fetchone()[0]
    assert differing == 0, f"the pipeline's target lacks {differing} rows"
