"""Servers that leave who speaks to them without an answer."""

import contextlib
import socket
import threading
from pathlib import Path

from listener import Listener

SYN_SENT = "02"


class Silent(Listener):
    """Takes every connection, and reads, and never answers."""

    def __init__(self):
        self.heard = threading.Event()  # something was said
        super().__init__()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            while connection.recv(1 << 16):
                self.heard.set()

    def waited_for(self):
        """Whether somebody waits for its answer."""
        return self.heard.is_set()


class Full:
    """Takes no connection: they wait to be connected."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.kept = []
        self.fill()

    def fill(self):
        """What waits to be accepted, until nobody else can."""
        for _ in range(8):
            waiting = socket.socket()
            waiting.settimeout(0.2)
            self.kept.append(waiting)
            try:
                waiting.connect(("127.0.0.1", self.port))
            except TimeoutError:
                waiting.close()
                return
        raise AssertionError("the queue of the listener does not become full")

    def waited_for(self):
        """Whether somebody waits to be connected."""
        rows = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        return any(row.split()[2].endswith(f":{self.port:04X}") and row.split()[3] == SYN_SENT for row in rows)

    def stop(self):
        self.listener.close()
        for connection in self.kept:
            connection.close()


class Between(Listener):
    """Stands between a client and a server of this machine, and passes on what they say until it is told to hold it."""

    def __init__(self, port):
        self.to = port
        self.flows = threading.Event()
        self.flows.set()
        super().__init__()

    def serve(self, connection):
        server = socket.create_connection(("127.0.0.1", self.to))
        self.kept.append(server)
        threading.Thread(target=self.carry, args=(server, connection), daemon=True).start()
        self.carry(connection, server)

    def carry(self, one, other):
        with contextlib.suppress(OSError):
            while said := one.recv(1 << 16):
                self.flows.wait()
                other.sendall(said)
        self.flows.wait()
        for connection in (one, other):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self.flows.set()
        super().stop()
