"""Sources json and xlsx: in every way that a pipeline is looked at and run, typed, remembered, with steps behind them."""

import datetime
import gzip
import json
import re
import zipfile

import openpyxl
import pytest
from file_pipelines import alter, create, detail, letters, refusal, refused, run, steps
from workbench import OWNER

ITEMS = "CREATE TABLE w.items (id bigint PRIMARY KEY, name text, n numeric, ok boolean, data jsonb, at timestamp)"
ROWS = "SELECT count(*) || ' ' || sum(id) FROM w.people"
LAST_READ = "SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1"
QUALITY = {
    "id": "quality",
    "operator": "check",
    "params": {"rules": [{"rule": "range", "column": "age", "min": 0}], "severity": "quarantine"},
    "depends_on": ["extract"],
}


@pytest.fixture
def items(bench, folder):
    bench.admin.execute(f"{ITEMS}; ALTER TABLE w.items OWNER TO {OWNER}")
    return folder


def json_steps(path, *between, target="w.people", **params):
    return steps(path, *between, operator="json", target=target, **params)


def xlsx_steps(path, *between, target="w.people", **params):
    return steps(path, *between, operator="xlsx", target=target, **params)


def write_lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def people(count):
    return [{"id": i, "name": f"n{i}", "age": 20 + i % 50, "pay": i + 0.5} for i in range(1, count + 1)]


def typed(bench):
    """The types that the source shows, by column."""
    return dict(
        bench.admin.execute("SELECT key, jsonb_typeof(value) FROM etl.preview('p', 1) r, jsonb_each(r)").fetchall()
    )


def looked_at(bench, rows):
    """Before any run: preview, dry_run and explain know what the run will do."""
    assert bench.one("SELECT count(*) FROM etl.preview('p', 5)") == min(rows, 5)
    assert bench.one("SELECT count(*) FROM etl.dry_run('p') WHERE action = 'insert'") == min(rows, 100)
    assert "files, one after the other" in bench.one("SELECT string_agg(l, '') FROM etl.explain('p') AS l")


# json


def test_lines_are_typed_and_streamed(bench, folder):
    born = [{**one, "born": f"2001-01-{1 + one['id'] % 28:02}"} for one in people(1000)]
    write_lines(folder / "people.ndjson", born)
    assert refused(bench, json_steps("people.ndjson")) == "42804"  # a string is text, whatever it looks like
    columns = {"born": "date", "id": "int", "name": "text", "pay": "numeric"}
    create(bench, json_steps("people.ndjson", columns=columns), batch_size=100)
    looked_at(bench, 1000)
    assert run(bench) == "succeeded"
    assert (
        bench.one("SELECT count(*) || ' ' || sum(pay) || ' ' || max(born) FROM w.people") == "1000 501000.0 2001-01-28"
    )
    assert bench.one("SELECT count(*) FROM etl.batches") == 10
    assert bench.one("SELECT rows_out FROM etl.step_runs WHERE step = 'extract'") == 1000
    assert bench.one("SELECT count(*) FROM etl.dry_run('p') WHERE action = 'unchanged'") == 100


def test_arrays_alone_and_inside_of_a_document(bench, folder):
    (folder / "alone.json").write_text(json.dumps(people(250), indent=1))
    (folder / "inside.json").write_text(
        json.dumps({"meta": {"items": [0]}, "data": {"count": 3, "items": people(3), "next": None}, "more": [{"a": 1}]})
    )
    create(bench, json_steps("alone.json", format="array"))
    looked_at(bench, 250)
    assert run(bench) == "succeeded" and bench.one(ROWS) == "250 31375"
    bench.admin.execute("TRUNCATE w.people")
    for path in ("data.items", "$.data.items"):
        definition = json.loads(json_steps("inside.json", format="array", records=path))
        alter(bench, steps=definition)
        assert bench.one("SELECT count(*) FROM etl.preview('p', 10)") == 3
        assert run(bench) == "succeeded" and bench.one(ROWS) == "3 6"


