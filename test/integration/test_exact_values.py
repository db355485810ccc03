"""Values whose text could lose something on the way: between steps on workers, through what is kept, and between two servers.

All that a session could say about text is against them, here and there; compared is what the types' send functions make of
them. What travels as text, since its type is of one database alone, travels as exactly.
"""

import json

import pytest
from far_workbench import far_steps
from file_pipelines import create, run
from harness.far import READER
from test_parallel_steps import FUNCTIONS, step
from workbench import OWNER

STYLES = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "America/St_Johns",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
}
OTHER_STYLES = STYLES | {"DateStyle": "SQL, MDY", "IntervalStyle": "postgres_verbose", "TimeZone": "Asia/Kathmandu"}
PAIR = "(a numeric, b float8, c timestamptz, d bytea, e numeric[], f interval, g timestamptz[], h text)"
ALL_BYTES = "\\x" + bytes(range(256)).hex()

# Name: type, send function, values.
COLUMNS = {
    "bytes": ("bytea", "byteasend", [ALL_BYTES, "\\x", "\\x5c5c", "\\x0022275c0a", None]),
    "exact": (
        "numeric",
        "numeric_send",
        ["1.500", "0.000", "NaN", "-Infinity", "9" * 900 + "." + "0" * 300, "0." + "0" * 40 + "1230", "1e5", None],
    ),
    "scaled": ("numeric(12,4)", "numeric_send", ["1.5", "-0.0001", "NaN", None]),
    "double": (
        "float8",
        "float8send",
        ["0.30000000000000004", "5e-324", "-0", "NaN", "-Infinity", "1.7976931348623157e308", "0.1", None],
    ),
    "single": ("float4", "float4send", ["0.333333343", "1e-45", "-0", "3.4028235e38", "16777217", None]),
    "moment": (
        "timestamptz",
        "timestamptz_send",
        [
            "2024-10-27 01:30:00.000001+00",
            "2024-10-27 00:30:00.000001+00",  # the same time of day as the one before, in Berlin
            "infinity",
            "0044-03-15 01:02:03+00 BC",
            "294276-12-31 23:59:59.999999+00",
            "1800-01-01 00:00:00.5+00",  # local mean time: an offset with seconds
            "2024-02-01 03:04:05+00",
            None,
        ],
    ),
    "local": ("timestamp", "timestamp_send", ["2024-02-01 03:04:05.123456", "-infinity", "0001-02-03 00:00 BC", None]),
    "day": ("date", "date_send", ["2024-02-01", "infinity", "4713-01-01 BC", "5874897-12-31", None]),
    "span": (
        "interval",
        "interval_send",
        ["1 mon -1 day 00:00:00.000001", "-1 year 2 mons", "-00:00:01", "1 day -24:00:00", "0", None],
    ),
    "clock": ("timetz", "timetz_send", ["12:00:00.000001+05:30:15", "24:00:00-12", None]),
    "doc": ("jsonb", "jsonb_send", ['{"a": 1.500, "b": [1e3, null, "\\u00e9"]}', None]),
    "bits": ("varbit", "varbit_send", ["", "1", "0000000001", None]),
    "exacts": (
        "numeric[]",
        "array_send",
        ["{1.500,NULL,NaN}", "[2:3]={0.00,-0.10}", "{}", "{{1.0,NULL},{2.00,3}}", None],
    ),
    "doubles": ("float8[]", "array_send", ["{0.30000000000000004,NULL,-0,NaN}", "{5e-324}", None]),
    "moments": (
        "timestamptz[]",
        "array_send",
        ["{2024-10-27 01:30:00.000001+00,NULL,infinity}", "{0044-03-15 01:02:03+00 BC}", None],
    ),
    "blobs": ("bytea[]", "array_send", ['{"\\\\x00ff5c22",NULL,"\\\\x"}', None]),
    "spans": ("interval[]", "array_send", ["{1 mon -1 day 00:00:00.000001,NULL}", None]),
    "words": ("text[]", "array_send", ['{NULL,"NULL","",", \\"{}\\\\"}', None]),
}
PAIRS = [
    r'(1.500,0.30000000000000004,"2024-10-27 01:30:00.000001+00","\\x00ff5c2c22","{1.50,NULL,NaN}",'
    r'"1 mon -1 day 00:00:00.000001","{2024-02-01 03:04:05+00,NULL}","a ""b"", (c) \\ ")',
    '(NaN,-0,infinity,,{},"-00:00:01",,"")',
    "(,,,,,,,)",
    None,
]
ROWS = max(len(values) for *_, values in COLUMNS.values())


