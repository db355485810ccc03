"""Processes and ports: commands that are tried again, servers that are ended by pid, conditions that are waited for."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

PASSED_ON = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PG_CONFIG", "DESTDIR")


def wait_until(condition: Callable, timeout: float = 30, what: str = "", interval: float = 0.05):
    """Poll until `condition()` is true and return its value; AssertionError naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition}; last value {value!r}")
        time.sleep(interval)


def run(command, **options) -> subprocess.CompletedProcess:
    """Run a command to its end; when it fails, raise with its whole output."""
    command = [str(part) for part in command]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}")
    return done


def download(command, timeout: float = 600, attempts: int = 3, **options) -> None:
    """Run a command that fetches something; a failure or a time-out is tried again."""
    for attempt in range(1, attempts + 1):
        try:
            run(command, timeout=timeout, **options)
            return
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            if attempt == attempts:
                raise
            print(f"attempt {attempt} of {attempts} failed, trying again: {error}", file=sys.stderr)
            time.sleep(2 * attempt)


def clean_environment() -> dict:
    """This environment without what an outer `make` hands down to an inner one."""
    return {name: value for name, value in os.environ.items() if name not in PASSED_ON}


def free_port() -> int:
    """A loopback port that nobody listens on, below the range that outgoing connections take theirs from."""
    while True:
        port = random.randint(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def _stat(pid: int) -> list | None:
    """The fields of /proc/PID/stat from `state` on, or None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid: int) -> list:
    """The pids of the direct children of `pid`."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [child for child in pids if (stat := _stat(child)) and int(stat[1]) == pid]


@dataclass
class Process:
    """One process, known by pid and start time, so that a reused pid is never taken for it."""

    pid: int
    started: int
    popen: subprocess.Popen | None = field(default=None, repr=False)

    @classmethod
    def spawn(cls, command, log: Path, **options) -> Self:
        """Start a command in a session of its own (ctrl-C does not reach it) with its output appended to `log`."""
        with open(log, "ab") as output:
            popen = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,
            )
        return cls(popen.pid, int((_stat(popen.pid) or [0] * 20)[19]), popen)

    @classmethod
    def of(cls, pid: int) -> Self | None:
        stat = _stat(pid)
        return cls(pid, int(stat[19])) if stat else None

    def alive(self) -> bool:
        if self.popen is not None:
            return self.popen.poll() is None
        stat = _stat(self.pid)
        return bool(stat) and stat[0] != "Z" and int(stat[19]) == self.started

    def send(self, number: int) -> None:
        if self.alive():
            os.kill(self.pid, number)

    def end(self, number: int = signal.SIGTERM, timeout: float = 60) -> None:
        """Send a signal and wait for the end; after `timeout` seconds SIGKILL, and AssertionError."""
        self.send(number)
        try:
            wait_until(lambda: not self.alive(), timeout, f"process {self.pid} ends after signal {number}")
        except AssertionError:
            self.send(signal.SIGKILL)
            wait_until(lambda: not self.alive(), 10, f"process {self.pid} ends after SIGKILL")
            raise
