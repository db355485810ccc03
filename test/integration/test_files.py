"""Sources of files: CSV as steps, typed, streamed, remembered; what is refused stays outside of the server's directories."""

import gzip
import json
import os

import psycopg
import pytest
from file_pipelines import PEOPLE, create, refused, refused_with, run, steps
from workbench import OWNER


def test_a_file_is_typed_and_streamed(bench, folder):
    rows = [f"{i},n{i},{20 + i % 50},{i}.5,2001-01-{1 + i % 28:02}" for i in range(1, 1001)]
    (folder / "people.csv").write_text("id,name,age,pay,born\n" + "\n".join(rows) + "\n")
    create(bench, steps("people.csv"))
    assert run(bench) == "succeeded"
    assert (
        bench.one("SELECT count(*) || ' ' || sum(pay) || ' ' || max(born) FROM w.people") == "1000 501000.0 2001-01-28"
    )
    assert bench.one("SELECT rows_read FROM etl.runs") == 1000
    assert bench.one("SELECT count(*) FROM etl.batches") == 10
    assert bench.one("SELECT position ->> 0 FROM etl.checkpoints") == "people.csv"
    assert bench.one("SELECT rows_out FROM etl.step_runs WHERE step = 'extract'") == 1000
    assert bench.one("SELECT etl.preview('p', 1)")["name"] == "n1"
    assert bench.one("SELECT count(*) FROM etl.dry_run('p') WHERE action = 'unchanged'") == 100
    assert "files, one after the other" in bench.one("SELECT string_agg(l, '') FROM etl.explain('p') AS l")


def test_files_of_a_pattern_gzip_and_declared_columns(bench, folder):
    (folder / "a1.csv").write_text("name;id;more\n'it''s';1;x\n;2;y\n")
    (folder / "a2.csv").write_bytes(gzip.compress("id;name\n3;zwei\n4;''\n".encode("latin-1")))
    (folder / "b.csv").write_text("id;name\n9;no\n")
    create(bench, steps("a?.csv", delimiter=";", quote="'", columns={"id": "int", "name": "text"}))
    assert run(bench) == "succeeded"
    assert bench.admin.execute("SELECT id, name FROM w.people ORDER BY id").fetchall() == [
        (1, "it's"),
        (2, None),
        (3, "zwei"),
        (4, ""),
    ]


def test_steps_row_by_row_see_batches_and_others_the_whole(bench, folder):
    (folder / "p.csv").write_text("id,name,age\n" + "".join(f"{i},n{i},{i}\n" for i in range(1, 501)))
    grown = {"id": "grown", "operator": "filter", "params": {"where": "age > 100"}, "depends_on": ["extract"]}
    create(bench, steps("p.csv", grown))
    assert run(bench) == "succeeded" and bench.one("SELECT count(*) FROM w.people") == 400
    ranked = {
        "id": "ranked",
        "operator": "sql",
        "params": {"query": "SELECT id, name, rank() OVER (ORDER BY id DESC)::int AS age FROM input"},
        "depends_on": ["extract"],
    }
    bench.admin.execute(
        "SELECT etl.alter_pipeline('p', %s)", (json.dumps({"steps": json.loads(steps("p.csv", ranked))}),)
    )
    assert run(bench) == "succeeded" and bench.one("SELECT age FROM w.people WHERE id = 1") == 500


def test_a_batch_that_is_tried_again_has_each_record_once(bench, folder):
    (folder / "p.csv").write_text("id,name\n" + "".join(f"{i},n{i}\n" for i in range(1, 251)))
    bench.admin.execute("""
        CREATE SEQUENCE w.tries;
        GRANT USAGE ON SEQUENCE w.tries TO PUBLIC;
        CREATE FUNCTION w.passes(id int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
            IF id = 150 AND nextval('w.tries') = 1 THEN RAISE SQLSTATE '40001' USING MESSAGE = 'once'; END IF;
            RETURN true;
        END $$;
        CREATE DOMAIN w.flaky AS int CHECK (w.passes(VALUE))""")
    once_more = '{"retry_backoff": ["10ms"]}'
    create(bench, steps("p.csv", columns={"id": "w.flaky", "name": "text"}), options=once_more)
    assert run(bench) == "succeeded"
    assert bench.one("SELECT last_value FROM w.tries") == 2
    assert bench.one("SELECT rows_read || ' ' || rows_superseded FROM etl.runs") == "250 0"