def test_records_that_lead_nowhere(bench, folder):
    (folder / "inside.json").write_text(json.dumps({"data": {"items": people(3), "text": "x"}}))
    wrong = refusal(bench, json_steps("inside.json", records="data.items"))
    assert wrong.sqlstate == "22023" and '"records"' in str(wrong) and "array" in wrong.diag.message_hint
    for path in ("", "data..items", ".data", "data.items[0]", "$.data.*", "data."):
        state = refused(bench, json_steps("inside.json", format="array", records=path, columns={"id": "int"}))
        assert state == "22023", path
    create(bench, json_steps("inside.json", format="array", records="data.text", columns={"id": "int"}))
    status, code, message = run(bench)
    assert (status, code) == ("failed", "22P02") and "data.text" in message
    alter(bench, steps=json.loads(json_steps("inside.json", format="array", records="$", columns={"id": "int"})))
    status, code, message = run(bench)
    assert (status, code) == ("failed", "22P02"), message


def test_patterns_and_gzip(bench, folder):
    write_lines(folder / "a1.ndjson", people(2))
    (folder / "a2.ndjson.gz").write_bytes(
        gzip.compress(b'{"id":3,"name":"drei"}\n') + gzip.compress(b'{"id":4,"name":null}')
    )
    write_lines(folder / "b.ndjson", [{"id": 9}])
    create(bench, json_steps("a*"))
    assert run(bench) == "succeeded"
    assert bench.admin.execute("SELECT id, name FROM w.people ORDER BY id").fetchall() == [
        (1, "n1"),
        (2, "n2"),
        (3, "drei"),
        (4, None),
    ]


def test_what_a_member_may_be(bench, items):
    digits = "123456789012345678901234567890.123456789012345678901234567890"
    nested = {"a": [1, {"b": None}], "ü": "😀"}
    (items / "x.ndjson").write_text(
        f'{{"id": 1, "name": "é \\u00e9 😀 \\ud83d\\ude00 \\"q\\" \\n", "n": {digits}, "ok": true, "data": {json.dumps(nested)}}}\n'
        '{"ok": false, "id": 2, "other": [1], "n": -1E2}\n\n'
        f'{{"id": 3, "name": "", "n": {"9" * 30}, "data": [1.10, 1e400]}}\n',
        encoding="utf-8",
    )
    declared = {"id": "bigint", "name": "text", "n": "numeric", "ok": "boolean", "data": "jsonb"}
    create(bench, json_steps("x.ndjson", target="w.items", columns=declared))
    assert run(bench) == "succeeded"
    rows = bench.admin.execute("SELECT id, name, n::text, ok, data::text FROM w.items ORDER BY id").fetchall()
    assert rows[0][:4] == (1, 'é é 😀 😀 "q" \n', digits, True) and json.loads(rows[0][4]) == nested
    assert rows[1] == (2, None, "-100", False, None)
    assert rows[2][:4] == (3, "", "9" * 30, None) and rows[2][4].startswith("[1.10, 1000")
    (items / "i.ndjson").write_text(f'{{"id": 4, "name": "i", "n": {digits}, "ok": true, "data": {{"a": [1]}}}}\n')
    alter(bench, steps=json.loads(json_steps("i.ndjson", target="w.items")))
    assert typed(bench) == {"id": "number", "name": "string", "n": "number", "ok": "boolean", "data": "object"}
    assert run(bench) == "succeeded" and bench.one("SELECT n::text FROM w.items WHERE id = 4") == digits


def test_lines_that_are_added_are_read_on_and_an_array_is_read_anew(bench, folder):
    write_lines(folder / "a.ndjson", people(2))
    create(bench, json_steps("*.ndjson"), mode="incremental", options='{"settle": "0s"}')
    assert run(bench) == "succeeded" and bench.one(ROWS) == "2 3"
    assert run(bench) == "succeeded" and bench.one(LAST_READ) == 0
    with open(folder / "a.ndjson", "a", encoding="utf-8") as file:
        file.write('{"id": 3, "name": "three"}\n')
    write_lines(folder / "0.ndjson", [{"id": 4, "name": "four"}])
    assert run(bench) == "succeeded" and bench.one(LAST_READ) == 2 and bench.one(ROWS) == "4 10"
    bench.admin.execute("SELECT etl.drop_pipeline('p'); TRUNCATE w.people")
    (folder / "a.json").write_text(json.dumps(people(2)))
    create(bench, json_steps("*.json", format="array"), mode="incremental", options='{"settle": "0s"}')
    assert run(bench) == "succeeded" and bench.one(ROWS) == "2 3"
    assert run(bench) == "succeeded" and bench.one(LAST_READ) == 0
    (folder / "a.json").write_text(json.dumps([{**one, "name": "new"} for one in people(3)]))
    assert run(bench) == "succeeded" and bench.one(LAST_READ) == 3
    assert bench.one("SELECT string_agg(name, ' ') FROM w.people") == "new new new"


