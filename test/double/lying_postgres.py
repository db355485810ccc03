"""A server that speaks PostgreSQL's protocol as far as the first questions, and answers them with more than was asked for."""

import struct

from listener import Listener


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


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
        stream = connection.makefile("rb")

        def read(typed=True):
            if typed:
                stream.read(1)
            return stream.read(struct.unpack("!i", stream.read(4))[0] - 4)

        try:
            if struct.unpack("!i", read(typed=False)[:4])[0] == 80877103:  # SSLRequest
                connection.sendall(b"N")
                read(typed=False)
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
