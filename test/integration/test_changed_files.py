"""Files that are replaced between two runs, or while a run is under way, and files that are bad throughout."""

import os

import pytest
from file_pipelines import create, outcome, run, steps

HEADER = "id,name,age\n"
COLUMNS = {"id": "int", "name": "text", "age": "int"}


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


def test_long_files_are_told_apart_by_their_last_bytes(bench, folder):
    """The first 4 KiB are alike, and the new one is longer."""
    (folder / "a.csv").write_text(HEADER + people(1, 500) + people(1001, 1500, "old"))
    incremental(bench)
    assert run(bench) == "succeeded"
    overwrite(folder / "a.csv", HEADER + people(1, 500) + people(1001, 1501, "new"))
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.people WHERE name LIKE 'new%'") == 501


def stop_in_the_middle(bench, folder) -> None:
    """A run that has failed behind its second batch of 100."""
    (folder / "a.csv").write_text(HEADER + people(1, 250) + "251,bad,x\n" + people(252, 400))
    create(bench, steps("a.csv", columns=COLUMNS))
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
    assert retry(bench)[:2] == ("failed", "58P01" if change == "gone" else "55000")
    assert bench.one("SELECT count(*) FROM w.people") == 200
    if change == "gone":
        return
    bench.one("SELECT etl.reset('p')")
    assert run(bench) == "succeeded"


def test_a_file_that_is_bad_throughout_is_given_up_early(bench, folder):
    """No more than max_dead_letters of its lines wait in memory, in pages as in a whole set."""
    (folder / "a.csv").write_text(HEADER + "1,2\n" * 200_000)
    whole = {"id": "last", "operator": "dedupe", "params": {"keys": ["id"]}, "depends_on": ["extract"]}
    for definition in (steps("a.csv", columns=COLUMNS), steps("a.csv", whole, columns=COLUMNS)):
        create(bench, definition, options='{"on_error": "quarantine", "max_dead_letters": 50}')
        status, code, message = run(bench)
        assert (status, code) == ("failed", "PE030"), message
        assert bench.one("SELECT count(*) <= 51 FROM etl.dead_letters")
        bench.one("SELECT etl.drop_pipeline('p')")


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
