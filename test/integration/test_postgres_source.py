"""Sources sql and table of another PostgreSQL server: rows over COPY in binary form."""

import json

import psycopg
import pytest
from far_workbench import cut_far, far_steps
from file_pipelines import create, outcome, refused_with, run
from workbench import OWNER

TYPES = {
    "id": "bigint",
    "small": "smallint",
    "flag": "boolean",
    "price": "numeric(12,2)",
    "ratio": "double precision",
    "note": "text",
    "code": "character(4)",
    "born": "date",
    "seen": "timestamp with time zone",
    "took": "interval",
    "doc": "jsonb",
    "raw": "bytea",
    "tags": "text[]",
    "token": "uuid",
    "net": "inet",
    "span": "int4range",
}
ROWS = """
    SELECT n, (n % 7)::int2, n % 2 = 0, n * 1.25, n / 3.0, CASE WHEN n % 5 <> 0 THEN 'Zoë ' || n END, 'ab',
        date '2000-01-01' + n, timestamptz '2020-01-01 00:00+00' + n * interval '1 s 5 us', n * interval '1 month 1 s',
        jsonb_build_object('n', n), decode(md5(n::text), 'hex'), ARRAY['a', NULL, n::text],
        md5(n::text)::uuid, '10.0.0.1'::inet + n, int4range(n, n + 5) FROM generate_series(1, {}) AS n"""


@pytest.fixture
def wide(far, bench):
    """A table of many types there, filled, and an empty one here."""
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    far.execute(f"CREATE TABLE wide ({columns}, PRIMARY KEY (id)); INSERT INTO wide {ROWS.format(2500)}")
    bench.admin.execute(f"CREATE TABLE w.wide ({columns}, PRIMARY KEY (id)); ALTER TABLE w.wide OWNER TO {OWNER}")


def same(far, bench, query="SELECT * FROM wide ORDER BY id"):
    there = far.execute(query).fetchall()
    return there and there == bench.admin.execute(query.replace("wide", "w.wide")).fetchall()


@pytest.mark.parametrize("source", [{"query": "SELECT * FROM wide"}, {"table": "public.wide"}], ids=["sql", "table"])
def test_a_table_of_many_types_arrives_exactly(far, bench, wide, source):
    create(bench, far_steps(source, "w.wide"))
    assert run(bench) == "succeeded"
    assert same(far, bench)
    batches = bench.one("SELECT count(*) FROM etl.batches")
    assert batches == 25
    assert bench.admin.execute("SELECT kind, position FROM etl.checkpoints").fetchall() == [("key", ["2500"])]


def test_it_is_previewed_explained_and_run_dry(far, bench, wide):
    create(bench, far_steps({"table": "wide", "where": "id > 10"}, "w.wide"))
    with bench.owner() as owner:
        rows = [row for (row,) in owner.execute("SELECT etl.preview('p', 3)")]
        assert [row["id"] for row in rows] == [11, 12, 13]
        text = "\n".join(line for (line,) in owner.execute("SELECT etl.explain('p')"))
        assert 'server "far"' in text and "streamed: one COPY" in text and "Seq Scan on" in text
        actions = owner.execute("SELECT action, count(*) FROM etl.dry_run('p') GROUP BY 1").fetchall()
        assert actions == [("insert", 100)]
    assert bench.one("SELECT count(*) FROM w.wide") == 0


def test_steps_between_and_a_join_with_a_table_of_here(far, bench, wide):
    bench.admin.execute("CREATE TABLE w.names (small int PRIMARY KEY, name text)")
    bench.admin.execute("INSERT INTO w.names SELECT n, 'n' || n FROM generate_series(0, 6) n")
    bench.admin.execute("CREATE TABLE w.out (id bigint PRIMARY KEY, name text)")
    bench.admin.execute(f"ALTER TABLE w.names OWNER TO {OWNER}; ALTER TABLE w.out OWNER TO {OWNER}")
    definition = [
        {"id": "there", "operator": "table", "params": {"table": "wide", "server": "far"}},
        {"id": "here", "operator": "table", "params": {"table": "w.names"}},
        {
            "id": "both",
            "operator": "sql",
            "params": {"query": "SELECT t.id, h.name FROM there t JOIN here h USING (small) WHERE t.id <= 1000"},
            "depends_on": ["there", "here"],
        },
        {"id": "save", "operator": "table", "params": {"target": "w.out"}, "depends_on": ["both"]},
    ]
    create(bench, json.dumps(definition))
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.out WHERE name = 'n' || id % 7") == 1000


