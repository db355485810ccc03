"""Files that mean harm: each ends in a clear error or a dead letter, and no worker grows beyond its limits."""

import gzip
import io
import json
import zipfile

import pytest
from file_pipelines import alter, create, letters, run, run_watched, steps
from harness.process import wait_until
from workbench import elapsed

PEOPLE = {"id": "int", "name": "text"}
KEEP = '{"on_error": "quarantine"}'
GIGABYTE = 1 << 30
RECORD_KB = 16 << 10  # etl.max_record_size
MOST_KB = 6 * RECORD_KB  # a worker with nothing to do has 10 MB, a record is held a few times


def make(bench, path, operator="csv", options="{}", **params):
    create(bench, steps(path, operator=operator, columns=PEOPLE, **params), options=options, batch_size=5000)


def ends(bench, sqlstate, part=""):
    """The run fails with that, within the worker's limits."""
    (status, code, message), peak = run_watched(bench)
    assert (status, code) == ("failed", sqlstate), message
    assert part in message, message
    assert peak < MOST_KB, f"the worker held {peak} kB"


def taken(bench):
    return bench.one("SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM w.people")


def member_of(text, times):
    """A gzip of so many times the text, without ever holding it."""
    return gzip.compress(text) * times


def long_line(path, first, last, packed):
    """A gigabyte between two good lines: a hole of NULs, or a gzip of x."""
    if packed:
        middle = member_of(b"x" * (1 << 20), GIGABYTE >> 20)
        path.write_bytes(gzip.compress(first) + middle + gzip.compress(b"\n" + last))
        return
    with open(path, "wb") as file:
        file.write(first)
        file.seek(GIGABYTE)
        file.write(b"\n" + last)


# json and csv


def test_json_of_depth_10000(bench, folder):
    deep = '{"id": 2, "name": ' + "[" * 10_000 + "]" * 10_000 + "}"
    (folder / "d.ndjson").write_text(f'{{"id": 1}}\n{deep}\n{{"id": 3}}\n')
    make(bench, "d.ndjson", "json")
    ends(bench, "54001")
    alter(bench, options={"on_error": "quarantine"})
    assert run(bench) == "succeeded" and taken(bench) == "1 3"
    assert letters(bench) == [("54001", 2, deep)]
    (folder / "d.json").write_text(f'[{{"id": 5}}, {deep}, {{"id": 7}}]')
    alter(bench, steps=json.loads(steps("d.json", operator="json", format="array", columns=PEOPLE)))
    assert run(bench) == "succeeded" and taken(bench) == "1 3 5 7"
    (folder / "open.json").write_text("[" * 10_000)
    alter(bench, steps=json.loads(steps("open.json", operator="json", format="array", columns=PEOPLE)))
    assert run(bench) == "succeeded" and letters(bench)[-1][0] == "22P02"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("operator", ["csv", "json"])
def test_a_line_of_a_gigabyte(bench, folder, operator, packed):
    first, last = (b"id,name\n1,a\n", b"3,c\n") if operator == "csv" else (b'{"id": 1}\n', b'{"id": 3}\n')
    long_line(folder / "long", first, last, packed)
    make(bench, "long", operator)
    ends(bench, "54000", "too long")
    alter(bench, options={"on_error": "quarantine"})
    status, peak = run_watched(bench)
    assert status == "succeeded" and taken(bench) == "1 3"
    assert peak < MOST_KB, f"the worker held {peak} kB"
    ((code, _, raw),) = letters(bench)
    assert code == "54000" and 100 <= len(raw) <= 2000


def test_an_element_of_a_gigabyte(bench, folder):
    long_line(folder / "a.json", b'[{"id": 1}, {"id": 2, "name": "', b'"}, {"id": 3}]', True)
    make(bench, "a.json", "json", KEEP, format="array")
    status, peak = run_watched(bench)
    assert status == "succeeded" and taken(bench) == "1 3" and peak < MOST_KB
    assert [letter[0] for letter in letters(bench)] == ["54000"]


def test_a_cancel_does_not_wait_for_the_end_of_a_line(bench, folder):
    (folder / "long.gz").write_bytes(member_of(b"x" * (1 << 20), 64 << 10))  # 64 GB
    make(bench, "long.gz", "json")
    number = bench.run()
    bench.worker_pid(number)
    with bench.owner() as owner:
        assert elapsed(lambda: (owner.execute("SELECT etl.cancel('p')"), bench.ends(number, 10))) < 3
    assert bench.status(number) == "cancelled"
    with bench.owner() as owner:  # nor does a definition that looks into the file
        owner.execute("SET statement_timeout = '1s'")
        held = {}

        def define():
            try:
                owner.execute(
                    "SELECT * FROM etl.validate_pipeline(%s)", (f'{{"steps": {steps("long.gz", operator="csv")}}}',)
                )
            except Exception as error:
                held["state"] = error.sqlstate

        assert elapsed(define) < 5 and held["state"] == "57014"


