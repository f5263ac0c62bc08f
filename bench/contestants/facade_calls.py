"""A gunicorn worker's calls on a connection class, over a socket in memory."""


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
