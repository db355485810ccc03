"""Files that are replaced between two runs, or while a run is under way, and files that are bad throughout."""

import os

import pytest
from file_pipelines import create, outcome, run, run_watched, steps

HEADER = "id,name,age\n"
COLUMNS = {"id": "int", "name": "text", "age": "int"}
WHOLE = {"id": "last", "operator": "dedupe", "params": {"keys": ["id"]}, "depends_on": ["extract"]}  # wants all rows
MOST_KB = 20_000


def people(first: int, last: int, name: str = "n") -> str:
    return "".join(f"{i},{name}{i},1\n" for i in range(first, last + 1))


def names(bench) -> str:
    return bench.one("SELECT string_agg(name, ' ' ORDER BY id) FROM w.people")


def incremental(bench) -> None:
    create(bench, steps("a.csv", columns=COLUMNS), mode="incremental", options='{"settle": "0s"}')


def overwrite(path, text: str) -> None:
    """The same file, as cp(1) leaves it: its inode stays."""
    inode = path.stat().st_ino
    path.write_text(text)
    assert path.stat().st_ino == inode


def test_another_file_under_the_same_inode_is_read_anew(bench, folder):
    (folder / "a.csv").write_text(HEADER + people(1, 2))
    incremental(bench)
    assert run(bench) == "succeeded"
    overwrite(folder / "a.csv", HEADER + people(11, 15))
    assert run(bench) == "succeeded"
    assert names(bench) == "n1 n2 n11 n12 n13 n14 n15"
    with open(folder / "a.csv", "a", encoding="utf-8") as file:
        file.write(people(16, 16))
    assert run(bench) == "succeeded"
    assert bench.one("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1") == 1


@pytest.mark.parametrize("differs", ("first", "last"))
def test_long_files_are_told_apart_by_their_first_and_last_bytes(bench, folder, differs):
    """The 4 KiB at the other end are alike, and the new one is longer."""

    def text(name: str) -> str:
        parts = {"first": "n", "last": "n"} | {differs: name}
        return HEADER + people(1, 500, parts["first"]) + people(1001, 1500, parts["last"])

    (folder / "a.csv").write_text(text("old"))
    incremental(bench)
    assert run(bench) == "succeeded"
    overwrite(folder / "a.csv", text("new") + people(1501, 1501))
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.people WHERE name LIKE 'new%'") == 500


def stop_in_the_middle(bench, folder) -> None:
    """A run that has failed behind its second batch of 100, in a pattern's only file."""
    (folder / "a.csv").write_text(HEADER + people(1, 250) + "251,bad,x\n" + people(252, 400))
    create(bench, steps("a*.csv", columns=COLUMNS))
    assert run(bench)[0] == "failed"
    assert bench.one("SELECT count(*) FROM w.people") == 200


def retry(bench):
    number = bench.one("SELECT etl.retry('p')")
    return outcome(bench, number, bench.ends(number))


def test_a_retry_goes_on_in_the_mended_rest_of_a_file(bench, folder):
    stop_in_the_middle(bench, folder)
    with open(folder / "a.csv", "r+", encoding="utf-8") as file:
        text = file.read().replace("251,bad,x\n", "251,mended,51\n")
        file.seek(0)
        file.write(text)
    assert retry(bench) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.people") == 400


@pytest.mark.parametrize("change", ("other", "shorter", "gone"))
def test_a_retry_in_another_file_is_refused(bench, folder, change):
    stop_in_the_middle(bench, folder)
    if change == "gone":
        os.remove(folder / "a.csv")
        (folder / "a_b.csv").write_text(HEADER + people(1, 1))
    else:
        (folder / "a.csv").write_text(HEADER + people(2000, 3000 if change == "other" else 2010))
    assert retry(bench)[:2] == ("failed", "55000")
    assert bench.one("SELECT count(*) FROM w.people") == 200
    bench.one("SELECT etl.reset('p')")
    assert run(bench) == "succeeded"


def test_a_file_that_is_bad_throughout_is_given_up_early(bench, folder):
    """No more than max_dead_letters of its lines wait in memory, in pages as in a whole set."""
    (folder / "a.csv").write_text(HEADER + "1,2\n" * 200_000)
    for definition in (steps("a.csv", columns=COLUMNS), steps("a.csv", WHOLE, columns=COLUMNS)):
        create(bench, definition, options='{"on_error": "quarantine", "max_dead_letters": 50}')
        (status, code, message), peak = run_watched(bench)
        assert (status, code) == ("failed", "PE030"), message
        assert peak < MOST_KB, f"the worker held {peak} kB"
        assert bench.one("SELECT count(*) <= 51 FROM etl.dead_letters")
        bench.one("SELECT etl.drop_pipeline('p')")


@pytest.mark.parametrize("steps_between", ([], [WHOLE]), ids=["pages", "whole"])
def test_bad_lines_that_are_long(bench, folder, steps_between):
    """Those of a page are few, so that they never take much; those of a whole set may take 256 MB, however few they are."""
    with open(folder / "a.csv", "w", encoding="utf-8") as file:
        file.write(HEADER)
        file.writelines(f"{i},{'x' * 14_000_000},bad\n" for i in range(20))
    create(bench, steps("a.csv", *steps_between, columns=COLUMNS), options='{"on_error": "quarantine"}')
    end = run(bench)
    if steps_between:
        assert end[:2] == ("failed", "54000")
    else:
        assert (end, bench.one("SELECT count(*) FROM etl.dead_letters")) == ("succeeded", 20)


def test_the_header_is_in_the_encoding_of_the_file(bench, folder):
    (folder / "a.csv").write_bytes("id,prénom,age\n1,Zoë,3\n".encode("latin-1"))
    renamed = {
        "id": "named",
        "operator": "rename_columns",
        "params": {"columns": {"prénom": "name"}},
        "depends_on": ["extract"],
    }
    for columns in ({"id": "int", "prénom": "text", "age": "int"}, None):
        extra = {} if columns is None else {"columns": columns}
        create(bench, steps("a.csv", renamed, encoding="LATIN1", **extra))
        assert run(bench) == "succeeded"
        assert names(bench) == "Zoë"
        bench.admin.execute("TRUNCATE w.people; SELECT etl.drop_pipeline('p')")


def test_the_null_text_is_in_the_encoding_of_the_file(bench, folder):
    (folder / "a.csv").write_bytes("id,name,age\n1,é,3\n2,e,4\n".encode("latin-1"))
    create(bench, steps("a.csv", encoding="LATIN1", null="é"))
    assert run(bench) == "succeeded"
    assert bench.one("SELECT string_agg(coalesce(name, '-'), ' ' ORDER BY id) FROM w.people") == "- e"
    assert bench.one("SELECT count(*) FROM etl.explain('p') AS l WHERE l LIKE '-> extract (csv), files%'") == 1
