"""An HTTP API of pages of JSON that a test scripts; it keeps what it was asked, and counts the connections it took."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class JsonApi(ThreadingHTTPServer):
    """Answers as `script` says: a function of path, query and the request's number."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, script=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []  # (path, query, headers, body, when)
        self.methods = []  # of the same
        self.connections = 0  # taken so far
        self.open = 0  # of which so many are there now
        self.counting = threading.Lock()
        self.script = script
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request, address):
        with self.counting:
            self.connections += 1
            self.open += 1
        super().process_request(request, address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        with self.counting:
            self.open -= 1

    def stop(self):
        self.shutdown()
        self.server_close()

    def paths(self):
        return [path + ("?" + query if query else "") for path, query, *_ in self.seen]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes

    def answer(self):
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.methods.append(self.command)
        self.server.seen.append((parts.path, parts.query, dict(self.headers), body, time.monotonic()))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, headers, out = self.server.script(parts.path, query, len(self.server.seen))
        if callable(out):
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                out(lambda data: self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data)))
            except OSError:
                self.close_connection = True
            return
        text = out if isinstance(out, bytes) else json.dumps(out).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass
