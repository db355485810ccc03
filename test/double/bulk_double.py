#!/usr/bin/env python3
"""A double of Elasticsearch's bulk endpoint, for the faults that a real engine does not produce on
request. Standard library only. Rules and faults: bulk_rules.py.

    python bulk_double.py --port 0            prints its port, serves until it is ended
    with BulkDouble() as double:              in pytest: double.url, double.script, double.stats

Beside the engine's requests: POST /_script (a list of rules; ?append=1), GET /_script,
GET /_stats_double (?items=1 adds how often each document was sent), GET /_all_docs/INDEX,
POST /_reset_double.
"""

import argparse
import contextlib
import ssl
import sys
import threading
from collections import Counter
from http.server import ThreadingHTTPServer

from bulk_http import Connection
from bulk_rules import Script
from bulk_store import Store


class Stats:
    def __init__(self):
        self.lock = threading.Lock()
        self.sockets = 0
        self.clear()

    def clear(self):
        """Everything but the sockets, which go on being open."""
        with self.lock:
            self.requests = Counter()
            self.encodings = Counter()
            self.statuses = Counter()
            self.sent = Counter()
            self.faults = []
            self.max_body = 0
            self.now_in_flight = self.max_in_flight = 0

    def accepted(self):
        with self.lock:
            self.sockets += 1

    def request(self, request):
        with self.lock:
            self.requests[request.kind] += 1
            if request.kind == "bulk":
                self.encodings[request.headers.get("Content-Encoding", "identity")] += 1
            self.max_body = max(self.max_body, len(request.body))

    @contextlib.contextmanager
    def in_flight(self, request):
        step = 1 if request.kind == "bulk" else 0
        with self.lock:
            self.now_in_flight += step
            self.max_in_flight = max(self.max_in_flight, self.now_in_flight)
        try:
            yield
        finally:
            with self.lock:
                self.now_in_flight -= step

    def items(self, ops, items):
        with self.lock:
            for (op, meta, _), item in zip(ops, items):
                self.statuses[item[op]["status"]] += 1
                self.sent[f"{meta['_index']}/{meta.get('_id')}"] += 1

    def fault(self, rule, seconds):
        with self.lock:
            self.faults.append({"fault": rule.fault, "applied": rule.applied, "seconds": round(seconds, 3)})

    def describe(self, with_items=False):
        with self.lock:
            figures = {
                "requests": sum(self.requests.values()),
                "requests_by_kind": dict(self.requests),
                "bodies_by_encoding": dict(self.encodings),
                "sockets": self.sockets,
                "items": sum(self.sent.values()),
                "items_by_status": dict(self.statuses),
                "documents_sent": len(self.sent),
                "documents_sent_again": sum(1 for times in self.sent.values() if times > 1),
                "max_body": self.max_body,
                "max_in_flight": self.max_in_flight,
                "faults": list(self.faults),
            }
            if with_items:
                figures["item_counts"] = dict(self.sent)
            return figures


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, double, context):
        self.double = double
        self.context = context
        super().__init__(address, Connection)

    def get_request(self):
        """The TLS handshake is left to the connection's thread, so that it cannot block accept."""
        connection, address = super().get_request()
        self.double.stats.accepted()
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        """A client that leaves, or refuses the certificate, is no error of the double."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class BulkDouble:
    """start() returns self; also a context manager. port 0: any free one."""

    def __init__(self, host="127.0.0.1", port=0, cert=None, key=None):
        self.store = Store()
        self.script = Script()
        self.stats = Stats()
        self.stopped = threading.Event()
        context = None
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
        self.server = Server((host, port), self, context)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if cert else 'http'}://{host}:{self.port}"
        self.thread = None

    def start(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def reset(self):
        self.store.clear()
        self.script.load([])
        self.stats.clear()

    def set_certificate(self, cert, key=None):
        """For new connections, in the middle of a run."""
        self.server.context.load_cert_chain(cert, key)

    __enter__ = start

    def __exit__(self, *_):
        self.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port (default)")
    parser.add_argument("--cert", help="PEM file: serve HTTPS")
    parser.add_argument("--key", help="PEM file of the key, when it is not in --cert")
    options = parser.parse_args()
    double = BulkDouble(options.host, options.port, options.cert, options.key).start()
    print(double.port, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        double.thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
