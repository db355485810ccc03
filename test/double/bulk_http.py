"""HTTP/1.1 side of the bulk double: one connection, its requests, and the ways to end it badly."""

import gzip
import json
import os
import select
import socket
import struct
import time
import zlib
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

import bulk_faults
from bulk_rules import BadRule, failed_items
from bulk_store import BadBulk, filter_reply, parse_bulk

SUFFIXES = {
    "_bulk": "bulk",
    "_count": "count",
    "_doc": "doc",
    "_search": "search",
    "_refresh": "refresh",
    "_settings": "get",
    "_mapping": "get",
}


class Request:
    """method, kind (bulk_rules.KINDS or a name that starts with '_' for the double's own), index,
    document id, query, headers, body after gzip."""

    def __init__(self, method, target, headers):
        parts = urlsplit(target)
        path = [unquote(part) for part in parts.path.split("/") if part]
        self.method = method
        self.headers = headers
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.body = b""
        self.index = path[0] if path and not path[0].startswith("_") else None
        rest = path[1:] if self.index else path
        self.key = rest[1] if len(rest) > 1 else None
        self.kind = self._kind(rest)

    def _kind(self, rest):
        if rest:
            return SUFFIXES.get(rest[0], rest[0])
        return self.method.lower() if self.index else "root"


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "bulk_double"
    ended = False  # by a fault: nothing can be written any more

    def log_message(self, *args):
        pass

    def do_any(self):
        request = Request(self.command, self.path, self.headers)
        self.unread = int(self.headers.get("Content-Length") or 0)
        try:
            if request.kind.startswith("_"):
                request.body = self.read_body()
                self.send_json(*self.control(request))
            else:
                self.engine(request)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except ValueError as cause:
            if self.ended:
                return
            self.send_json(400, bulk_faults.error_payload(400, "parse_exception", str(cause)))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_any

    # -- requests of an engine

    def engine(self, request):
        double = self.server.double
        rule = double.script.take_early(request.kind, request.index)
        if rule:
            bulk_faults.run(self, rule, None)
            return
        request.body = self.read_body()
        double.stats.request(request)
        rule = double.script.take(request.kind, request.index, len(request.body))
        with double.stats.in_flight(request):

            def perform(apply=True, failed_rules=()):
                return self.perform(request, apply, failed_rules)

            if rule:
                bulk_faults.run(self, rule, perform)
            else:
                self.send_json(*perform())

    def perform(self, request, apply=True, failed_rules=()):
        if request.kind == "bulk":
            return self.bulk(request, apply, failed_rules)
        store = self.server.double.store
        if request.kind == "put":
            return self.put(request, apply)
        if request.kind == "delete":
            known = store.drop(request.index) if apply else store.get(request.index) is not None
            return (200, {"acknowledged": True}) if known else self.no_index(request)
        return self.read(request, store)

    def put(self, request, apply):
        store = self.server.double.store
        definition = json.loads(request.body or b"{}")
        new = store.create(request.index, definition) if apply else store.get(request.index) is None
        if new:
            return 200, {"acknowledged": True, "shards_acknowledged": True, "index": request.index}
        return 400, bulk_faults.error_payload(
            400, "resource_already_exists_exception", f"index [{request.index}] already exists"
        )

    def bulk(self, request, apply, failed_rules):
        double = self.server.double
        try:
            ops = parse_bulk(request.body, request.index)
        except BadBulk as cause:
            return 400, bulk_faults.error_payload(400, "illegal_argument_exception", str(cause))
        items = double.store.bulk(ops, failed_items(failed_rules, ops), apply)
        double.stats.items(ops, items)
        failed = any("error" in body for item in items for body in item.values())
        payload = {"took": 1, "errors": failed, "items": items}
        return 200, filter_reply(payload, request.query.get("filter_path"))

    def read(self, request, store):
        if request.kind in ("root", "refresh"):
            return 200, {"name": "bulk_double", "version": {"number": "8.0.0"}}
        live = store.live(request.index)
        if live is None:
            return self.no_index(request)
        if request.kind == "count":
            return 200, {"count": len(live), "_shards": {"failed": 0}}
        if request.kind == "doc":
            return self.document(request, live)
        if request.kind == "search":
            return self.search(request, live)
        return 200, {request.index: store.get(request.index).definition}

    @staticmethod
    def document(request, live):
        head = {"_index": request.index, "_id": request.key}
        if request.key not in live:
            return 404, {**head, "found": False}
        version, source = live[request.key]
        return 200, {**head, "found": True, "_version": version, "_source": source}

    @staticmethod
    def search(request, live):
        chosen = sorted(live.items())[: int(request.query.get("size", 10))]
        hits = [{"_index": request.index, "_id": key, "_source": doc[1]} for key, doc in chosen]
        total = {"value": len(live), "relation": "eq"}
        return 200, {"timed_out": False, "hits": {"total": total, "hits": hits}}

    @staticmethod
    def no_index(request):
        return 404, bulk_faults.error_payload(404, reason=f"no such index [{request.index}]")

    # -- the double's own requests

    def control(self, request):
        double = self.server.double
        if request.kind == "_script":
            return self.control_script(request, double)
        if request.kind == "_stats_double":
            return 200, double.stats.describe("items" in request.query)
        if request.kind == "_all_docs":
            live = double.store.live(request.key) or {}
            return 200, {key: {"_version": doc[0], "_source": doc[1]} for key, doc in live.items()}
        if request.kind == "_reset_double":
            double.reset()
            return 200, {"acknowledged": True}
        if request.kind == "_cluster":
            return 200, {"status": "green", "number_of_nodes": 1}
        return 404, bulk_faults.error_payload(404, "unknown_path", f"the double has no {self.path}")

    @staticmethod
    def control_script(request, double):
        if request.method == "POST":
            try:
                double.script.load(json.loads(request.body), "append" in request.query)
            except BadRule as cause:
                return 400, bulk_faults.error_payload(400, "bad_rule", str(cause))
        return 200, double.script.describe()

    # -- the wire

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = self.read_chunks()
        else:
            body = self.rfile.read(self.unread)
            if len(body) < self.unread:
                raise ConnectionError("the client left in the middle of its request")
        self.unread = 0
        if self.headers.get("Content-Encoding") != "gzip":
            return body
        try:
            return gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as cause:
            raise ValueError(f"not gzip: {cause}") from cause

    def read_chunks(self):
        parts = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                return b"".join(parts)

    def read_half(self):
        self.rfile.read(self.unread // 2)

    def request_headers(self):
        return self.headers.items()

    def send_json(self, status, payload, extra=None):
        self.send_body(status, json.dumps(payload).encode(), extra=extra)

    def send_body(self, status, body, content_type="application/json", extra=None):
        self.send_head(status, len(body), content_type, extra)
        if self.command != "HEAD":
            self.write(body)

    def send_head(self, status, length, content_type="application/json", extra=None):
        """length None: a chunked body."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def write(self, data):
        self.wfile.write(data)

    def stopping(self):
        return self.server.double.stopped.is_set()

    def wait(self, seconds):
        """True when the double is being stopped."""
        return self.server.double.stopped.wait(seconds)

    def wait_client(self, seconds=None):
        """Until the client hangs up, the time is over or the double is stopped."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.stopping() and (deadline is None or time.monotonic() < deadline):
            ready, _, _ = select.select([self.connection], [], [], 0.05)
            if ready:
                return

    def cut(self):
        self.close_connection = self.ended = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def reset(self):
        """Close with RST: linger 0, and past the file objects that would keep the socket open."""
        self.close_connection = self.ended = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def note_fault(self, rule, seconds):
        self.server.double.stats.fault(rule, seconds)
