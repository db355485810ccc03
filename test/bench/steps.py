"""Steps against one statement that does the same: a chain that is fused, a DAG with figures for every step; and a hop."""

import json
from statistics import median

from .figures import Figure, paired, spread
from .tables import ALL, SET, prepare, timed

CHAIN = [
    ("extract", "sql", {"query": "SELECT * FROM bench.source"}, []),
    ("upper", "derive", {"columns": {"name": "upper(name)"}}, ["extract"]),
    ("known", "filter", {"where": "category IS NOT NULL AND day >= 0"}, ["upper"]),
    ("priced", "sql", {"query": f"SELECT {ALL.replace('amount', 'amount * 2 AS amount')} FROM input"}, ["known"]),
    ("save", "table", {"target": "bench.target"}, ["priced"]),
]
CHAIN_BY_HAND = (
    "SELECT id, upper(name) AS name, hash, amount * 2 AS amount, category, at, day"
    " FROM bench.source WHERE category IS NOT NULL AND day >= 0"
)
RULES = [
    {"rule": "not_null", "column": "name"},
    {"rule": "range", "column": "category", "min": 0, "max": 1000},
]
CLEAN = f"SELECT {ALL.replace('name', 'coalesce(name, hash) AS name', 1)} FROM quality WHERE category < 500"
REMOVE = f"SELECT {ALL} FROM quality WHERE category >= 500 AND amount < 1e9"
GRAPH = [
    ("extract", "sql", {"query": "SELECT * FROM bench.source"}, []),
    ("quality", "check", {"rules": RULES, "severity": "quarantine"}, ["extract"]),
    ("clean", "sql", {"query": CLEAN}, ["quality"]),
    ("remove", "sql", {"query": REMOVE}, ["quality"]),
    ("save", "table", {"target": "bench.target"}, ["clean", "remove"]),
]
GRAPH_BY_HAND = (
    "WITH quality AS MATERIALIZED (SELECT * FROM bench.source WHERE name IS NOT NULL AND category BETWEEN 0 AND 1000)"
    f" {CLEAN} UNION ALL {REMOVE}"
)
# The pipeline, its steps, what it is measured against, option "observe", and the limit.
CASES = (
    ("chain of 5, fused", CHAIN, CHAIN_BY_HAND, "run", 1.1),
    ("chain of 5, observed", CHAIN, CHAIN_BY_HAND, "steps", 1.6),
    ("DAG of 5, fused", GRAPH, GRAPH_BY_HAND, "run", 1.1),
    ("DAG of 5, observed", GRAPH, GRAPH_BY_HAND, "steps", 1.6),
)
FEW = 100
HOPS = (5, 15)  # of a short and of a long chain: their difference is that of ten hops, and nothing else


def measure(connection, rows: int, runs: int) -> list:
    figures = [hop(connection, rows, runs), hop(connection, FEW, 4 * runs)]
    for number, (name, steps, by_hand, observe, limit) in enumerate(CASES):
        pipeline = f"bench_steps_{number}"
        make_pipeline(connection, pipeline, steps, observe)
        mine, statement = [], []
        for _ in range(runs):
            prepare(connection, "target", "empty")
            mine.append(timed(connection, f"CALL etl.run_wait('{pipeline}')"))
            prepare(connection, "limit_target", "empty")
            statement.append(timed(connection, upsert(by_hand)))
            check_same(connection)
        note = f"{spread(mine)} / {spread(statement)}"
        figures.append(Figure(f"{rows:,} rows, {name}: time / statement", paired(mine, statement), limit, "<=", note))
    return figures


def hop(connection, rows: int, runs: int) -> Figure:
    """What a step more costs, where each hands its rows over in a relation, against 1 ms + 1 µs a row."""
    times = {hops: [] for hops in HOPS}
    for hops in HOPS:
        make_pipeline(connection, f"bench_hops_{rows}_{hops}", chain_of(hops, rows), "steps")
    for _ in range(runs):
        for hops, taken in times.items():
            prepare(connection, "target", "empty")
            taken.append(timed(connection, f"CALL etl.run_wait('bench_hops_{rows}_{hops}')"))
    short, long = (times[hops] for hops in HOPS)
    one = median(b - a for a, b in zip(short, long, strict=True)) / (HOPS[1] - HOPS[0])
    note = f"{one * 1000:.2f} ms; {HOPS[0]} hops {spread(short)}, {HOPS[1]} hops {spread(long)}"
    return Figure(f"{rows:,} rows, a hop: time / (1 ms + 1 µs a row)", one / (0.001 + rows * 1e-6), 1, "<=", note)


def chain_of(hops: int, rows: int) -> list:
    """All rows through so many steps; then few into the table, so that writing them is not what is measured."""
    steps = [("hop0", "sql", {"query": f"SELECT * FROM bench.source WHERE id <= {rows}"}, [])]
    steps += [(f"hop{n}", "filter", {"where": "id > 0"}, [f"hop{n - 1}"]) for n in range(1, hops + 1)]
    few = ("few", "filter", {"where": "id <= 10"}, [f"hop{hops}"])
    return [*steps, few, ("save", "table", {"target": "bench.target"}, ["few"])]


def upsert(query: str) -> str:
    return (
        f"INSERT INTO bench.limit_target ({ALL}) SELECT {ALL} FROM ({query}) AS q ON CONFLICT (id) DO UPDATE SET {SET}"
    )


def make_pipeline(connection, name: str, steps: list, observe: str) -> None:
    graph = [
        {"id": step, "operator": operator, "params": params, "depends_on": inputs}
        for step, operator, params, inputs in steps
    ]
    connection.execute("CREATE TABLE IF NOT EXISTS bench.target (LIKE bench.source INCLUDING ALL)")
    connection.execute(
        "SELECT etl.create_pipeline(%s, steps => %s, batch_size => 10000, options => %s)",
        [name, json.dumps(graph), json.dumps({"observe": observe})],
    )


def check_same(connection) -> None:
    differing = connection.execute(
        "SELECT count(*) FROM (TABLE bench.limit_target EXCEPT ALL TABLE bench.target) AS d"
    ).fetchone()[0]
    assert differing == 0, f"the pipeline's target lacks {differing} rows of the statement's"
