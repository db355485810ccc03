"""Engines that refuse what is too large or too much: their own 413 and 429, not the double's."""

import pytest
from elastic_workbench import check_counters, source_docs, use_sink
from harness.elastic import ElasticServer

SOURCE = "SELECT id, value FROM w.t_source"
LIMITS = {"http.max_content_length": "1mb", "indexing_pressure.memory.limit": "2mb"}
ROWS = 12_000


@pytest.fixture(scope="module", params=["elasticsearch8", "opensearch2"])
def engine(request):
    with ElasticServer(request.param, settings=LIMITS) as server:
        yield server


@pytest.fixture
def sink(bench, engine):
    """12,000 rows of about 550 bytes."""
    bench.tables(ROWS)
    bench.admin.execute("UPDATE w.t_source SET value = repeat(value, 16)")
    use_sink(bench, engine.url)
    return bench


def arrives(sink, engine, index: str, options: dict) -> None:
    sink.pipeline("p", SOURCE, f"es:{index}", batch_size=6_000, key_columns=["id"], options=options)
    run = sink.run()
    assert sink.ends(run, 60) == "succeeded", sink.error(run)
    assert check_counters(sink, run)["inserted"] == ROWS
    assert engine.docs(index) == source_docs(sink, SOURCE)


def test_a_body_too_large_is_split(sink, engine):
    arrives(sink, engine, "split", {"in_flight": 1, "bulk_bytes": "10MB"})


def test_an_engine_under_pressure_gets_it_later(sink, engine):
    def rejections() -> int:
        nodes = engine.get("/_nodes/stats/indexing_pressure")["nodes"].values()
        totals = [node["indexing_pressure"]["memory"]["total"] for node in nodes]
        return sum(total["coordinating_rejections"] + total["primary_rejections"] for total in totals)

    before = rejections()
    patient = {"retry_backoff": ["50ms", "100ms", "200ms"], "max_retries": 20}
    arrives(sink, engine, "pressed", {"in_flight": 8, "bulk_bytes": "900kB"} | patient)
    assert rejections() > before
