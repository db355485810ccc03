"""Servers that leave who speaks to them without an answer."""

import socket
import threading
from pathlib import Path

SYN_SENT = "02"


class Silent:
    """Takes every connection, and reads, and never answers; or with `takes` off takes none: they wait to be connected."""

    def __init__(self, takes=True):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128 if takes else 0)
        self.port = self.listener.getsockname()[1]
        self.takes = takes
        self.heard = threading.Event()  # something was said
        self.kept = []
        if takes:
            threading.Thread(target=self.listen, daemon=True).start()
        else:
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

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.kept.append(connection)
            threading.Thread(target=self.hear, args=(connection,), daemon=True).start()

    def hear(self, connection):
        try:
            while connection.recv(1 << 16):
                self.heard.set()
        except OSError:
            pass

    def waited_for(self):
        """Whether somebody waits for its answer, or to be connected."""
        if self.takes:
            return self.heard.is_set()
        rows = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        return any(row.split()[2].endswith(f":{self.port:04X}") and row.split()[3] == SYN_SENT for row in rows)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # or the accept() of the thread keeps it open
        self.listener.close()
        for connection in self.kept:
            connection.close()


class Between:
    """Stands between a client and a server of this machine, and passes on what they say until it is told to hold it."""

    def __init__(self, port):
        self.to = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.flows = threading.Event()
        self.flows.set()
        self.kept = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            self.kept += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while said := one.recv(1 << 16):
                self.flows.wait()
                other.sendall(said)
        except OSError:
            pass
        self.flows.wait()
        for connection in (one, other):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # or the accept() of the thread keeps it open
        self.listener.close()
        self.flows.set()
        for connection in self.kept:
            connection.close()
