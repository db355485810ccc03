"""Source http_json: a run that ends in the middle goes on with the page that it stopped at, and asks for none before it."""

import json
import threading

import pytest
from harness.process import wait_until
from test_http_json import api, by_link, by_offset, by_page, by_token, create, items  # noqa: F401

SIZE = 40
ROWS = 100
# The pages as they are asked for; by_page has an empty one at the end, which is asked for whenever the end is looked for.
PAGINATIONS = {
    "link": (by_link, {"pagination": {"type": "link"}}, ["", "p=2&x=a,b", "p=3&x=a,b"]),
    "page": (by_page, {"pagination": {"type": "page", "param": "page"}}, ["page=1", "page=2", "page=3", "page=4"]),
    "token": (
        by_token,
        {"pagination": {"type": "token", "param": "token", "next": "meta.next"}, "records": "data"},
        ["", "token=2", "token=3"],
    ),
    "offset": (
        by_offset,
        {
            "pagination": {"type": "offset", "param": "offset", "size": SIZE, "size_param": "limit"},
            "records": "$.data.items",
        },
        ["limit=40&offset=0", "limit=40&offset=40", "limit=40&offset=80"],
    ),
}


class Interrupted:
    """A script that answers as another one does, but for one page, until it is told to."""

    def __init__(self, script, page):
        self.script, self.page = script, page
        self.armed = True
        self.held = threading.Event()  # the page was asked for
        self.released = threading.Event()

    def answer(self):
        raise NotImplementedError

    def __call__(self, path, query, number):
        whole = self.script(path, query, number)
        if self.armed and self.asks(query):
            self.held.set()
            return self.answer() or whole
        return whole

    def asks(self, query):
        wanted = dict(part.split("=") for part in self.page.split("&"))
        return all(query.get(name) == value for name, value in wanted.items())


class Refusing(Interrupted):
    def answer(self):
        return 400, {}, {"error": "not now"}


class Hanging(Interrupted):
    def answer(self):
        self.released.wait(30)


def queries(api):  # noqa: F811
    return [query for _, query, *_ in api.seen]


def arrived_once(bench):
    """All rows are there, and no run has read or written one that another one has."""
    assert bench.one("SELECT count(*) || ' ' || sum(id) FROM w.items") == f"{ROWS} {ROWS * (ROWS + 1) // 2}"
    figures = (
        "SELECT sum(rows_read)::int, sum(rows_inserted)::int, sum(rows_updated + rows_unchanged)::int FROM etl.runs"
    )
    assert bench.admin.execute(figures).fetchone() == (ROWS, ROWS, 0)
    assert bench.one("SELECT count(*) FROM etl.batches") == 3


@pytest.fixture(params=PAGINATIONS)
def pages(request):
    return PAGINATIONS[request.param]


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_a_run_that_failed_is_retried_from_its_page(bench, api, pages, mode):  # noqa: F811
    script, params, asked = pages
    api.script = refusing = Refusing(script, asked[2])
    create(bench, mode=mode, options='{"settle": "0s", "max_retries": 0}', **params)
    run = bench.run()
    assert bench.ends(run) == "failed" and bench.error(run)[0] == "PE020"
    assert queries(api) == asked[:3]
    assert bench.one("SELECT count(*) FROM w.items") == 2 * SIZE
    stored = bench.one("SELECT position FROM etl.checkpoints")
    api.seen.clear()
    with bench.owner() as owner:  # refused once more: the position stays
        owner.execute("SELECT etl.retry('p')")
        assert bench.ends(run) == "failed"
    assert queries(api) == asked[2:3]
    assert bench.one("SELECT position FROM etl.checkpoints") == stored
    refusing.armed = False
    api.seen.clear()
    with bench.owner() as owner:
        owner.execute("SELECT etl.retry('p')")
    assert bench.ends(run) == "succeeded", bench.error(run)
    assert queries(api) == asked[2:]
    arrived_once(bench)


