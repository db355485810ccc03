"""The table sink as the crash matrix sees it: where the rows go, and how to tell that each arrived once."""

from crash_server import OWNER


class TableSink:
    """Rows (id, value) into moved.target of the pipeline's own database; `poison` rows break a CHECK constraint."""

    name = "table"
    target = "moved.target"

    def setup(self, admin) -> None:
        """As superuser, in a fresh database that has the source moved.source."""
        admin.execute(f"""
            CREATE TABLE moved.target (id bigint PRIMARY KEY, value text CHECK (value <> 'poison'), at timestamptz);
            ALTER TABLE moved.target OWNER TO {OWNER};
            SELECT etl.allow_target('moved.*', '{OWNER}')""")

    def compare(self, admin) -> tuple:
        """(lost, doubled or foreign): rows of the source missing from the target, rows of the target beside them."""
        good = "SELECT id, value, at FROM moved.source WHERE value <> 'poison'"
        lost = admin.execute(f"SELECT count(*) FROM ({good} EXCEPT ALL TABLE moved.target) d").fetchone()[0]
        more = admin.execute(f"SELECT count(*) FROM (TABLE moved.target EXCEPT ALL {good}) d").fetchone()[0]
        return lost, more

    def counters_are_exact(self) -> bool:
        """Whether rows_inserted counts each row once, whatever happened: one transaction holds both."""
        return True

    def close(self) -> None:
        """Nothing to be ended: the target goes with the database."""
