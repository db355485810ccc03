"""Runs that are one batch: after a crash the target is as it was, or as the run makes it; nobody ever sees a part of it."""

import pytest
from crash_server import OWNER
from matrix import Cell
from moves import Move, create, differences, run_move

ROWS = 2000
WIDTH = 20  # so that replace puts a new file in place of the old one
# The target before the run has the rows from OLD on, up to LAST: some are written over, and some are no longer delivered.
OLD, LAST = 1900, 2100
BELOW = 2050  # where the range of replace_range ends
SOURCE = "SELECT id, value FROM moved.source"
OLD_ROWS = f"SELECT n AS id, 'old' AS value FROM generate_series({OLD}, {LAST}) n"


class OneBatch(Move):
    def __init__(self, columns: str, seen: str, wanted: str, again: str | None = None, **params):
        """`seen` are the columns that are compared, `wanted` is what they hold after one run; and `again` after two."""
        self.columns = columns
        self.seen = f"SELECT {seen} FROM moved.target"
        self.wanted = wanted
        self.again = again or wanted
        self.params = params

    def setup(self, admin, crash):
        admin.execute(f"""
            CREATE TABLE moved.source (id bigint PRIMARY KEY, value text);
            INSERT INTO moved.source SELECT n, repeat(md5(n::text), {WIDTH}) FROM generate_series(1, {ROWS}) n;
            CREATE TABLE moved.target ({self.columns});
            INSERT INTO moved.target (id, value) {OLD_ROWS};
            CREATE TABLE moved.before AS {self.seen};
            ALTER TABLE moved.source OWNER TO {OWNER}; ALTER TABLE moved.target OWNER TO {OWNER};
            ANALYZE moved.source, moved.target""")
        # In pages, those modes that know them would take ten.
        create(admin, "sql", {"query": SOURCE}, {"target": "moved.target", **self.params}, batch=2 * ROWS)

    def look(self, admin):
        admin.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        seen = [differences(admin, wanted, self.seen) for wanted in ("TABLE moved.before", self.wanted)]
        admin.execute("COMMIT")
        assert (0, 0) in seen, seen

    def check(self, admin):
        assert differences(admin, self.wanted, self.seen) == (0, 0)
        assert admin.execute("SELECT count(*) FROM etl.batches").fetchone() == (1,)

    def check_again(self, admin):
        assert differences(admin, self.again, self.seen) == (0, 0)


KEYED = "id bigint PRIMARY KEY, value text"
HISTORY = (
    "id bigint, value text, valid_from timestamptz DEFAULT '2026-01-01', valid_to timestamptz,"
    " is_current bool DEFAULT true, PRIMARY KEY (id, valid_from)"
)
MODES = {
    "append": lambda: OneBatch(
        "id bigint, value text",
        "id, value",
        f"{OLD_ROWS} UNION ALL {SOURCE}",
        f"{OLD_ROWS} UNION ALL {SOURCE} UNION ALL {SOURCE}",
        write_mode="append",
    ),
    "replace": lambda: OneBatch(KEYED, "id, value", SOURCE, write_mode="replace"),
    "replace_range": lambda: OneBatch(
        KEYED,
        "id, value",
        f"{SOURCE} UNION ALL SELECT * FROM ({OLD_ROWS}) o WHERE id >= {BELOW}",
        write_mode="replace_range",
        range={"column": "id", "from": "1", "to": str(BELOW)},
    ),
    "soft_delete": lambda: OneBatch(
        f"{KEYED}, is_deleted bool NOT NULL DEFAULT false",
        "id, value, is_deleted",
        f"SELECT id, value, false FROM moved.source UNION ALL SELECT id, value, true FROM ({OLD_ROWS}) o WHERE id > {ROWS}",
        write_mode="soft_delete",
    ),
    "scd2": lambda: OneBatch(
        HISTORY,
        "id, value, is_current, valid_to IS NULL",
        "SELECT id, value, true, true FROM moved.source"
        f" UNION ALL SELECT id, value, id > {ROWS}, id > {ROWS} FROM ({OLD_ROWS}) o",
        write_mode="scd2",
    ),
}


@pytest.mark.parametrize("kind", ("sigterm", "sigkill", "postmaster"))
@pytest.mark.parametrize("mode", sorted(MODES))
def test_the_checkpoint_is_not_committed(crash_servers, mode, kind):
    run_move(crash_servers(kind, True), MODES[mode](), Cell(12, kind, passage=1))


@pytest.mark.parametrize("mode", sorted(MODES))
def test_an_error_behind_the_commit(crash_servers, mode):
    """The batch is not done again: of no rows it would sweep the whole target."""
    run_move(crash_servers("error", True), MODES[mode](), Cell(13, "error", passage=1))


@pytest.mark.parametrize("point, kind", [(8, "sigkill"), (12, "error"), (13, "sigkill"), (13, "postmaster")])
def test_replace(crash_servers, point, kind):
    run_move(crash_servers(kind, True), MODES["replace"](), Cell(point, kind, passage=1))
