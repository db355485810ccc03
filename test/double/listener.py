"""A port of this machine on which each connection is served by a thread."""

import socket
import threading


class Listener:
    """Subclasses say in serve(connection) what becomes of a connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.kept = []
        threading.Thread(target=self.listen, daemon=True).start()

    def serve(self, connection):
        raise NotImplementedError

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.kept.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # or the accept() of the thread keeps it open
        self.listener.close()
        for connection in self.kept:
            connection.close()
