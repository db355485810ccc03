"""etl.log_format = json: each line that pg_etl writes to the server's log is one JSON object."""

import json
import re
import subprocess

import pytest
from harness.process import wait_until

KEYS = ["timestamp", "level", "service", "message", "correlation_id", "dataset_name"]
QUOTED = 'a"b\\ {"level": "forged"} é 😀 $1 %s'
HOSTILE = 'a"b\\ \n{"level": "forged"}\x1b[31m\x7f\u009b é 😀\t$1'
OURS = re.compile(r"LOG:  (\{.*)$")


@pytest.fixture
def logged(bench):
    """Calls back with the lines since the test began: JSON as it stands there."""
    before = len(bench.server.log())
    bench.server.reload(**{"etl.log_format": "json"})
    wait_until(lambda: bench.one("SHOW etl.log_format") == "json", 10, "the setting is read")
    yield lambda: [found.group(1) for line in bench.server.log()[before:].split("\n") if (found := OURS.search(line))]
    bench.server.reload(**{"etl.log_format": "text"})
    wait_until(lambda: bench.one("SHOW etl.log_format") == "text", 10, "the setting is back")


def of(lines, name):
    return [one for one in map(json.loads, lines) if one["dataset_name"] == name]


def test_a_run_says_that_it_starts_and_ends(bench, logged):
    bench.tables(10)
    for name in ("plain", QUOTED):
        bench.pipeline(name)
        number = bench.run(name)
        assert bench.ends(number) == "succeeded"
        wait_until(lambda name=name: len(of(logged(), name)) == 2, 10, "both lines are there")
        run = bench.one("SELECT correlation_id::text FROM etl.runs WHERE id = %s", number)
        for one, how in zip(of(logged(), name), ("started", "succeeded"), strict=True):
            assert list(one) == KEYS
            assert one["message"] == f'pipeline "{name}": run {number} {how}'
            assert (one["service"], one["level"], one["correlation_id"]) == ("pg_etl", "info", run)
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["timestamp"])
    at = of(logged(), "plain")[0]["timestamp"]
    assert bench.one("SELECT %s::timestamptz BETWEEN now() - interval '1 min' AND clock_timestamp()", at)


def test_whatever_it_holds_is_one_line(bench, logged):
    bench.slow_pipeline(QUOTED)
    number = bench.run(QUOTED)
    bench.first_batch(number)
    bench.admin.execute("SELECT etl.cancel(%s)", (QUOTED,))
    assert bench.ends(number) == "cancelled"
    wait_until(lambda: len(of(logged(), QUOTED)) == 2, 10, "it says that it stopped")
    bench.admin.execute('ALTER TABLE w.t_target ADD CONSTRAINT "no\n\x1b[31mmore" CHECK (id < 0) NOT VALID')
    assert bench.ends(bench.run(QUOTED)) == "failed"
    wait_until(lambda: len(of(logged(), QUOTED)) == 4, 10, "it says that it failed")
    failed = of(logged(), QUOTED)[-1]
    assert failed["level"] == "error" and failed["message"].startswith(f'pipeline "{QUOTED}" failed: 23514: ')
    assert "no\n\x1b[31mmore" in failed["message"]
    bench.admin.execute("UPDATE etl.pipeline SET name = %s", (HOSTILE,))  # create_pipeline refuses such a name
    assert bench.ends(bench.run(HOSTILE)) == "failed"
    wait_until(lambda: len(of(logged(), HOSTILE)) == 2, 10, "it says that it failed")
    for line in logged():
        assert not re.search(r"[\x00-\x1f\x7f\x80-\x9f]", line)
        parsed = subprocess.run(["jq", "-c", "keys_unsorted"], input=line, text=True, capture_output=True, check=True)
        assert json.loads(parsed.stdout) == KEYS


def test_text_is_the_default(bench):
    assert (
        bench.one("SELECT boot_val || ' ' || context FROM pg_settings WHERE name = 'etl.log_format'") == "text sighup"
    )
    before = len(bench.server.log())
    bench.tables(10)
    bench.pipeline("texts")
    number = bench.run("texts")
    assert bench.ends(number) == "succeeded"
    for how in ("started", "succeeded"):
        wait_until(
            lambda how=how: f'LOG:  pipeline "texts": run {number} {how}\n' in bench.server.log()[before:], 10, how
        )
