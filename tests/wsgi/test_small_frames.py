"""Bodies in frames of one octet: small parts are joined where they wait (docs/security.md, row 9)."""
import tracemalloc

import pytest

from tests.support import frames
from tests.support.fields import request
from tests.wsgi.without_sockets import Connection, Worker


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [body]


def in_frames(stream_id, octets, size):
    """DATA frames of so many octets, none of them the last."""
    return b"".join(bytes(frames.data(stream_id, octets[at:at + size])) for at in range(0, len(octets), size))


@pytest.mark.parametrize("streams", [1, 10])
@pytest.mark.parametrize("size", [1, 2, 16])
def test_what_is_held_is_at_most_twice_what_was_sent(size, streams):
    connection = Connection(Worker(application))
    numbers = range(1, 2 * streams, 2)
    for stream_id in numbers:
        connection.feed(request(stream_id, method="POST", end_stream=False))
    # Streams in turn, so that the engine finds nothing to merge.
    octets = bytes(64) * (60_000 // streams // 64)
    pieces = [b"".join(in_frames(stream_id, octets[at:at + size], size) for stream_id in numbers)
              for at in range(0, len(octets), size)]
    reads = [b"".join(pieces[at:at + 100]) for at in range(0, len(pieces), 100)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for read in reads:
            connection.feed(read)
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    sent = len(octets) * streams
    assert connection.session.error is None
    assert held <= 2 * sent, f"{sent} octets sent, {held} bytes held"


@pytest.mark.parametrize("sizes", [[1], [7], [4095], [4096], [4097, 1], [1, 5000, 1, 1, 5000], [60000, 5000]])
def test_the_body_is_what_was_sent(sizes):
    connection = Connection(Worker(application))
    connection.feed(request(1, method="POST", end_stream=False))
    body, at = bytes(number % 251 for number in range(65_000)), 0
    while at < len(body):
        for size in sizes:
            for cut in range(at, min(at + size, len(body)), 16384):
                connection.feed(frames.data(1, body[cut:min(cut + 16384, at + size)]))
            at += size
    connection.serve(frames.data(1, b"", end_stream=True))
    assert b"".join(frame.data for frame in connection.wrote("DATA", 1)) == body
