"""Dynamic shared memory that a worker and who asked it speak through (src/pg/exchange.cpp), where it can be counted.

As files of the data directory, since the names in /dev/shm do not say whose they are.
"""

from .postgres import PostgresServer

SETTINGS = {"dynamic_shared_memory_type": "mmap"}
QUEUES_BYTES = 2 * 65536
STATISTICS_BYTES = 1 << 20  # a segment of the cumulative statistics (dsa.c) has at least as many; those stay


def segments(server: PostgresServer) -> list:
    """The names of those that are there now; the control segment of PostgreSQL is smaller than any of them."""
    found = []
    for path in (server.data / "pg_dynshmem").iterdir():
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            continue
        if QUEUES_BYTES <= size < STATISTICS_BYTES:
            found.append(path.name)
    return found
