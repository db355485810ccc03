"""What the tests of the Elasticsearch sink share: a server to write to, pipelines into its indexes, and what must hold after a run."""

import json
import sys
from collections import defaultdict
from pathlib import Path

import psycopg
from workbench import OWNER, Workbench

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))
from bulk_double import BulkDouble

BACKOFF = {"retry_backoff": ["10ms", "20ms", "40ms"]}
COUNTERS = ("read", "written", "inserted", "updated", "unchanged", "deleted", "dead", "superseded")


class RecordingDouble(BulkDouble):
    """A bulk double that also keeps every body it was sent, and for each document the versions that it was sent with."""

    def __init__(self, **options):
        super().__init__(**options)
        self.clear_record()
        engine_bulk, engine_request = self.store.bulk, self.stats.request

        def bulk(ops, failed=None, apply=True):
            for _, meta, source in ops:
                known = self.sent[meta["_id"]].setdefault(int(meta["version"]), source)
                assert known == source, f"version {meta['version']} of {meta['_id']} was given to two documents"
            return engine_bulk(ops, failed, apply)

        def request(seen):
            if seen.kind == "bulk":
                self.bodies.append(seen.body)
            engine_request(seen)

        self.store.bulk, self.stats.request = bulk, request

    def clear_record(self):
        self.bodies = []
        self.sent = defaultdict(dict)  # id -> {version: source}

    def reset(self):
        super().reset()
        self.clear_record()

    def docs(self, index: str) -> dict:
        return {key: source for key, (_, source) in (self.store.live(index) or {}).items()}

    def versions(self, index: str) -> dict:
        return {key: version for key, (version, _) in (self.store.live(index) or {}).items()}

    def most_sends(self) -> int:
        """How often the body that was sent most often was sent."""
        return max((self.bodies.count(body) for body in set(self.bodies)), default=0)


def use_sink(bench: Workbench, url: str, name: str = "es", allow: bool = True, **options) -> None:
    """CREATE SERVER `name` for OWNER, its address allowed in this database."""
    listed = "".join(f", {key} '{value}'" for key, value in options.items())
    bench.admin.execute(f"""
        CREATE SERVER {name} TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url '{url}'{listed});
        GRANT USAGE ON FOREIGN SERVER {name} TO {OWNER};
        SELECT etl.allow_target('{name}:*', '{OWNER}')""")
    if allow:
        allow_hosts(bench, url)


def allow_hosts(bench: Workbench, *urls: str) -> None:
    hosts = ",".join(url.split("//")[1].rstrip("/") for url in urls)
    bench.admin.execute(f"ALTER DATABASE {bench.name} SET etl.allowed_hosts = '{hosts}'")


def counters(bench: Workbench, run: int) -> dict:
    columns = ", ".join(f"rows_{name}" for name in COUNTERS)
    row = bench.admin.execute(f"SELECT {columns} FROM etl.runs WHERE id = %s", (run,)).fetchone()
    return dict(zip(COUNTERS, row))


def check_counters(bench: Workbench, run: int) -> dict:
    """Every row that was read is counted once, and written is what was inserted, updated and deleted."""
    c = counters(bench, run)
    assert c["read"] == c["inserted"] + c["updated"] + c["unchanged"] + c["deleted"] + c["dead"] + c["superseded"], c
    assert c["written"] == c["inserted"] + c["updated"] + c["deleted"], c
    return c


def source_docs(bench: Workbench, sql: str, key: str = "id") -> dict:
    """The rows of a query as the documents that they should be: {_id: row_to_json}."""
    rows = bench.admin.execute(f"SELECT row_to_json(q)::text FROM ({sql}) q").fetchall()
    documents = (json.loads(row[0]) for row in rows)
    return {str(document[key]): document for document in documents}


def failure(bench: Workbench, name: str = "p") -> psycopg.Error:
    """Run it; the error that CALL etl.run_wait raises."""
    try:
        bench.admin.execute("CALL etl.run_wait(%s)", (name,))
    except psycopg.Error as error:
        return error
    raise AssertionError(f"run of {name} did not fail")
