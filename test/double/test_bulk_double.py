"""Each fault of the bulk double is what it says: on the wire, and in what was stored before it."""

import gzip
import http.client
import json
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bulk_double import BulkDouble


@pytest.fixture
def double():
    with BulkDouble() as running:
        yield running


def call(double, method, path, body=None, headers=None, timeout=5, context=None):
    """(status, headers, body bytes); an HTTP error status is a result, not an exception."""
    request = urllib.request.Request(double.url + path, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=context) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as reply:
        return reply.code, reply.headers, reply.read()


def ndjson(*lines):
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def index_op(key, version=1, source=None, index="films"):
    meta = {"_index": index, "_id": key, "version": version, "version_type": "external"}
    return ndjson({"index": meta}, source or {"id": key})


def delete_op(key, version, index="films"):
    return ndjson({"delete": {"_index": index, "_id": key, "version": version, "version_type": "external"}})


def bulk(double, body=None, path="/_bulk", **more):
    body = index_op("1") + index_op("2") if body is None else body
    status, headers, reply = call(double, "POST", path, body, **more)
    return status, headers, json.loads(reply)


def statuses(reply):
    return [next(iter(item.values()))["status"] for item in reply["items"]]


def stored(double, index="films"):
    return json.loads(call(double, "GET", f"/_all_docs/{index}")[2])


def script(double, *rules):
    status, _, body = call(double, "POST", "/_script", json.dumps(rules).encode())
    assert status == 200, body


def test_external_versions_and_tombstones(double):
    assert statuses(bulk(double, index_op("1", 5))[2]) == [201]
    assert statuses(bulk(double, index_op("1", 5) + index_op("1", 4))[2]) == [409, 409]
    assert statuses(bulk(double, index_op("1", 6, {"title": "b"}))[2]) == [200]
    assert statuses(bulk(double, delete_op("1", 6))[2]) == [409]
    assert statuses(bulk(double, delete_op("1", 7) + delete_op("9", 7))[2]) == [200, 404]
    assert statuses(bulk(double, index_op("1", 7) + index_op("9", 3))[2]) == [409, 409]
    assert stored(double) == {}


def test_index_requests(double):
    assert call(double, "HEAD", "/films")[0] == 404
    body = json.dumps({"mappings": {"dynamic": "strict"}}).encode()
    assert call(double, "PUT", "/films", body)[0] == 200
    assert call(double, "PUT", "/films", body)[0] == 400
    assert call(double, "HEAD", "/films")[0] == 200
    assert b"strict" in call(double, "GET", "/films")[2]
    bulk(double, ndjson({"index": {"_id": "7"}}, {"a": 1}), "/films/_bulk")
    assert json.loads(call(double, "GET", "/films/_count")[2])["count"] == 1
    document = json.loads(call(double, "GET", "/films/_doc/7")[2])
    assert (document["_version"], document["_source"]) == (1, {"a": 1})
    assert call(double, "GET", "/films/_doc/8")[0] == 404
    found = json.loads(call(double, "GET", "/films/_search?size=5")[2])
    assert found["hits"]["total"]["value"] == 1
    assert call(double, "DELETE", "/films")[0] == 200
    assert call(double, "GET", "/films/_count")[0] == 404


def test_gzip_body(double):
    status, _, reply = bulk(double, gzip.compress(index_op("1")), headers={"Content-Encoding": "gzip"})
    assert (status, statuses(reply)) == (200, [201])
    assert bulk(double, b"no gzip", headers={"Content-Encoding": "gzip"})[0] == 400
    assert bulk(double)[0] == 200
    encodings = json.loads(call(double, "GET", "/_stats_double")[2])["bodies_by_encoding"]
    assert encodings == {"gzip": 1, "identity": 1}


def test_filter_path_leaves_fields_out(double):
    path = "/_bulk?filter_path=errors,items.*._id,items.*.status,items.*.error"
    reply = bulk(double, index_op("1", 2) + index_op("1", 1), path)[2]
    assert set(reply) == {"errors", "items"}
    assert set(reply["items"][0]["index"]) == {"_id", "status"}
    assert set(reply["items"][1]["index"]) == {"_id", "status", "error"}
    only_errors = bulk(double, index_op("3") + index_op("1", 1), "/_bulk?filter_path=items.*.error")
    assert len(only_errors[2]["items"]) == 1


