"""Source http_json: an API page by page, with its retries, limits and refusals."""

import email.utils
import json
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from harness.process import wait_until
from workbench import OWNER

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "double"))
from json_api import JsonApi

COLUMNS = {"id": "int", "name": "text", "tags": "jsonb"}


@pytest.fixture
def api(bench):
    server = JsonApi()
    bench.server.reload(**{"etl.allowed_hosts": "127.0.0.1"})
    bench.admin.execute(f"""
        CREATE SERVER api TYPE 'http' FOREIGN DATA WRAPPER etl OPTIONS (url '{server.url}/v1');
        GRANT USAGE ON FOREIGN SERVER api TO {OWNER};
        CREATE TABLE w.items (id int PRIMARY KEY, name text, tags jsonb); ALTER TABLE w.items OWNER TO {OWNER}""")
    yield server
    server.stop()
    bench.server.reload(**{"etl.allowed_hosts": "", "etl.max_reply_size": "64MB"})


def items(first, last):
    return [{"id": i, "name": f"n{i}", "tags": ["a", i], "more": None} for i in range(first, last + 1)]


def create(bench, name="p", mode="full", options="{}", between=(), **params):
    read = {
        "id": "read",
        "operator": "http_json",
        "params": {"server": "api", "path": "/items", "columns": COLUMNS, **params},
    }
    chain = [read, *between]
    save = {"id": "save", "operator": "table", "params": {"target": "w.items"}, "depends_on": [chain[-1]["id"]]}
    with bench.owner() as owner:
        owner.execute(
            "SELECT etl.create_pipeline(%s, mode => %s, options => %s, steps => %s)",
            (name, mode, options, json.dumps([*chain, save])),
        )


def run(bench, name="p"):
    number = bench.run(name)
    status = bench.ends(number)
    return status if status == "succeeded" else (status, *bench.error(number))


def by_offset(path, query, _):
    start = int(query["offset"])
    return 200, {}, {"data": {"items": items(start + 1, min(start + 40, 100))}}


def by_page(path, query, _):
    page = int(query["page"])
    return 200, {}, items(page * 40 - 39, min(page * 40, 100)) if page < 4 else []


def by_token(path, query, _):
    page = int(query.get("token", "1"))
    return (
        200,
        {},
        {"data": items(page * 40 - 39, min(page * 40, 100)), "meta": {"next": str(page + 1) if page < 3 else None}},
    )


def by_link(path, query, _):
    page = int(query.get("p", "1"))
    links = {"Link": f'</v1/items?p=1>; rel="first", </v1/items?p={page + 1}&x=a,b>; title="a, b"; rel="next"'}
    return 200, links if page < 3 else {}, items(page * 40 - 39, min(page * 40, 100))


@pytest.mark.parametrize(
    "script, params, asked",
    [
        (
            by_offset,
            {
                "pagination": {"type": "offset", "param": "offset", "size": 40, "size_param": "limit"},
                "records": "$.data.items",
            },
            ["limit=40&offset=0", "limit=40&offset=40", "limit=40&offset=80"],
        ),
        (by_page, {"pagination": {"type": "page", "param": "page"}}, ["page=1", "page=2", "page=3", "page=4"]),
        (
            by_token,
            {"pagination": {"type": "token", "param": "token", "next": "meta.next"}, "records": "data"},
            ["", "token=2", "token=3"],
        ),
        (by_link, {"pagination": {"type": "link"}}, ["", "p=2&x=a,b", "p=3&x=a,b"]),
    ],
)
def test_pages(bench, api, script, params, asked):
    api.script = script
    create(bench, **params)
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) || ' ' || sum(id) || ' ' || max(tags::text) FROM w.items") == '100 5050 ["a", 9]'
    assert api.paths() == ["/v1/items" + ("?" + query if query else "") for query in asked]
    assert bench.one("SELECT count(*) FROM etl.batches") == 3
    correlation = str(bench.one("SELECT correlation_id FROM etl.runs"))
    assert {headers["X-Correlation-ID"] for _, _, headers, *_ in api.seen} == {correlation}
    assert api.connections == 1
    assert bench.one("SELECT etl.preview('p', 1)")["name"] == "n1"
    assert bench.one("SELECT count(*) FROM etl.dry_run('p') WHERE action = 'unchanged'") == 40
    assert "pages of an API" in bench.one("SELECT string_agg(l, '') FROM etl.explain('p') AS l")


