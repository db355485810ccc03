"""Source csv: its params, one by one, as an operator of a pipeline."""

import gzip

import pytest
from file_pipelines import alter, create, letters, refused, refused_with, run, steps

IN_ORDER = [{"name": "id", "type": "int"}, {"name": "name", "type": "text"}, {"name": "age", "type": "int"}]
NAMED = {column["name"]: column["type"] for column in IN_ORDER}


def people(bench):
    return bench.admin.execute("SELECT id, name, age FROM w.people ORDER BY id").fetchall()


def arrives(bench, folder, content, **params):
    """What a run makes of the file, and of it alone."""
    (folder / "p.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    bench.admin.execute("SELECT etl.drop_pipeline(id) FROM etl.pipelines; TRUNCATE w.people")
    create(bench, steps("p.csv", **params))
    state = run(bench)
    assert state == "succeeded", state
    return people(bench)


def test_without_a_header_the_columns_come_in_their_order(bench, folder):
    """The first record is data, also when a run goes on behind it."""
    (folder / "p.csv").write_text("1,one,10\n2,two,\n3,age,30\n")
    create(bench, steps("p.csv", header=False, columns=IN_ORDER), mode="incremental", options='{"settle": "0s"}')
    assert bench.one("SELECT etl.preview('p', 1)") == {"id": 1, "name": "one", "age": 10}
    assert run(bench) == "succeeded"
    assert people(bench) == [(1, "one", 10), (2, "two", None), (3, "age", 30)]
    with open(folder / "p.csv", "a", encoding="utf-8") as file:
        file.write("4,four,40\n")
    assert run(bench) == "succeeded"
    assert bench.one("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1") == 1
    assert people(bench)[3] == (4, "four", 40)
    create(bench, steps("p.csv", header=False, columns=IN_ORDER[::-1]), name="swapped")
    assert bench.one("SELECT etl.preview('swapped', 1)") == {"age": 1, "name": "one", "id": 10}


def test_a_record_without_a_header_has_all_columns(bench, folder):
    (folder / "p.csv").write_text("1,one,10\n2,two\n3,three,30,more\n")
    create(bench, steps("p.csv", header=False, columns=IN_ORDER), options='{"on_error": "quarantine"}')
    assert run(bench) == "succeeded"
    assert people(bench) == [(1, "one", 10)]
    assert letters(bench) == [("22P04", 2, "2,two"), ("22P04", 3, "3,three,30,more")]


def test_columns_by_name_alone_have_no_order(bench, folder):
    (folder / "p.csv").write_text("1,one,10\n")
    state, message = refused_with(bench, steps("p.csv", header=False, columns=NAMED))
    assert state == "22023" and "columns" in message
    assert refused(bench, steps("p.csv", header=False)) in ("22023", "42703", "42804")


def test_without_quotes_a_quote_is_a_character(bench, folder):
    content = 'id,name,age\n1,"one,1\n2,t"w"o,2\n3,"",3\n4,,4\n'
    assert arrives(bench, folder, content, quote="", columns=NAMED) == [
        (1, '"one', 1),
        (2, 't"w"o', 2),
        (3, '""', 3),
        (4, None, 4),
    ]


def test_a_text_that_is_null_only_without_quotes(bench, folder):
    content = 'id,name,age\n1,NA,NA\n2,"NA",2\n3,,3\n4,NAN,4\n5,na,5\n6,"",6\n'
    assert arrives(bench, folder, content, null="NA", columns=NAMED) == [
        (1, None, None),
        (2, "NA", 2),
        (3, "", 3),
        (4, "NAN", 4),
        (5, "na", 5),
        (6, "", 6),
    ]


def test_types_are_inferred_from_what_is_not_null(bench, folder):
    assert arrives(bench, folder, "id,name,age\n1,a,NA\n2,b,2\n", null="NA") == [(1, "a", None), (2, "b", 2)]


def test_a_quoted_null_is_no_number(bench, folder):
    (folder / "p.csv").write_text('id,name,age\n1,a,NA\n2,b,"NA"\n3,c,\n')
    create(bench, steps("p.csv", null="NA", columns=NAMED), options='{"on_error": "quarantine"}')
    assert run(bench) == "succeeded" and people(bench) == [(1, "a", None)]
    assert letters(bench) == [("22P02", 3, '2,b,"NA"'), ("22P02", 4, "3,c,")]


def test_delimiters(bench, folder):
    for delimiter in ("\t", ";", "|", "a"):
        rows = [["1", "x,b", "10"], ["2", f'"x{delimiter}y"', ""], ["3", '"q ""q"" q"', "30"]]
        content = "".join(delimiter.join(row) + "\r\n" for row in rows)
        assert arrives(bench, folder, content, delimiter=delimiter, header=False, columns=IN_ORDER) == [
            (1, "x,b", 10),
            (2, f"x{delimiter}y", None),
            (3, 'q "q" q', 30),
        ], delimiter
    content = "id\tname\tage\n1\t a b \t1\n2\t\t\n"
    assert arrives(bench, folder, content, delimiter="\t") == [(1, " a b ", 1), (2, None, None)]


def test_params_that_are_refused(bench, folder):
    (folder / "p.csv").write_text("id,name\n1,one\n")
    for params in (
        {"delimiter": ""},
        {"delimiter": ";;"},
        {"delimiter": "é"},
        {"delimiter": "\n"},
        {"quote": "''"},
        {"quote": "é"},
        {"header": "no"},
        {"null": 0},
        {"separator": ";"},
    ):
        assert refused(bench, steps("p.csv", columns={"id": "int", "name": "text"}, **params)) == "22023", params


def test_a_gzip_of_two_members_is_one_file(bench, folder):
    """The first one ends within a record; only the first has a header."""
    first, second = "id,name,age\n1,one,10\n2,tw", "o,20\n3,three,30\n"
    packed = gzip.compress(first.encode()) + gzip.compress(second.encode())
    wanted = [(1, "one", 10), (2, "two", 20), (3, "three", 30)]
    assert arrives(bench, folder, packed) == wanted
    assert bench.one("SELECT rows_read FROM etl.runs") == 3


# The bytes of a text in the encodings that have it.
ENCODED = [
    ("LATIN1", "é ÿ ß ¤", b"\xe9 \xff \xdf \xa4"),
    ("WIN1252", "é € – œ", b"\xe9 \x80 \x96 \x9c"),
    ("LATIN9", "é €", b"\xe9 \xa4"),
    ("EUC_JP", "é 日本", b"\x8f\xab\xb1 \xc6\xfc\xcb\xdc"),
    ("UTF8", "é € 😀", "é € 😀".encode()),
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_fields_of_an_encoding(bench, folder, pack):
    for encoding, text, coded in ENCODED:
        content = b"id,name,age\n1," + coded + b',10\n2,"' + coded + b'",20\n3,plain,30\n'
        rows = arrives(bench, folder, pack(content), encoding=encoding)
        assert rows == [(1, text, 10), (2, text, 20), (3, "plain", 30)], encoding
        assert bench.one("SELECT octet_length(name) FROM w.people WHERE id = 1") == len(text.encode())
        assert bench.one("SELECT etl.preview('p', 1)")["name"] == text


def test_bytes_that_an_encoding_does_not_have(bench, folder):
    """81 stands for nothing in WIN1252; the letter keeps what the line was."""
    (folder / "p.csv").write_bytes(b"id,name,age\n1,\x80,1\n2,a\x81b,2\n3,c,3\n")
    create(bench, steps("p.csv", encoding="WIN1252", columns=NAMED))
    state = run(bench)
    assert state[0] == "failed" and state[1] in ("22021", "22P05"), state
    alter(bench, options={"on_error": "quarantine"})
    assert run(bench) == "succeeded" and people(bench) == [(1, "€", 1), (3, "c", 3)]
    ((code, line, raw),) = letters(bench)
    assert (code, line, bytes.fromhex(raw)) == (state[1], 3, b"2,a\x81b,2")


def test_an_encoding_that_is_none_is_refused(bench, folder):
    """Also those that no server can have, whose characters may hold a comma's byte."""
    (folder / "p.csv").write_text("id,name\n1,one\n")
    for encoding in ("KLINGON", "", "UTF-9", "SJIS", "BIG5", 8):
        state, message = refused_with(bench, steps("p.csv", encoding=encoding, columns={"id": "int", "name": "text"}))
        assert state == "22023" and "encoding" in message, (encoding, message)