def test_a_line_without_its_end_waits_until_the_file_has_settled(bench, folder):
    (folder / "a.ndjson").write_text('{"id": 1, "name": "one"}\n{"id": 2, "name": "tw')
    create(bench, json_steps("a.ndjson"), mode="incremental", options='{"settle": "1h"}')
    assert run(bench) == "succeeded" and bench.one(ROWS) == "1 1"
    with open(folder / "a.ndjson", "a", encoding="utf-8") as file:
        file.write('o"}\n')
    assert run(bench) == "succeeded" and bench.one("SELECT name FROM w.people WHERE id = 2") == "two"


def test_bad_lines_fail_with_their_place_or_become_dead_letters(bench, folder):
    bad = ['{"id": 1, "name": "one"}', '{"id": 2,', '{"id": "x"}', "[1]", '{"id": 5, "name": "a\\u0000"}', '{"id": 6}']
    (folder / "bad.ndjson").write_text("\n".join(bad) + "\n")
    create(bench, json_steps("bad.ndjson", columns={"id": "int", "name": "text"}))
    status, code, message = run(bench)
    assert (status, code) == ("failed", "22P02"), message
    assert 'line 2 of "bad.ndjson"' in detail(bench) and '{"id": 2,' in detail(bench)
    alter(bench, options={"on_error": "quarantine"})
    assert run(bench) == "succeeded" and bench.one(ROWS) == "2 7"
    assert sorted(letters(bench), key=lambda letter: letter[1]) == [
        ("22P02", 2, bad[1]),
        ("22P02", 3, bad[2]),
        ("22P02", 4, bad[3]),
        ("22P05", 5, bad[4]),
    ]
    assert bench.one("SELECT DISTINCT original_record ->> '_file' FROM etl.dead_letters") == "bad.ndjson"
    assert bench.one("SELECT rows_read || ' ' || rows_dead FROM etl.runs ORDER BY id DESC LIMIT 1") == "6 4"


def test_steps_behind_json(bench, folder):
    write_lines(folder / "p.ndjson", [*people(8), {"id": 9, "age": None}, {"id": 10, "name": "ten", "age": -1}])
    clean = {
        "id": "clean",
        "operator": "clean_nulls",
        "params": {"columns": ["name"], "strategy": "constant", "value": "nobody"},
        "depends_on": ["quality"],
    }
    create(bench, json_steps("p.ndjson", QUALITY, clean))
    assert bench.one("SELECT count(*) FROM etl.preview('p', 20)") == 9
    assert run(bench) == "succeeded"
    assert bench.one(ROWS) == "9 45" and bench.one("SELECT name FROM w.people WHERE id = 9") == "nobody"
    assert bench.one("SELECT step || ' ' || (original_record ->> 'id') FROM etl.dead_letters") == "quality 10"


# xlsx


def make_book(path, sheets):
    """sheets: {title: rows}."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def rewrite(path, part, change):
    """Replaces the text of a part of the workbook."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts[part] = change(parts[part].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in parts.items():
            book.writestr(name, data)


HEADER = ["id", "name", "age", "pay", "born"]


def staff(count):
    return [[i, f"n{i}", 20 + i % 50, i + 0.5, datetime.date(2001, 1, 1 + i % 28)] for i in range(1, count + 1)]


def test_a_sheet_by_name_number_and_range(bench, folder):
    make_book(folder / "b.xlsx", {"Notes": [["nothing here"]], "Staff ü": [HEADER, *staff(300)]})
    create(bench, xlsx_steps("b.xlsx", sheet="Staff ü"))
    looked_at(bench, 300)
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) || ' ' || sum(pay) || ' ' || max(born) FROM w.people") == "300 45300.0 2001-01-28"
    for params, rows in (
        ({"sheet": 2}, "300 45150"),
        ({"sheet": "2", "range": "A1:B11"}, "10 55"),
        ({"sheet": 2, "range": "A:C"}, "300 45150"),
    ):
        bench.admin.execute("TRUNCATE w.people")
        alter(bench, steps=json.loads(xlsx_steps("b.xlsx", **params)))
        assert run(bench) == "succeeded" and bench.one(ROWS) == rows, params
    bench.admin.execute("TRUNCATE w.people")
    columns = [{"name": "id", "type": "int"}, {"name": "name", "type": "text"}]
    alter(bench, steps=json.loads(xlsx_steps("b.xlsx", sheet=2, range="A3:B5", header=False, columns=columns)))
    assert run(bench) == "succeeded" and bench.one(ROWS) == "3 9"
    bench.admin.execute("SELECT etl.drop_pipeline('p')")
    for params in (
        {"sheet": "Missing"},
        {"sheet": 3},
        {"sheet": 2, "range": "nonsense"},
        {"sheet": 2, "range": "A3:B5", "header": False, "columns": {"id": "int", "name": "text"}},
    ):
        assert refused(bench, xlsx_steps("b.xlsx", **params)) == "22023", params


