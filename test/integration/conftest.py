"""Fixtures of the integration suite; no test of it may make a server process crash."""

import pytest
from workbench import workbench

_used = set()


def _bench_on(server):
    _used.add(server)
    yield from workbench(server)


@pytest.fixture
def bench(pg_preload):
    """A fresh database of an ordinary owner on the preloaded server."""
    yield from _bench_on(pg_preload)


@pytest.fixture
def bench_without_preload(pg):
    """The same on the server that does not preload the extension."""
    yield from _bench_on(pg)


@pytest.fixture(params=["preload", "without"])
def any_bench(request):
    """Both of them, one after the other."""
    yield from _bench_on(request.getfixturevalue("pg_preload" if request.param == "preload" else "pg"))


@pytest.fixture(scope="module", autouse=True)
def no_crash():
    """At the end of each module the servers it shares have not met a single crash."""
    yield
    for server in _used:
        assert server.crash_lines() == []
