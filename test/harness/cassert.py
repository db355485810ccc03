"""PostgreSQL 15 built from Debian's source package with assertions: finds wrong use of its API, and carries ASan.

Debian's own server hangs under libasan, so sanitized runs of the extension use this build. It takes about five minutes
on two cores and is kept in the cache.
"""

import os
import shutil
import tempfile
from pathlib import Path

from .places import cache, locked
from .process import clean_environment, download, run

PACKAGE = "postgresql-15"
PINNED_VERSION = "15.18-0+deb12u1"
PREFIX = "usr/local/pgsql"
CONFIGURE = [
    "--prefix=/" + PREFIX,
    "--enable-cassert",
    "--enable-debug",
    "--with-openssl",
    "--disable-rpath",
    "CPPFLAGS=-DUSE_VALGRIND",
]


def cassert_installation() -> Path:
    """The prefix of the assert-enabled PostgreSQL 15 in the cache; built when it is not there."""
    target = cache() / "pristine" / "15-cassert"
    with locked("pristine-15-cassert"):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="cassert-", dir=cache()) as scratch:
                built = _build(_source(Path(scratch)), Path(scratch) / "stage")
                built.rename(target)
    return target


def _source(scratch: Path) -> Path:
    """Fetch and unpack the source package through a private apt directory: the machine's own lists stay as they are."""
    for directory in ("lists/partial", "cache/archives/partial", "source"):
        (scratch / directory).mkdir(parents=True)
    (scratch / "sources.list").write_text("".join(_source_lines()), encoding="utf-8")
    apt = [
        "apt-get",
        "-o",
        f"Dir::Etc::sourcelist={scratch}/sources.list",
        "-o",
        "Dir::Etc::sourceparts=-",
        "-o",
        f"Dir::State::lists={scratch}/lists",
        "-o",
        f"Dir::Cache={scratch}/cache",
        "-o",
        f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}",
        "-o",
        "Debug::NoLocking=true",
    ]
    download([*apt, "update"], timeout=300)
    try:
        download([*apt, "source", "--download-only", f"{PACKAGE}={PINNED_VERSION}"], cwd=scratch, attempts=2)
    except RuntimeError:
        download([*apt, "source", "--download-only", PACKAGE], cwd=scratch)
    description = next(scratch.glob("*.dsc"))
    run(["dpkg-source", "--skip-patches", "-x", description, scratch / "postgresql"], cwd=scratch)
    return scratch / "postgresql"


def _source_lines():
    """`deb-src` lines for the Debian mirrors that apt is configured with."""
    fields = "$(SITE) $(REPO_URI) $(RELEASE) $(SIGNED_BY)"
    targets = run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages", "Origin: Debian"]).stdout
    for line in sorted(set(targets.splitlines())):
        _, uri, release, *_ = line.split()
        yield f"deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} {release} main\n"


def _build(source: Path, stage: Path) -> Path:
    environment = clean_environment()
    jobs = f"-j{os.cpu_count() or 2}"
    run(["./configure", *CONFIGURE], cwd=source, env=environment)
    for directory in (source, source / "contrib"):
        run(["make", "-s", jobs], cwd=directory, env=environment)
        run(["make", "-s", "install", f"DESTDIR={stage}"], cwd=directory, env=environment)
    shutil.rmtree(stage / PREFIX / "share" / "doc", ignore_errors=True)
    return stage / PREFIX