@pytest.mark.parametrize("kind", ["token", "link"])
def test_a_next_page_that_cannot_be_asked_for_is_no_position(bench, api, kind):
    good = {"token": by_token, "link": by_link}[kind]

    def bad(path, query, _):
        if kind == "token":
            return 200, {}, {"data": items(1, 40), "meta": {"next": "x" * 9000}}
        return 200, {"Link": f'</v1/items?p={"x" * 9000}>; rel="next"'}, items(1, 40)

    api.script = bad
    token = {"pagination": {"type": "token", "param": "token", "next": "meta.next"}, "records": "data"}
    create(bench, **(token if kind == "token" else {"pagination": {"type": "link"}}))
    state = run(bench)
    assert state[:2] == ("failed", "08P01") and "cannot be asked for" in state[2], state
    api.script = good
    bench.admin.execute("SELECT etl.retry('p')")
    assert bench.ends(1) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.items") == 100


ONE_OF_EACH = [{"id": "one", "operator": "sql", "params": {"query": "SELECT DISTINCT ON (id) * FROM read ORDER BY id"},
                "depends_on": ["read"]}]  # fmt: skip


def endless(path, query, _):
    return 200, {}, {"data": items(1, 40), "meta": {"next": str(int(query.get("token", "1")) + 1)}}


def in_a_circle(path, query, _):
    return 200, {}, {"data": items(1, 40), "meta": {"next": {"c": "a"}.get(query.get("token", ""), "c")}}


@pytest.mark.parametrize("whole", [False, True], ids=["page by page", "all at once"])
@pytest.mark.parametrize("script, code", [(endless, "54000"), (in_a_circle, "PE020")], ids=["endless", "circle"])
def test_pages_without_an_end(bench, api, script, code, whole):
    api.script = script
    pagination = {"type": "token", "param": "token", "next": "meta.next", "max_pages": 20}
    create(bench, pagination=pagination, records="data", **({"between": ONE_OF_EACH} if whole else {}))
    assert run(bench)[:2] == ("failed", code)
    assert len(api.seen) <= 20


def test_a_batch_behind_an_empty_page_is_tried_again(bench, api):
    """The page before it is asked for once more, which is no circle."""
    pages = {"": [], "b": [*items(1, 3), {"id": 4, "name": "no"}, {"id": 5}]}

    def script(path, query, _):
        token = query.get("token", "")
        return 200, {}, {"data": pages[token], "meta": {"next": {"": "b"}.get(token)}}

    api.script = script
    bench.admin.execute("ALTER TABLE w.items ADD CHECK (name <> 'no')")
    pagination = {"type": "token", "param": "token", "next": "meta.next"}
    create(bench, options='{"on_error": "quarantine"}', pagination=pagination, records="data")
    assert run(bench) == "succeeded"
    assert bench.one("SELECT string_agg(id::text, ' ' ORDER BY id) FROM w.items") == "1 2 3 5"
    assert bench.one("SELECT count(*) FROM etl.dead_letters") == 1


def test_an_incremental_run_goes_on(bench, api):
    store = items(1, 30)

    def script(path, query, _):
        start = int(query["offset"])
        return 200, {}, store[start : start + 20]

    api.script = script
    create(bench, mode="incremental", pagination={"type": "offset", "param": "offset", "size": 20})
    assert run(bench) == "succeeded"
    assert api.paths() == ["/v1/items?offset=0", "/v1/items?offset=20"]
    store += items(31, 55)
    api.seen.clear()
    assert run(bench) == "succeeded"
    assert api.paths() == ["/v1/items?offset=20", "/v1/items?offset=40"]
    assert bench.one("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1") == 25
    assert bench.one("SELECT count(*) FROM w.items") == 55
    assert bench.one("SELECT position FROM etl.checkpoints") == ["40", "15"]
    assert run(bench) == "succeeded"
    assert bench.one("SELECT rows_read FROM etl.runs ORDER BY id DESC LIMIT 1") == 0


def test_what_is_asked_for_again(bench, api):
    answers = iter([503, 429, 504])

    def script(path, query, number):
        status = next(answers, 200)
        return status, {}, items(1, 3) if status == 200 else {"error": "busy"}

    api.script = script
    create(bench)
    assert run(bench) == "succeeded"
    times = [when for *_, when in api.seen]
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert len(pauses) == 3
    assert all(least <= pause < least + 1 for least, pause in zip((0.5, 1, 2), pauses, strict=True)), pauses
    assert bench.one("SELECT count(*) FROM w.items") == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(bench, api, status):
    answers = iter([status])

    def script(*_):
        return (busy, {}, "busy") if (busy := next(answers, None)) else (200, {}, items(1, 3))

    api.script = script
    create(bench, options='{"max_retries": 0}')
    assert run(bench) == "succeeded"
    assert len(api.seen) == 2 and bench.one("SELECT count(*) FROM w.items") == 3
    assert bench.one("SELECT attempt FROM etl.runs") == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_says_when_is_asked_then(bench, api, form):
    """Later than the pause of its own would be, and not earlier when it says so."""
    told = iter([3, 0])

    def script(*_):
        seconds = next(told, None)
        if seconds is None:
            return 200, {}, items(1, 3)
        # A date has whole seconds: one more, so that at least so many are left.
        date = email.utils.formatdate(time.time() + seconds + 1, usegmt=True)
        return 429, {"Retry-After": str(seconds) if form == "seconds" else date}, "later"

    api.script = script
    create(bench)
    assert run(bench) == "succeeded"
    times = [when for *_, when in api.seen]
    assert len(times) == 3
    assert times[1] - times[0] >= 3 and times[2] - times[1] >= 1
    assert bench.one("SELECT count(*) FROM w.items") == 3


