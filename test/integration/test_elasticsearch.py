"""Pipelines into real engines, Elasticsearch 8 and OpenSearch 2: what arrives, what is refused, and who may see what."""

import base64
import json
import secrets
import subprocess
from pathlib import Path

import psycopg
import pytest
from elastic_workbench import BACKOFF, RecordingDouble, allow_hosts, check_counters, failure, source_docs, use_sink
from file_pipelines import create
from harness.elastic import ElasticServer, HttpError
from harness.places import as_service_user
from harness.process import free_port, wait_until
from harness.secret_files import forget_secrets, make_secret
from workbench import OWNER

SOURCE = "SELECT id, value FROM w.t_source"
INDEXES = ("films", "keys", "typed", "made", "strict", "last", "moved")


@pytest.fixture(scope="module")
def opensearch():
    with ElasticServer("opensearch2") as server:
        yield server


@pytest.fixture(params=["elasticsearch8", "opensearch2"])
def engine(request):
    """An engine without any of the indexes that the tests use."""
    server = request.getfixturevalue("elastic" if request.param == "elasticsearch8" else "opensearch")
    for index in INDEXES:
        try:
            server.delete(f"/{index}")
        except HttpError as error:
            assert error.status == 404
    return server


@pytest.fixture
def sink(bench, engine):
    """The bench with server `es`, which is the engine; source w.t_source with 2,500 rows."""
    bench.tables(2500)
    use_sink(bench, engine.url)
    return bench


def make(
    bench, index: str, source: str = SOURCE, name: str = "p", batch_size: int = 400, options: dict | None = None, **more
) -> None:
    bench.pipeline(
        name,
        source,
        f"es:{index}",
        batch_size=batch_size,
        options=BACKOFF | (options or {}),
        **({"key_columns": ["id"]} | more),
    )


def succeed(bench, name: str = "p") -> dict:
    """Runs it; its counters."""
    run = bench.run(name)
    assert bench.ends(run) == "succeeded", bench.error(run)
    return check_counters(bench, run)


# What arrives


def test_full_load_and_again(sink, engine):
    make(sink, "films")
    assert succeed(sink)["inserted"] == 2500
    expected = source_docs(sink, SOURCE)
    assert engine.docs("films") == expected
    assert succeed(sink)["updated"] == 2500  # documents are not compared: each is written anew
    assert engine.docs("films") == expected and engine.count("films") == 2500
    sink.admin.execute(
        "UPDATE w.t_source SET value = 'é \"quoted\" \\ \u2028 \U0001f3ac' || E'\\n\\t\\x01' WHERE id % 7 = 0"
    )
    succeed(sink)
    assert engine.docs("films") == source_docs(sink, SOURCE)


@pytest.mark.parametrize(
    "options",
    [{"compress": True}, {"bulk_items": 7, "in_flight": 2}, {"bulk_bytes": "4kB"}, {"slices": 3}, {"snapshot": "run"}],
    ids=lambda options: next(iter(options)),
)
def test_options_change_the_way_not_the_result(sink, engine, options):
    make(sink, "films", options=options)
    assert succeed(sink)["inserted"] == 2500
    assert engine.docs("films") == source_docs(sink, SOURCE)


def test_incremental(sink, engine):
    sink.admin.execute(
        "ALTER TABLE w.t_source ADD at timestamptz NOT NULL DEFAULT now(); CREATE INDEX ON w.t_source (at, id)"
    )
    source = "SELECT id, value, at FROM w.t_source"
    make(sink, "films", source, mode="incremental", incremental_key="at", incremental_id_key="id")
    assert succeed(sink)["inserted"] == 2500
    assert succeed(sink)["written"] == 0
    sink.admin.execute("UPDATE w.t_source SET value = 'changed', at = now() WHERE id <= 30")
    sink.admin.execute("INSERT INTO w.t_source SELECT n, 'new', now() FROM generate_series(3001, 3020) n")
    written = succeed(sink)
    assert (written["inserted"], written["updated"]) == (20, 30)
    assert engine.docs("films") == source_docs(sink, source)


