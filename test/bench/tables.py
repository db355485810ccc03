"""PostgreSQL to PostgreSQL: a pipeline against one statement over the same rows."""

import time

from .figures import Figure, paired, spread

COLUMNS = ["name", "hash", "amount", "category", "at", "day"]
SET = ", ".join(f"{c} = excluded.{c}" for c in COLUMNS)
DIFFERS_INSERT = " OR ".join(f"t.{c} IS DISTINCT FROM excluded.{c}" for c in COLUMNS)
DIFFERS_MERGE = " OR ".join(f"t.{c} IS DISTINCT FROM s.{c}" for c in COLUMNS)
SET_MERGE = ", ".join(f"{c} = s.{c}" for c in COLUMNS)
ALL = ", ".join(["id", *COLUMNS])

INSERT = f"INSERT INTO bench.limit_target AS t SELECT * FROM bench.source ON CONFLICT (id) DO UPDATE SET {SET}"
INSERT_CHANGED = f"{INSERT} WHERE {DIFFERS_INSERT}"
MERGE = (
    f"MERGE INTO bench.limit_target AS t USING bench.source AS s ON t.id = s.id WHEN MATCHED AND ({DIFFERS_MERGE}) "
    f"THEN UPDATE SET {SET_MERGE} WHEN NOT MATCHED THEN INSERT ({ALL}) "
    f"VALUES (s.id, {', '.join('s.' + c for c in COLUMNS)})"
)
# The state of the target before a run, and the limits with and without IS DISTINCT FROM.
CASES = {"empty": (INSERT, 0.9, 1.2), "changed": (INSERT, 1.0, 1.2), "unchanged": (INSERT_CHANGED, 0.7, 1.05)}
SLICED = {"empty": 0.6, "changed": 0.7}


def make_source(connection, rows: int, table: str = "source") -> None:
    """Rows of about 113 bytes, as in the design's budget."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
    connection.execute(f"""
        CREATE TABLE bench.{table} AS SELECT g AS id, 'name ' || g AS name, md5(g::text) AS hash,
            (g * 1.25)::numeric(12,2) AS amount, g % 1000 AS category, now() - g * interval '1 s' AS at,
            (g % 7)::smallint AS day FROM generate_series(1, {rows}) AS g""")
    connection.execute(f"ALTER TABLE bench.{table} ADD PRIMARY KEY (id)")
    connection.execute(f"VACUUM ANALYZE bench.{table}")


def make_pipeline(connection, name: str, slices: int = 1, source: str = "source") -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS bench.target (LIKE bench.source INCLUDING ALL)")
    connection.execute(
        "SELECT etl.create_pipeline(%s, %s, 'bench.target', batch_size => 10000, options => %s)",
        [name, f"SELECT * FROM bench.{source}", f'{{"slices": {slices}}}'],
    )


def prepare(connection, table: str, case: str) -> None:
    """Brings a target into the state that the case starts from, settled: no dead tuples, statistics, checkpointed WAL."""
    connection.execute(f"DROP TABLE IF EXISTS bench.{table}")
    connection.execute(f"CREATE TABLE bench.{table} (LIKE bench.source INCLUDING ALL)")
    if case != "empty":
        change = "category + 1" if case == "changed" else "category"
        connection.execute(
            f"INSERT INTO bench.{table} SELECT id, name, hash, amount, {change}, at, day FROM bench.source"
        )
    connection.execute(f"VACUUM ANALYZE bench.{table}")
    connection.execute("CHECKPOINT")


def timed(connection, sql: str) -> float:
    start = time.monotonic()
    connection.execute(sql)
    return time.monotonic() - start


def measure(connection, runs: int) -> list:
    """The table's first part. Each round runs the pipeline, both statements and the slices one after the other."""
    make_pipeline(connection, "bench_slices", 2)
    figures = []
    for case, (insert, insert_limit, merge_limit) in CASES.items():
        mine, sliced, inserted, merged = [], [], [], []
        for _ in range(runs):
            for sql, table, times in (
                ("CALL etl.run_wait('bench')", "target", mine),
                (insert, "limit_target", inserted),
                (MERGE, "limit_target", merged),
                ("CALL etl.run_wait('bench_slices')", "target", sliced),
            ):
                prepare(connection, table, case)
                times.append(timed(connection, sql))
        figures += [
            Figure(f"1 M rows, {case}: time / ON CONFLICT", paired(mine, inserted), insert_limit, "<=", spread(mine)),
            Figure(f"1 M rows, {case}: time / MERGE", paired(mine, merged), merge_limit, "<=", spread(merged)),
        ]
        if case in SLICED:
            figures.append(
                Figure(
                    f"1 M rows, {case}, 2 slices: time / ON CONFLICT",
                    paired(sliced, inserted),
                    SLICED[case],
                    "<=",
                    spread(sliced),
                )
            )
    return [*figures, wal_of_unchanged_batch(connection)]


def wal_of_unchanged_batch(connection) -> Figure:
    prepare(connection, "target", "unchanged")
    connection.execute("CALL etl.run_wait('bench')")
    before = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
    connection.execute("CALL etl.run_wait('bench')")
    written = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", [before]).fetchone()[0]
    batches = connection.execute(
        "SELECT count(*) FROM etl.batches WHERE run_id = (SELECT max(id) FROM etl.runs)"
    ).fetchone()[0]
    return Figure("WAL of an unchanged batch, bytes", float(written) / batches, 2048, "<=", f"{batches} batches")
