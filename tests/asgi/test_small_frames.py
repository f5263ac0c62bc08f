"""Bodies in frames of one octet: small parts are joined where they wait (docs/security.md, row 9)."""
import asyncio
import tracemalloc

import pytest

from tests.support import frames
from tests.support.fields import request

from .without_sockets import Connection, body, serving, start


@pytest.mark.parametrize("streams", [1, 10])
@pytest.mark.parametrize("size", [1, 2, 16])
def test_what_is_held_is_at_most_twice_what_was_sent(size, streams):
    read = asyncio.Event()
    seen = {}

    async def app(scope, receive, send):
        await read.wait()
        octets = b""
        while (message := await receive())["more_body"]:
            octets += message["body"]
        seen[scope["path"]] = octets + message["body"]
        await start(send)
        await body(send)

    numbers = range(1, 2 * streams, 2)
    octets = bytes(range(64)) * (60_000 // streams // 64)
    with serving(app) as server:
        connection = Connection(server)
        for stream_id in numbers:
            connection.feed(request(stream_id, method="POST", path=f"/{stream_id}", end_stream=False))
        # Streams in turn, so that the engine finds nothing to merge.
        pieces = [b"".join(bytes(frames.data(stream_id, octets[at:at + size])) for stream_id in numbers)
                  for at in range(0, len(octets), size)]
        reads = [b"".join(pieces[at:at + 100]) for at in range(0, len(pieces), 100)]
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for each in reads:
                connection.session.feed(each)
            held = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        sent = len(octets) * streams
        assert held <= 2 * sent, f"{sent} octets sent, {held} bytes held"
        server.turn(read.set)
        connection.feed(b"".join(bytes(frames.data(stream_id, b"", end_stream=True)) for stream_id in numbers))
        assert seen == {f"/{stream_id}": octets for stream_id in numbers}
