"""The crash suite: one server a kind of fault, so that a crash restart hurts nobody else."""

import os
import random

import pytest
from crash_server import TREE, CrashServer

ROUNDS = int(os.environ.get("PG_ETL_ROUNDS", "0"))
SEED = int(os.environ.get("PG_ETL_SEED", random.randrange(1 << 30)))


def pytest_report_header():
    return f"crash matrix on {TREE}: PG_ETL_SEED={SEED} PG_ETL_ROUNDS={ROUNDS} (0: each cell once, with fixed sizes)"


def pytest_generate_tests(metafunc):
    """`make soak` asks for rounds with random sizes; each has a seed of its own that is part of the test's name."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", [SEED + number for number in range(ROUNDS)] if ROUNDS else [None])


@pytest.fixture(scope="session")
def crash_servers():
    """Makes the server of (kind, preload) when it is asked for first."""
    made = {}

    def get(kind: str, preload: bool) -> CrashServer:
        if (kind, preload) not in made:
            made[kind, preload] = CrashServer(kind, preload)
        return made[kind, preload]

    yield get
    for crash in made.values():
        crash.destroy()
