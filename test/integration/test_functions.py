"""Functions in PL/Python as steps: rows reach them as typed values, one call for each batch."""

import json
from decimal import Decimal

import psycopg
import pytest
from workbench import OWNER

STEPS = [
    {"id": "read", "operator": "table", "params": {"table": "w.src"}},
    {"id": "score", "operator": "function", "params": {"function": "w.score(w.row_in[])"}, "depends_on": "read"},
    {"id": "save", "operator": "table", "params": {"target": "w.dst"}, "depends_on": "score"},
]
SCORE = """
for row in rows:
    assert type(row) is dict and sorted(row) == ["data", "id", "ok", "price", "ratio", "tags"], row
    assert [type(row[name]).__name__ for name in sorted(row)] == ["bytes", "int", "bool", "Decimal", "float", "list"], row
    yield row["id"], row["price"] * 2, "-".join(row["tags"]) + row["data"].hex() + str(row["ok"]), len(rows)
"""


@pytest.fixture
def python(bench):
    """A database with plpython3u, 250 rows of several types, and the function that gets them, which OWNER may call."""
    bench.admin.execute(f"""
        CREATE EXTENSION plpython3u;
        CREATE TYPE w.row_in AS (id bigint, price numeric(10,2), ratio float8, ok bool, tags text[], data bytea);
        CREATE TABLE w.src AS SELECT n::bigint AS id, (n * 1.5)::numeric(10,2) AS price, n / 3.0::float8 AS ratio,
            n % 2 = 0 AS ok, ARRAY['a' || n, 'b'] AS tags, int4send(n) AS data, now() AS unused
        FROM generate_series(1, 250) n;
        CREATE TABLE w.dst (id bigint PRIMARY KEY, twice numeric, label text, of int);
        CREATE FUNCTION w.score(rows w.row_in[]) RETURNS TABLE (id bigint, twice numeric, label text, of int)
            STABLE LANGUAGE plpython3u AS $python${SCORE}$python$;
        ALTER TABLE w.src OWNER TO {OWNER};
        ALTER TABLE w.dst OWNER TO {OWNER}""")
    return bench


def create(bench, steps=STEPS, name="p", **more):
    with bench.owner() as connection:
        connection.execute(
            "SELECT etl.create_pipeline(%s, steps => %s, batch_size => 100, options => %s)",
            (name, json.dumps(steps), json.dumps(more)),
        )


def test_one_call_a_batch_with_typed_rows(python):
    python.admin.execute(f"SELECT etl.allow_function('w.score(w.row_in[])', '{OWNER}')")
    create(python)
    assert python.ends(python.run()) == "succeeded"
    rows = python.admin.execute("TABLE w.dst ORDER BY id").fetchall()
    assert [row[:3] for row in rows] == [(n, Decimal(n) * 3, f"a{n}-b{n:08x}{n % 2 == 0}") for n in range(1, 251)]
    assert sorted({row[3] for row in rows}) == [50, 100]
    assert python.one("SELECT count(*) FROM w.dst WHERE of = 100") == 200


def test_an_error_in_python_is_the_runs(python):
    python.admin.execute("SELECT etl.allow_function('w.score(w.row_in[])')")
    create(python, observe="steps")
    python.admin.execute("UPDATE w.src SET price = NULL WHERE id = 7")
    run = python.run()
    assert python.ends(run) == "failed"
    code, detail = python.admin.execute(
        "SELECT error_code, error_detail FROM etl.run_log WHERE id = %s", (run,)
    ).fetchone()
    assert code == "38000"
    assert detail.startswith("AssertionError: {'id': 7, 'price': None,")
    assert python.one("SELECT count(*) FROM w.dst") == 0


