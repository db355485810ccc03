"""A path that leads elsewhere is refused alike, whoever uses it: each source of files, and the sink in each format."""

import json
import os
from pathlib import Path

import pytest
from file_pipelines import create, refusal, run, steps
from test_file_sink import folder as writable_folder  # noqa: F401
from workbench import OWNER

REFUSED = "42501"
OUT_OF_PLACE = ("/etc/passwd", "../x", "sub/../../x", "sub/../x", "./../x")
KINDS = ("link", "hard", "pipe", "sub", "loop", "device", "dangling")
SOURCES = {"csv": {}, "json": {}, "xlsx": {}}
SINKS = ("csv", "json", "parquet", "xlsx")
COLUMNS = {"id": "int", "name": "text"}
GOOD = "good"


@pytest.fixture
def places(writable_folder, tmp_path_factory):  # noqa: F811
    """Each of KINDS beneath the folder; what the links lead to lies outside."""
    outside = tmp_path_factory.mktemp("outside")
    os.chmod(outside, 0o777)
    target = outside / "x"
    target.write_text("untouched")
    os.chmod(target, 0o666)
    (writable_folder / "link").symlink_to(target)
    os.link(target, writable_folder / "hard")
    os.mkfifo(writable_folder / "pipe", 0o666)
    (writable_folder / "sub").mkdir()
    (writable_folder / "loop").symlink_to("loop")
    (writable_folder / "device").symlink_to("/dev/zero")
    (writable_folder / "dangling").symlink_to(outside / "nothing")
    (writable_folder / "way").symlink_to(outside)
    (writable_folder / GOOD).write_text("id,name\n1,one\n")
    return writable_folder


def untouched(places):
    """Neither what the links lead to nor the links themselves; no temporary file is left."""
    names = {path.name for path in places.iterdir()}
    assert names == {*KINDS, "way", GOOD, "out"}
    outside = Path(os.readlink(places / "way"))
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("x", "untouched")]
    assert (places / "pipe").is_fifo() and (places / "hard").stat().st_nlink == 2


@pytest.mark.parametrize("operator", SOURCES)
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "inferred"])
def test_a_source_refuses(bench, places, operator, declared):
    """When the pipeline is made, whether or not its columns have to be looked for in the file."""
    for path in (*OUT_OF_PLACE, *KINDS, "way/x"):
        columns = {"columns": COLUMNS} if declared else {}
        error = refusal(bench, steps(path, operator=operator, **columns))
        assert error.sqlstate == REFUSED, (path, error)
    untouched(places)


def test_a_name_that_is_no_text_is_refused(bench, places):
    """It would be in the catalog, where no client could read it."""
    create(bench, steps("goo*", columns=COLUMNS))
    name = os.fsencode(places) + b"/goo\xff"
    with open(name, "w", encoding="utf-8") as file:
        file.write("id,name\n2,two\n")
    state = run(bench)
    assert state[:2] == ("failed", REFUSED) and "goo\\xff" in state[2], state
    os.unlink(name)


@pytest.mark.parametrize("operator", SOURCES)
def test_a_source_refuses_what_a_file_has_become(bench, places, operator):
    """Between the definition and the run."""
    (places / "later").write_text("id,name\n1,one\n")
    create(bench, steps("later", operator=operator, columns=COLUMNS), options='{"max_retries": 0}')
    for kind in KINDS:
        (places / "later").unlink()
        os.rename(places / kind, places / "later") if kind != "sub" else (places / "later").symlink_to("sub")
        state = run(bench)
        assert state[:2] == ("failed", REFUSED), (kind, state)
        if kind != "sub":
            os.rename(places / "later", places / kind)
            (places / "later").touch()
    (places / "later").unlink()
    untouched(places)


@pytest.mark.parametrize("format", SINKS)
def test_a_sink_refuses(bench, places, format):
    def sink(path):
        read = {"id": "read", "operator": "sql", "params": {"query": "SELECT id, name FROM w.rows"}}
        params = {"path": path, "format": format}
        return json.dumps([read, {"id": "save", "operator": "file", "params": params, "depends_on": ["read"]}])

    seen = {}
    for path in OUT_OF_PLACE:
        seen[path] = refusal(bench, sink(path)).sqlstate
    for number, path in enumerate((*KINDS, "way/x", "way/new")):
        name = f"p{number}"
        create(bench, sink(path), name=name, options='{"max_retries": 0}')
        run_id = bench.run(name)
        status = bench.ends(run_id)
        seen[path] = bench.error(run_id)[0] if status == "failed" else status
    assert seen == dict.fromkeys((*OUT_OF_PLACE, *KINDS, "way/x", "way/new"), REFUSED)
    untouched(places)


@pytest.mark.parametrize("operator", ["csv", "file"])
def test_without_the_privilege_nothing_is_told_of_a_path(bench, places, operator):
    """Neither whether there is a file nor what it is."""
    bench.admin.execute(f"REVOKE pg_read_server_files, pg_write_server_files FROM {OWNER}")
    errors = set()
    for path in (GOOD, "link", "sub", "pipe", "none"):
        if operator == "csv":
            definition = steps(path, columns=COLUMNS)
        else:
            read = {"id": "read", "operator": "sql", "params": {"query": "SELECT id, name FROM w.rows"}}
            save = {"path": path, "format": "csv"}
            definition = json.dumps([read, {"id": "save", "operator": "file", "params": save, "depends_on": ["read"]}])
        error = refusal(bench, definition)
        errors.add((error.sqlstate, error.diag.message_primary))
    ((state, _),) = errors
    assert state == REFUSED
