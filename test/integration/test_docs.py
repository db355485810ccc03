"""The pages of docs/ that come from the code are what the code says now, and the files that pages name are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/guarantees.md", "docs/limits.md", "docs/problem_list.md", "src/README.md", "src/run/README.md")
NAMED = re.compile(r"`((?:demo|docs|src|test|tools)/[\w./-]+)`")


def test_generated_pages_are_current():
    command = [sys.executable, ROOT / "tools" / "generate-docs", "--check"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_named_files_exist(page):
    named = NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []
