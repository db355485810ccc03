"""PostgreSQL to Elasticsearch: the flights, against curl with ready bodies and against what a user would script."""

import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from harness.elastic import HttpError

from .figures import Figure, paired

ROWS_A_BODY = 5000
# The default of parallel_bulk, which a script keeps; the figure beside it is of one tuned like the pipeline.
SCRIPT_ROWS_A_BODY = 500
CONNECTIONS = 4
SOURCE = "SELECT * FROM nyc.flights"
# The engine's own time for the same bodies varies by a third from run to run, and falls while its JIT compiles.
WARM_UPS = 2
LEAST_RUNS = 9
SCRIPT = """
import sys, psycopg
from elasticsearch import Elasticsearch, helpers
client = Elasticsearch(sys.argv[2], request_timeout=60)
with psycopg.connect(sys.argv[1], row_factory=psycopg.rows.dict_row) as connection:
    with connection.cursor("flights") as cursor:
        cursor.itersize = 5000
        cursor.execute("SELECT * FROM nyc.flights")
        documents = ({"_index": sys.argv[3], "_id": row["flight_id"], "_source": row} for row in cursor)
        for ok, item in helpers.parallel_bulk(client, documents, thread_count=4, chunk_size=int(sys.argv[4])):
            assert ok, item
"""


def measure(connection, server, elastic, python: str, runs: int) -> list:
    connection.execute(
        "SELECT etl.create_pipeline('bench_flights', %s, 'es:bench_flights', key_columns => '{flight_id}',"
        " batch_size => %s, options => %s)",
        [SOURCE, ROWS_A_BODY, f'{{"in_flight": {CONNECTIONS}}}'],
    )
    rows = connection.execute("SELECT count(*) FROM nyc.flights").fetchone()[0]
    connection.execute("CALL etl.run_wait('bench_flights')")  # makes the index whose mapping all use
    mine, curl, script, tuned = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        bodies = make_bodies(connection, Path(folder))
        contest = [
            (mine, lambda: run_pipeline(connection, elastic)),
            (curl, lambda: run_curl(elastic, bodies)),
            (script, lambda: run_script(python, server, elastic, SCRIPT_ROWS_A_BODY)),
            (tuned, lambda: run_script(python, server, elastic, ROWS_A_BODY)),
        ]
        for _ in range(WARM_UPS):
            for _, run in contest:
                run()
        for number in range(max(runs, LEAST_RUNS)):  # the engine goes on getting faster: no way is always the last one
            for times, run in contest if number % 2 == 0 else reversed(contest):
                times.append(run())
    return [
        Figure(
            "flights: docs/s / curl with ready bodies",
            paired(curl, mine),
            0.9,
            ">=",
            f"{rows / median(mine):,.0f} docs/s",
        ),
        Figure(
            "flights: docs/s / Python parallel_bulk",
            paired(script, mine),
            2,
            ">=",
            f"{rows / median(script):,.0f} docs/s there",
        ),
        Figure(
            f"flights: docs/s / parallel_bulk, chunk_size {ROWS_A_BODY}",
            paired(tuned, mine),
            note=f"{rows / median(tuned):,.0f} docs/s there",
        ),
    ]


def make_bodies(connection, folder: Path) -> list:
    """NDJSON with the ids and versions that the pipeline would send."""
    paths = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT flight_id, row_to_json(f)::text FROM nyc.flights AS f ORDER BY flight_id")
        while batch := cursor.fetchmany(ROWS_A_BODY):
            path = folder / f"{len(paths):04}.ndjson"
            path.write_text(
                "".join(
                    f'{{"index":{{"_id":"{key}","version":{len(paths) + 1},"version_type":"external"}}}}\n{document}\n'
                    for key, document in batch
                ),
                encoding="utf-8",
            )
            paths.append(path)
    return paths


def run_pipeline(connection, elastic) -> float:
    reset(elastic, "bench_flights")
    connection.execute("SELECT etl.reset('bench_flights')")
    start = time.monotonic()
    connection.execute("CALL etl.run_wait('bench_flights')")
    return time.monotonic() - start


def reset(elastic, index: str) -> None:
    """An empty index with the mapping that the pipeline made of its columns: the same work for the engine on all sides."""
    mapping = elastic.get("/bench_flights")["bench_flights"]["mappings"]
    try:
        elastic.delete(f"/{index}")
    except HttpError as error:
        assert error.status == 404, error
    elastic.put(f"/{index}", {"mappings": mapping, "settings": {"number_of_shards": 1}})


def run_curl(elastic, bodies: list) -> float:
    """As many curls as connections, each sends its share over one kept connection."""
    reset(elastic, "curl_flights")
    url = f"{elastic.url}/curl_flights/_bulk?filter_path=errors"
    commands = []
    for share in range(CONNECTIONS):
        command = ["curl", "-sS"]
        for path in bodies[share::CONNECTIONS]:
            command += [
                "-H",
                "Content-Type: application/x-ndjson",
                "--data-binary",
                f"@{path}",
                "-o",
                "/dev/null",
                url,
                "--next",
            ]
        commands.append(command[:-1])
    start = time.monotonic()
    running = [subprocess.Popen(command) for command in commands]
    assert all(process.wait() == 0 for process in running)
    return time.monotonic() - start


def run_script(python: str, server, elastic, rows_a_body: int) -> float:
    reset(elastic, "script_flights")
    start = time.monotonic()
    command = [python, "-c", SCRIPT, server.url("bench"), elastic.url, "script_flights", str(rows_a_body)]
    subprocess.run(command, check=True)
    return time.monotonic() - start
