"""Ten times the rows: time and the worker's peak memory, in paired runs into an empty table."""

import time
from statistics import median

from .figures import Figure, paired, spread
from .tables import make_pipeline, make_source, prepare

BATCH_MIB = 10000 * 113 / 1048576


def measure(connection, rows: int, factor: int, runs: int) -> list:
    make_source(connection, rows * factor, "large_source")
    make_pipeline(connection, "bench_large", source="large_source")
    small, large, small_peaks, large_peaks = [], [], [], []
    for _ in range(runs):
        for pipeline, times, peaks in (("bench", small, small_peaks), ("bench_large", large, large_peaks)):
            prepare(connection, "target", "empty")
            start = time.monotonic()
            run = connection.execute("SELECT etl.run(%s)", [pipeline]).fetchone()[0]
            peaks.append(watch_peak(connection, run))
            times.append(time.monotonic() - start)
    note = f"{spread(large)} / {spread(small)}"
    peak = median(large_peaks)
    return [
        Figure(f"{factor} x the rows: time", paired(large, small), factor * 1.1, "<=", note),
        Figure(
            "peak memory of the worker beyond shared, MiB",
            peak,
            64 + 3 * BATCH_MIB,
            "<=",
            "RssAnon + RssFile every 20 ms",
        ),
        Figure(f"peak memory at {factor} x / at 1 x", paired(large_peaks, small_peaks), 1.1, "<=", f"{peak:.1f} MiB"),
    ]


def watch_peak(connection, run: int) -> float:
    """The largest resident memory of the run's worker without shared buffers, in MiB, sampled until it ends."""
    peak, pid = 0.0, None
    while True:
        status, worker = connection.execute("SELECT status, worker_pid FROM etl.runs WHERE id = %s", [run]).fetchone()
        pid = worker or pid
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                values = {line.split(":")[0]: line.split(":")[1] for line in file if ":" in line}
            own = int(values["RssAnon"].split()[0]) + int(values["RssFile"].split()[0])
            peak = max(peak, own / 1024)
        except (FileNotFoundError, KeyError, ProcessLookupError):
            pass
        if status not in ("requested", "running"):
            assert status == "succeeded", status
            return peak
        time.sleep(0.02)