def test_an_incremental_pipeline_reads_on(bench, folder):
    (folder / "a.csv").write_text("id,name\n1,one\n2,two\n")
    create(bench, steps("*.csv"), mode="incremental", options='{"settle": "0s"}')
    assert run(bench) == "succeeded" and bench.one("SELECT count(*) FROM w.people") == 2
    assert run(bench) == "succeeded" and bench.one("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1") == 0
    with open(folder / "a.csv", "a", encoding="utf-8") as file:
        file.write("3,three\n")
    (folder / "0.csv").write_text("id,name\n4,four\n")
    assert run(bench) == "succeeded" and bench.one("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1") == 2
    assert bench.one("SELECT string_agg(name, ' ' ORDER BY id) FROM w.people") == "one two three four"
    (folder / "a.new").write_text("id,name\n5,another\n")
    os.replace(folder / "a.new", folder / "a.csv")
    assert run(bench) == "succeeded" and bench.one("SELECT name FROM w.people WHERE id = 5") == "another"


def test_bad_lines_fail_with_their_place_or_become_dead_letters(bench, folder):
    lines = ["id,name,age", "1,one,1", "2,two", "3,three,many", '4,"four,4', "5,five,5"]
    (folder / "bad.csv").write_text("\n".join(lines) + "\n")
    definition = steps("bad.csv", columns={"id": "int", "name": "text", "age": "int"})
    create(bench, definition)
    status, code, message = run(bench)
    assert (status, code) == ("failed", "22P04"), message
    detail = bench.one("SELECT error_detail FROM etl.run_log ORDER BY id DESC LIMIT 1")
    assert 'line 3 of "bad.csv"' in detail and "2,two" in detail
    bench.admin.execute("""SELECT etl.alter_pipeline('p', '{"options": {"on_error": "quarantine"}}')""")
    assert run(bench) == "succeeded"
    assert bench.one("SELECT string_agg(id::text, ' ' ORDER BY id) FROM w.people") == "1 5"
    letters = bench.admin.execute(
        "SELECT step, error_code, original_record ->> '_line', original_record ->> '_raw' FROM etl.dead_letters ORDER BY id"
    ).fetchall()
    assert ("extract", "22P04", "3", "2,two") in letters
    assert ("extract", "22P02", "4", "3,three,many") in letters
    assert len(letters) == 3
    assert (
        bench.one("SELECT rows_read || ' ' || rows_dead || ' ' || rows_inserted FROM etl.runs ORDER BY id DESC LIMIT 1")
        == "5 3 2"
    )


