"""Every function of the extension called by the fast-path protocol, where no expression tells the types of the arguments."""

import socket
import struct

from workbench import OWNER

# Values in the types' binary form: each is a plausible one, and one that would be a wild pointer.
VALUES = {
    "bigint": struct.pack("!q", 1),
    "integer": struct.pack("!i", 1),
    "boolean": b"\1",
    "text": b"p",
    "jsonb": b"\1{}",
    "interval": struct.pack("!qii", 1000, 0, 0),
    "regrole": struct.pack("!I", 10),
    "timestamp with time zone": struct.pack("!q", 0),
    "text[]": struct.pack("!iiIii", 1, 0, 25, 1, 1) + struct.pack("!i", 2) + b"id",
    "bigint[]": struct.pack("!iiIii", 1, 0, 20, 1, 1) + struct.pack("!iq", 8, 1),
}


class FastPath:
    """A connection that speaks just enough of the protocol: libpq's PQfn has no counterpart in psycopg."""

    def __init__(self, server, database: str, user: str):
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        parameters = b"".join(part.encode() + b"\0" for part in ("user", user, "database", database)) + b"\0"
        self.socket.sendall(struct.pack("!ii", len(parameters) + 8, 196608) + parameters)
        self.until_ready()

    def call(self, function: int, arguments: list) -> list:
        body = struct.pack("!IhhH", function, 1, 1, len(arguments))
        for value in arguments:
            body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
        body += struct.pack("!h", 1)
        self.socket.sendall(b"F" + struct.pack("!i", len(body) + 4) + body)
        return self.until_ready()

    def until_ready(self) -> list:
        kinds = []
        while not kinds or kinds[-1] != b"Z":
            kind, length = struct.unpack("!ci", self.read(5))
            self.read(length - 4)
            kinds.append(kind)
        return kinds

    def read(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            piece = self.socket.recv(count - len(received))
            assert piece, "the server closed the connection"
            received += piece
        return received


def test_no_function_trusts_the_expression(bench):
    bench.tables(10)
    bench.pipeline()
    functions = bench.admin.execute("""
        SELECT p.oid, p.oid::regprocedure::text, coalesce((SELECT array_agg(format_type(t, NULL) ORDER BY n)
               FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n)), '{}')
        FROM pg_proc p WHERE p.pronamespace = 'etl'::regnamespace ORDER BY 2""").fetchall()
    assert len(functions) > 50
    connection = FastPath(bench.server, bench.name, OWNER)
    called = 0
    for function, name, types in functions:
        for value_of in (VALUES.get, lambda _: None):
            replies = connection.call(function, [value_of(type_name) for type_name in types])
            assert replies[-1] == b"Z" and (b"V" in replies or b"E" in replies), name
            called += b"V" in replies
    assert called > 10
