"""A few cells of the crash matrix, on the server that PG_ETL_TREE names: suites crash-16, crash-18 and crash-15-cassert.

What a crash leaves behind is the server's work, and its code differs between majors. The suite `crash`, whose files are
called test_*, runs every cell on 15; this file runs only when it is named.
"""

import pytest
from crash_server import KINDS, TREE
from harness.trees import parse_name
from matrix import Cell, run_cell
from table_sink import TableSink
from test_matrix_elasticsearch import DoubleSink, cell_of

TABLE_POINTS = (4, 8, 13)  # before the first batch, a batch written, a batch committed
REMOTE_POINTS = (8, 12)  # handed to the network, checkpoint not committed


@pytest.fixture(scope="module")
def double():
    sink = DoubleSink()
    yield sink
    sink.engine.stop()


def test_the_server_is_the_one_that_was_asked_for(crash_servers):
    with crash_servers("error", True).server.connect() as admin:
        major, asserts = admin.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('debug_assertions')"
        ).fetchone()
    base = parse_name(TREE)[0]
    assert (major, asserts) == (int(base[:2]), "on" if "cassert" in base else "off")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", TABLE_POINTS)
def test_table(crash_servers, point, kind):
    run_cell(crash_servers(kind, True), TableSink(), Cell.fixed(point, kind))


@pytest.mark.parametrize("point", REMOTE_POINTS)
def test_double(crash_servers, double, point):
    run_cell(crash_servers("sigkill", True), double, cell_of(point, "sigkill", None))