def test_python_raises_and_reads_but_writes_nothing(python):
    """A row function with an SQLSTATE of its own; what it reads, it reads with the owner's rights."""
    python.admin.execute(f"""
        CREATE TABLE w.secret AS SELECT 1 AS id;
        CREATE FUNCTION w.meddle(one w.row_in) RETURNS TABLE (id bigint, twice numeric, label text, of int)
            LANGUAGE plpython3u AS $python$
if one["id"] == 1:
    plpy.error("row 1 is odd", sqlstate="XY001", hint="Mend it.")
plpy.execute("SELECT * FROM w.secret" if one["id"] == 2 else "DELETE FROM w.src")
$python$;
        SELECT etl.allow_function('w.meddle(w.row_in)', '{OWNER}')""")
    steps = [dict(step) for step in STEPS]
    steps[1]["params"] = {"function": "w.meddle(w.row_in)"}
    create(python, steps)
    found = {}
    for row in (1, 2, 3):
        python.admin.execute("DELETE FROM w.src WHERE id < %s", (row,))
        run = python.run()
        assert python.ends(run) == "failed"
        found[row] = python.error(run)
    assert found[1] == ("XY001", "plpy.Error: row 1 is odd")
    assert found[2][0] == "42501" and "permission denied for table secret" in found[2][1]
    assert found[3][0] == "25006" and "read-only" in found[3][1]
    assert python.one("SELECT count(*) FROM w.src") == 248


def test_only_what_is_allowed(python):
    with pytest.raises(psycopg.Error) as refused:
        create(python)
    assert refused.value.sqlstate == "42501"
    assert 'function w.score(w.row_in[]) is not allowed for role "mover"' in refused.value.diag.message_primary
    inline = [
        dict(step, params={"code": "plpy.execute('DROP TABLE w.src')"}) if step["id"] == "score" else step
        for step in STEPS
    ]
    with pytest.raises(psycopg.Error) as refused:
        create(python, inline)
    assert refused.value.sqlstate == "22023"
    assert 'unknown param "code"' in str(refused.value)


LAYOUTS = {
    "indented": "".join(f"\r\n    {line}" for line in ["import math", *SCORE.strip().splitlines()]),
    "carriage returns": SCORE.strip().replace("\n", "\r"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_body_may_be_laid_out_as_the_language_takes_it(python, layout):
    python.admin.execute(f"SELECT etl.allow_function('w.score(w.row_in[])', '{OWNER}')")
    python.admin.execute(f"""
        CREATE OR REPLACE FUNCTION w.score(rows w.row_in[]) RETURNS TABLE (id bigint, twice numeric, label text, of int)
            STABLE LANGUAGE plpython3u AS $python${LAYOUTS[layout]}$python$""")
    create(python)
    assert python.ends(python.run()) == "succeeded"
    assert python.one("SELECT count(*) FROM w.dst") == 250


REFUSED = {
    "import os": "os",
    "from os.path import join": "os.path",
    "def inner():\n    import math, socket\n": "socket",
    "json = __import__('json')": "__import__",
    "exec('import ' + 'os')": "exec",
    "eval(compile('1', '', 'eval'))": "compile, eval",
    "__builtins__['open']('/etc/passwd')": "__builtins__",
    "import jsonx": "jsonx",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_module_that_is_not_listed_is_refused_before_a_run(python, line):
    signature = "w.score(w.row_in[])"
    python.admin.execute(f"SELECT etl.allow_function('{signature}', '{OWNER}')")
    create(python)
    python.admin.execute("TRUNCATE w.dst")
    replace = """CREATE OR REPLACE FUNCTION w.score(rows w.row_in[]) RETURNS TABLE (id bigint, twice numeric, label text, of int)
        STABLE LANGUAGE plpython3u AS $python$%s
return []$python$"""
    python.admin.execute(replace % "import math, collections.abc  # 'import os'")
    assert python.ends(python.run()) == "succeeded"
    python.admin.execute(replace % line)
    run = python.run()
    assert python.ends(run) == "failed"
    code, message = python.error(run)
    assert code == "42501"
    assert message == f'step "score": param "function": function {signature} may not import {REFUSED[line]}'
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        create(python, name="q")


def test_a_superuser_lists_more_modules(python):
    python.admin.execute(f"SELECT etl.allow_function('w.score(w.row_in[])', '{OWNER}')")
    python.admin.execute(f"""
        CREATE OR REPLACE FUNCTION w.score(rows w.row_in[]) RETURNS TABLE (id bigint, twice numeric, label text, of int)
            STABLE LANGUAGE plpython3u AS $python$import os.path{SCORE}$python$;
        ALTER DATABASE {python.admin.info.dbname} SET etl.allowed_python_modules = 'os'""")
    create(python)
    assert python.ends(python.run()) == "succeeded"
    assert python.one("SELECT count(*) FROM w.dst") == 250
