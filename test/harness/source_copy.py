"""A private copy of the checkout to build in, so that objects of different majors and flavours never mix.

Only files whose content differs are written, so make rebuilds what changed and nothing else; files that left the
checkout leave the copy.
"""

import filecmp
import shutil
from pathlib import Path

from .places import ROOT
from .process import run

MANIFEST = ".copied-sources"
BUILT = (".a", ".bc", ".d", ".o", ".so")  # never sources, even where .gitignore forgets them


def copy_sources(target: Path) -> None:
    """Bring `target` to the tracked and the untracked, not ignored files of the checkout."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = _source_files()
    manifest = target / MANIFEST
    before = manifest.read_text(encoding="utf-8").splitlines() if manifest.exists() else []
    manifest.write_text("\n".join(sorted(set(wanted) | set(before))), encoding="utf-8")
    for name in set(before) - set(wanted):
        (target / name).unlink(missing_ok=True)
    for name in wanted:
        _copy_changed(ROOT / name, target / name)
    manifest.write_text("\n".join(wanted), encoding="utf-8")


def _source_files() -> list:
    listing = run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT
    ).stdout
    return sorted(name for name in listing.split("\0") if name and not name.endswith(BUILT) and (ROOT / name).is_file())


def _copy_changed(source: Path, target: Path) -> None:
    if target.exists() and filecmp.cmp(source, target, shallow=False):
        if (source.stat().st_mode & 0o111) != (target.stat().st_mode & 0o111):
            shutil.copymode(source, target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copymode(source, target)
