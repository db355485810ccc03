"""Runs the bench: PYTHONPATH=test python -m bench [--runs N] [--rows N] [--only PART,...]."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from harness.elastic import ElasticServer
from harness.postgres import PostgresServer
from harness.trees import installed_tree

from . import documents, files, growth, latency, peers, servers, steps, tables
from .figures import verdict

SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "fsync": "on"}
ROOT = Path(__file__).resolve().parents[2]
PARTS = "tables,peers,files,steps,servers,growth,latency,documents"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="paired runs of each figure")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--factor", type=int, default=10, help="how much larger the large load is")
    parser.add_argument("--only", default=PARTS, help=f"parts of {PARTS}")
    return parser.parse_args()


def main() -> int:
    wanted = options()
    parts = wanted.only.split(",")
    elastic = ElasticServer("elasticsearch8").start() if "documents" in parts else None
    hole = latency.BlackHole() if "latency" in parts else None
    hosts = ([elastic.url.removeprefix("http://")] if elastic else []) + ([hole.address] if hole else [])
    settings = SETTINGS | ({"etl.allowed_hosts": ",".join(hosts)} if hosts else {})
    figures = []
    with PostgresServer(installed_tree("15"), "bench", preload=True, settings=settings) as server:
        server.psql("CREATE DATABASE bench")
        connection = server.connect("bench")
        connection.execute("CREATE EXTENSION pg_etl")
        connection.execute(
            "SELECT etl.allow_target('bench.*'), etl.allow_target('es:*'), etl.allow_target('bench_hung:*')"
        )
        tables.make_source(connection, wanted.rows)
        tables.make_pipeline(connection, "bench")
        if "tables" in parts:
            figures += tables.measure(connection, wanted.runs)
        if "peers" in parts:
            figures += peers.measure(connection, server, wanted.rows, wanted.runs)
        if "files" in parts:
            figures += files.measure(connection, server, wanted.rows, wanted.runs)
        if "steps" in parts:
            figures += steps.measure(connection, wanted.rows, wanted.runs)
        if "servers" in parts:
            figures += servers.measure(connection, server, SETTINGS, wanted.runs)
        if "growth" in parts:
            figures += growth.measure(connection, wanted.rows, wanted.factor, wanted.runs)
        if "latency" in parts:
            figures += latency.measure(connection, server, hole, 100)
        if elastic:
            load_flights(server)
            connection.execute(
                f"CREATE SERVER es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url '{elastic.url}')"
            )
            figures += documents.measure(connection, server, elastic, sys.executable, wanted.runs)
    if elastic:
        elastic.stop()
    print(f"{os.cpu_count()} cores; PostgreSQL 15; " + ", ".join(f"{k} {v}" for k, v in SETTINGS.items()))
    print("\n".join(figure.line() for figure in figures))
    print(verdict(figures))
    return 0 if all(figure.holds() is not False for figure in figures) else 1


def load_flights(server) -> None:
    environment = os.environ | {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGDATABASE": "bench",
        "PGUSER": "postgres",
    }
    subprocess.run([ROOT / "demo" / "load_flights"], env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main())