def cancelled_at(bench, api, hanging):  # noqa: F811
    run = bench.run()
    wait_until(hanging.held.is_set, 10, "the page is asked for", 0.01)
    assert bench.one("SELECT count(*) FROM w.items") == 2 * SIZE
    with bench.owner() as owner:
        owner.execute("SELECT etl.cancel('p')")
    assert bench.ends(run) == "cancelled"
    hanging.armed = False
    hanging.released.set()
    api.seen.clear()


def test_an_incremental_run_that_was_cancelled_is_gone_on_with_by_the_next(bench, api, pages):  # noqa: F811
    script, params, asked = pages
    api.script = hanging = Hanging(script, asked[2])
    create(bench, mode="incremental", options='{"settle": "0s"}', **params)
    cancelled_at(bench, api, hanging)
    assert bench.ends(bench.run()) == "succeeded"
    assert queries(api) == asked[2:]
    arrived_once(bench)


def test_a_full_run_that_was_cancelled_begins_anew(bench, api, pages):  # noqa: F811
    script, params, asked = pages
    api.script = hanging = Hanging(script, asked[2])
    create(bench, **params)
    cancelled_at(bench, api, hanging)
    run = bench.run()
    assert bench.ends(run) == "succeeded"
    assert queries(api) == asked
    figures = "SELECT rows_read, rows_inserted, rows_updated, rows_unchanged FROM etl.runs WHERE id = %s"
    assert bench.admin.execute(figures, (run,)).fetchone() == (ROWS, ROWS - 2 * SIZE, 0, 2 * SIZE)


def test_a_run_that_was_paused_is_resumed_at_its_page(bench, api, pages):  # noqa: F811
    script, params, asked = pages
    api.script = hanging = Hanging(script, asked[1])
    create(bench, **params)
    run = bench.run()
    wait_until(hanging.held.is_set, 10, "the page is asked for", 0.01)
    with bench.owner() as owner:
        owner.execute("SELECT etl.pause('p')")
    hanging.armed = False
    hanging.released.set()
    assert bench.ends(run) == "paused"
    rows = bench.one("SELECT count(*) FROM w.items")
    assert rows in (SIZE, 2 * SIZE)
    api.seen.clear()
    with bench.owner() as owner:
        owner.execute("SELECT etl.resume('p')")
    assert bench.ends(run) == "succeeded"
    assert queries(api) == asked[rows // SIZE :]
    arrived_once(bench)


def test_a_run_whose_worker_was_lost_goes_on_with_its_page(bench, api, pages):  # noqa: F811
    script, params, asked = pages
    api.script = hanging = Hanging(script, asked[2])
    create(bench, **params)
    run = bench.run()
    wait_until(hanging.held.is_set, 10, "the page is asked for", 0.01)
    pid = bench.worker_pid(run)
    hanging.armed = False
    api.seen.clear()
    assert bench.one("SELECT pg_terminate_backend(%s, 10000)", pid)
    hanging.released.set()
    assert bench.ends(run) == "succeeded", bench.error(run)
    assert queries(api) == asked[2:]
    arrived_once(bench)


def test_a_connection_that_breaks_within_a_page_repeats_that_page_alone(bench, api, pages):  # noqa: F811
    script, params, asked = pages
    broken = iter([True])

    def script_that_breaks(path, query, number):
        if queries(api)[-1] == asked[1] and next(broken, False):

            def half(write):
                write(json.dumps(items(1, 3)).encode()[:20])
                raise OSError("cut")

            return 200, {}, half
        return script(path, query, number)

    api.script = script_that_breaks
    create(bench, options='{"retry_backoff": ["10ms"]}', **params)
    run = bench.run()
    assert bench.ends(run) == "succeeded", bench.error(run)
    assert queries(api) == [*asked[:2], asked[1], *asked[2:]]
    arrived_once(bench)
