"""The pages of docs/ that come from the code are what the code says now, and the files that pages name are there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ROOT / "docs" / "options.md"
PAGES = (
    "docs/guarantees.md",
    "docs/limits.md",
    "docs/options.md",
    "docs/problem_list.md",
    "src/README.md",
    "src/run/README.md",
)
NAMED = re.compile(r"`((?:demo|docs|src|test|tools)/[\w./-]+)`")


def test_generated_pages_are_current():
    command = [sys.executable, ROOT / "tools" / "generate-docs", "--check"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_named_files_exist(page):
    named = NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_examples_of_operators_are_accepted(bench):
    """Nothing is said against the steps of docs/operators.md, over the tables that it names, but that nobody reads files."""
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    tables = re.search(r"^```sql\n(.*?)^```", page, re.M | re.S).group(1)
    bench.admin.execute(f"""
        CREATE SCHEMA app; {tables}
        CREATE TABLE app.orders_copy (LIKE app.orders INCLUDING ALL);
        CREATE TYPE app.order_row AS (id bigint, amount numeric);
        CREATE FUNCTION app.score(app.order_row[]) RETURNS SETOF app.order_row LANGUAGE sql AS 'SELECT * FROM unnest($1)';
        CREATE SERVER shop TYPE 'http' FOREIGN DATA WRAPPER etl OPTIONS (url 'https://shop.example');
        CREATE SERVER search TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS (url 'https://search.example');
        SELECT etl.allow_target('app.*'), etl.allow_target('search:*'), etl.allow_function('app.score(app.order_row[])')""")
    sources = [
        {"id": name, "operator": "table", "params": {"table": f"app.{name}"}} for name in ("orders", "customers")
    ]
    examples = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", page, re.M | re.S)]
    assert {step["operator"] for step in examples} == set(re.findall(r"^### (.+)$", page, re.M))
    sinks = {name for (name,) in bench.admin.execute("SELECT name FROM etl.operators WHERE kind = 'sink'")}
    for step in examples:
        taken = step.get("depends_on", [])
        steps = [source for source in sources if source["id"] in taken] + [step]
        if not (taken and step["operator"] in sinks):
            end = {"id": "end", "operator": "table", "params": {"target": "app.orders_copy"}}
            steps.append(end | {"depends_on": [*taken, "step"]})
        found = bench.admin.execute(
            "SELECT sqlstate, message FROM etl.validate_pipeline(%s) AS v (sqlstate, severity, message, hint)",
            (json.dumps({"name": "p", "steps": steps}),),
        ).fetchall()
        against = [finding for finding in found if len(steps) == 2 or finding[1].startswith('step "step"')]
        assert [code for code, _ in against] == (
            ["42501"] if "path" in step["params"] and "server" not in step["params"] else []
        ), (step, against)


def known(bench, sql: str) -> set:
    """The names that the hint of a refused unknown one lists."""
    with pytest.raises(psycopg.Error) as refused:
        bench.admin.execute(sql)
    return set(refused.value.diag.message_hint.removeprefix("Known are: ").rstrip(".").split(", "))


def test_each_option_has_a_line(bench):
    """A line of docs/options.md for each option that is built, and none for another."""
    bench.tables(1)
    limits = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    later = set(re.findall(r"\w+", re.search(r"options ((?:`\w+`[,\s]*)+)\.", limits).group(1)))
    server = "CREATE SERVER s TYPE 'elasticsearch' FOREIGN DATA WRAPPER etl OPTIONS"
    pipeline = "SELECT etl.create_pipeline('p', 'SELECT id, value FROM w.t_source', 'w.t_target', options => '{\"zzzzzzzz\": 1}')"
    bench.admin.execute(f"{server} (url 'https://search.example')")
    asked = {
        "Of a pipeline": known(bench, pipeline) - later,
        "Of a server": known(bench, "ALTER SERVER s OPTIONS (ADD zzzzzzzz '1')"),
        "Of a user mapping": known(bench, "CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (zzzzzzzz '1')"),
    }
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", OPTIONS.read_text(encoding="utf-8"), re.M | re.S))
    for section, names in asked.items():
        rows = re.findall(r"^\| (`.+?) \|", sections[section], re.M)
        assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == names, section
