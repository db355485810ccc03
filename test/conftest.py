"""Fixtures for every pytest suite: lazily started servers, one a session. Databases are made by integration/workbench.py."""

import signal
import sys

import pytest
from harness.elastic import ElasticServer
from harness.postgres import PostgresServer
from harness.trees import installed_tree


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