def make_table(connection, name, pair=None):
    """With columns of all types, and of the composite type if there is one; no rows."""
    listed = "".join(f", {column} {kind}" for column, (kind, *_) in COLUMNS.items())
    listed += f", pair {pair}, pairs {pair}[]" if pair else ""
    connection.execute(f"CREATE TABLE {name} (id int PRIMARY KEY{listed})")


def fill(connection, name, pair=None):
    """Row by row, the values of each type as often as they go round."""
    columns = {column: values for column, (_, _, values) in COLUMNS.items()} | ({"pair": PAIRS} if pair else {})
    places = ", ".join(["%s"] * (len(columns) + 1))
    for number in range(ROWS):
        row = [number, *(values[number % len(values)] for values in columns.values())]
        connection.execute(f"INSERT INTO {name} (id, {', '.join(columns)}) VALUES ({places})", row)
    if pair:
        connection.execute(f"UPDATE {name} SET pairs = ARRAY[pair, NULL, pair]")


def sent(connection, name, pair=None):
    """What the send functions make of each value; arrays of a composite type one by one, since they tell its OID."""
    calls = [f"encode({send}({column}), 'hex')" for column, (_, send, _) in COLUMNS.items()]
    if pair:
        calls += [
            "encode(record_send(pair), 'hex')",
            "(SELECT array_agg(encode(record_send(p), 'hex') ORDER BY n) FROM unnest(pairs) WITH ORDINALITY AS u"
            f"(a, b, c, d, e, f, g, h, n), LATERAL (SELECT ROW(a, b, c, d, e, f, g, h)::{pair} AS p) AS x)",
        ]
    return connection.execute(f"SELECT id, {', '.join(calls)} FROM {name} ORDER BY id").fetchall()


def set_styles(connection, role, styles):
    """For the role's sessions in the connection's database."""
    database = connection.info.dbname
    for name, value in styles.items():
        connection.execute(f"ALTER ROLE {role} IN DATABASE {database} SET {name} = '{value}'")


@pytest.fixture
def near(bench):
    """w.whole with rows and w.copy without, of all types; w.whole_pairs and w.copy_pairs with the composite type as well."""
    set_styles(bench.admin, OWNER, STYLES)
    bench.admin.execute(f"CREATE TYPE w.pair AS {PAIR}; ALTER TYPE w.pair OWNER TO {OWNER}; {FUNCTIONS}")
    for suffix, pair in (("", None), ("_pairs", "w.pair")):
        for name in ("whole", "copy"):
            make_table(bench.admin, f"w.{name}{suffix}", pair)
            bench.admin.execute(f"ALTER TABLE w.{name}{suffix} OWNER TO {OWNER}")
        fill(bench.admin, f"w.whole{suffix}", pair)
    bench.admin.execute(f"ALTER SEQUENCE w.place_1 OWNER TO {OWNER}; ALTER SEQUENCE w.place_2 OWNER TO {OWNER}")
    with bench.owner() as owner:
        assert owner.execute("SELECT (0.1::float8 + 0.2)::text, now()::text ~ '[.]'").fetchone() == ("0.3", True)
    return bench


@pytest.fixture
def beyond(far, near):
    """The same over there, in public."""
    set_styles(far, READER, OTHER_STYLES)
    far.execute(f"CREATE TYPE pair AS {PAIR}")
    for suffix, pair in (("", None), ("_pairs", "pair")):
        for name in ("whole", "copy"):
            make_table(far, f"{name}{suffix}", pair)
        fill(far, f"whole{suffix}", pair)
    assert sent(far, "whole_pairs", "pair") == sent(near.admin, "w.whole_pairs", "w.pair")
    return far


def save(target, *inputs):
    return {"id": "save", "operator": "table", "params": {"target": target}, "depends_on": list(inputs)}


def halves(source, sessions=2):
    """Two steps that meet, each with half of the rows of another one, and both together."""
    ask = f"SELECT i.* FROM {source} AS i, (SELECT w.meet(1, {sessions}) OFFSET 0) AS m WHERE id % 2 = "
    both = {"id": "both", "operator": "union", "params": {}, "depends_on": ["even", "odd"]}
    return [step("even", ask + "0", source), step("odd", ask + "1", source), both]


def test_between_steps_on_workers(near):
    steps = [step("read", "SELECT * FROM w.whole"), *halves("read"), save("w.copy", "both")]
    create(near, json.dumps(steps), options='{"observe": "steps"}')
    assert run(near) == "succeeded"  # they have met: each was in a process of its own
    rows = sent(near.admin, "w.copy")
    assert len(rows) == ROWS and rows == sent(near.admin, "w.whole")