def test_what_a_cell_may_be(bench, items):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["id", "name", "n", "ok", "at", "day"])
    at = datetime.datetime(2024, 2, 29, 12, 30, 15)
    sheet.append([1, "é 😀\nline", 1234567890.25, True, at, datetime.date(1999, 12, 31)])
    sheet.append([2, "=1+1", None, False, None, None])
    sheet.append([3, "left of merged", 7, None, datetime.datetime(1900, 1, 1), None])
    sheet.merge_cells("B4:C4")
    book.save(items / "c.xlsx")
    rewrite(
        items / "c.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(r'<c r="B3"[^>]*>.*?</c>', '<c r="B3" t="str"><f>"tw"&amp;"o"</f><v>two</v></c>', xml),
    )
    shown = {"id": "derived", "operator": "drop_columns", "params": {"columns": ["day"]}, "depends_on": ["extract"]}
    create(bench, xlsx_steps("c.xlsx", shown, target="w.items"))
    assert typed(bench) == {"id": "number", "name": "string", "n": "number", "ok": "boolean", "at": "string"}
    assert run(bench) == "succeeded"
    assert bench.admin.execute("SELECT id, name, n, ok, at FROM w.items ORDER BY id").fetchall() == [
        (1, "é 😀\nline", 1234567890.25, True, at),
        (2, "two", None, False, None),
        (3, "left of merged", None, None, datetime.datetime(1900, 1, 1)),
    ]


def test_errors_and_formulas_without_a_value_are_bad_rows(bench, folder):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["id", "name"], [1, "one"], [2, "#N/A"], [3, "=NOW()"], [4, "four"]):
        sheet.append(row)
    sheet["B3"].data_type = "e"
    book.save(folder / "e.xlsx")
    create(bench, xlsx_steps("e.xlsx", columns={"id": "int", "name": "text"}))
    status, code, message = run(bench)
    assert (status, code) == ("failed", "22P02"), message
    assert 'line 3 of "e.xlsx"' in detail(bench)
    alter(bench, options={"on_error": "quarantine"})
    assert run(bench) == "succeeded" and bench.one(ROWS) == "2 5"
    found = letters(bench)
    assert [letter[:2] for letter in found] == [("22P02", 3), ("22P02", 4)] and "#N/A" in found[0][2]


def test_a_workbook_that_changes_is_read_anew(bench, folder):
    make_book(folder / "a1.xlsx", {"S": [HEADER, *staff(3)]})
    make_book(folder / "a2.xlsx", {"S": [HEADER, [4, "four"]]})
    create(bench, xlsx_steps("a?.xlsx"), mode="incremental", options='{"settle": "0s"}')
    assert run(bench) == "succeeded" and bench.one(ROWS) == "4 10"
    assert run(bench) == "succeeded" and bench.one(LAST_READ) == 0
    make_book(folder / "a2.xlsx", {"S": [HEADER, [4, "vier"], [5, "five"]]})
    assert run(bench) == "succeeded" and bench.one(LAST_READ) == 2 and bench.one(ROWS) == "5 15"


def test_steps_behind_xlsx(bench, folder):
    rows = [HEADER, [1, "one", 30], [2, None, 40], [3, "three", -5], [4, "four", None]]
    make_book(folder / "s.xlsx", {"S": rows})
    clean = {
        "id": "clean",
        "operator": "clean_nulls",
        "params": {"columns": ["age"], "strategy": "mean"},
        "depends_on": ["quality"],
    }
    create(bench, xlsx_steps("s.xlsx", QUALITY, clean, columns={"id": "int", "name": "text", "age": "int"}))
    assert bench.one("SELECT count(*) FROM etl.preview('p', 20)") == 3
    assert run(bench) == "succeeded" and bench.one(ROWS) == "3 7"
    assert bench.one("SELECT age FROM w.people WHERE id = 4") == 35
    assert bench.one("SELECT step FROM etl.dead_letters") == "quality"
