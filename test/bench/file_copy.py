"""What a script in Python does with a file: reads it and copies it into a table, or the other way; prints the seconds.

file_copy.py pandas|pyarrow|openpyxl FILE TABLE URL
file_copy.py to-pandas|to-pyarrow|to-openpyxl FILE QUERY URL
file_copy.py write CSV XLSX URL
"""

import csv
import io
import sys
import time

import psycopg

PIECE = 1 << 20


def copy_text(url: str, table: str, columns: list, text) -> None:
    names = ", ".join(columns)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT csv)") as copy:
            while piece := text.read(PIECE):
                copy.write(piece)


def with_pandas(path: str, table: str, url: str) -> None:
    frame = pandas.read_csv(path) if path.endswith(".csv") else pandas.read_json(path, lines=True, convert_dates=False)
    text = io.StringIO()
    frame.to_csv(text, index=False, header=False)
    text.seek(0)
    copy_text(url, table, list(frame.columns), text)


def with_pyarrow(path: str, table: str, url: str) -> None:
    read = arrow_csv.read_csv(path) if path.endswith(".csv") else arrow_json.read_json(path)
    text = io.BytesIO()
    arrow_csv.write_csv(read, text, arrow_csv.WriteOptions(include_header=False))
    text.seek(0)
    copy_text(url, table, read.column_names, text)


def with_openpyxl(path: str, table: str, url: str) -> None:
    rows = openpyxl.load_workbook(path, read_only=True).active.iter_rows(values_only=True)
    names = ", ".join(next(rows))
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def fetched(query: str, url: str) -> io.BytesIO:
    text = io.BytesIO()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy:
            for piece in copy:
                text.write(piece)
    text.seek(0)
    return text


def to_pandas(path: str, query: str, url: str) -> None:
    pandas.read_csv(fetched(query, url), parse_dates=["at"]).to_parquet(path, index=False)


def to_pyarrow(path: str, query: str, url: str) -> None:
    parquet.write_table(arrow_csv.read_csv(fetched(query, url)), path)


def to_openpyxl(path: str, query: str, url: str) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    with psycopg.connect(url) as connection:
        rows = connection.execute(query)
        sheet.append([column.name for column in rows.description])
        for row in rows:
            sheet.append([value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value for value in row])
    book.save(path)


def write(path: str, other: str) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        sheet.append(header)
        numbers = [header.index(name) for name in ("id", "amount", "category", "day")]
        for row in reader:
            for i in numbers:
                row[i] = float(row[i]) if "." in row[i] else int(row[i])
            sheet.append(row)
    book.save(other)


what, *arguments = sys.argv[1:]
if what.endswith("pandas"):
    import pandas
elif what.endswith("pyarrow"):
    import pyarrow.csv as arrow_csv
    import pyarrow.json as arrow_json
    from pyarrow import parquet
else:
    import openpyxl
start = time.monotonic()
if what == "pandas":
    with_pandas(*arguments)
elif what == "pyarrow":
    with_pyarrow(*arguments)
elif what == "openpyxl":
    with_openpyxl(*arguments)
elif what == "to-pandas":
    to_pandas(*arguments)
elif what == "to-pyarrow":
    to_pyarrow(*arguments)
elif what == "to-openpyxl":
    to_openpyxl(*arguments)
else:
    write(*arguments[:2])
print(time.monotonic() - start)
