"""A name service that never answers: a worker that waits for it can be stopped at once."""

import socket

import pytest
from elastic_workbench import BACKOFF, use_sink
from harness.places import is_root
from harness.postgres import PostgresServer
from harness.process import Process, wait_until
from harness.trees import installed_tree
from workbench import elapsed, workbench

NAME_SERVICE = ("127.0.0.77", 53)
IN_ITS_WORLD = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"')


@pytest.fixture(scope="module")
def silence():
    """Bound and never answering."""
    if not is_root():
        pytest.skip("wants root: port 53 and a resolv.conf of its own")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(NAME_SERVICE)
        service.settimeout(20)
        yield service


@pytest.fixture(scope="module")
def sink(silence, tmp_path_factory):
    resolver = tmp_path_factory.mktemp("resolver") / "resolv.conf"
    resolver.write_text(f"nameserver {NAME_SERVICE[0]}\n", encoding="ascii")
    prefix = (*IN_ITS_WORLD, str(resolver))
    with PostgresServer(installed_tree("15"), "dead_names", preload=True, prefix=prefix) as server:
        for bench in workbench(server):
            bench.tables(10)
            use_sink(bench, "http://never.example:9200")
            yield bench


@pytest.mark.parametrize("how", ["cancel", "SIGTERM"])
def test_a_worker_that_waits_for_a_name_ends_at_once(sink, silence, how):
    name = f"p_{how.lower()}"
    sink.pipeline(name, "SELECT id, value FROM w.t_source", f"es:{name}", key_columns=["id"], options=BACKOFF)
    run = sink.run(name)
    worker = Process.of(sink.worker_pid(run))
    assert b"never" in silence.recv(512)

    def stop():
        if how == "cancel":
            sink.admin.execute("SELECT etl.cancel(%s)", (name,))
        else:
            sink.admin.execute("SELECT pg_terminate_backend(%s)", (worker.pid,))
        wait_until(lambda: not worker.alive(), 5, "the worker ends", 0.005)

    assert elapsed(stop) < 1
    if how == "SIGTERM":
        sink.admin.execute("SELECT etl.cancel(%s)", (name,))
    wait_until(lambda: sink.state(name) == "IDLE", 10, "the run is over")