@pytest.mark.parametrize("sinks", ["one", "two"])
def test_an_index_that_is_gone_is_not_gone_on_with(sink, engine, sinks):
    """A new one would lack what was sent."""
    later = {"mode": "incremental", "incremental_key": "id", "incremental_id_key": "id"}
    options = BACKOFF | {"safety": "overlap", "overlap": "0"}
    if sinks == "one":
        make(sink, "films", options=options, **later)
    else:
        sink.admin.execute(f"CREATE TABLE w.copy (LIKE w.t_source INCLUDING ALL); ALTER TABLE w.copy OWNER TO {OWNER}")
        saves = [
            {
                "id": name,
                "operator": operator,
                "params": {"target": target, "key_columns": ["id"]},
                "depends_on": ["read"],
            }
            for name, operator, target in (("index", "elasticsearch", "es:films"), ("copy", "table", "w.copy"))
        ]
        read = {"id": "read", "operator": "sql", "params": {"query": SOURCE}}
        create(sink, json.dumps([read, *saves]), options=json.dumps(options), **later)
    assert succeed(sink)["inserted"] >= 2500
    engine.delete("/films")
    sink.admin.execute("INSERT INTO w.t_source (id, value) VALUES (3000, 'new')")
    run = sink.run()
    assert sink.ends(run) == "failed" and sink.error(run)[0] == "55000"
    with sink.owner() as owner:
        owner.execute("SELECT etl.reset('p')")
    run = sink.run()
    assert sink.ends(run) == "succeeded", sink.error(run)
    assert engine.docs("films") == source_docs(sink, SOURCE)


def test_keys_become_ids(sink, engine):
    """Parts of a key are joined by ':' and escaped, so that no two keys meet in one _id."""
    sink.admin.execute(f"""
        CREATE TABLE w.k_source (a text, b text, value int, PRIMARY KEY (a, b));
        INSERT INTO w.k_source VALUES ('a:b', 'c', 1), ('a', 'b:c', 2), ('a%3Ab', 'c', 3), ('a%', ':', 4), ('', 'x', 5), ('x', '', 6),
            ('é/?#&', '../_doc', 7), ('"', E'\\n', 8), ('_', '_', 9), (' ', ' ', 10), (repeat('l', 400), repeat('m', 100), 11);
        ALTER TABLE w.k_source OWNER TO {OWNER}""")
    make(sink, "keys", "SELECT a, b, value FROM w.k_source", batch_size=3, key_columns=["a", "b"])
    assert succeed(sink)["inserted"] == 11
    docs = engine.docs("keys")
    rows = sink.admin.execute("SELECT a, b, value FROM w.k_source").fetchall()

    def escaped(text):
        return text.replace("%", "%25").replace(":", "%3A")

    assert docs == {f"{escaped(a)}:{escaped(b)}": {"a": a, "b": b, "value": value} for a, b, value in rows}


def test_an_id_that_is_too_long_is_a_dead_letter(sink, engine):
    sink.admin.execute(f"""
        CREATE TABLE w.k_long (id text PRIMARY KEY);
        INSERT INTO w.k_long VALUES (repeat('x', 512)), (repeat('y', 513)), (''), ('z');
        ALTER TABLE w.k_long OWNER TO {OWNER}""")
    make(sink, "keys", "SELECT id FROM w.k_long", options={"on_error": "quarantine"})
    assert succeed(sink)["dead"] == 2
    assert set(engine.docs("keys")) == {"x" * 512, "z"}
    letters = sink.admin.execute(
        "SELECT error_code, original_record->>'id' FROM etl.dead_letters ORDER BY 1"
    ).fetchall()
    assert letters == [("PE010", ""), ("PE011", "y" * 513)]


