"""How quickly requests, first batches and stops come, and what idle pipelines cost."""

import contextlib
import socket
import threading
import time

from harness.process import Process, wait_until

from .figures import Figure, p95


def measure(connection, server, hole, runs: int) -> list:
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
        *sleeping_source(connection, runs=5),
        *hung_sink(connection, hole, runs=5),
        *idle(connection, server),
    ]


class BlackHole:
    """A listener on loopback that takes connections and never answers; `asked` counts the requests it was sent."""

    def __init__(self):
        self.asked = 0
        self._connections = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection = self._listener.accept()[0]
            self._connections.append(connection)  # a connection that is dropped would be closed
            with contextlib.suppress(ConnectionError):
                self.asked += len(connection.recv(1))


def sleeping_source(connection, runs: int) -> list:
    connection.execute(
        "SELECT etl.create_pipeline('bench_asleep', 'SELECT id FROM bench.small, LATERAL (SELECT pg_sleep(60)"
        " WHERE id > 0) AS s', 'bench.small_target')"
    )

    def asleep(pid: int) -> bool:
        row = connection.execute("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
        return row is not None and row[0] == "PgSleep"

    return stops(connection, "bench_asleep", "the source sleeps", runs, lambda: asleep)


def hung_sink(connection, hole: BlackHole, runs: int) -> list:
    connection.execute(
        f"CREATE SERVER bench_hung TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url 'http://{hole.address}')"
    )
    connection.execute(
        "SELECT etl.create_pipeline('bench_hung', 'SELECT id FROM bench.small', 'bench_hung:small',"
        " key_columns => '{id}')"
    )

    def begin():
        before = hole.asked
        return lambda _: hole.asked > before

    return stops(connection, "bench_hung", "the sink hangs", runs, begin)


def stops(connection, pipeline: str, when: str, runs: int, begin) -> list:
    """etl.cancel and SIGTERM of runs that hang. `begin`, called before a run, gives what says that worker PID hangs."""
    times = {"cancel": [], "SIGTERM": []}
    for kind, taken in times.items():
        for _ in range(runs):
            hangs = begin()
            run = connection.execute("SELECT etl.run(%s)", [pipeline]).fetchone()[0]
            pid = wait_until(lambda: hanging_worker(connection, run, hangs), 30, f"{pipeline} hangs", 0.005)
            worker = Process.of(pid)
            start = time.monotonic()
            stop = f"SELECT etl.cancel('{pipeline}')" if kind == "cancel" else f"SELECT pg_terminate_backend({pid})"
            connection.execute(stop)
            wait_until(lambda: not worker.alive(), 60, f"the worker of {pipeline} ends", 0.001)
            taken.append(time.monotonic() - start)
            if kind == "SIGTERM":
                connection.execute("SELECT etl.cancel(%s)", [pipeline])  # else its recovery hangs next
            state = "SELECT state = 'IDLE' FROM etl.pipelines WHERE name = %s"
            wait_until(lambda: connection.execute(state, [pipeline]).fetchone()[0], 60, f"{pipeline} is idle", 0.01)
    return [Figure(f"{kind} to gone while {when}, worst s", max(taken), 1, "<=") for kind, taken in times.items()]


def hanging_worker(connection, run: int, hangs) -> int | None:
    status, pid = connection.execute("SELECT status, worker_pid FROM etl.runs WHERE id = %s", [run]).fetchone()
    return pid if status == "running" and pid and hangs(pid) else None


def idle(connection, server, pipelines: int = 20, seconds: float = 10) -> list:
    """What pipelines cost that have nothing to do: no transaction ids and no WAL."""
    for number in range(pipelines):
        connection.execute(
            "SELECT etl.create_pipeline(%s, 'SELECT * FROM bench.small', 'bench.small_target')",
            [f"bench_idle_{number}"],
        )
        connection.execute("CALL etl.run_wait(%s)", [f"bench_idle_{number}"])
    server.reload(autovacuum="off")  # it has the tables of other figures to clean
    busy = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE backend_type IN ('autovacuum worker', 'pg_etl keeper', 'pg_etl worker')"
    )
    wait_until(lambda: not connection.execute(busy).fetchone()[0], 300, "nobody works")
    connection.execute("CHECKPOINT")
    for _ in range(3):
        # The background writer logs the running transactions once after activity, within 25 s.
        if moved(connection, 26) == (0, 0):
            break
    xids, wal = moved(connection, seconds)
    server.reload(autovacuum="on")
    name = f"{pipelines} pipelines idle for {seconds:g} s"
    return [Figure(f"{name}: xids burnt", xids, 0, "<="), Figure(f"{name}: WAL bytes", wal, 0, "<=")]


def moved(connection, seconds: float) -> tuple:
    """Transaction ids and bytes of WAL used in the next seconds; this session is quiet."""

    def at() -> tuple:
        return connection.execute(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint,"
            " pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
        ).fetchone()

    before = at()
    time.sleep(seconds)
    return tuple(b - a for a, b in zip(before, at(), strict=True))
