"""A name service that never answers: a worker that waits for it can be stopped at once."""

import json
import socket

import psycopg
import pytest
from elastic_workbench import BACKOFF, use_sink
from harness.places import is_root
from harness.postgres import PostgresServer
from harness.process import Process, wait_until
from harness.trees import installed_tree
from test_http_json import create as create_http
from workbench import OWNER, elapsed, workbench

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


def test_a_cancel_ends_a_source_that_waits_for_a_name(sink, silence):
    sink.admin.execute(f"""
        CREATE SERVER api TYPE 'http' FOREIGN DATA WRAPPER etl OPTIONS (url 'http://quiet.example');
        GRANT USAGE ON FOREIGN SERVER api TO {OWNER};
        CREATE TABLE w.items (id int PRIMARY KEY, name text, tags jsonb); ALTER TABLE w.items OWNER TO {OWNER}""")
    create_http(sink, name="api")
    run = sink.run("api")
    worker = Process.of(sink.worker_pid(run))
    while b"quiet" not in silence.recv(512):
        pass

    def stop():
        sink.admin.execute("SELECT etl.cancel('api')")
        wait_until(lambda: not worker.alive(), 5, "the worker ends", 0.005)

    assert elapsed(stop) < 1
    assert sink.status(run) == "cancelled"


def test_a_statement_that_waits_for_the_name_of_a_postgres_server_times_out(sink, silence):
    sink.admin.execute(f"""
        CREATE SERVER far TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url 'postgresql://mute.example/far');
        CREATE USER MAPPING FOR {OWNER} SERVER far OPTIONS (user 'u', password_required 'false');
        GRANT USAGE ON FOREIGN SERVER far TO {OWNER}""")
    steps = [
        {"id": "read", "operator": "table", "params": {"server": "far", "table": "a.b"}},
        {"id": "save", "operator": "table", "params": {"target": "w.t_target"}, "depends_on": ["read"]},
    ]
    with sink.owner() as owner:
        owner.execute("SET statement_timeout = '300ms'")

        def create():
            with pytest.raises(psycopg.errors.QueryCanceled):
                owner.execute("SELECT etl.create_pipeline('far', steps => %s)", (json.dumps(steps),))

        assert elapsed(create) < 1.3
    while b"mute" not in silence.recv(512):
        pass