def test_body_that_is_no_bulk(double):
    assert bulk(double, index_op("1")[:-1])[0] == 400
    assert bulk(double, b"nonsense\n")[0] == 400
    assert bulk(double, ndjson({"index": {"_id": "1"}}, {}))[0] == 400
    assert stored(double) == {}


def test_keep_alive_and_stats(double):
    connection = http.client.HTTPConnection("127.0.0.1", double.port, timeout=5)
    for version in (1, 2, 3):
        connection.request("POST", "/_bulk", index_op("1", version))
        assert json.loads(connection.getresponse().read())["errors"] is False
    connection.request("GET", "/_stats_double?items=1")
    stats = json.loads(connection.getresponse().read())
    connection.close()
    assert (stats["sockets"], stats["requests"], stats["items"]) == (1, 3, 3)
    assert stats["item_counts"] == {"films/1": 3}
    assert stats["documents_sent_again"] == 1
    assert stats["max_body"] == len(index_op("1", 1))


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_status(double, code):
    script(double, {"on": "bulk", "times": 2, "status": code, "retry_after": 1})
    for _ in range(2):
        status, headers, reply = bulk(double)
        assert (status, headers["Retry-After"], reply["status"]) == (code, "1", code)
    assert stored(double) == {}
    assert bulk(double)[0] == 200
    faults = json.loads(call(double, "GET", "/_stats_double")[2])["faults"]
    assert [fault["applied"] for fault in faults] == [False, False]


def test_status_after_applying(double):
    script(double, {"status": 503, "applied": True})
    assert bulk(double)[0] == 503
    assert len(stored(double)) == 2
    assert statuses(bulk(double)[2]) == [409, 409]


def test_413_above_max_bytes(double):
    script(double, {"status": 413, "max_bytes": 200, "times": "always"})
    large = index_op("1") + index_op("2", source={"text": "x" * 300})
    assert [bulk(double, large)[0], bulk(double, index_op("1"))[0], bulk(double, large)[0]] == [413, 200, 413]
    assert list(stored(double)) == ["1"]


def test_rules_are_used_in_order(double):
    script(double, {"status": 503, "after": 1}, {"status": 429}, {"on": "head", "status": 401})
    assert [bulk(double)[0] for _ in range(3)] == [429, 503, 200]
    assert [call(double, "HEAD", "/films")[0] for _ in range(2)] == [401, 200]


def test_bad_script_is_refused(double):
    for rule in (
        {"fault": "nosuch"},
        {"status": 429, "retry": 1},
        {"fault": "cut", "at": "noon"},
        {"items": {"status": 400}},
        {"fault": "cut", "at": "request", "applied": True},
    ):
        assert call(double, "POST", "/_script", json.dumps([rule]).encode())[0] == 400, rule


@pytest.mark.parametrize("chosen", [{"match": {"_id": "2"}}, {"every": 2}])
@pytest.mark.parametrize("code", [400, 409, 429])
def test_items_fail_alone(double, chosen, code):
    script(double, {"items": {**chosen, "status": code}})
    status, _, reply = bulk(double)
    assert (status, reply["errors"], statuses(reply)) == (200, True, [201, code])
    assert reply["items"][1]["index"]["error"]["type"]
    assert list(stored(double)) == ["1"]
    assert statuses(bulk(double)[2]) == [409, 201]


def test_items_with_own_error(double):
    script(double, {"items": [{"first": 1, "status": 400, "error": {"type": "t", "reason": "r"}}]})
    assert bulk(double)[2]["items"][0]["index"]["error"] == {"type": "t", "reason": "r"}


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("fault", ["garbled", "html", "empty"])
def test_reply_without_json(double, fault, applied):
    script(double, {"fault": fault, "applied": applied})
    status, headers, body = call(double, "POST", "/_bulk", index_op("1"))
    assert status == 200
    with pytest.raises(ValueError):
        json.loads(body)
    assert headers["Content-Type"] == ("text/html" if fault == "html" else "application/json")
    assert (body == b"") == (fault == "empty")
    assert len(stored(double)) == int(applied)


