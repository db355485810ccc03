"""Every type of pg_type, as the engine gives it back, against the rule that docs/types.md states.

RULES has each type's values: PostgreSQL's literal, and the JSON value that must be in _source. TEXT stands for the rule
of most types: a string, as psql shows the value in UTC (inet's cast to text would add /32). The list of types comes from pg_type: one that has neither a rule
nor a reason to be left out fails test_every_type_has_a_rule. Numbers are compared as the digits that were sent.
"""

import json
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest
from elastic_workbench import BACKOFF, check_counters, use_sink
from harness.elastic import HttpError
from workbench import OWNER, workbench

DOCS = Path(__file__).resolve().parents[2] / "docs" / "types.md"
TEXT = object()


class Number(str):
    """The digits of a JSON number: 1.50 is not 1.5."""

    def __eq__(self, other):
        return isinstance(other, Number) and str(self) == str(other)

    __hash__ = str.__hash__


def n(text: str) -> Number:
    return Number(text)


def same(*literals) -> list:
    return [(literal, TEXT) for literal in literals]


SPECIAL_DATES = [("infinity", "infinity"), ("-infinity", "-infinity")]
RULES = {
    "aclitem": same("postgres=r*w/postgres", "=U/postgres"),
    "bit": same("1", "0"),
    "bool": [("true", True), ("false", False)],
    "box": same("(1,1),(0,0)", "(1e300,NaN),(-Infinity,-1.5)"),
    "bpchar": [("ab", "ab"), ("ab  ", "ab  "), ("", "")],
    "bytea": [
        ("\\x", ""),
        ("\\x00", "AA=="),
        ("\\x00ff10", "AP8Q"),
        ("\\xfb", "+w=="),
        ("\\x" + "00ff" * 3000, "AP8A/wD/" * 1000),
    ],
    "char": [("a", "a"), ("", ""), ('"', '"')],
    "cid": same("0", "4294967295"),
    "cidr": same("10.0.0.0/8", "::/0", "192.168.1.1/32"),
    "circle": same("<(1,2),3>", "<(0,0),1e-300>"),
    "date": [
        ("2024-02-29", "2024-02-29"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("0044-03-15 BC", "0044-03-15 BC"),
        ("10000-01-01", "10000-01-01"),
        ("4713-01-01 BC", "4713-01-01 BC"),
        ("5874897-12-31", "5874897-12-31"),
        *SPECIAL_DATES,
    ],
    "datemultirange": same("{}", "{[2024-01-01,2024-02-01),[2024-03-01,)}"),
    "daterange": same("empty", "[2024-01-01,2024-12-31]", "(,infinity)", "(,)"),
    "float4": [
        ("0", n("0")),
        ("-0", n("-0")),
        ("1.5", n("1.5")),
        ("0.1", n("0.1")),
        ("3.4028235e38", n("3.4028235e+38")),
        ("1e-45", n("1e-45")),
        ("16777216", n("1.6777216e+07")),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
    ],
    "float8": [
        ("0", n("0")),
        ("-0", n("-0")),
        ("0.1", n("0.1")),
        ("0.30000000000000004", n("0.30000000000000004")),
        ("1.7976931348623157e308", n("1.7976931348623157e+308")),
        ("5e-324", n("5e-324")),
        ("9007199254740993", n("9.007199254740992e+15")),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
    ],
    "inet": same("127.0.0.1", "10.1.2.3/8", "::1", "2001:db8::1/64"),
    "int2": [("-32768", n("-32768")), ("32767", n("32767")), ("0", n("0"))],
    "int2vector": [("1 -2 3", [n("1"), n("-2"), n("3")]), ("", [])],
    "int4": [("-2147483648", n("-2147483648")), ("2147483647", n("2147483647"))],
    "int4multirange": same("{}", "{[1,3),[5,)}"),
    "int4range": same("empty", "[1,10)", "(,)"),
    "int8": [
        ("-9223372036854775808", n("-9223372036854775808")),
        ("9223372036854775807", n("9223372036854775807")),
        ("9007199254740993", n("9007199254740993")),
    ],
    "int8multirange": same("{[1,9223372036854775807)}"),
    "int8range": same("[1,9223372036854775807)", "empty"),
    "interval": [
        ("1 year 2 months 3 days 04:05:06.7", "P1Y2M3DT4H5M6.7S"),
        ("0", "PT0S"),
        ("-1 day -00:00:00.000001", "P-1DT-0.000001S"),
        ("178000000 years", "P178000000Y"),
    ],
    "json": [
        ('{"b": 1.50, "a": [1e400, null, true]}', {"b": n("1.50"), "a": [n("1e400"), None, True]}),
        ("[]", []),
        ("null", None),
        ('"x"', "x"),
        ("12.50", n("12.50")),
        ('{"zero": "\\u0000", "pair": "\\ud83c\\udfac"}', {"zero": "\0", "pair": "\U0001f3ac"}),
        ('{\n "lines":\r\n\t"of it" }', {"lines": "of it"}),
        ("[" * 400 + "]" * 400, "nested"),
    ],
    "jsonb": [
        ('{"b": 1.50, "a": [1, null]}', {"a": [n("1"), None], "b": n("1.50")}),
        ("{}", {}),
        ("null", None),
        ('"é"', "é"),
        ("[[[]]]", [[[]]]),
        ("false", False),
        ('{"": 1, "a.b": 2, " ": 3}', {"": n("1"), " ": n("3"), "a.b": n("2")}),
    ],
    "jsonpath": same("$.a[*] ? (@ > 1)", "strict $"),
    "line": same("{1,-1,0}"),
    "lseg": same("[(0,0),(1,1)]"),
    "macaddr": same("08:00:2b:01:02:03"),
    "macaddr8": same("08:00:2b:01:02:03:04:05"),
    "money": same("12.34", "-92233720368547758.08", "0"),
    "name": same("film", 'naïve "name"', "x" * 63),
    "numeric": [
        ("0", n("0")),
        ("1.500", n("1.500")),
        ("-0.00", n("0.00")),
        ("123456789012345678901234567890.123456789", n("123456789012345678901234567890.123456789")),
        ("0." + "0" * 30 + "1", n("0." + "0" * 30 + "1")),
        ("9" * 1000, n("9" * 1000)),
        ("9" * 1001, "9" * 1001),
        ("9" * 131072, "9" * 131072),
        ("0." + "7" * 16383, "0." + "7" * 16383),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
    ],
    "nummultirange": same("{[1.50,2.0),[3,)}", "{}"),
    "numrange": same("[1.50,2.0)", "(,)", "empty"),
    "oid": same("0", "4294967295"),
    "oidvector": [("1 4294967295", ["1", "4294967295"]), ("", [])],
    "path": same("[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"),
    "pg_lsn": same("0/0", "FFFFFFFF/FFFFFFFF"),
    "pg_snapshot": same("10:20:10,14"),
    "point": same("(1.5,-2)", "(NaN,Infinity)"),
    "polygon": same("((0,0),(1,1),(2,0))"),
    "refcursor": same("a cursor", ""),
    "regclass": same("pg_catalog.pg_class", "4000000000", "-"),
    "regcollation": same('pg_catalog."C"'),
    "regconfig": same("english"),
    "regdictionary": same("simple"),
    "regnamespace": same("pg_catalog"),
    "regoper": same("pg_catalog.||/"),
    "regoperator": same("pg_catalog.+(integer,integer)"),
    "regproc": same("pg_catalog.now"),
    "regprocedure": same("pg_catalog.abs(integer)"),
    "regrole": same("postgres"),
    "regtype": same("timestamp with time zone"),
    "text": [
        ("", ""),
        ("film", "film"),
        ("é ß \U0001f3ac \u2028\u2029", "é ß \U0001f3ac \u2028\u2029"),
        ('"\\/\b\f\n\r\t\x01\x1f\x7f', '"\\/\b\f\n\r\t\x01\x1f\x7f'),
        ("NaN", "NaN"),
        ('{"index":{}}\n', '{"index":{}}\n'),
        ("y" * 40000, "y" * 40000),
        ("\ufeff\ufffd\uffff", "\ufeff\ufffd\uffff"),
    ],
    "tid": same("(0,1)", "(4294967295,65535)"),
    "time": same("00:00:00", "24:00:00", "23:59:59.999999"),
    "timestamp": [
        ("2024-02-29 12:00:00.5", "2024-02-29T12:00:00.5"),
        ("0001-01-01", "0001-01-01T00:00:00"),
        ("9999-12-31 23:59:59.999999", "9999-12-31T23:59:59.999999"),
        ("0044-03-15 01:02:03 BC", "0044-03-15T01:02:03 BC"),
        ("294276-12-31 23:59:59.999999", "294276-12-31T23:59:59.999999"),
        *SPECIAL_DATES,
    ],
    "timestamptz": [
        ("2024-02-29 12:00:00.5+02", "2024-02-29T10:00:00.5+00:00"),
        ("2024-07-01 00:00:00 America/New_York", "2024-07-01T04:00:00+00:00"),
        ("0001-01-01 00:00:00+00", "0001-01-01T00:00:00+00:00"),
        ("0044-03-15 01:02:03+00 BC", "0044-03-15T01:02:03+00:00 BC"),
        ("10000-01-01 00:00:00+00", "10000-01-01T00:00:00+00:00"),
        *SPECIAL_DATES,
    ],
    "timetz": same("12:00:00+05:30", "24:00:00-12"),
    "tsmultirange": same("{[2024-01-01 00:00:00,2024-02-01 00:00:00)}"),
    "tsquery": same("'cat' & !'dog':*A", ""),
    "tsrange": same("[2024-01-01,infinity)", "empty"),
    "tstzmultirange": same("{[2024-01-01 00:00:00+02,)}"),
    "tstzrange": same("[2024-01-01 00:00:00+02,)", "(,)"),
    "tsvector": same("'a':1A 'cat':2,3B", ""),
    "txid_snapshot": same("10:20:10,14"),
    "uuid": same("00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "varbit": same("10101", ""),
    "varchar": [("film ", "film "), ("", "")],
    "xid": same("0", "4294967295"),
    "xid8": same("18446744073709551615"),
    "xml": same('<a b="c">é&amp;</a>', "text <b/>"),
}

# Their input functions take no text, and no query of an ordinary user returns a value.
LEFT_OUT = {
    "gtsvector": "lives in GiST indexes only",
    "pg_brin_bloom_summary": "lives in BRIN indexes only",
    "pg_brin_minmax_multi_summary": "lives in BRIN indexes only",
}
# Theirs neither, but a catalog holds values: read from there by test_types_that_only_a_catalog_holds.
FROM_CATALOG = {
    "pg_dependencies": "SELECT stxddependencies FROM pg_statistic_ext_data WHERE stxddependencies IS NOT NULL LIMIT 1",
    "pg_mcv_list": "SELECT stxdmcv FROM pg_statistic_ext_data WHERE stxdmcv IS NOT NULL LIMIT 1",
    "pg_ndistinct": "SELECT stxdndistinct FROM pg_statistic_ext_data WHERE stxdndistinct IS NOT NULL LIMIT 1",
    "pg_node_tree": "SELECT adbin FROM pg_attrdef LIMIT 1",
}
NO_ARRAY = {"int2vector", "oidvector"}  # there are, but not of any use: an element of a vector's array is a vector

# Types that somebody made, with their values.
MADE = {
    "mood": ("CREATE TYPE w.mood AS ENUM ('ok', 'so \"so\"', 'é')", same("ok", 'so "so"', "é")),
    "positive": (
        "CREATE DOMAIN w.positive AS numeric(10,2) CHECK (value > 0)",
        [("1.5", n("1.50")), ("12345678.90", n("12345678.90"))],
    ),
    "words": ("CREATE DOMAIN w.words AS text[]", [('{a,NULL,"b c"}', ["a", None, "b c"]), ("{}", [])]),
    "pair": (
        "CREATE TYPE w.pair AS (a int, b text, c numeric[], d timestamptz)",
        [
            (
                '(1,"x ""y""","{1.50,NULL}","2024-02-29 12:00:00+02")',
                {"a": n("1"), "b": 'x "y"', "c": [n("1.50"), None], "d": "2024-02-29T10:00:00+00:00"},
            ),
            ("(,,,)", {"a": None, "b": None, "c": None, "d": None}),
        ],
    ),
    "nested": (
        "CREATE TYPE w.nested AS (p w.pair, list w.pair[], m w.mood)",
        [
            (
                '("(1,b,,)","{""(2,c,,)"",NULL}",ok)',
                {
                    "p": {"a": n("1"), "b": "b", "c": None, "d": None},
                    "list": [{"a": n("2"), "b": "c", "c": None, "d": None}, None],
                    "m": "ok",
                },
            )
        ],
    ),
    "empty_row": ("CREATE TYPE w.empty_row AS ()", [("()", {})]),
    "textrange": ("CREATE TYPE w.textrange AS RANGE (subtype = text)", same('["a b",c)', "empty")),
    "textmultirange": ("SELECT", same('{["a b",c),[d,)}')),
    "citext": ("CREATE EXTENSION citext SCHEMA w", [("Film", "Film")]),
    "hstore": ("CREATE EXTENSION hstore SCHEMA w", [('a=>1, "b c"=>NULL', {"a": "1", "b c": None}), ("", {})]),
}


def type_names() -> list:
    return sorted(RULES) + sorted(MADE)


def sql_type(name: str) -> str:
    return f"w.{name}" if name in MADE else f'pg_catalog."{name}"'


def cases(name: str) -> list:
    return MADE[name][1] if name in MADE else RULES[name]


def as_read(text: str):
    """JSON as the tests compare it: numbers keep their digits, of equal names the last counts."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def get(engine, path: str) -> dict:
    """A reply of the engine, with its numbers' digits."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(engine.url + path, timeout=60) as reply:
        return as_read(reply.read().decode())


@pytest.fixture(scope="module")
def filled(pg_preload, elastic):
    """A table with a column of every type, and arrays of it, one row a value; moved by one pipeline. Its bench."""
    for bench in workbench(pg_preload):
        for statement, _ in MADE.values():
            bench.admin.execute(statement)
        names = type_names()
        columns = ", ".join(
            f'"v_{name}" {sql_type(name)}'
            + ("" if name in NO_ARRAY else f', "a_{name}" {sql_type(name)}[], "n_{name}" {sql_type(name)}[]')
            for name in names
        )
        bench.admin.execute(f"CREATE TABLE w.types (id int PRIMARY KEY, {columns})")
        for row in range(max(len(cases(name)) for name in names)):
            bench.admin.execute("INSERT INTO w.types (id) VALUES (%s)", (row,))
        for name in names:
            for row, (literal, _) in enumerate(cases(name)):
                bench.admin.execute(
                    f'UPDATE w.types SET "v_{name}" = %s::{sql_type(name)} WHERE id = %s', (literal, row)
                )
            if name not in NO_ARRAY:
                first, last = cases(name)[0][0], cases(name)[-1][0]
                bench.admin.execute(
                    f'UPDATE w.types SET "a_{name}" = ARRAY[%s, NULL, %s]::{sql_type(name)}[], "n_{name}" = '
                    f"ARRAY[ARRAY[%s, NULL], ARRAY[NULL, %s]]::{sql_type(name)}[] WHERE id = 0",
                    (first, last) * 2,
                )
                bench.admin.execute(f"""UPDATE w.types SET "a_{name}" = '{{}}', "n_{name}" = NULL WHERE id = 1""")
        bench.admin.execute(
            f"GRANT SELECT ON w.types TO {OWNER}; GRANT ALL ON ALL TABLES IN SCHEMA w TO {OWNER}; ANALYZE w.types"
        )
        use_sink(bench, elastic.url)
        bench.pipeline(
            "types",
            "SELECT * FROM w.types",
            "es:types",
            key_columns=["id"],
            options=BACKOFF | {"index_settings": {"mapping.total_fields.limit": 2000}},
        )
        # the session's own style must not show in a document
        bench.admin.execute(
            f"ALTER ROLE {OWNER} SET TimeZone = 'Asia/Kolkata'; ALTER ROLE {OWNER} SET DateStyle = 'German';"
            f"ALTER ROLE {OWNER} SET IntervalStyle = 'sql_standard'; ALTER ROLE {OWNER} SET bytea_output = 'escape';"
            f"ALTER ROLE {OWNER} SET extra_float_digits = -3"
        )
        try:
            bench.admin.execute("CALL etl.run_wait('types')")  # its error, if there is one, names document and reason
            check_counters(bench, bench.one("SELECT max(id) FROM etl.runs"))
            yield bench
        finally:
            bench.admin.execute(f"ALTER ROLE {OWNER} RESET ALL")
            elastic.delete("/types")


@pytest.fixture(scope="module")
def documents(filled, elastic) -> dict:
    elastic.post("/types/_refresh")
    hits = get(elastic, "/types/_search?size=1000")["hits"]["hits"]
    return {int(hit["_id"]): hit["_source"] for hit in hits}


def expected_json(bench, name: str, literal: str, wanted):
    if wanted is TEXT:
        return bench.one(f"SELECT format('%%s', %s::{sql_type(name)})", literal)
    if wanted == "nested":
        return as_read(literal)
    return wanted


@pytest.mark.parametrize("name", type_names())
def test_values(filled, documents, name):
    for row, (literal, wanted) in enumerate(cases(name)):
        assert documents[row][f"v_{name}"] == expected_json(filled, name, literal, wanted), literal[:100]
        assert type(documents[row][f"v_{name}"]) is type(expected_json(filled, name, literal, wanted))
    assert documents[max(documents)][f"v_{name}"] is None or len(cases(name)) == len(
        documents
    )  # NULL is null, not left out


@pytest.mark.parametrize("name", [name for name in type_names() if name not in NO_ARRAY])
def test_arrays(filled, documents, name):
    first, last = (expected_json(filled, name, *cases(name)[place]) for place in (0, -1))
    if name == "words":  # an array of a domain over an array is a list of lists
        first, last = ["a", None, "b c"], []
    assert documents[0][f"a_{name}"] == [first, None, last]
    assert documents[0][f"n_{name}"] == [[first, None], [None, last]]
    if len(documents) > 1:
        assert documents[1][f"a_{name}"] == [] and documents[1][f"n_{name}"] is None


def test_every_type_has_a_rule(filled):
    """Fails when PostgreSQL brings a type that is in none of the tables above."""
    rows = filled.admin.execute("""
        SELECT typname::text FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace
        AND typtype IN ('b', 'd', 'e', 'm', 'r') AND (typsubscript <> 'array_subscript_handler'::regproc OR typlen > 0 OR typname LIKE '%vector')
        AND typname NOT LIKE '\\_%'""").fetchall()
    known = RULES.keys() | LEFT_OUT.keys() | FROM_CATALOG.keys()
    assert {row[0] for row in rows} - known == set()
    assert known - {row[0] for row in rows} == set()


def test_every_type_is_in_the_documentation():
    text = DOCS.read_text(encoding="utf-8")
    assert [
        name for name in (*RULES, *LEFT_OUT, *FROM_CATALOG) if f"`{name}`" not in text and f"`{name}," not in text
    ] == []


def test_the_server_speaks_its_own_style(filled):
    """The styles that the documents did not follow were really set in the owner's sessions."""
    with filled.owner() as owner:
        assert (
            owner.execute("SELECT timestamptz '2024-02-29 00:00:00+00'::text").fetchone()[0]
            == "29.02.2024 05:30:00 IST"
        )


def move(bench, elastic, name: str, source: str, **options) -> tuple:
    """Moves a query's rows into an index of its own: (documents, counters)."""
    try:
        elastic.delete(f"/{name}")
    except HttpError as error:
        assert error.status == 404
    bench.pipeline(name, source, f"es:{name}", key_columns=["id"], options=BACKOFF | options)
    run = bench.run(name)
    assert bench.ends(run) == "succeeded", bench.error(run)
    elastic.post(f"/{name}/_refresh")
    hits = get(elastic, f"/{name}/_search?size=1000")["hits"]["hits"]
    elastic.delete(f"/{name}")
    return {int(hit["_id"]): hit["_source"] for hit in hits}, check_counters(bench, run)


@pytest.mark.parametrize("name", sorted(FROM_CATALOG))
def test_types_that_only_a_catalog_holds(filled, elastic, name):
    filled.admin.execute("""
        CREATE TABLE IF NOT EXISTS w.stats (a int DEFAULT 1 + 1, b int, c text);
        INSERT INTO w.stats SELECT n % 10, n % 10, n % 3 FROM generate_series(1, 1000) n;
        CREATE STATISTICS IF NOT EXISTS w.all_kinds (ndistinct, dependencies, mcv) ON a, b, c FROM w.stats;
        ANALYZE w.stats""")
    column, wanted = filled.admin.execute(
        f"SELECT v::text, pg_typeof(v)::text FROM ({FROM_CATALOG[name]}) q(v)"
    ).fetchone()
    assert wanted == name
    filled.admin.execute(
        f"CREATE TABLE w.only_{name} AS SELECT 1 AS id, v FROM ({FROM_CATALOG[name]}) q(v);"
        f"ALTER TABLE w.only_{name} OWNER TO {OWNER}"
    )
    docs, _ = move(filled, elastic, f"only_{name}", f"SELECT * FROM w.only_{name}")
    assert docs == {1: {"id": n("1"), "v": column}}


def test_records(filled, elastic):
    docs, _ = move(
        filled, elastic, "records", "SELECT id, ROW(id, 1.50, NULL, 'x') AS r, ROW() AS e FROM w.types WHERE id < 2"
    )
    assert docs == {
        number: {"id": n(str(number)), "r": {"f1": n(str(number)), "f2": n("1.50"), "f3": None, "f4": "x"}, "e": {}}
        for number in (0, 1)
    }


def test_lower_bounds_are_not_kept(filled, elastic):
    docs, _ = move(filled, elastic, "bounds", "SELECT id, '[0:2]={1,2,3}'::int[] AS a FROM w.types WHERE id = 0")
    assert docs[0]["a"] == [n("1"), n("2"), n("3")]


def test_what_the_engine_does_not_take_is_a_dead_letter(filled, elastic):
    """Numbers of over 1,000 digits, more than 1,000 levels, a name twice, inside json: PE010, and the other rows arrive."""
    filled.admin.execute(f"""
        CREATE TABLE w.hard (id int PRIMARY KEY, j json);
        INSERT INTO w.hard VALUES (1, '1'), (2, repeat('9', 1001)::json), (3, '"3"'), (4, (repeat('[', 1100) || repeat(']', 1100))::json),
            (5, ('{{"zero": "\\u0000", "big": ' || repeat('9', 1001) || '}}')::json),
            (6, '{{"a": 1, "a": 2}}');
        ALTER TABLE w.hard OWNER TO {OWNER}""")
    docs, counted = move(filled, elastic, "hard", "SELECT * FROM w.hard", on_error="quarantine")
    assert docs == {1: {"id": n("1"), "j": n("1")}, 3: {"id": n("3"), "j": "3"}}
    assert counted["dead"] == 4
    letters = filled.admin.execute(
        "SELECT error_code, original_record::text FROM etl.dead_letters WHERE pipeline = 'hard' ORDER BY id"
    ).fetchall()
    assert [code for code, _ in letters] == ["PE010"] * 4
    assert "9" * 1001 in letters[0][1] and "\\u0000" in letters[2][1]


def test_a_numeric_is_found_by_its_value(filled, elastic):
    """The digits are in _source, the index holds a double."""
    elastic.post("/types/_refresh")
    found = elastic.post("/types/_search", {"query": {"term": {"v_numeric": 1.5}}})["hits"]["hits"]
    assert [int(hit["_id"]) for hit in found] == [1]
    ignored = elastic.post("/types/_search", {"query": {"exists": {"field": "_ignored"}}, "size": 100})["hits"]["hits"]
    assert {"v_numeric", "v_float8", "v_date"} <= {field for hit in ignored for field in hit["_ignored"]}


def test_exact_means_exact():
    """The comparison itself sees a lost digit."""
    assert as_read("1.50") != as_read("1.5") and as_read("[1]") != as_read('["1"]')
    assert Decimal(as_read("1.50")) == Decimal("1.5")
