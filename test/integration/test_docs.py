"""The pages of docs/ that come from the code are what the code says now, and the files that pages name are there."""

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
