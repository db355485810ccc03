"""The search engines' distributions: downloaded by Maven into the cache, unpacked once where servers may execute them."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .places import cache, locked, runtime
from .process import download, run

JAVA_MAJOR = 17


@dataclass(frozen=True)
class Engine:
    """One engine: its Maven coordinates, its program, and the prefix of its environment variables."""

    group: str
    artifact: str
    version: str
    prefix: str

    @property
    def is_opensearch(self) -> bool:
        return self.artifact == "opensearch"


ELASTIC = "org.elasticsearch.distribution.integ-test-zip"
ENGINES = {
    "elasticsearch7": Engine(ELASTIC, "elasticsearch", "7.17.29", "ES"),
    "elasticsearch8": Engine(ELASTIC, "elasticsearch", "8.19.7", "ES"),
    "opensearch2": Engine("org.opensearch.distribution.integ-test-zip", "opensearch", "2.19.4", "OPENSEARCH"),
}


def java_home() -> Path:
    """The JDK the engines run on."""
    found = sorted(Path("/usr/lib/jvm").glob(f"java-{JAVA_MAJOR}-openjdk-*/bin/java"))
    if not found:
        raise RuntimeError(f"JDK {JAVA_MAJOR} is not installed: call tools/install-packages test")
    return found[0].parents[1]


def unpacked(engine: Engine) -> Path:
    """The directory of the unpacked distribution; downloaded when it is not in the cache."""
    folder = f"{engine.artifact}-{engine.version}"
    target = runtime() / "engines" / folder
    with locked(f"engine-{folder}"):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix="unpack-", dir=target.parent))
            try:
                run(["unzip", "-q", _archive(engine), "-d", scratch])
                (scratch / folder).rename(target)
            finally:
                shutil.rmtree(scratch)
    return target


def _archive(engine: Engine) -> Path:
    """The distribution's zip file in a Maven repository of our own, inside the cache."""
    repository = cache() / "maven"
    archive = (
        repository
        / engine.group.replace(".", "/")
        / engine.artifact
        / engine.version
        / f"{engine.artifact}-{engine.version}.zip"
    )
    if not archive.exists():
        coordinates = f"{engine.group}:{engine.artifact}:{engine.version}:zip"
        download(
            [
                "mvn",
                "-q",
                "-B",
                "dependency:get",
                f"-Dmaven.repo.local={repository}",
                "-Dtransitive=false",
                f"-Dartifact={coordinates}",
            ],
            timeout=900,
            cwd="/",
        )
    return archive
