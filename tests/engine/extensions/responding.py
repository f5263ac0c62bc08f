"""A server whose requests are there, for the calls that answer them."""
from __future__ import annotations

from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import server


class Peer:
    """A server with requests on the first streams, and its output."""

    def __init__(self, *streams, window=None, rfc_errors=True, end_stream=True):
        self.connection = server(rfc_errors=rfc_errors)
        pairs = [] if window is None else [(frames.INITIAL_WINDOW_SIZE, window)]
        self.connection.ready_requests(PREFACE + frames.settings(*pairs))
        self.connection.ready_requests(b"".join(bytes(request(n, end_stream=end_stream)) for n in streams))
        self.reader = FrameReader()
        self.output()

    def output(self, most=-1):
        """What ``pull`` gives, as frames."""
        return self.reader.read(self.connection.pull(most))

    def feed(self, *octets):
        """More from the peer."""
        for one in octets:
            self.connection.ready_requests(bytes(one))


def brief(sent):
    """Frames as (kind, stream, size of data, end)."""
    return [(one.kind, one.stream_id, None if one.data is None else len(one.data), one.end_stream) for one in sent]
