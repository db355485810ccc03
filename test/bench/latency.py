"""How quickly requests, first batches and stops come."""

import time

from .figures import Figure, p95


def measure(connection, runs: int) -> list:
    connection.execute("CREATE TABLE bench.small AS SELECT g AS id FROM generate_series(1, 100) AS g")
    connection.execute("ALTER TABLE bench.small ADD PRIMARY KEY (id)")
    connection.execute("CREATE TABLE bench.small_target (id int PRIMARY KEY)")
    connection.execute("SELECT etl.create_pipeline('bench_small', 'SELECT * FROM bench.small', 'bench.small_target')")
    requests, first = [], []
    for _ in range(runs):
        start = time.monotonic()
        run = connection.execute("SELECT etl.run('bench_small')").fetchone()[0]
        requests.append(time.monotonic() - start)
        connection.execute("SELECT etl.wait(%s)", [run])
        first.append(
            connection.execute(
                "SELECT extract(epoch FROM min(b.finished_at) - min(e.at))::float8 FROM etl.batches b, etl.events e"
                " WHERE b.run_id = %s AND e.run_id = %s",
                [run, run],
            ).fetchone()[0]
        )
    return [
        Figure("etl.run(), p95 ms", p95(requests) * 1000, 10, "<="),
        Figure("request to first batch, p95 ms", p95(first) * 1000, 100, "<="),
        *stops(connection, runs=5),
    ]


def stops(connection, runs: int) -> list:
    """etl.cancel and SIGTERM while the source sleeps."""
    connection.execute(
        "SELECT etl.create_pipeline('bench_hung', 'SELECT id FROM bench.small, LATERAL (SELECT pg_sleep(60)"
        " WHERE id > 0) AS s', 'bench.small_target')"
    )
    times = {"cancel": [], "SIGTERM": []}
    for kind, taken in times.items():
        for _ in range(runs):
            run = connection.execute("SELECT etl.run('bench_hung')").fetchone()[0]
            pid = wait_for_worker(connection, run)
            start = time.monotonic()
            stop = "SELECT etl.cancel('bench_hung')" if kind == "cancel" else f"SELECT pg_terminate_backend({pid})"
            connection.execute(stop)
            while connection.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()[0]:
                time.sleep(0.005)
            taken.append(time.monotonic() - start)
            if kind == "SIGTERM":
                connection.execute("SELECT etl.cancel('bench_hung')")
            while (
                connection.execute("SELECT state FROM etl.pipelines WHERE name = 'bench_hung'").fetchone()[0] != "IDLE"
            ):
                time.sleep(0.01)
    return [Figure(f"{kind} to gone, worst s", max(taken), 1, "<=") for kind, taken in times.items()]


def wait_for_worker(connection, run: int) -> int:
    while True:
        status, pid = connection.execute("SELECT status, worker_pid FROM etl.runs WHERE id = %s", [run]).fetchone()
        asleep = pid and connection.execute("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
        if status == "running" and asleep and asleep[0] == "PgSleep":
            return pid
        time.sleep(0.005)
