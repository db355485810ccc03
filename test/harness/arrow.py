"""Apache Arrow for C++, out of the wheel of pyarrow, laid out as a prefix where servers may load its libraries."""

import shutil
import tempfile
from pathlib import Path

from .places import ROOT, locked, runtime
from .process import run

REQUIREMENTS = ROOT / "test" / "arrow-requirements.txt"
LIBRARIES = ("libarrow", "libparquet")


def arrow() -> Path:
    """The prefix, with include/ and lib/; made, and the wheel downloaded, when it is not there."""
    name = REQUIREMENTS.read_text(encoding="utf-8").strip().replace("pyarrow==", "arrow-")
    target = runtime() / "arrow" / name
    with locked(name):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix="unpack-", dir=target.parent))
            try:
                scratch.chmod(0o755)
                _lay_out(_package(), scratch)
                scratch.rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return target


def python() -> str:
    """A Python that has pyarrow, to read what was written."""
    return run([ROOT / "tools" / "python-env", REQUIREMENTS]).stdout.splitlines()[-1]


def _package() -> Path:
    program = "import pathlib, pyarrow; print(pathlib.Path(pyarrow.get_include()).parent)"
    return Path(run([python(), "-c", program]).stdout.strip())


def _lay_out(package: Path, prefix: Path) -> None:
    shutil.copytree(package / "include", prefix / "include")
    (prefix / "lib").mkdir()
    for name in LIBRARIES:
        library = min(package.glob(f"{name}.so.*"), key=lambda path: len(path.name))  # named as programs ask for it
        shutil.copy2(library, prefix / "lib")
        (prefix / "lib" / f"{name}.so").symlink_to(library.name)
