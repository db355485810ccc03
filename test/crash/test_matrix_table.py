"""The crash matrix: kill points x kinds of fault x sinks, on a preloaded server and on one that is not.

0 lost, 0 doubled, a named state, resumed within 10 s, and the events tell the story (matrix.py). `PG_ETL_ROUNDS=n`
repeats it n times with random sizes; a failing round is repeated with the seed that its name ends in.
"""

import pytest
from crash_server import KINDS
from matrix import POINTS, Cell, run_cell
from table_sink import TableSink

SINKS = {"table": TableSink}
WITHOUT_PRELOAD = (1, 4, 8, 12, 13)  # every kind, and a point of each phase of a run


@pytest.fixture(params=sorted(SINKS))
def sink(request):
    made = SINKS[request.param]()
    yield made
    made.close()


def cell_of(point: int, kind: str, seed: int | None) -> Cell:
    return Cell.fixed(point, kind) if seed is None else Cell.random(point, kind, seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS)
def test_preloaded(crash_servers, sink, point, kind, seed):
    run_cell(crash_servers(kind, True), sink, cell_of(point, kind, seed))


@pytest.mark.parametrize("point", (3, 5, 8, 12, 13))
def test_an_error_repeats_the_page_of_a_spilled_source(crash_servers, sink, point):
    run_cell(crash_servers("error", True), sink, Cell(point, "error", mode="spilled"))


@pytest.mark.parametrize("kind", ("sigkill", "postmaster"))
def test_a_crash_computes_a_spilled_source_again_behind_its_checkpoint(crash_servers, sink, kind):
    run_cell(crash_servers(kind, True), sink, Cell(8, kind, mode="spilled", durable=True))


@pytest.mark.parametrize("kind", ("sigkill", "postmaster"))
@pytest.mark.parametrize("victim", (0, 1), ids=("leader", "helper"))
def test_a_crash_leaves_each_slice_where_it_was(crash_servers, sink, victim, kind):
    run_cell(crash_servers(kind, True), sink, Cell(8, kind, durable=True, victim=victim))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", WITHOUT_PRELOAD)
def test_without_preload(crash_servers, sink, point, kind, seed):
    run_cell(crash_servers(kind, False), sink, cell_of(point, kind, seed))
