"""Where things live, and as whom servers run.

cache()    what is downloaded or slow to build: `$PG_ETL_CACHE`, else `~/.cache/pg_etl`. It may be empty or deleted at
           any time; everything in it is made again.
runtime()  what servers execute: installation trees, unpacked engines. PostgreSQL and Elasticsearch refuse to run as
           root, so root runs them as the user `postgres`, who cannot enter a home of mode 700: then runtime() is
           /var/cache/pg_etl. In all other cases it is the cache itself.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import pwd
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICE_USER = "postgres"


def is_root() -> bool:
    return os.geteuid() == 0


def as_service_user(command) -> list:
    """The command line that runs `command` as a user that is not root; exec only, so the pid stays the same."""
    command = [str(part) for part in command]
    if not is_root():
        return command
    return ["setpriv", f"--reuid={SERVICE_USER}", f"--regid={SERVICE_USER}", "--clear-groups", *command]


def can_enter(directory: Path) -> bool:
    """Whether the user that runs the servers can reach this existing directory."""
    return subprocess.run(as_service_user(["test", "-x", directory]), check=False).returncode == 0


def hand_over(path: Path) -> None:
    """Make the user that runs the servers the owner of one file or directory."""
    if is_root():
        user = pwd.getpwnam(SERVICE_USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def cache() -> Path:
    directory = Path(os.environ.get("PG_ETL_CACHE") or Path.home() / ".cache" / "pg_etl").absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def compiler_cache() -> dict:
    """The environment of ccache: objects of other checkouts and flavours serve as well."""
    return {"CCACHE_DIR": str(cache() / "ccache"), "CCACHE_NOHASHDIR": "1", "CCACHE_MAXSIZE": "2G"}


@functools.cache
def runtime() -> Path:
    if can_enter(cache()):
        return cache()
    directory = Path("/var/cache/pg_etl")
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    return directory


def checkout_runtime() -> Path:
    """The part of runtime() that belongs to this checkout, so that two clones do not install over each other."""
    key = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    directory = runtime() / "checkouts" / f"{ROOT.name}-{key}"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def server_home(prefix: str) -> Path:
    """A new directory for one server's data, owned by the user that runs it. Short: unix socket paths end at 107."""
    base = tempfile.gettempdir() if can_enter(Path(tempfile.gettempdir())) else "/tmp"
    home = Path(tempfile.mkdtemp(prefix=f"pg_etl-{prefix}-", dir=base))
    hand_over(home)
    return home


@contextlib.contextmanager
def locked(name: str):
    """Hold the machine-wide lock `name`: two test runs at once must not build the same thing."""
    directory = cache() / "locks"
    directory.mkdir(exist_ok=True)
    with open(directory / f"{name}.lock", "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
