"""The harness from the command line: trees, test runs, and servers that survive the calling process.

    cli tree NAME                     make the tree (15, 16-fault, 15-cassert, ...) and print its directory
    cli install TREE [FLAVOUR]        build this checkout for the tree, install it there, print the directory
    cli regress TREE [FLAVOUR]        run the SQL tests on a private server of that tree
    cli isolation TREE [FLAVOUR]      run the isolation specs
    cli pg start|stop|url DIR         a PostgreSQL server whose state is in DIR
    cli elastic start|stop|url DIR    an Elasticsearch or OpenSearch server whose state is in DIR

`start` prints the server's URL; on a running server that is all it does. `stop` on a stopped one does nothing.
"""

import argparse
import hashlib
import json
import shutil
import signal
import sys
from pathlib import Path

from .elastic import ElasticServer
from .engines import ENGINES
from .places import can_enter, runtime
from .postgres import PostgresServer
from .regress import run_isolation, run_regress
from .trees import installed_tree, tree

STATE = "state.json"


def main(arguments: list) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that atexit ends the servers
    options = _parser().parse_args(arguments)
    return options.verb_function(options) or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cli", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _tree_verb(verbs, "tree", lambda options: print(tree(options.tree, options.flavour).root))
    _tree_verb(verbs, "install", lambda options: print(installed_tree(options.tree, options.flavour).root))
    _tree_verb(verbs, "regress", lambda options: run_regress(options.tree, options.flavour))
    _tree_verb(verbs, "isolation", lambda options: run_isolation(options.tree, options.flavour))
    postgres = _server_verb(verbs, "pg", _pg)
    postgres.add_argument("--tree", default="15", help="which installation (default 15)")
    postgres.add_argument("--preload", action="store_true", help="shared_preload_libraries = pg_etl")
    elastic = _server_verb(verbs, "elastic", _elastic)
    elastic.add_argument("--engine", default="elasticsearch8", choices=sorted(ENGINES))
    return parser


def _tree_verb(verbs, name: str, function) -> None:
    verb = verbs.add_parser(name)
    verb.add_argument("tree")
    verb.add_argument("flavour", nargs="?", default="")
    verb.set_defaults(verb_function=function)


def _server_verb(verbs, name: str, function) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name)
    verb.add_argument("action", choices=["start", "stop", "url"])
    verb.add_argument("directory", type=Path)
    verb.add_argument("--port", type=int)
    verb.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a server setting")
    verb.set_defaults(verb_function=function)
    return verb


def _pg(options) -> int:
    def server(state: dict) -> PostgresServer:
        return PostgresServer(
            tree(state["tree"]),
            "pg",
            preload=state["preload"],
            directory=_home(options.directory),
            settings=state["settings"],
            port=state["port"],
        )

    def prepare() -> None:
        installed_tree(options.tree)

    return _act(options, server, {"tree": options.tree, "preload": options.preload}, prepare)


def _elastic(options) -> int:
    def server(state: dict) -> ElasticServer:
        return ElasticServer(state["engine"], state["settings"], directory=_home(options.directory), port=state["port"])

    return _act(options, server, {"engine": options.engine})


def _act(options, make_server, wanted: dict, prepare=lambda: None) -> int:
    """Start, stop or name the server; afterwards the state file says where it is, or that it is down."""
    state = _read_state(options)
    server = make_server(state) if state else None
    running = server is not None and server.running()
    if options.action == "start" and not running:
        prepare()
        fresh = not state
        state = _write_state(options, state | wanted)
        if fresh:
            _clear_home(options, make_server(state))
        server = make_server(state).start()
    elif options.action == "stop" and running:
        server.stop()
    if server is not None and server.running():
        url = server.url() if callable(server.url) else server.url
        _save_state(options, state | {"pid": server.pid, "port": server.port, "url": url})
        print(url)
        return 0
    if state:
        _save_state(options, state | {"pid": None, "url": None})
    return 0 if options.action == "stop" else 1


def _state_file(options) -> Path:
    return options.directory.absolute() / STATE


def _read_state(options) -> dict:
    path = _state_file(options)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _write_state(options, state: dict) -> dict:
    """Record what to start; a port used before is kept, so that a restarted server is found again."""
    options.directory.mkdir(parents=True, exist_ok=True)
    settings = dict(pair.split("=", 1) for pair in options.set)
    state |= {"settings": settings, "port": options.port or state.get("port")}
    _save_state(options, state)
    return state


def _save_state(options, state: dict) -> None:
    _state_file(options).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


def _clear_home(options, server) -> None:
    """Forget what a DIR that was deleted since has left in the runtime directory."""
    server.stop()
    shutil.rmtree(_home(options.directory), ignore_errors=True)


def _home(directory: Path) -> Path:
    """Where the server's files go: below DIR, or in the runtime directory when its user cannot enter DIR."""
    directory = directory.absolute()
    if can_enter(directory):
        return directory / "server"
    key = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    home = runtime() / "servers" / key
    home.parent.mkdir(parents=True, exist_ok=True)
    return home


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
