"""The crash matrix into Elasticsearch: every kill point and kind against the bulk double, some against the real engine.

As for tables (matrix.py): 0 lost, 0 doubled, a named state, resumed within 10 s. A batch that was under way is sent again
under a higher version, so that rows_inserted may count less than the rows; rows_read and rows_dead are exact.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from crash_server import KINDS, OWNER
from harness.elastic import HttpError
from matrix import POINTS, Cell, run_cell

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))
from bulk_double import BulkDouble

INDEX = "cell"
ON_THE_REAL_ENGINE = (3, 8, 9, 10, 12, 13)
NOT_EVERY_BATCH = (8, 9, 10, 13)  # several batches may be under way, answered or saved at one passage


class ElasticSink:
    """Rows (id, value, at) into one index; `engine` is the double or an ElasticServer."""

    name = "elasticsearch"
    target = f"es:{INDEX}"

    def setup(self, admin) -> None:
        self.forget()
        address = self.engine.url.removeprefix("http://")
        admin.execute(f"""
            CREATE SERVER es TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url '{self.engine.url}');
            GRANT USAGE ON FOREIGN SERVER es TO {OWNER};
            SELECT etl.allow_target('es:*', '{OWNER}');
            DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET etl.allowed_hosts = ''{address}''', current_database()); END$$""")
        self.refuse([row[0] for row in admin.execute("SELECT id FROM moved.source WHERE value = 'poison'").fetchall()])

    def compare(self, admin) -> tuple:
        """(lost or wrong, foreign): documents that are not the source's row, documents that have no row."""
        rows = admin.execute(
            "SELECT id::text, row_to_json(s)::text FROM moved.source s WHERE value <> 'poison'"
        ).fetchall()
        wanted = {key: json.loads(document) for key, document in rows}
        found = self.docs()
        return sum(found.get(key) != document for key, document in wanted.items()), len(found.keys() - wanted.keys())

    def counters_are_exact(self) -> bool:
        return False

    def close(self) -> None:
        """The engine outlives the cell."""


class DoubleSink(ElasticSink):
    def __init__(self):
        self.engine = BulkDouble().start()
        self.sent = defaultdict(dict)
        store_bulk = self.engine.store.bulk

        def bulk(ops, failed=None, apply=True):
            for _, meta, source in ops:
                if self.sent[meta["_id"]].setdefault(meta["version"], source) != source:
                    self.clashes.append(meta)
            return store_bulk(ops, failed, apply)

        self.engine.store.bulk = bulk

    def forget(self) -> None:
        self.engine.reset()
        self.sent.clear()
        self.clashes = []

    def refuse(self, ids: list) -> None:
        if ids:
            rules = [{"match": {"_id": str(key)}, "status": 400} for key in ids]
            self.engine.script.load([{"items": rules, "times": "always"}])

    def docs(self) -> dict:
        assert self.clashes == []  # no version was given to two different documents
        return {key: source for key, (_, source) in (self.engine.store.live(INDEX) or {}).items()}


class RealSink(ElasticSink):
    def __init__(self, engine):
        self.engine = engine

    def forget(self) -> None:
        try:
            self.engine.delete(f"/{INDEX}")
        except HttpError as error:
            assert error.status == 404

    def refuse(self, ids: list) -> None:
        assert ids == []

    def docs(self) -> dict:
        return self.engine.docs(INDEX)


@pytest.fixture(scope="module")
def double():
    sink = DoubleSink()
    yield sink
    sink.engine.stop()


def cell_of(point: int, kind: str, seed: int | None) -> Cell:
    cell = Cell.fixed(point, kind) if seed is None else Cell.random(point, kind, seed)
    if point in NOT_EVERY_BATCH:
        cell.passage = min(cell.passage, 2)
    return cell


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS)
def test_double(crash_servers, double, point, kind, seed):
    run_cell(crash_servers(kind, True), double, cell_of(point, kind, seed))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", ON_THE_REAL_ENGINE)
def test_real(crash_servers, elastic, point, kind, seed):
    run_cell(crash_servers(kind, True), RealSink(elastic), cell_of(point, kind, seed))