@pytest.mark.parametrize("batch_size", [400, 20], ids=["one page", "pages"])
def test_the_last_row_of_a_key_wins(sink, engine, batch_size):
    make(sink, "last", "SELECT least(n, 250) AS id, n AS value FROM generate_series(1, 300) n", batch_size=batch_size)
    written = succeed(sink)
    assert (written["inserted"], written["superseded"]) == (250, 50)
    assert engine.docs("last")["250"] == {"id": 250, "value": 300} and engine.count("last") == 250


# The index


def test_the_index_is_made_from_the_column_types(sink, engine):
    make(
        sink,
        "typed",
        """SELECT id, value, true AS flag, 1::int4 AS small, 1.5::numeric AS amount, 2.5::float8 AS ratio, now() AS at,
        date '2024-02-29' AS day, '{"a": {"b": 1}}'::jsonb AS payload, ARRAY[1, 2]::int8[] AS list, '1 day'::interval AS span,
        '\\x00ff'::bytea AS bytes FROM w.t_source WHERE id <= 10""",
    )
    succeed(sink)
    day = {"type": "date", "ignore_malformed": True}
    assert engine.get("/typed/_mapping")["typed"]["mappings"]["properties"] == {
        "id": {"type": "long"},
        "value": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
        "flag": {"type": "boolean"},
        "small": {"type": "integer"},
        "amount": {"type": "double", "ignore_malformed": True},
        "ratio": {"type": "double", "ignore_malformed": True},
        "at": day,
        "day": day,
        "payload": {"type": "object", "enabled": False},
        "list": {"type": "long"},
        "span": {"type": "keyword", "ignore_above": 8191},
        "bytes": {"type": "binary"},
    }
    assert engine.count("typed") == 10
    found = engine.post(
        "/typed/_search", {"query": {"range": {"amount": {"gt": 1.4}}}, "size": 0, "track_total_hits": True}
    )
    assert found["hits"]["total"]["value"] == 10


def test_settings_and_mappings_of_the_user(sink, engine):
    make(
        sink,
        "made",
        options={
            "index_settings": {"number_of_shards": 2, "refresh_interval": "7s"},
            "index_mappings": {"dynamic": "strict", "properties": {"value": {"type": "keyword"}}},
        },
    )
    succeed(sink)
    made = engine.get("/made")["made"]
    assert (
        made["settings"]["index"]["number_of_shards"] == "2" and made["settings"]["index"]["refresh_interval"] == "7s"
    )
    assert made["mappings"] == {
        "dynamic": "strict",
        "properties": {"id": {"type": "long"}, "value": {"type": "keyword"}},
    }
    assert engine.count("made") == 2500


def test_settings_that_the_engine_refuses(sink):
    make(sink, "made", options={"index_settings": {"number_of_shards": -1}})
    error = failure(sink)
    assert error.sqlstate == "PE020" and "number_of_shards" in error.diag.message_detail


def test_data_that_does_not_fit_the_users_mapping(sink, engine):
    """Quarantined with the engine's reason, and put in by a replay once they are mended."""
    engine.put("/strict", {"mappings": {"properties": {"id": {"type": "long"}, "value": {"type": "integer"}}}})
    sink.admin.execute(
        "UPDATE w.t_source SET value = id::text; UPDATE w.t_source SET value = 'no number' WHERE id IN (5, 1999)"
    )
    make(sink, "strict", options={"on_error": "quarantine"})
    assert succeed(sink)["dead"] == 2
    expected = source_docs(sink, SOURCE)
    letters = sink.admin.execute(
        "SELECT original_record, error_code, context->>'detail' FROM etl.dead_letters ORDER BY id"
    ).fetchall()
    assert [(row[0], row[1]) for row in letters] == [(expected.pop("5"), "PE010"), (expected.pop("1999"), "PE010")]
    assert all("[value] of type [integer]" in row[2] for row in letters), letters
    assert engine.docs("strict") == expected
    with sink.owner() as owner:
        replayed = owner.execute("SELECT etl.dead_letter_replay('p', 'true', '{\"value\": \"42\"}')").fetchone()[0]
    assert (
        replayed == 2
        and engine.docs("strict")["1999"] == {"id": 1999, "value": "42"}
        and engine.count("strict") == 2500
    )
    assert sink.one("SELECT count(*) FROM etl.dead_letters WHERE status = 'pending'") == 0