@pytest.mark.parametrize("options", [{"observe": "steps"}, {"materialize": True}, {"on_error": "quarantine"}], ids=str)
def test_through_what_is_kept(near, options):
    """Composite types as well, which the leader keeps to itself."""
    steps = [step("read", "SELECT * FROM w.whole_pairs"), *halves("read", 1), save("w.copy_pairs", "both")]
    create(near, json.dumps(steps), options=json.dumps(options), batch_size=3)
    assert run(near) == "succeeded"
    rows = sent(near.admin, "w.copy_pairs", "w.pair")
    assert len(rows) == ROWS and rows == sent(near.admin, "w.whole_pairs", "w.pair")


def test_a_retry_takes_what_was_kept(near):
    steps = [step("read", "SELECT * FROM w.whole_pairs"), *halves("read", 1), save("w.copy_pairs", "both")]
    create(near, json.dumps(steps), options='{"materialize": true, "max_retries": 0}', batch_size=3)
    wanted = sent(near.admin, "w.whole_pairs", "w.pair")
    near.admin.execute("ALTER TABLE w.copy_pairs ADD CONSTRAINT not_yet CHECK (id < 0)")
    assert run(near)[:2] == ("failed", "23514")
    near.admin.execute("ALTER TABLE w.copy_pairs DROP CONSTRAINT not_yet; TRUNCATE w.whole_pairs")
    assert near.ends(near.one("SELECT etl.retry('p')")) == "succeeded"
    assert len(wanted) == ROWS and sent(near.admin, "w.copy_pairs", "w.pair") == wanted


@pytest.mark.parametrize("suffix, pair", [("", None), ("_pairs", "pair")], ids=["built in", "composite"])
def test_from_another_server(beyond, near, suffix, pair):
    read, last = json.loads(far_steps({"table": f"whole{suffix}"}, f"w.copy{suffix}"))
    steps = [read, last]
    if pair:  # a type of that database alone comes as text
        cast = {"columns": {"pair": "w.pair", "pairs": "w.pair[]"}}
        between = {"id": "cast", "operator": "cast", "params": cast, "depends_on": ["extract"]}
        steps = [read, between, last | {"depends_on": ["cast"]}]
    create(near, json.dumps(steps), batch_size=3)
    assert run(near) == "succeeded"
    rows = sent(near.admin, f"w.copy{suffix}", pair and "w.pair")
    assert len(rows) == ROWS and rows == sent(beyond, f"whole{suffix}", pair)


@pytest.mark.parametrize("suffix, pair", [("", None), ("_pairs", "pair")], ids=["built in", "composite"])
def test_to_another_server(beyond, near, suffix, pair):
    """Into an empty table, and into one whose rows are looked at: nothing has changed, then everything."""
    steps = json.dumps([step("read", f"SELECT * FROM w.whole{suffix}"), save(f"far:public.copy{suffix}", "read")])
    create(near, steps, batch_size=3)
    counts = "SELECT rows_inserted, rows_updated, rows_unchanged FROM etl.runs ORDER BY id DESC LIMIT 1"
    wanted = sent(near.admin, f"w.whole{suffix}", pair and "w.pair")
    assert len(wanted) == ROWS
    assert run(near) == "succeeded"
    assert sent(beyond, f"copy{suffix}", pair) == wanted
    assert near.admin.execute(counts).fetchone() == (ROWS, 0, 0)
    assert run(near) == "succeeded" and near.admin.execute(counts).fetchone() == (0, 0, ROWS)
    emptied = ", ".join(f"{column} = NULL" for column in COLUMNS)
    beyond.execute(f"UPDATE copy{suffix} SET {emptied}")
    assert run(near) == "succeeded" and near.admin.execute(counts).fetchone() == (0, ROWS, 0)
    assert sent(beyond, f"copy{suffix}", pair) == wanted


def test_a_last_digit_is_a_difference(beyond, near):
    """What a session shows alike is not taken for the same."""
    create(near, json.dumps([step("read", "SELECT * FROM w.whole"), save("far:public.copy", "read")]))
    assert run(near) == "succeeded"
    for change in ("double = 0.3 WHERE double = 0.30000000000000004", "exact = 1.5 WHERE exact = 1.500"):
        beyond.execute(f"UPDATE copy SET {change}")
        assert sent(beyond, "copy") != sent(near.admin, "w.whole")
        assert run(near) == "succeeded"
        assert sent(beyond, "copy") == sent(near.admin, "w.whole"), change


def test_from_there_through_workers_to_there(beyond, near):
    there = {"id": "read", "operator": "table", "params": {"table": "whole", "server": "far"}}
    create(near, json.dumps([there, *halves("read"), save("far:public.copy", "both")]))
    assert run(near) == "succeeded"
    rows = sent(beyond, "copy")
    assert len(rows) == ROWS and rows == sent(beyond, "whole")