def test_truncated(double):
    script(double, {"fault": "truncated"})
    with pytest.raises(http.client.IncompleteRead):
        bulk(double)
    assert len(stored(double)) == 2


def test_wrong_count(double):
    script(double, {"fault": "wrong_count"})
    assert statuses(bulk(double)[2]) == [201]
    assert len(stored(double)) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_late(double, when):
    script(double, {"fault": "late", "seconds": 0.6, "when": when})
    with pytest.raises(TimeoutError):
        bulk(double, timeout=0.2)
    assert len(stored(double)) == (2 if when == "after" else 0)
    assert wait_for(lambda: len(stored(double)) == 2)


@pytest.mark.parametrize("at,documents", [("request", 0), ("reply", 2)])
def test_cut(double, at, documents):
    script(double, {"fault": "cut", "at": at})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, urllib.error.URLError)):
        bulk(double)
    assert len(stored(double)) == documents


@pytest.mark.parametrize("at,documents", [("request", 0), ("reply", 2), ("mid_reply", 2)])
def test_reset(double, at, documents):
    script(double, {"fault": "reset", "at": at})
    with pytest.raises((ConnectionResetError, urllib.error.URLError)) as caught:
        bulk(double)
    reason = getattr(caught.value, "reason", caught.value)
    assert isinstance(reason, ConnectionResetError)
    assert len(stored(double)) == documents


def test_drip(double):
    script(double, {"fault": "drip", "bytes_per_second": 20})
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", double.port, timeout=5)
    connection.request("POST", "/_bulk", index_op("1"))
    assert len(connection.getresponse().read(10)) == 10
    assert time.monotonic() - started > 0.4
    connection.close()


def test_redirect(double):
    script(double, {"fault": "redirect", "location": "http://127.0.0.1:1/elsewhere"})
    connection = http.client.HTTPConnection("127.0.0.1", double.port, timeout=5)
    connection.request("POST", "/_bulk", index_op("1"))
    reply = connection.getresponse()
    assert (reply.status, reply.headers["Location"]) == (302, "http://127.0.0.1:1/elsewhere")
    connection.close()
    assert stored(double) == {}


@pytest.mark.parametrize("applied", [True, False])
def test_hang(double, applied):
    script(double, {"fault": "hang", "applied": applied})
    with pytest.raises(TimeoutError):
        bulk(double, timeout=0.3)
    assert len(stored(double)) == (2 if applied else 0)


def test_huge(double):
    script(double, {"fault": "huge"})
    connection = http.client.HTTPConnection("127.0.0.1", double.port, timeout=5)
    connection.request("POST", "/_bulk", index_op("1"))
    assert len(connection.getresponse().read(4_000_000)) == 4_000_000
    connection.close()
    assert bulk(double)[0] == 200


def test_echo(double):
    script(double, {"fault": "echo"})
    status, _, reply = bulk(double, headers={"Authorization": "Basic c2VjcmV0"})
    assert status == 400
    assert "Basic c2VjcmV0" in reply["error"]["reason"]


def test_reset_double(double):
    bulk(double)
    call(double, "POST", "/_reset_double", b"")
    assert stored(double) == {}
    assert json.loads(call(double, "GET", "/_stats_double")[2])["requests"] == 0


def test_command_line_prints_its_port():
    program = Path(__file__).with_name("bulk_double.py")
    child = subprocess.Popen([sys.executable, program, "--port", "0"], stdout=subprocess.PIPE)
    try:
        port = int(child.stdout.readline())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
            assert reply.status == 200
    finally:
        child.terminate()
        child.communicate(timeout=5)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_tls(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            cert,
        ],
        check=True,
        capture_output=True,
    )
    with BulkDouble(cert=cert, key=key) as double:
        context = ssl.create_default_context(cafile=cert)
        assert bulk(double, context=context)[0] == 200
        with pytest.raises(urllib.error.URLError):
            bulk(double)


def wait_for(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