def test_data_that_does_not_fit_fails_without_quarantine(sink, engine):
    engine.put("/strict", {"mappings": {"properties": {"value": {"type": "integer"}}}})
    sink.admin.execute(
        "UPDATE w.t_source SET value = id::text; UPDATE w.t_source SET value = 'no number' WHERE id = 1999"
    )
    make(sink, "strict")
    error = failure(sink)
    assert (
        error.sqlstate == "PE010" and '"1999"' in error.diag.message_detail and "no number" in error.diag.message_detail
    )
    sink.admin.execute("UPDATE w.t_source SET value = '42' WHERE id = 1999")
    assert sink.ends(sink.one("SELECT etl.retry('p')")) == "succeeded"
    assert engine.docs("strict") == source_docs(sink, SOURCE)


def test_a_closed_index_fails_without_dead_letters(sink, engine):
    engine.put("/strict", {"mappings": {"properties": {"id": {"type": "long"}}}})
    engine.post("/strict/_close")
    make(sink, "strict", options={"on_error": "quarantine"})
    assert failure(sink).sqlstate == "PE020"
    assert sink.one("SELECT count(*) FROM etl.dead_letters") == 0


# Servers that cannot or may not be reached


def test_a_missing_server(bench):
    bench.tables(10)
    use_sink(bench, f"http://127.0.0.1:{free_port()}")
    make(bench, "films")
    error = failure(bench)
    assert error.sqlstate == "08001" and bench.state() == "FAILED"
    tries = [
        reason
        for _, _, reason in bench.story(bench.one("SELECT max(id) FROM etl.runs"))
        if reason and "trying again" in reason
    ]
    assert len(tries) == 3 and all("08001" in reason for reason in tries)


def test_a_server_that_comes_back(bench):
    """The run waits for it, as long as its retries last."""
    bench.tables(10)
    port = free_port()
    use_sink(bench, f"http://127.0.0.1:{port}")
    bench.pipeline(
        "p", SOURCE, "es:films", key_columns=["id"], options={"retry_backoff": ["10ms", "300ms"], "max_retries": 30}
    )
    run = bench.run()
    wait_until(lambda: any("08001" in (reason or "") for _, _, reason in bench.story(run)), 10, "it has tried", 0.01)
    with RecordingDouble(port=port) as double:
        assert bench.ends(run) == "succeeded", bench.error(run)
        assert double.docs("films") == source_docs(bench, SOURCE)


@pytest.mark.parametrize("allowed", ["", "127.0.0.1:1", "10.0.0.0/8", "localhost"])
def test_an_address_that_is_not_allowed(bench, allowed):
    """42501 at once, and not one connection."""
    bench.tables(10)
    with RecordingDouble() as double:
        use_sink(bench, double.url, allow=False)
        bench.admin.execute(f"ALTER DATABASE {bench.name} SET etl.allowed_hosts = '{allowed}'")
        make(bench, "films")
        error = failure(bench)
        assert (
            error.sqlstate == "42501"
            and "etl.allowed_hosts" in f"{error.diag.message_hint} {error.diag.message_detail}"
        )
        assert double.stats.describe()["sockets"] == 0


def test_the_owner_cannot_allow_an_address(bench):
    with bench.owner() as owner:
        owner.execute("SELECT etl.health()")
        with pytest.raises(psycopg.Error) as refused:
            owner.execute("SET etl.allowed_hosts = '0.0.0.0/0'")
        assert refused.value.sqlstate == "42501"
        owner.execute("SELECT 1")


