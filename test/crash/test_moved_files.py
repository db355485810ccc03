"""Files: no line of a source is lost, taken twice or refused twice; a sink's file is the old one or the new one, whole."""

import contextlib
import io
import threading
import zipfile

import pytest
from crash_server import KINDS, OWNER
from harness.places import hand_over
from matrix import DEAD_LETTERS, Cell
from moves import Move, create, differences, run_again, run_move

ROWS = 1000
CRASHES = ("sigkill", "postmaster")
GROWN = 450  # of which so many were there before
COLUMNS = {"id": "int", "value": "text"}


def line(number: int) -> str:
    """Of each hundred lines one is too short, one has no number, and one breaks the target's constraint."""
    values = {7: f"{number}", 57: f"no {number},x", 91: f"{number},poison {number}"}
    return values.get(number % 100, f"{number},value {number}") + "\n"


class CsvLines(Move):
    """Lines into a table without a key, so that one taken twice shows; bad ones become dead letters."""

    mode = "full"
    there = ROWS  # lines, when the run begins to which the fault is done
    read = ROWS
    dead = 3 * ROWS // 100

    def setup(self, admin, crash):
        self.path = crash.files / "lines.csv"
        self.write("id,value\n" + "".join(line(number) for number in range(1, self.there + 1)))
        save = {"target": self.make_target(admin, crash), "write_mode": "append"}
        create(admin, "csv", {"path": self.path.name, "columns": COLUMNS}, save, mode=self.mode, on_error="quarantine")

    def make_target(self, admin, crash) -> str:
        admin.execute(f"""
            CREATE TABLE moved.target (id int, value text CHECK (value !~ 'poison'));
            ALTER TABLE moved.target OWNER TO {OWNER}""")
        return "moved.target"

    def differences(self, admin, wanted: str) -> tuple:
        return differences(admin, wanted, "TABLE moved.target")

    def write(self, text: str, mode: str = "w") -> None:
        with open(self.path, mode, encoding="utf-8") as file:
            file.write(text)
        hand_over(self.path)

    def wanted(self) -> str:
        return (
            f"SELECT n AS id, 'value ' || n AS value FROM generate_series(1, {ROWS}) n WHERE n % 100 NOT IN (7, 57, 91)"
        )

    def check(self, admin):
        assert self.differences(admin, self.wanted()) == (0, 0)

    def check_again(self, admin):
        """All is appended once more: a run of mode full begins at the beginning."""
        twice = f"{self.wanted()} UNION ALL {self.wanted()}"
        assert self.differences(admin, twice) == (0, 0)


class GrownCsvLines(CsvLines):
    """The same file, of which an earlier run has taken what was there; the last line was not yet whole."""

    mode = "incremental"
    there = GROWN

    def setup(self, admin, crash):
        super().setup(admin, crash)
        half = line(GROWN + 1)[:-3]
        self.write(half, "a")
        run_again(admin)
        assert admin.execute("SELECT rows_read FROM etl.runs").fetchone() == (GROWN,)
        rest = "".join(line(number) for number in range(GROWN + 1, ROWS + 1))
        self.write(rest[len(half) :], "a")

    def check_again(self, admin):
        self.check(admin)
        assert admin.execute("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1").fetchone() == (0,)


class FileSink(Move):
    """A table into a file that exists; a reader looks at it all the time."""

    read = ROWS

    def __init__(self, kind: str):
        self.kind = kind
        self.seen = []
        self.over = threading.Event()
        self.reader = threading.Thread(target=self.look_all_the_time, daemon=True)

    def setup(self, admin, crash):
        admin.execute(f"""
            CREATE TABLE moved.source AS SELECT n AS id, md5(n::text) AS value FROM generate_series(1, {ROWS}) n;
            ALTER TABLE moved.source OWNER TO {OWNER}""")
        self.directory = crash.files / self.kind
        self.directory.mkdir(exist_ok=True)
        hand_over(self.directory)
        for leftover in self.directory.iterdir():
            leftover.unlink()
        self.path = self.directory / f"out.{self.kind}"
        self.path.write_bytes(b"what was there")
        hand_over(self.path)
        save = {"operator": "file", "path": f"{self.kind}/{self.path.name}", "format": self.kind}
        create(admin, "sql", {"query": "SELECT id, value FROM moved.source ORDER BY id"}, save)
        rows = admin.execute("SELECT id || ',' || value FROM moved.source ORDER BY id").fetchall()
        self.new = "id,value\n" + "".join(f"{row}\n" for (row,) in rows)
        self.reader.start()

    def look_all_the_time(self) -> None:
        while not self.over.wait(0.002):
            content = self.path.read_bytes()
            if not self.seen or self.seen[-1] != content:
                self.seen.append(content)

    def is_new(self, content: bytes) -> bool:
        if self.kind == "csv":
            return content == self.new.encode()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.testzip() is None and archive.read("xl/worksheets/sheet1.xml").count(b"<row ") == ROWS + 1

    def check(self, admin):
        assert self.is_new(self.path.read_bytes())
        assert [path.name for path in self.directory.iterdir()] == [self.path.name]
        files = admin.execute("SELECT files FROM etl.runs ORDER BY id DESC LIMIT 1").fetchone()[0]
        size = self.path.stat().st_size
        path = f"{self.kind}/{self.path.name}"
        assert files == [{"step": "save", "path": path, "status": "written", "rows": ROWS, "bytes": size}]

    def check_again(self, admin):
        self.check(admin)
        assert self.seen[0] == b"what was there" and all(self.is_new(content) for content in self.seen[1:])

    def close(self):
        self.over.set()
        self.reader.join()


@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_which_some_are_dead_letters(crash_servers, kind):
    run_move(crash_servers(kind, True), CsvLines(), Cell(DEAD_LETTERS, kind, passage=5))


@pytest.mark.parametrize("kind", CRASHES)
def test_lines(crash_servers, kind):
    run_move(crash_servers(kind, True), CsvLines(), Cell(12, kind, passage=3))


@pytest.mark.parametrize("point, kind", [(8, kind) for kind in CRASHES] + [(13, kind) for kind in KINDS])
def test_lines_of_a_file_that_grew(crash_servers, point, kind):
    run_move(crash_servers(kind, True), GrownCsvLines(), Cell(point, kind, passage=3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", [8, 12])
def test_written_file(crash_servers, point, kind):
    run_file_sink(crash_servers(kind, True), "csv", Cell(point, kind, passage=1))


@pytest.mark.parametrize("point", [8, 12])
def test_written_workbook(crash_servers, point):
    run_file_sink(crash_servers("sigkill", True), "xlsx", Cell(point, "sigkill", passage=1))


def run_file_sink(crash, kind, cell):
    with contextlib.closing(FileSink(kind)) as move:
        run_move(crash, move, cell)
