"""The two connection classes a gunicorn worker can hold, over a socket in memory."""
import fasth2
from gunicorn.config import Config
from gunicorn.http2.connection import HTTP2ServerConnection as GunicornConnection

_CONFIG = Config()
_ADDRESS = ("127.0.0.1", 50_000)


class MemorySocket:
    """A socket whose reads are given and whose writes go to a callable."""

    def __init__(self):
        self._early = []
        self._read = None
        self._write = self._early.append

    def feed(self, reads, send):
        """Let ``recv`` return these reads in turn, and ``sendall`` call ``send``."""
        for block in self._early:
            send(block)
        self._early.clear()
        self._read = iter(reads).__next__
        self._write = send

    def recv(self, size):
        return self._read()

    def sendall(self, data):
        self._write(data)

    def settimeout(self, seconds):
        """Nothing here waits."""


class Facade:
    """A contestant made of a connection class.

    Args:
        name: Its name in results.
        connection_class: The class, with the calls of gunicorn's first one.
    """

    def __init__(self, name, connection_class):
        self.NAME = name
        self._class = connection_class

    def connect(self):
        connection = self._class(_CONFIG, MemorySocket(), _ADDRESS)
        connection.initiate_connection()
        return connection

    @staticmethod
    def serve(connection, reads, next_answer, send):
        connection.sock.feed(reads, send)
        for _ in reads:
            for request in connection.receive_data():
                length, date, body, _, _ = next_answer()
                stream_id = request.stream.stream_id
                connection.send_response(
                    stream_id,
                    200,
                    [
                        ("content-type", "text/plain"),
                        ("content-length", length),
                        ("server", "bench"),
                        ("date", date),
                    ],
                    body,
                )
                connection.cleanup_stream(stream_id)


FASTH2 = Facade("fasth2", fasth2.HTTP2ServerConnection)
GUNICORN = Facade("gunicorn_on_h2", GunicornConnection)
