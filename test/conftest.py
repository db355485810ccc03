"""Fixtures for every pytest suite: lazily started servers, one a session, and a fresh database for each test."""

import itertools
import signal
import sys

import pytest
from harness.elastic import ElasticServer
from harness.postgres import PostgresServer
from harness.trees import installed_tree

_numbers = itertools.count(1)


def pytest_configure(config):
    """Turn SIGTERM into an ordinary exit, so that the servers are ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@pytest.fixture(scope="session")
def pg():
    """PostgreSQL 15 with the extension installed, not preloaded."""
    with PostgresServer(installed_tree("15"), "plain") as server:
        yield server


@pytest.fixture(scope="session")
def pg_preload():
    """PostgreSQL 15 with the extension installed and preloaded."""
    with PostgresServer(installed_tree("15"), "preload", preload=True) as server:
        yield server


@pytest.fixture(scope="session")
def elastic():
    """Elasticsearch 8 without security."""
    with ElasticServer("elasticsearch8") as server:
        yield server


def _fresh_database(server):
    name = f"test_{next(_numbers)}"
    with server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}")
        with server.connect(name) as connection:
            connection.execute("CREATE EXTENSION pg_etl")
            yield connection
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(pg_preload):
    """An autocommit connection to a new database with the extension, on the preloaded server."""
    yield from _fresh_database(pg_preload)


@pytest.fixture
def database_without_preload(pg):
    """The same on the server that does not preload the extension."""
    yield from _fresh_database(pg)
