"""A private Elasticsearch or OpenSearch server on loopback; real, from Maven Central; ended by its pid.

    with ElasticServer("elasticsearch8", {"thread_pool.write.queue_size": 1}) as server:
        server.post("/films/_doc/1", {"title": "x"})

`password` turns on the security of Elasticsearch 8 (user `elastic`); `tls` serves HTTPS with a CA of its own, whose
certificate is `ca_file`, and needs a password. OpenSearch's security plugin is not in this distribution.
"""

import atexit
import base64
import json
import re
import shutil
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from .certificates import make_certificates
from .engines import ENGINES, java_home, unpacked
from .places import as_service_user, hand_over, server_home
from .process import Process, children, clean_environment, free_port, run, wait_until

HEAP = "-Xms512m -Xmx512m"
USER = "elastic"
SCROLL_SIZE = 5000


class HttpError(Exception):
    """A reply with a status of 400 or more: `status` and the parsed `body`."""

    def __init__(self, status: int, body):
        super().__init__(f"HTTP {status}: {json.dumps(body)[:2000]}")
        self.status = status
        self.body = body


class ElasticServer:
    """One server. With `directory` its files stay there and it survives this process; else both end with it."""

    def __init__(
        self,
        engine: str = "elasticsearch8",
        settings: dict | None = None,
        tls: bool = False,
        password: str | None = None,
        directory: Path | None = None,
        port: int | None = None,
    ):
        self.engine = ENGINES[engine]
        if (tls or password) and engine != "elasticsearch8":
            raise ValueError(f"{engine} has no security in this distribution")
        if tls and not password:
            raise ValueError("tls needs a password")
        self.keep = directory is not None
        self.home = Path(directory) if directory is not None else server_home(engine)
        self.settings = settings or {}
        self.tls = tls
        self.password = password
        self.config = self.home / "config"
        self.log_path = self.home / "log"
        self._process: Process | None = None
        self._recall()
        if not self._process:
            self.port, self.transport_port = port or free_port(), free_port()
        if not self.keep:
            atexit.register(self.stop)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    # Life

    def start(self, timeout: float = 120) -> Self:
        """Start the server and wait until it takes requests; no-op while it runs."""
        if self.running():
            return self
        distribution = unpacked(self.engine)
        self._write_config(distribution)
        program = distribution / "bin" / self.engine.artifact
        self._process = Process.spawn(as_service_user([program]), self.log_path, env=self._environment(), cwd=self.home)
        self._remember()
        try:
            wait_until(self._ready, timeout, f"{self.engine.artifact} {self.engine.version} is ready", 0.3)
        except AssertionError as error:
            self.kill9()
            raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None
        return self

    def stop(self) -> None:
        """End the server; remove its files unless a directory was given."""
        try:
            if self._process:
                self._process.end(timeout=60)
        except AssertionError:
            self.kill9()
            raise
        finally:
            self._process = None
            if not self.keep:
                atexit.unregister(self.stop)
                shutil.rmtree(self.home, ignore_errors=True)

    def kill9(self) -> None:
        """SIGKILL: Elasticsearch 8 is a launcher and a child of it."""
        if self._process:
            family = [self._process, *(child for pid in children(self._process.pid) if (child := Process.of(pid)))]
            for process in family:
                process.send(9)
            wait_until(lambda: not any(process.alive() for process in family), 20, "the server ends after SIGKILL")
        self._process = None

    def running(self) -> bool:
        return self._process is not None and self._process.alive()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self.running() else None

    # Use

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.config / "ca.crt"

    def get(self, path: str):
        return self._request("GET", path)

    def delete(self, path: str):
        return self._request("DELETE", path)

    def put(self, path: str, body=None):
        return self._request("PUT", path, body)

    def post(self, path: str, body=None):
        """POST a dict as JSON, a list as NDJSON (one line an element), text as it is; returns the parsed reply."""
        return self._request("POST", path, body)

    def count(self, index: str) -> int:
        """How many documents the index holds, after a refresh; 0 when there is no such index."""
        try:
            self.post(f"/{index}/_refresh")
            return self.get(f"/{index}/_count")["count"]
        except HttpError as error:
            if error.status == 404:
                return 0
            raise

    def docs(self, index: str) -> dict:
        """All documents of the index as {id: source}, after a refresh."""
        self.post(f"/{index}/_refresh")
        found = {}
        query = {"size": SCROLL_SIZE, "sort": ["_doc"], "query": {"match_all": {}}}
        page = self.post(f"/{index}/_search?scroll=1m", query)
        while page["hits"]["hits"]:
            found |= {hit["_id"]: hit["_source"] for hit in page["hits"]["hits"]}
            page = self.post("/_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]})
        self._request("DELETE", "/_search/scroll", {"scroll_id": page["_scroll_id"]})
        return found

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    # Parts

    def _request(self, method: str, path: str, body=None):
        data, content_type = _encoded(body)
        request = urllib.request.Request(self.url + path, data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", content_type)
        if self.password:
            token = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        handlers = [urllib.request.ProxyHandler({})]
        if self.tls:
            context = ssl.create_default_context(cafile=str(self.ca_file))
            handlers.append(urllib.request.HTTPSHandler(context=context))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=60) as reply:
                return _decoded(reply.read())
        except urllib.error.HTTPError as error:
            raise HttpError(error.code, _decoded(error.read())) from None

    def _ready(self) -> bool:
        if not self.running():
            raise AssertionError(f"{self.engine.artifact} ended while starting")
        try:
            health = self.get("/_cluster/health?wait_for_status=yellow&timeout=1s")
            return health["status"] in ("yellow", "green")
        except (OSError, HttpError):
            return False

    def _environment(self) -> dict:
        prefix, java = self.engine.prefix, str(java_home())
        return clean_environment() | {
            f"{prefix}_PATH_CONF": str(self.config),
            f"{prefix}_JAVA_HOME": java,
            "JAVA_HOME": java,
            f"{prefix}_JAVA_OPTS": HEAP,
            f"{prefix}_TMPDIR": str(self.home / "tmp"),
            "HOME": str(self.home),
        }

    def _write_config(self, distribution: Path) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.config, ignore_errors=True)
        shutil.copytree(distribution / "config", self.config)
        options = self.config / "jvm.options"
        kept = [
            line
            for line in options.read_text(encoding="utf-8").splitlines()
            if not re.search(r"-Xlog|HeapDumpPath|ErrorFile", line)
        ]
        options.write_text("\n".join(kept) + "\n", encoding="utf-8")
        lines = [f"{name}: {json.dumps(value)}\n" for name, value in sorted(self._all_settings().items())]
        (self.config / f"{self.engine.artifact}.yml").write_text("".join(lines), encoding="utf-8")
        if self.tls:
            make_certificates(self.config)
        for path in (self.home, *(self.home / name for name in ("data", "logs", "tmp"))):
            path.mkdir(exist_ok=True)
            hand_over(path)
        for path in (self.config, *self.config.rglob("*")):
            hand_over(path)
        if self.password:
            self._store_password(distribution)

    def _all_settings(self) -> dict:
        own = {
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "discovery.type": "single-node",
            "http.port": self.port,
            "network.host": "127.0.0.1",
            "path.data": str(self.home / "data"),
            "path.logs": str(self.home / "logs"),
            "transport.port": self.transport_port,
        }
        if self.engine is ENGINES["elasticsearch8"]:
            own["xpack.security.enabled"] = bool(self.password)
        if self.tls:
            own |= {
                "xpack.security.http.ssl.enabled": True,
                "xpack.security.http.ssl.certificate": str(self.config / "server.crt"),
                "xpack.security.http.ssl.key": str(self.config / "server.key"),
            }
        return own | self.settings

    def _store_password(self, distribution: Path) -> None:
        keystore = as_service_user([distribution / "bin" / "elasticsearch-keystore"])
        run([*keystore, "create"], env=self._environment(), cwd=self.home)
        run(
            [*keystore, "add", "-x", "-f", "bootstrap.password"],
            env=self._environment(),
            cwd=self.home,
            input=self.password,
        )

    def _remember(self) -> None:
        state = {
            "pid": self._process.pid,
            "started": self._process.started,
            "port": self.port,
            "transport_port": self.transport_port,
        }
        (self.home / "server.json").write_text(json.dumps(state), encoding="utf-8")

    def _recall(self) -> None:
        """Take up the server that an earlier process started in this directory, if it still runs."""
        path = self.home / "server.json"
        if path.exists():
            state = json.loads(path.read_text(encoding="utf-8"))
            process = Process(state["pid"], state["started"])
            if process.alive():
                self._process, self.port, self.transport_port = process, state["port"], state["transport_port"]


def _encoded(body) -> tuple:
    if body is None:
        return None, ""
    if isinstance(body, list):
        return "".join(json.dumps(line) + "\n" for line in body).encode(), "application/x-ndjson"
    if isinstance(body, str):
        return body.encode(), "application/x-ndjson"
    return json.dumps(body).encode(), "application/json"


def _decoded(body: bytes):
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")