# Credentials, on an Elasticsearch with security and TLS

PASSWORD = "canary-" + secrets.token_hex(12)


@pytest.fixture(scope="module")
def secure():
    with ElasticServer("elasticsearch8", tls=True, password=PASSWORD) as server:
        yield server


def map_user(bench, file: str, server: str = "es", user: str = "elastic") -> None:
    bench.admin.execute(
        f"DROP USER MAPPING IF EXISTS FOR {OWNER} SERVER {server};"
        f"CREATE USER MAPPING FOR {OWNER} SERVER {server} OPTIONS (user '{user}', password_file '{file}')"
    )


@pytest.fixture
def safe(bench, secure):
    """The bench with server `es`, the engine with security, and a secret that fits it."""
    try:
        secure.delete("/films")
    except HttpError as error:
        assert error.status == 404
    bench.tables(500)
    use_sink(bench, secure.url, ca_file=str(secure.ca_file))
    make_secret(bench.server, "es.secret", secure.url, PASSWORD)
    map_user(bench, "es.secret")
    yield bench
    forget_secrets(bench.server)


def test_basic_auth_over_tls(safe, secure):
    make(safe, "films")
    assert succeed(safe)["inserted"] == 500
    assert secure.docs("films") == source_docs(safe, SOURCE)


def test_a_wrong_password(safe, secure):
    make_secret(safe.server, "wrong.secret", secure.url, "not-" + PASSWORD)
    map_user(safe, "wrong.secret")
    make(safe, "films", options={"on_error": "quarantine"})
    error = failure(safe)
    assert error.sqlstate == "PE021" and PASSWORD not in f"{error} {error.diag.message_detail}"
    assert safe.one("SELECT count(*) FROM etl.dead_letters") == 0


def test_no_credentials(safe):
    safe.admin.execute(f"DROP USER MAPPING FOR {OWNER} SERVER es")
    make(safe, "films")
    assert failure(safe).sqlstate == "PE021"


@pytest.mark.parametrize("ca", ["none", "foreign"])
def test_a_certificate_of_another_ca(safe, secure, ca, tmp_path_factory):
    if ca == "none":
        safe.admin.execute("ALTER SERVER es OPTIONS (DROP ca_file)")
    else:
        safe.admin.execute("ALTER SERVER es OPTIONS (SET ca_file '/etc/ssl/certs/ca-certificates.crt')")
    make(safe, "films")
    error = failure(safe)
    assert error.sqlstate == "08001" and "TLS" in str(error)


def test_a_certificate_for_another_name(safe, secure):
    """The certificate is for 127.0.0.1 and localhost; 127.0.0.2 is the same server under a name it does not have."""
    with pytest.raises(HttpError):
        secure.get("/films")
    url = secure.url.replace("127.0.0.1", "127.0.0.2")
    safe.admin.execute(f"ALTER SERVER es OPTIONS (SET url '{url}')")
    make_secret(safe.server, "es.secret", url, PASSWORD)
    allow_hosts(safe, url)
    make(safe, "films")
    assert failure(safe).sqlstate == "08001"


@pytest.mark.parametrize("prefix", ["https://127.0.0.1:1", "https://127.0.0.1", "https://other.example:9200", ""])
def test_a_secret_bound_to_another_server(safe, prefix):
    """The secret file names the server it is for; to any other not even a connection is made."""
    with RecordingDouble() as double:
        make_secret(safe.server, "bound.secret", prefix, PASSWORD)
        use_sink(safe, double.url, name="other")
        map_user(safe, "bound.secret", "other")
        safe.pipeline("q", SOURCE, "other:films", key_columns=["id"], options=BACKOFF)
        error = failure(safe, "q")
        assert error.sqlstate == "42501", error
        assert double.stats.describe()["sockets"] == 0