def test_a_server_that_says_much_later_is_asked_after_a_minute(bench, api):
    """Seen in the system call in which the worker waits: epoll_wait, whose fourth argument is in milliseconds."""
    api.script = lambda *_: (503, {"Retry-After": "86400"}, "later")
    create(bench)
    number = bench.run()
    wait_until(lambda: api.seen)
    call = Path(f"/proc/{bench.worker_pid(number)}/syscall")
    try:
        call.read_text(encoding="ascii")
    except OSError:
        pytest.skip("wants to see what a process waits for")

    def pause():
        words = call.read_text(encoding="ascii").split()
        return len(words) > 4 and (ms := int(words[4], 16)) < 1 << 31 and ms > 30_000 and ms

    assert 59_000 < wait_until(pause, 10, "it waits to ask again", 0.01) <= 60_001
    with bench.owner() as owner:
        owner.execute("SELECT etl.cancel('p')")
    assert bench.ends(number) == "cancelled" and len(api.seen) == 1


@pytest.mark.parametrize(
    "status, code, times",
    [
        (503, "PE020", 4),
        (500, "PE020", 1),
        (400, "PE020", 1),
        (401, "PE021", 1),
        (403, "PE021", 1),
        (404, "PE020", 1),
        (410, "PE020", 1),
        (302, "PE020", 1),
    ],
)
def test_what_is_refused_by_the_server(bench, api, status, code, times):
    api.script = lambda *_: (status, {"Location": "http://10.0.0.1/"}, {"error": "because"})
    create(bench)
    state, seen_code, message = run(bench)[:3]
    assert (state, seen_code) == ("failed", code)
    assert len(api.seen) == times


def test_bad_records(bench, api):
    api.script = lambda *_: (200, {}, b'[{"id": 1}, {"id": "x"}, 7, {"id": 2, "name": "b"}]')
    create(bench)
    assert run(bench)[:2] == ("failed", "22P02")
    with bench.owner() as owner:
        owner.execute("SELECT etl.cancel('p')")
        owner.execute('SELECT etl.alter_pipeline(\'p\', \'{"options": {"on_error": "quarantine"}}\')')
    assert run(bench) == "succeeded"
    letters = bench.admin.execute(
        "SELECT error_code, original_record FROM etl.dead_letters ORDER BY original_record->>'_line'"
    ).fetchall()
    assert [letter["_line"] for _, letter in letters] == [2, 3]
    assert letters[0] == ("22P02", {"_page": "/items", "_line": 2, "_raw": '{"id": "x"}'})
    assert bench.one("SELECT count(*) FROM w.items") == 2


def test_hostile_replies(bench, api):
    def endless(write):
        write(b"[")
        while True:
            write(b'{"id": 1},' * 10000)

    cases = [
        ("54000", (200, {}, endless)),
        ("54001", (200, {}, b"[" * 10000 + b"]" * 10000)),
        ("PE020", (200, {}, b"<html>not JSON</html>")),
        ("22023", (200, {}, {"items": []})),
        ("42501", (200, {"Link": '<http://10.0.0.1/steal>; rel="next"'}, items(1, 2))),
        ("PE020", (200, {"Link": '</v1/items?p=1>; rel="next"'}, items(1, 2))),
    ]
    bench.server.reload(**{"etl.max_reply_size": "1MB"})
    for number, (code, answer) in enumerate(cases):
        api.script = lambda *_, answer=answer: answer
        name = f"p{number}"
        create(bench, name=name, pagination={"type": "link"}, options='{"retry_backoff": ["1ms"]}')
        asked = len(api.seen)
        assert run(bench, name)[:2] == ("failed", code)
        if answer[2] == b"<html>not JSON</html>":
            assert len(api.seen) == asked + 1
    assert "10.0.0.1" in bench.one("SELECT error_detail FROM etl.run_log WHERE error_code = '42501'")


def test_a_link_above_the_base_of_the_server(bench, api):
    bench.admin.execute(f"ALTER SERVER api OPTIONS (SET url '{api.url}/v1/a/long/way')")
    api.script = lambda path, *_: (
        (200, {"Link": '</n>; rel="next"'}, items(1, 2)) if path != "/n" else (200, {}, b'[{"id": "x"}]')
    )
    create(bench, pagination={"type": "link"}, options='{"on_error": "quarantine"}')
    assert run(bench) == "succeeded"
    assert api.paths() == ["/v1/a/long/way/items", "/n"]
    assert bench.one("SELECT original_record->>'_page' FROM etl.dead_letters") == f"{api.url}/n"


