"""Fixtures of the integration suite; no test of it may make a server process crash."""

import os

import pytest
from far_workbench import far_server
from file_pipelines import PEOPLE
from workbench import OWNER, workbench

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


@pytest.fixture
def folder(bench, tmp_path):
    """A directory of etl.data_directory that the server may read; and the table w.people."""
    os.chmod(tmp_path, 0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            os.chmod(parent, parent.stat().st_mode | 0o011)
    bench.server.reload(**{"etl.data_directory": str(tmp_path)})
    bench.admin.execute(f"GRANT pg_read_server_files TO {OWNER}")
    bench.admin.execute(PEOPLE)
    bench.admin.execute(f"ALTER TABLE w.people OWNER TO {OWNER}")
    yield tmp_path
    bench.server.reload(**{"etl.data_directory": ""})


@pytest.fixture
def far(bench):
    """Another PostgreSQL server, as far_workbench.py says."""
    yield from far_server(bench)


@pytest.fixture(scope="module", autouse=True)
def no_crash():
    """At the end of each module the servers it shares have not met a single crash."""
    yield
    for server in _used:
        assert server.crash_lines() == []