def test_what_lies_outside_is_refused_alike(bench, folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.csv"
    outside.write_text("id\n1\n")
    (folder / "link.csv").symlink_to(outside)
    os.link(outside, folder / "hard.csv")
    os.mkfifo(folder / "pipe.csv")
    (folder / "sub").mkdir()
    for path in ("../../etc/passwd", "/etc/passwd", "link.csv", "hard.csv", "pipe.csv", "sub", "sub/../x.csv"):
        assert refused(bench, steps(path)) == "42501", path
    assert refused(bench, steps("none.csv")) == "58P01"
    bench.admin.execute(f"REVOKE pg_read_server_files FROM {OWNER}")
    (folder / "fine.csv").write_text("id,secret\n1,2\n")
    assert refused(bench, steps("fine.csv")) == "42501"
    with bench.owner() as owner:  # nor does a finding tell what is in it
        findings = owner.execute(
            "SELECT message FROM etl.validate_pipeline(%s)", (f'{{"steps": {steps("fine.csv")}}}',)
        )
        assert "secret" not in str(findings.fetchall())


def test_the_servers_own_files_are_no_data(bench, folder):
    (folder / "fine.csv").write_text("id\n1\n")
    own = bench.one("SHOW data_directory")
    for directory in (own, f"{own}/base", os.path.dirname(own), "/", f"{folder},{own}"):
        bench.server.reload(**{"etl.data_directory": directory})
        assert refused(bench, steps("fine.csv")) == "42501", directory


def test_dead_letters_of_a_sink_behind_a_file_are_replayed(bench, folder):
    """What the sink refused is a row; what could not be read is none."""
    (folder / "a.csv").write_text("id,name\n1,ann\n2,bob\nx,cy\n")
    bench.admin.execute("ALTER TABLE w.people ADD CHECK (name <> 'bob')")
    create(bench, steps("a.csv", columns={"id": "integer", "name": "text"}), options='{"on_error": "quarantine"}')
    assert run(bench) == "succeeded"
    with bench.owner() as owner:
        with pytest.raises(psycopg.errors.FeatureNotSupported) as error:
            owner.execute("SELECT etl.dead_letter_replay('p')")
        assert 'step "extract"' in str(error.value)
        patched = ("p", "step = 'save'", json.dumps({"name": "rob"}))
        assert owner.execute("SELECT etl.dead_letter_replay(%s, %s, %s)", patched).fetchone() == (1,)
    assert bench.admin.execute("SELECT id, name FROM w.people ORDER BY 1").fetchall() == [(1, "ann"), (2, "rob")]


def with_a_table(path, *joined, target="w.people"):
    """Steps from a file and a table: each row of both, or what a step makes of both."""
    read = [
        {"id": "file", "operator": "csv", "params": {"path": path, "columns": {"id": "int", "name": "text"}}},
        {"id": "table", "operator": "sql", "params": {"query": "SELECT id, name, at FROM w.here"}},
        {"id": "slim", "operator": "drop_columns", "params": {"columns": ["at"]}, "depends_on": ["table"]},
    ]
    ends = [joined[-1]["id"]] if joined else ["file", "slim"]
    save = {"id": "save", "operator": "table", "params": {"target": target}, "depends_on": ends}
    return json.dumps([*read, *joined, save])


def here(bench):
    bench.admin.execute("CREATE TABLE w.here (id int PRIMARY KEY, name text, at timestamptz NOT NULL DEFAULT now())")
    bench.admin.execute(f"INSERT INTO w.here VALUES (-1, 'a'), (-2, 'b'); ALTER TABLE w.here OWNER TO {OWNER}")


@pytest.mark.parametrize("records", [0, 250])
def test_rows_of_another_source_come_once(bench, folder, records):
    (folder / "p.csv").write_text("id,name\n" + "".join(f"{i},n{i}\n" for i in range(1, records + 1)))
    here(bench)
    bench.admin.execute(f"CREATE TABLE w.log (id int, name text); ALTER TABLE w.log OWNER TO {OWNER}")
    create(bench, with_a_table("p.csv", target="w.log"), options='{"write_mode": "append"}')
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) || ' ' || count(*) FILTER (WHERE id < 0) FROM w.log") == f"{records + 2} 2"


def test_a_table_beside_a_file_is_not_read_incrementally(bench, folder):
    (folder / "p.csv").write_text("id,name\n-1,one\n")
    here(bench)
    query = "SELECT t.id, f.name FROM slim t LEFT JOIN file f USING (id)"
    joined = {"id": "joined", "operator": "sql", "params": {"query": query}, "depends_on": ["slim", "file"]}
    keys = {"incremental_key": "at", "incremental_id_key": "id"}
    error = refused_with(bench, with_a_table("p.csv", joined), mode="incremental", **keys)
    assert error == ("0A000", 'step "table" cannot be read incrementally beside step "file"')
    keys["incremental_key"] = "name"
    assert refused(bench, with_a_table("p.csv", joined), mode="incremental", **keys) == "42702"
    keys["incremental_key"] = "changed"
    assert refused(bench, with_a_table("p.csv", joined), mode="incremental", **keys) == "42703"
    # The file itself is, with all rows of the table.
    create(bench, with_a_table("p.csv", joined), mode="incremental", options='{"settle": "0s"}')
    assert run(bench) == "succeeded"
    assert bench.admin.execute("SELECT id, name FROM w.people ORDER BY 1 DESC").fetchall() == [(-1, "one"), (-2, None)]


def test_a_target_that_was_made_anew(bench, folder):
    """Behind files that were loaded it would lack their rows; before that there is nothing to lack."""
    anew = f"DROP TABLE w.people; {PEOPLE}; ALTER TABLE w.people OWNER TO {OWNER}"
    (folder / "a.csv").write_text("id,name\nx,one\n")
    create(bench, steps("*.csv", columns={"id": "int", "name": "text"}), mode="incremental")
    assert run(bench)[:2] == ("failed", "22P02")
    bench.admin.execute(anew)
    (folder / "a.csv").write_text("id,name\n1,one\n")
    assert run(bench) == "succeeded"
    bench.admin.execute(anew)
    (folder / "b.csv").write_text("id,name\n2,two\n")
    assert run(bench)[:2] == ("failed", "55000")
    with bench.owner() as owner:
        owner.execute("SELECT etl.accept_target('p')")
    assert run(bench) == "succeeded"
    assert bench.admin.execute("SELECT id FROM w.people").fetchall() == [(2,)]
