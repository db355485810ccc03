"""A new operator is one file and its name in the registry: a copy of the sources gets one, is built and runs it."""

import contextlib
import dataclasses
import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from harness.places import checkout_runtime, compiler_cache
from harness.postgres import PostgresServer
from harness.process import clean_environment, run
from harness.trees import installed_tree
from workbench import workbench

REGISTRY = "src/transform/registry.cpp"
TOY = "src/transform/toy.cpp"
SOURCE = r"""
#include "core/quote.hpp"
#include "transform/columns.hpp"

namespace etl::transform {

static Rule compile_toy(const Call& call) {
  const Input& input = call.inputs[0];
  const std::string name = want_column(input, text_or(call, "column", "")).name;
  const std::string turned = "pg_catalog.reverse(" + qualified(input, name) + ")";
  return {.sql = "SELECT " + all_columns(input, {{name, turned}}) + " FROM " + input.from,
          .figures = "SELECT pg_catalog.count(*) AS turned FROM " + quote_name(input.id)};
}

extern const Transform kToy = {
    {"toy", model::Kind::kTransform, "Turns the texts of a column around.",
     R"({"type": "object", "properties": {"column": {"type": "string", "description": "a column of texts"}},
         "required": ["column"]})"},
    1,
    1,
    compile_toy};

}  // namespace etl::transform
"""
STEPS = [
    {"id": "read", "operator": "table", "params": {"table": "w.t_source"}},
    {"id": "turn", "operator": "toy", "params": {"column": "value"}, "depends_on": "read"},
    {"id": "save", "operator": "table", "params": {"target": "w.t_target"}, "depends_on": "turn"},
]


def git(checkout, *command):
    return run(
        ["git", "-c", "safe.directory=*", "-c", "user.name=t", "-c", "user.email=t@t.example", *command], cwd=checkout
    ).stdout


@pytest.fixture
def scratch():
    """A directory that servers may execute from."""
    directory = Path(tempfile.mkdtemp(prefix="toy-", dir=checkout_runtime()))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def test_a_toy_operator_is_one_file_and_one_line(scratch):
    plain = installed_tree("15")
    checkout = scratch / "checkout"
    run(["cp", "-a", "--reflink=auto", checkout_runtime() / "build" / plain.name, checkout])  # with its objects
    git(checkout, "init", "-q")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "before")

    (checkout / TOY).write_text(SOURCE.lstrip(), encoding="utf-8")
    registry = (checkout / REGISTRY).read_text(encoding="utf-8")
    registry = registry.replace(
        "extern const Transform kUnion;", "extern const Transform kToy;\nextern const Transform kUnion;"
    )
    (checkout / REGISTRY).write_text(registry.replace("kUnion, ", "kToy, kUnion, "), encoding="utf-8")

    tree = dataclasses.replace(plain, root=scratch / "tree")
    run(["cp", "-a", "--reflink=auto", plain.root, tree.root])
    command = ["make", "-j2", f"PG_CONFIG={tree.pg_config}", "CXX=ccache g++", f"DESTDIR={tree.root}", "install"]
    built = run(command, cwd=checkout, env=clean_environment() | compiler_cache()).stdout
    assert sorted(re.findall(r" -c -o \S+ (\S+)$", built, re.M)) == [REGISTRY, TOY]
    changed = git(checkout, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert changed == [f" M {REGISTRY}", f"?? {TOY}"]

    with PostgresServer(tree, "toy", preload=True) as server:
        with contextlib.contextmanager(workbench)(server) as bench:
            use_the_toy(bench)
        assert server.crash_lines() == []


def use_the_toy(bench):
    row = bench.admin.execute(
        "SELECT kind, description, params_schema FROM etl.operators WHERE name = 'toy'"
    ).fetchone()
    assert row[:2] == ("transform", "Turns the texts of a column around.")
    assert row[2]["required"] == ["column"]
    bench.tables(250)
    with bench.owner() as owner:
        create = (
            "SELECT etl.create_pipeline('p', steps => %s, batch_size => 100, options => '{\"observe\": \"steps\"}')"
        )
        owner.execute(create, (json.dumps(STEPS),))
    assert bench.ends(bench.run()) == "succeeded"
    assert (
        bench.one("SELECT count(*) FROM w.t_target t JOIN w.t_source s USING (id) WHERE t.value = reverse(s.value)")
        == 250
    )
    assert bench.one("SELECT figures FROM etl.step_runs WHERE step = 'turn'") == {"turned": 250}