def test_types_of_that_database_alone_come_as_text(far, bench):
    far.execute("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
    far.execute("CREATE TABLE wide (id positive PRIMARY KEY, mood mood, kind regclass)")
    far.execute("INSERT INTO wide VALUES (1, 'ok', 'wide'), (2, NULL, NULL)")
    bench.admin.execute(
        f"CREATE TABLE w.wide (id int PRIMARY KEY, mood text, kind text); ALTER TABLE w.wide OWNER TO {OWNER}"
    )
    create(bench, far_steps({"query": "SELECT id::int, mood, kind FROM wide"}, "w.wide"))
    assert run(bench) == "succeeded"
    assert bench.admin.execute("SELECT * FROM w.wide ORDER BY 1").fetchall() == [
        (1, "ok", "wide"),
        (2, None, None),
    ]


def test_money_is_of_the_scale_of_its_server(far, bench):
    """Its binary form is a number of what lc_monetary calls the smallest unit."""
    far.execute("CREATE TABLE wide (id int PRIMARY KEY, paid money); INSERT INTO wide VALUES (1, '1234.50'), (2, NULL)")
    bench.admin.execute(
        "CREATE TABLE w.wide (id int PRIMARY KEY, paid text); CREATE TABLE w.cash (id int PRIMARY KEY, paid money);"
        f"ALTER TABLE w.wide OWNER TO {OWNER}; ALTER TABLE w.cash OWNER TO {OWNER}"
    )
    source = {"query": "SELECT id, paid FROM wide"}
    assert refused_with(bench, far_steps(source, "w.cash"))[0] == "42804"
    create(bench, far_steps(source, "w.wide"))
    assert run(bench) == "succeeded"
    text = far.execute("SELECT paid::text FROM wide WHERE id = 1").fetchone()[0]
    assert bench.admin.execute("SELECT * FROM w.wide ORDER BY 1").fetchall() == [(1, text), (2, None)]


def test_equal_keys_are_not_split_and_a_paused_run_goes_on(far, bench):
    far.execute(
        "CREATE TABLE wide AS SELECT n / 40 AS id, n AS value FROM generate_series(0, 3999) n ORDER BY md5(n::text)"
    )
    bench.admin.execute(f"CREATE TABLE w.wide (id int, value int PRIMARY KEY); ALTER TABLE w.wide OWNER TO {OWNER}")
    bench.admin.execute(
        "CREATE FUNCTION w.slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END$$"
    )
    bench.admin.execute(f"ALTER FUNCTION w.slow OWNER TO {OWNER}")
    bench.admin.execute("CREATE TRIGGER slow BEFORE INSERT ON w.wide FOR EACH ROW EXECUTE FUNCTION w.slow()")
    definition = json.loads(far_steps({"table": "wide"}, "w.wide"))
    definition[1]["params"] |= {"key_columns": ["id"], "write_mode": "append"}
    create(bench, json.dumps(definition))
    number = bench.run()
    bench.server.wait_until("SELECT count(*) > 200 FROM w.wide", dbname=bench.name)
    bench.admin.execute("SELECT etl.pause('p')")
    assert bench.ends(number) == "paused"
    assert bench.one("SELECT count(*) % 40 FROM w.wide") == 0 < bench.one("SELECT 4000 - count(*) FROM w.wide")
    bench.admin.execute("SELECT etl.resume('p')")
    assert outcome(bench, number, bench.ends(number, 60)) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.wide") == 4000


def test_incremental_reads_a_window_again(far, bench):
    far.execute("CREATE TABLE wide (id int PRIMARY KEY, changed timestamptz DEFAULT now(), value text)")
    far.execute("INSERT INTO wide SELECT n, now() - interval '1 hour', 'a' FROM generate_series(1, 300) n")
    bench.admin.execute("CREATE TABLE w.wide (id int PRIMARY KEY, changed timestamptz, value text)")
    bench.admin.execute(f"ALTER TABLE w.wide OWNER TO {OWNER}")
    create(
        bench,
        far_steps({"table": "wide"}, "w.wide"),
        mode="incremental",
        incremental_key="changed",
        incremental_id_key="id",
    )
    assert run(bench) == "succeeded" and same(far, bench)
    far.execute("UPDATE wide SET value = 'b', changed = now() WHERE id <= 7; INSERT INTO wide VALUES (999, now(), 'c')")
    # Committed late, with a key that lies before the position.
    far.execute("INSERT INTO wide VALUES (500, now() - interval '2 minutes', 'late')")
    assert run(bench) == "succeeded" and same(far, bench)
    far.execute("INSERT INTO wide VALUES (501, now() - interval '1 minute', 'late')")
    assert run(bench) == "succeeded" and same(far, bench)
    assert bench.one("SELECT safety FROM etl.lag") == "overlap"
    assert bench.one("SELECT rows_read < 20 FROM etl.runs ORDER BY id DESC LIMIT 1")


def test_rows_with_a_null_key_are_dead_letters(far, bench):
    far.execute("CREATE TABLE wide AS SELECT NULLIF(n, 7) AS id, n AS value FROM generate_series(1, 250) n")
    bench.admin.execute(f"CREATE TABLE w.wide (id int PRIMARY KEY, value int); ALTER TABLE w.wide OWNER TO {OWNER}")
    create(bench, far_steps({"table": "wide"}, "w.wide"), options='{"null_keys": "dead_letter"}')
    assert run(bench) == "succeeded"
    assert bench.admin.execute("SELECT original_record->>'value' FROM etl.dead_letters").fetchall() == [("7",)]
    assert bench.one("SELECT count(*) FROM w.wide") == 249
    assert bench.admin.execute("SELECT rows_read, rows_dead FROM etl.runs").fetchone() == (250, 1)


def test_a_lost_connection_is_made_anew_and_no_row_comes_twice(far, bench):
    far.execute("CREATE TABLE wide AS SELECT n AS id, repeat('x', 2000) AS value FROM generate_series(1, 20000) n")
    far.execute("CREATE INDEX ON wide (id); INSERT INTO wide VALUES (NULL, 'no key')")
    bench.admin.execute(f"CREATE TABLE w.wide (id int, value text); ALTER TABLE w.wide OWNER TO {OWNER}")
    definition = json.loads(far_steps({"table": "wide"}, "w.wide"))
    definition[1]["params"] |= {"key_columns": ["id"], "write_mode": "append"}
    create(bench, json.dumps(definition), options='{"retry_backoff": ["50ms"], "null_keys": "dead_letter"}')
    number = bench.run()
    bench.server.wait_until("SELECT count(*) > 1000 FROM w.wide", dbname=bench.name)
    assert cut_far(far) == 1
    assert outcome(bench, number, bench.ends(number, 60)) == "succeeded"
    assert bench.admin.execute("SELECT count(*), count(DISTINCT id) FROM w.wide").fetchone() == (20000, 20000)
    assert bench.one("SELECT count(*) FROM etl.dead_letters") == 1


def test_a_cancel_ends_a_wait_for_that_server(far, bench):
    far.execute("CREATE VIEW wide AS SELECT 1 AS id, pg_sleep(60)::text AS value")
    bench.admin.execute(f"CREATE TABLE w.wide (id int PRIMARY KEY, value text); ALTER TABLE w.wide OWNER TO {OWNER}")
    create(bench, far_steps({"table": "wide"}, "w.wide"))
    number = bench.run()
    busy = "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'far_reader' AND wait_event = 'PgSleep'"
    bench.server.wait_until(busy)
    assert (
        bench.one(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND backend_type = 'pg_etl worker'"
        )
        == 0
    )
    bench.admin.execute("SELECT etl.cancel('p')")
    assert bench.ends(number, 5) == "cancelled"
    bench.server.wait_until(busy.replace("= 1", "= 0"), timeout=10)


def test_a_table_that_is_locked_there_does_not_hold_the_run_for_ever(far, bench, wide):
    create(bench, far_steps({"table": "wide"}, "w.wide"), options='{"step_timeout": "300ms", "max_retries": 0}')
    with bench.server.connect(f"{bench.name}_far", autocommit=False) as holder:
        holder.execute("LOCK TABLE wide")
        number = bench.run()
        assert bench.ends(number, 5) == "failed"
        assert bench.error(number)[0] == "57014"
        holder.rollback()
    bench.admin.execute("SELECT etl.retry('p')")
    assert bench.ends(number, 20) == "succeeded"


# What is refused


def test_a_server_that_asks_for_no_password_is_refused(far, bench, wide):
    bench.admin.execute("ALTER USER MAPPING FOR mover SERVER far OPTIONS (SET user 'postgres')")  # trusted on this port
    state, message = refused_with(bench, far_steps({"table": "wide"}, "w.wide"))
    assert state == "42501" and 'server "far" did not ask for the password' in message
    with bench.owner() as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("ALTER USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (ADD password_required 'false')")
    bench.admin.execute("ALTER USER MAPPING FOR mover SERVER far OPTIONS (ADD password_required 'false')")
    create(bench, far_steps({"table": "wide"}, "w.wide"))


def test_a_mapping_without_a_password_is_refused(far, bench, wide):
    bench.admin.execute("ALTER USER MAPPING FOR mover SERVER far OPTIONS (DROP password_file)")
    state, message = refused_with(bench, far_steps({"table": "wide"}, "w.wide"))
    assert state == "42501" and "names no password_file" in message


def test_strings_are_read_there_as_they_were_checked_here(far, bench, wide):
    """A backslash ends a string in one reading and not in the other: what stands behind it must not become SQL."""
    bench.admin.execute("CREATE TABLE w.one (q text PRIMARY KEY); ALTER TABLE w.one OWNER TO mover")
    query = r"SELECT '\') AS q; COMMIT; DELETE FROM wide; SELECT * FROM (SELECT 1 AS x --'"
    with bench.owner() as owner:
        owner.execute(
            "SET standard_conforming_strings = off; SET escape_string_warning = off; SET backslash_quote = on"
        )
        with pytest.raises(psycopg.Error):
            owner.execute("SELECT etl.create_pipeline('p', steps => %s)", (far_steps({"query": query}, "w.one"),))
    assert far.execute("SELECT count(*) FROM wide").fetchone() == (2500,)


def test_strings_are_read_there_as_standard_whatever_a_step_sets(far, bench):
    """What a step sets in the worker's session is not what the next connection begins with."""
    pad = "repeat('x', 2000) AS pad"
    far.execute("CREATE TABLE wide AS SELECT n AS id FROM generate_series(1, 20000) n; CREATE INDEX ON wide (id)")
    bench.admin.execute(
        f"CREATE TABLE w.wide (id int PRIMARY KEY, q text, pad text); ALTER TABLE w.wide OWNER TO {OWNER}"
    )
    query = f"SELECT id, current_setting('standard_conforming_strings') AS q, {pad} FROM wide"
    definition = json.loads(far_steps({"query": query}, "w.wide"))
    off = {"where": "set_config('standard_conforming_strings', 'off', false) <> ''"}
    definition.insert(1, {"id": "off", "operator": "filter", "params": off, "depends_on": ["extract"]})
    definition[2]["depends_on"] = ["off"]
    create(bench, json.dumps(definition), options='{"retry_backoff": ["50ms"]}')
    number = bench.run()
    bench.server.wait_until("SELECT count(*) > 1000 FROM w.wide", dbname=bench.name)
    assert cut_far(far) == 1
    assert outcome(bench, number, bench.ends(number, 60)) == "succeeded"
    assert bench.admin.execute("SELECT q, count(*) FROM w.wide GROUP BY q").fetchall() == [("on", 20000)]


def test_a_session_without_standard_strings_reads_as_the_worker_does(far, bench):
    query = r"SELECT 1 AS id, '\' AS q, length('\\') AS n"
    bench.admin.execute("CREATE TABLE w.one (id int PRIMARY KEY, q text, n int); ALTER TABLE w.one OWNER TO mover")
    with bench.owner() as owner:
        owner.execute("SET standard_conforming_strings = off; SET escape_string_warning = off")
        owner.execute("SELECT etl.create_pipeline('p', steps => %s)", (far_steps({"query": query}, "w.one"),))
    assert run(bench) == "succeeded"
    assert bench.admin.execute("SELECT q, n FROM w.one").fetchall() == [("\\", 2)]


def test_an_address_that_is_not_listed_is_refused(far, bench, wide):
    bench.admin.execute(f"ALTER DATABASE {bench.name} RESET etl.allowed_hosts")
    assert refused_with(bench, far_steps({"table": "wide"}, "w.wide")) == (
        "42501",
        'step "extract": connection to server "far" is not allowed',
    )


URLS = {
    "postgresql://me:pw@127.0.0.1/x": "URL must not contain a user name or password",
    "postgresql://a,b/x": "URL does not name one host",
    "postgresql:///x?host=/tmp": "URL has a parameter that is not sslmode",
    "postgresql://127.0.0.1/x?sslmode=disable&host=elsewhere": "URL has a parameter that is not sslmode",
    "postgresql:///x": "URL does not name one host",
    "postgresql://127.0.0.1": "URL names no database",
    "postgresql://127.0.0.1/x?sslmode=perhaps": "URL has no valid sslmode",
    "postgresql://127.0.0.1/x?service=other": "URL has a parameter that is not sslmode",
    "postgresql://127.0.0.1:99999/x": "URL has no valid port",
}


def test_urls_that_are_refused(bench):
    seen = {}
    for url in URLS:
        with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
            bench.admin.execute(f"CREATE SERVER odd TYPE 'postgres' FOREIGN DATA WRAPPER etl OPTIONS (url '{url}')")
        seen[url] = caught.value.diag.message_primary
    assert seen == URLS


INCREMENTAL = {"mode": "incremental", "incremental_key": "seen", "incremental_id_key": "id"}


def test_definitions_that_are_refused(far, bench, wide):
    def refusal(source, **more):
        state, message = refused_with(bench, far_steps(source, "w.wide"), **more)
        return state, message.removeprefix('step "extract": ')

    assert refusal({"table": "nowhere"}) == ("42P01", 'server "far": relation "nowhere" does not exist')
    assert refusal({"query": "SELECT 1; DROP TABLE wide"})[0] == "42601"
    assert refusal({"query": "DELETE FROM wide"})[0] == "0A000"
    assert refusal({"table": "wide"}, **INCREMENTAL, options='{"safety": "xact"}') == (
        "22023",
        'safety mode "xact" is for sources of this database',
    )


def test_a_query_cannot_write_there(far, bench, wide):
    far.execute(
        "CREATE FUNCTION wipe() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM public.wide; SELECT 1'"
    )
    bench.admin.execute("CREATE TABLE w.one (id int PRIMARY KEY); ALTER TABLE w.one OWNER TO mover")
    create(bench, far_steps({"query": "SELECT public.wipe() AS id"}, "w.one"))
    state = run(bench)
    assert state[:2] == ("failed", "25006"), state
    assert far.execute("SELECT count(*) FROM wide").fetchone() == (2500,)