def test_a_server_that_was_pointed_elsewhere(safe):
    """The owner of a server cannot have the secret sent to a server of his own."""
    make(safe, "films")
    succeed(safe)
    with RecordingDouble() as double:
        safe.admin.execute(f"ALTER SERVER es OPTIONS (SET url '{double.url}')")
        allow_hosts(safe, double.url)
        assert failure(safe).sqlstate == "42501"
        assert double.stats.describe()["sockets"] == 0


# The canary


@pytest.fixture
def talkative(pg_preload):
    """The server logs all that it does."""
    before = {
        "log_statement": "none",
        "log_min_messages": "warning",
        "log_min_duration_statement": -1,
        "log_connections": False,
        "log_error_verbosity": "default",
    }
    pg_preload.reload(
        log_statement="all",
        log_min_messages="debug2",
        log_min_duration_statement=0,
        log_connections=True,
        log_error_verbosity="verbose",
    )
    pg_preload.wait_until("SELECT setting = 'all' FROM pg_settings WHERE name = 'log_statement'")
    yield pg_preload
    pg_preload.reload(**before)


def all_rows(connection) -> str:
    """Every row of every table and view of our schema, and of the system views that show what sessions do and own."""
    relations = connection.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'S')"
        " AND relnamespace = 'etl'::regnamespace"
    ).fetchall()
    system = [
        "pg_stat_activity",
        "pg_settings",
        "pg_user_mappings",
        "pg_foreign_server",
        "pg_prepared_statements",
        "pg_cursors",
    ]
    return "\n".join(
        str(connection.execute(f"SELECT * FROM {name}").fetchall())
        for name in [*(row[0] for row in relations), *system]
    )


def process_text(pid: int) -> str:
    parts = []
    for name in ("cmdline", "environ", "status"):
        try:
            parts.append(Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return "".join(parts)


def test_a_secret_is_nowhere(talkative, safe, secure):
    """After runs that succeed, are refused, retried, watched and dumped: in no log, view, process title or dump."""
    safe.admin.execute(
        f"CREATE FUNCTION w.slow(v text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.002); RETURN v; END$$;"
        f"ALTER FUNCTION w.slow OWNER TO {OWNER}"
    )
    make(safe, "films", "SELECT id, w.slow(value) AS value FROM w.t_source", batch_size=50)
    run = safe.run()
    pid = safe.worker_pid(run)
    seen = all_rows(safe.admin) + process_text(pid)
    assert safe.ends(run) == "succeeded"
    with safe.owner() as owner:
        for look in (
            "SELECT etl.explain('p')",
            "SELECT etl.health()",
            "SELECT etl.dry_run('p')",
            "SELECT etl.preview('p')",
            "SELECT etl.export_pipeline('p')",
            "SELECT * FROM pg_user_mappings",
        ):
            seen += str(owner.execute(look).fetchall())
    secure.delete("/films")
    secure.put("/films", {"mappings": {"properties": {"value": {"type": "integer"}}}})
    assert failure(safe).sqlstate == "PE010"
    make_secret(safe.server, "wrong.secret", secure.url, "not-" + PASSWORD)
    map_user(safe, "wrong.secret")
    assert failure(safe).sqlstate == "PE021"
    safe.admin.execute("ALTER SERVER es OPTIONS (DROP ca_file)")
    assert failure(safe).sqlstate == "08001"
    dump = subprocess.run(
        as_service_user([safe.server.tree.bin / "pg_dumpall", "-d", safe.server.url(safe.name)]),
        cwd="/",
        text=True,
        env=safe.server.tree.environment(),
        capture_output=True,
        check=False,
    )
    assert dump.returncode == 0, dump.stderr
    seen += all_rows(safe.admin) + dump.stdout
    log = safe.server.log()
    assert "etl.run_wait" in log and "films" in seen  # so that it could be found
    for secret in (
        PASSWORD,
        base64.b64encode(f"elastic:{PASSWORD}".encode()).decode(),
        base64.b64encode(PASSWORD.encode()).decode().rstrip("="),
    ):
        assert secret not in seen
        assert secret not in log
