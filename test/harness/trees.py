"""Private PostgreSQL installation trees: the machine's own PostgreSQL is never touched.

A tree is a copy of a pristine installation plus this extension in one flavour, and is named after both: `15-plain`,
`16-fault`, `15-cassert-asan`. Flavours: `plain`, `fault` (fault points compiled in), `asan` (AddressSanitizer and
UBSan; only on 15-cassert), `fault-asan`.
"""

import functools
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .arrow import arrow
from .places import checkout_runtime, compiler_cache, locked
from .pristine import BASES, Pristine, pristine
from .process import clean_environment, run
from .source_copy import copy_sources

DEBIAN_PG_CONFIG = Path("/usr/lib/postgresql/15/bin/pg_config")
MAKE_FLAGS = {"plain": [], "fault": ["FAULT_POINTS=1"], "asan": ["ASAN=1"], "fault-asan": ["FAULT_POINTS=1", "ASAN=1"]}


@dataclass(frozen=True, eq=False)
class Tree:
    """One installation tree: `name` is base and flavour, `root` its top directory."""

    base: str
    flavour: str
    root: Path
    original: Pristine

    @property
    def name(self) -> str:
        return f"{self.base}-{self.flavour}"

    @property
    def major(self) -> int:
        return int(self.base[:2])

    @property
    def bin(self) -> Path:
        return self.root / self.original.prefix / "bin"

    @property
    def sanitized(self) -> bool:
        return "asan" in self.flavour

    @property
    def pg_config(self) -> Path:
        return self.bin / "pg_config" if self.original.own_pg_config else DEBIAN_PG_CONFIG

    def environment(self) -> dict:
        """The environment its programs run in: C locale, its own libpq, nothing of an outer PG* setting."""
        own = {name: value for name, value in clean_environment().items() if not name.startswith("PG")}
        if self.original.libraries:
            own["LD_LIBRARY_PATH"] = str(self.root / self.original.libraries)
        return own | {"LC_ALL": "C", "TZ": "UTC"}

    def server_environment(self) -> dict:
        """As above, for the postmaster: a sanitized extension needs the sanitizer loaded before anything else."""
        if not self.sanitized:
            return self.environment()
        libraries = [run(["gcc", f"-print-file-name={name}"]).stdout.strip() for name in ("libasan.so", "libstdc++.so")]
        return self.environment() | {
            "LD_PRELOAD": " ".join(libraries),
            "ASAN_OPTIONS": "detect_leaks=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }


def parse_name(name: str, flavour: str = "") -> tuple:
    """('15-cassert-asan', '') and ('15-cassert', 'asan') are both ('15-cassert', 'asan'); no flavour means plain."""
    base = max((known for known in BASES if name == known or name.startswith(known + "-")), key=len, default=None)
    if base is None:
        raise ValueError(f'no PostgreSQL called "{name}"; there are {", ".join(BASES)}')
    suffix = name[len(base) + 1 :]
    if suffix and flavour and suffix != flavour:
        raise ValueError(f'two flavours for one tree: "{suffix}" and "{flavour}"')
    flavour = suffix or flavour or "plain"
    if flavour not in MAKE_FLAGS:
        raise ValueError(f'no flavour called "{flavour}"; there are {", ".join(MAKE_FLAGS)}')
    return base, flavour


@functools.cache
def tree(name: str, flavour: str = "") -> Tree:
    """The tree of that name, made when it is missing or when the installation it was copied from has changed."""
    base, flavour = parse_name(name, flavour)
    original = pristine(base)
    result = Tree(base, flavour, checkout_runtime() / "trees" / f"{base}-{flavour}", original)
    with locked(f"tree-{checkout_runtime().name}-{result.name}"):
        stamp = result.root / ".version"
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != original.version:
            shutil.rmtree(result.root, ignore_errors=True)
            _copy_installation(result)
            stamp.write_text(original.version, encoding="utf-8")
    return result


def _copy_installation(target: Tree) -> None:
    for source, name in target.original.copies.items():
        destination = target.root / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        run(["cp", "-a", "--reflink=auto", source, destination])
    for leftover in target.root.rglob("pg_etl*"):  # the machine's own installation may hold an older pg_etl
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


@functools.cache
def install_extension(target: Tree) -> Tree:
    """Build the checkout for this tree and install it there; once per process, incrementally over processes."""
    build = checkout_runtime() / "build" / target.name
    command = [
        "make",
        "-j2",
        f"PG_CONFIG={target.pg_config}",
        *MAKE_FLAGS[target.flavour],
        f"ARROW={arrow()}",
        *([] if target.base == "15" else ["OPTIMIZE=-O1 -g1"]),
        "install",
    ]
    if shutil.which("ccache"):  # flavours of one tree differ in few files
        command.append("CXX=ccache g++")
    if not target.original.own_pg_config:
        command.append(f"DESTDIR={target.root}")
    with locked(f"tree-{checkout_runtime().name}-{target.name}"):
        copy_sources(build)
        done = subprocess.run(
            command,
            cwd=build,
            env=clean_environment() | compiler_cache(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        (build / "build.log").write_text(done.stdout, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(
            f"the extension does not build for {target.name}: {' '.join(command)}\n{done.stdout[-8000:]}"
        )
    return target


def installed_tree(name: str, flavour: str = "") -> Tree:
    """The tree of that name with this checkout's extension in it."""
    return install_extension(tree(name, flavour))
