"""Servers that speak PostgreSQL's protocol as far as the login or the first questions, and answer with more than was asked for."""

import base64
import contextlib
import struct
import threading

from listener import Listener

SSL_REQUEST = 80877103


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def greet(connection):
    """Up to the start-up message, without TLS; what reads the body of the next message."""
    stream = connection.makefile("rb")

    def read(typed=True):
        if typed:
            stream.read(1)
        return stream.read(struct.unpack("!i", stream.read(4))[0] - 4)

    if struct.unpack("!i", read(typed=False)[:4])[0] == SSL_REQUEST:
        connection.sendall(b"N")
        read(typed=False)
    return read


READY = message(b"Z", b"I")
SHAPE = message(b"T", struct.pack("!h", 1) + b"x\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0))


class LyingPostgres(Listener):
    """SET is done, and every other statement has `rows` rows of `size` bytes."""

    def __init__(self, rows: int, size: int):
        self.row = message(b"D", struct.pack("!hi", 1, size) + b"x" * size)
        self.rows = rows
        self.sent = 0
        super().__init__()

    def serve(self, connection):
        try:
            read = greet(connection)
            connection.sendall(message(b"R", struct.pack("!i", 3)))
            read()
            status = message(b"S", b"server_version\x0015.0\0") + message(b"S", b"client_encoding\0UTF8\0")
            connection.sendall(message(b"R", struct.pack("!i", 0)) + status + READY)
            while True:
                self.answer(connection, read())
        except (OSError, struct.error):
            connection.close()

    def answer(self, connection, query):
        if query.startswith(b"SET"):
            return connection.sendall(message(b"C", b"SET\0") + READY)
        connection.sendall(SHAPE)
        for _ in range(self.rows):
            connection.sendall(self.row)
            self.sent += 1
        connection.sendall(message(b"C", b"SELECT 1\0") + READY)


class SlowLogin(Listener):
    """Has the password hashed as often as SCRAM-SHA-256 (RFC 5802) can say, which takes an hour."""

    ITERATIONS = 2**31 - 1

    def __init__(self):
        self.asked = threading.Event()
        super().__init__()

    def waited_for(self):
        return self.asked.is_set()

    def serve(self, connection):
        with contextlib.suppress(OSError, struct.error):
            read = greet(connection)
            connection.sendall(message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0"))
            nonce = read().split(b"r=", 1)[1]
            salt = base64.b64encode(b"x" * 16)
            connection.sendall(
                message(b"R", struct.pack("!i", 11) + b"r=%sy,s=%s,i=%d" % (nonce, salt, self.ITERATIONS))
            )
            self.asked.set()
            read()