def test_a_gzip_that_is_cut_off_or_damaged(bench, folder):
    whole = gzip.compress(b"id,name\n" + b"".join(b"%d,n%d\n" % (i, i * 7919 % 10007) for i in range(1, 20001)))
    (folder / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    (folder / "damaged.csv.gz").write_bytes(damaged)
    (folder / "checksum.csv.gz").write_bytes(whole[:-8] + bytes(4) + whole[-4:])
    (folder / "behind.csv.gz").write_bytes(whole + b"something else")
    for name, part in (("cut", "cut off"), ("damaged", "damaged"), ("checksum", "damaged"), ("behind", "damaged")):
        make(bench, f"{name}.csv.gz", options=KEEP)
        ends(bench, "22P04", part)
        bench.admin.execute("SELECT etl.drop_pipeline('p')")


def test_a_gzip_bomb_streams(bench, folder):
    row = b"2," + b"x" * 4093 + b"\n"
    bomb = gzip.compress(b"id,name\n1,a\n") + member_of(row * 1024, 256)  # 1 GB in a few MB
    (folder / "bomb.csv.gz").write_bytes(bomb)
    assert len(bomb) < GIGABYTE / 100
    few = {"id": "few", "operator": "filter", "params": {"where": "id <> 2"}, "depends_on": ["extract"]}
    create(bench, steps("bomb.csv.gz", few, columns=PEOPLE), batch_size=5000)
    status, peak = run_watched(bench, 300)
    assert status == "succeeded" and taken(bench) == "1"
    assert bench.one("SELECT (position ->> 2)::int FROM etl.checkpoints") == 2 + 256 * 1024
    assert peak < MOST_KB, f"the worker held {peak} kB"


def test_bytes_that_are_no_utf8(bench, folder):
    (folder / "x.ndjson").write_bytes(b'{"id": 1}\n{"id": 2, "name": "a\xff"}\n{"id": 3, "name": "\xed\xa0\x80"}\n')
    make(bench, "x.ndjson", "json")
    ends(bench, "22021")
    alter(bench, options={"on_error": "quarantine"})
    assert run(bench) == "succeeded" and taken(bench) == "1"
    assert [letter[:2] for letter in letters(bench)] == [("22021", 2), ("22021", 3)]
    assert bytes.fromhex(letters(bench)[0][2]) == b'{"id": 2, "name": "a\xff"}'
    bench.admin.execute("SELECT etl.drop_pipeline('p')")
    (folder / "x.csv").write_bytes(b"id,name\n5,\xc3\xa9\n6,\xc3\n7,\xff\xfe\n8,z\n")
    make(bench, "x.csv")
    ends(bench, "22021")
    alter(bench, options={"on_error": "quarantine"})
    assert run(bench) == "succeeded" and taken(bench) == "1 5 8"
    assert [letter[:2] for letter in letters(bench)[-2:]] == [("22021", 3), ("22021", 4)]


def test_an_array_that_is_cut_in_the_middle(bench, folder):
    (folder / "cut.json").write_text('[{"id": 1, "name": "one"}, {"id": 2, "name": "tw')
    (folder / "more.json").write_text('[{"id": 3}] and more')
    (folder / "comma.json").write_text('[{"id": 4} {"id": 5}]')
    for name, rows in (("cut", "1"), ("more", "3"), ("comma", "4")):
        make(bench, f"{name}.json", "json", format="array")
        ends(bench, "22P02")
        alter(bench, options={"on_error": "quarantine"})
        bench.admin.execute("TRUNCATE w.people")
        assert run(bench) == "succeeded" and taken(bench) == rows, name
        assert letters(bench)[-1][0] == "22P02"
        bench.admin.execute("SELECT etl.drop_pipeline('p')")


# xlsx


MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = b'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
START = b'<?xml version="1.0" encoding="UTF-8"?>'
SHEET = "xl/worksheets/sheet1.xml"
RELATIONSHIPS = "xl/_rels/workbook.xml.rels"
STRINGS = "xl/sharedStrings.xml"
PARTS = {
    "_rels/.rels": b'<Relationships %s><Relationship Id="r1" Type="%s/officeDocument" Target="xl/workbook.xml"/>'
    b"</Relationships>" % (PACKAGE, OFFICE),
    RELATIONSHIPS: b'<Relationships %s><Relationship Id="r1" Type="%s/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
    b'<Relationship Id="r2" Type="%s/styles" Target="styles.xml"/>'
    b'<Relationship Id="r3" Type="%s/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    % (PACKAGE, OFFICE, OFFICE, OFFICE),
    "xl/workbook.xml": b'<workbook %s xmlns:r="%s"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
    % (MAIN, OFFICE),
    "xl/styles.xml": b'<styleSheet %s><cellXfs count="1"><xf numFmtId="0"/></cellXfs></styleSheet>' % MAIN,
    STRINGS: b"<sst %s><si><t>id</t></si><si><t>name</t></si><si><t>one</t></si></sst>" % MAIN,
    SHEET: b'<worksheet %s><sheetData><row r="1"><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
    b'<row r="2"><c><v>1</v></c><c t="s"><v>2</v></c></row>'
    b'<row r="3"><c><v>2</v></c><c t="inlineStr"><is><t>two</t></is></c></row></sheetData></worksheet>' % MAIN,
}


def workbook(changed=None, stored=False):
    """The bytes of a good workbook of two rows, with parts of it replaced or added."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, data in (PARTS | (changed or {})).items():
            archive.writestr(name, START + data if data else data)
    return packed.getvalue()


LAUGHS = b"<!DOCTYPE x [<!ENTITY a 'lol'>%s]>" % b"".join(
    b"<!ENTITY %c '%s'>" % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), ord("k"))
)
EXTERNAL = b"<!DOCTYPE x [<!ENTITY j SYSTEM 'file:///etc/passwd'>]>"


def refuses(bench, folder, content, sqlstate, part=""):
    (folder / "x.xlsx").write_bytes(content)
    make(bench, "x.xlsx", "xlsx", KEEP)
    ends(bench, sqlstate, part)
    bench.admin.execute("SELECT etl.drop_pipeline('p')")


def test_the_good_workbook(bench, folder):
    (folder / "x.xlsx").write_bytes(workbook())
    make(bench, "x.xlsx", "xlsx")
    assert run(bench) == "succeeded" and taken(bench) == "1 2"


@pytest.mark.parametrize("part", sorted(PARTS))
def test_entities_are_refused(bench, folder, part):
    for evil in (LAUGHS, EXTERNAL):
        body = evil + PARTS[part].replace(b">one<", b">&j;<").replace(b">two<", b">&j;<")
        refuses(bench, folder, workbook({part: body}), "22P02", "DOCTYPE")


def test_zip_bombs_are_refused(bench, folder):
    head, tail = PARTS[SHEET].split(b"</sheetData>")
    for filler in (b" " * (200 << 20), b"<row/>" * (30 << 20), b"<!--" + b"x" * (200 << 20) + b"-->"):
        refuses(bench, folder, workbook({SHEET: head + filler + b"</sheetData>" + tail}), "54000", "packed too tightly")
    strings = PARTS[STRINGS].replace(b"</sst>", b"<si><t>x</t></si>" * (10 << 20) + b"</sst>")
    refuses(bench, folder, workbook({STRINGS: strings}), "54000", "packed too tightly")
    many = {f"xl/{n}.xml": b"" for n in range(11_000)}
    refuses(bench, folder, workbook(many), "54000", "too many entries")


def test_an_archive_over_the_limit_is_refused(bench, folder):
    head, tail = PARTS[SHEET].split(b"</sheetData>")
    rows = b"".join(b"<row><c><v>%d</v></c></row>" % (n * 7919 % 100_003) for n in range(100_000))
    large = workbook({SHEET: head + rows + b"</sheetData>" + tail})
    bench.server.reload(**{"etl.max_archive_size": "1MB"})
    try:
        wait_until(lambda: bench.one("SHOW etl.max_archive_size") == "1MB", 10, "the setting is read")
        refuses(bench, folder, large, "54000", "too large")
        refuses(
            bench, folder, workbook({SHEET: head + rows + b"</sheetData>" + tail}, stored=True), "54000", "too large"
        )
    finally:
        bench.server.reload(**{"etl.max_archive_size": "1GB"})
        wait_until(lambda: bench.one("SHOW etl.max_archive_size") == "1GB", 10, "the setting is back")


def test_damaged_archives_are_refused(bench, folder):
    good = workbook()
    directory = good.index(b"PK\x01\x02")
    broken = bytearray(good)
    broken[directory : directory + 4] = b"XXXX"
    refuses(bench, folder, bytes(broken), "22P04", "damaged")
    refuses(bench, folder, good[: len(good) // 2], "22P04", "damaged")
    refuses(bench, folder, good[:-4], "22P04", "damaged")
    refuses(bench, folder, b"", "22P04")
    refuses(bench, folder, b"id,name\n1,one\n", "22P04")
    body = bytearray(good)
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        info = archive.getinfo(SHEET)
        at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    body[at : at + 8] = bytes(8)
    refuses(bench, folder, bytes(body), "22P04")


def test_a_relationship_that_points_outside_finds_nothing(bench, folder):
    (folder / "outside.xml").write_bytes(PARTS[SHEET])
    good = PARTS[RELATIONSHIPS]
    for target in (b"../../outside.xml", b"/etc/passwd", b"file:///etc/passwd", b"../../../../../../etc/passwd"):
        evil = good.replace(b"/xl/worksheets/sheet1.xml", target)
        assert evil != good
        refuses(bench, folder, workbook({RELATIONSHIPS: evil}), "22P04", "no part")
    external = good.replace(b'Target="/xl/worksheets', b'TargetMode="External" Target="http://127.0.0.1/xl/worksheets')
    assert external != good
    refuses(bench, folder, workbook({RELATIONSHIPS: external}), "22023")
    absolute = dict.fromkeys(["../../../etc/cron.d/x", "/etc/cron.d/x"], b"x")
    (folder / "x.xlsx").write_bytes(workbook(absolute))  # names that nobody asks for
    make(bench, "x.xlsx", "xlsx")
    assert run(bench) == "succeeded" and taken(bench) == "1 2"
