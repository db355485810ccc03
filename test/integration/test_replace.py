"""Write mode replace: a new file in place of the old one makes nobody wait, and nobody sees a part of it."""

import pytest
from file_pipelines import create, run

ROWS = 30000
STEPS = """[{"id": "read", "operator": "table", "params": {"table": "w.t_source"}},
  {"id": "save", "operator": "table", "params": {"target": "w.t_target", "write_mode": "replace"}, "depends_on": ["read"]}]"""
SEEN = "SELECT count(*), count(DISTINCT value) FROM w.t_target"


@pytest.fixture
def whole(bench):
    bench.tables(ROWS)
    create(bench, STEPS)
    assert run(bench) == "succeeded" and bench.same()
    return bench


def file(bench):
    return bench.admin.execute("SELECT pg_relation_filenode('w.t_target')").fetchone()[0]


def replaced(bench):
    """A run that changes all rows: whether the target has another file behind it."""
    bench.admin.execute("UPDATE w.t_source SET value = value || '.'")
    before = file(bench)
    assert run(bench) == "succeeded" and bench.same()
    return file(bench) != before


def test_a_new_file_takes_the_old_ones_place(whole):
    assert replaced(whole)


def test_who_reads_is_not_waited_for(whole):
    with whole.owner() as reader:
        seen = reader.execute(SEEN).fetchone()
        reader.execute("BEGIN")
        reader.execute(SEEN)
        assert not replaced(whole)
        assert reader.execute(SEEN).fetchone() == seen == (ROWS, ROWS)
        reader.execute("ROLLBACK")
    assert replaced(whole)


def test_who_writes_is_not_waited_for(whole):
    with whole.owner() as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO w.t_target (id, value) VALUES (-1, 'not committed')")
        before = file(whole)
        whole.admin.execute("UPDATE w.t_source SET value = value || '.'")
        assert run(whole) == "succeeded" and whole.same() and file(whole) == before
        writer.execute("ROLLBACK")


def test_an_older_snapshot_finds_all_rows(whole):
    """Which it does not know: as they are now, and no empty table."""
    with whole.owner() as old:
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM w.t_source")
        assert replaced(whole)
        assert old.execute(SEEN).fetchone() == (ROWS, ROWS)
        old.execute("COMMIT")


def test_whose_changes_are_decoded_is_written_in_place(whole):
    whole.admin.execute("SELECT pg_create_logical_replication_slot('w_replace', 'test_decoding')")
    try:
        assert not replaced(whole)
    finally:
        whole.admin.execute("SELECT pg_drop_replication_slot('w_replace')")
    assert replaced(whole)