def test_names_of_pages_that_are_refused(bench, api):
    by_header = {"pagination": {"type": "link"}}
    by_body = {"records": "items", "pagination": {"type": "token", "param": "token", "next": "next"}}
    cases = {  # what no checkpoint can keep, and a long one that is named again, of which whole characters are shown
        "/v1/\\xe9": (by_header, {"Link": '</v1/\xe9>; rel="next"'}, items(1, 2)),
        "a\\x00b": (by_body, {}, {"items": items(1, 2), "next": "a\0b"}),
        "a" + "é" * 99: (by_body, {}, {"items": items(1, 2), "next": "a" + "é" * 200}),
    }
    for number, (shown, (params, headers, body)) in enumerate(cases.items()):
        api.script = lambda *_, headers=headers, body=body: (200, headers, body)
        create(bench, name=f"p{number}", **params)
        assert run(bench, f"p{number}")[:2] == ("failed", "PE020")
        assert bench.one("SELECT error_detail FROM etl.run_log ORDER BY id DESC LIMIT 1") == f'It is "{shown}".'


def test_whole_set_steps_and_a_post(bench, api):
    api.script = by_page
    group = {"id": "group", "operator": "dedupe", "params": {"keys": ["id"], "order_by": "id"}, "depends_on": ["read"]}
    create(
        bench,
        between=[group],
        pagination={"type": "page", "param": "page"},
        method="POST",
        body={"q": "x"},
        headers={"X-Team": "a"},
    )
    assert run(bench) == "succeeded"
    assert bench.one("SELECT count(*) FROM w.items") == 100
    path, query, headers, body, _ = api.seen[0]
    assert (json.loads(body), headers["X-Team"], headers["Content-Type"]) == ({"q": "x"}, "a", "application/json")


def test_the_body_of_a_post_is_sent_with_each_request(bench, api):
    """Also when it is asked again; a GET has none."""
    busy = iter([503])

    def script(path, query, number):
        return (status, {}, "busy") if (status := next(busy, None)) else by_page(path, query, number)

    api.script = script
    body = {"filter": {"name": 'é "quoted"', "tags": ["a", None, 1.50]}, "empty": {}}
    create(bench, pagination={"type": "page", "param": "page"}, method="POST", body=body)
    assert run(bench) == "succeeded"
    assert [json.loads(sent) for _, _, _, sent, _ in api.seen] == [body] * 5
    assert {headers["Content-Length"] for _, _, headers, *_ in api.seen} == {str(len(api.seen[0][3]))}
    assert {method for method in api.methods} == {"POST"}
    assert bench.one("SELECT count(*) FROM w.items") == 100
    bench.admin.execute("SELECT etl.drop_pipeline('p'); TRUNCATE w.items")
    api.seen.clear()
    api.methods.clear()
    create(bench, pagination={"type": "page", "param": "page"})
    assert run(bench) == "succeeded"
    assert {(method, sent) for method, (_, _, _, sent, _) in zip(api.methods, api.seen)} == {("GET", b"")}


def test_a_cancel_ends_the_wait(bench, api):
    gone = threading.Event()

    def script(*_):
        gone.wait(30)
        return 200, {}, []

    api.script = script
    create(bench)
    bench.run()
    wait_until(lambda: api.seen)
    start = time.monotonic()
    assert (
        bench.one(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND application_name LIKE 'pg_etl: %'"
        )
        == 0
    )
    with bench.owner() as owner:
        owner.execute("SELECT etl.cancel('p')")
    wait_until(lambda: bench.one("SELECT state FROM etl.pipelines") == "IDLE")
    assert time.monotonic() - start < 1
    gone.set()


def test_definitions_that_are_refused(bench, api):
    def refused(**params):
        with pytest.raises(psycopg.Error) as error:
            create(bench, **params)
        return error.value.sqlstate

    assert refused(server="none") == "42704"
    assert refused(path="items") == "22023"
    assert refused(headers={"Authorization": "Bearer x"}) == "22023"
    assert refused(pagination={"type": "token", "param": "t"}) == "22023"
    assert refused(pagination={"type": "page"}) == "22023"
    assert refused(pagination={"type": "page", "param": "p", "size": 2**63}) == "22023"
    assert refused(records="a[0]") == "22023"
    assert refused(columns={"id": "no_type"}) in ("42704", "22023")
    bench.admin.execute(f"REVOKE USAGE ON FOREIGN SERVER api FROM {OWNER}")
    assert refused() == "42501"
