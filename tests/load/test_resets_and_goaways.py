"""RST_STREAM in the middle of a response, and a client that says goodbye with requests in flight."""
import h2.errors
import h2.events
import pytest

from tests.load.setups import OLDER_CLASSES, SETUPS
from tests.support.payload import fill
from tests.support.tls_client import Client

SIZE = 400_000
EXPECTED = b"".join(fill(SIZE))

everywhere = pytest.mark.parametrize("setup", [*SETUPS, *OLDER_CLASSES], ids=str)


@everywhere
def test_a_reset_in_the_middle_of_a_response_leaves_the_others_right(setup, servers):
    with Client(servers(setup)) as client:
        for round_ in range(3):
            first = 20 * round_ + 1
            streams = range(first, first + 20, 2)
            for stream_id in streams[:-1]:
                client.request(stream_id, f"/stream?{SIZE}")
            client.request(streams[-1], "/hello")
            gone = [streams[0], streams[4], streams[5]]
            for stream_id in gone:
                assert client.read(lambda stream_id=stream_id: client.body(stream_id))
                client.conn.reset_stream(stream_id, h2.errors.ErrorCodes.CANCEL)
                client.flush()
            for stream_id in set(streams[:-1]) - set(gone):
                assert client.read(client.ended(stream_id))
                assert client.body(stream_id) == EXPECTED
            assert client.read(client.ended(streams[-1]))
            assert client.body(streams[-1]) == b"Hello, world!"
            assert not client.found(h2.events.StreamReset)


@everywhere
def test_many_resets_of_requests_that_wait(setup, servers):
    """Resets of streams that have no response yet, with requests between them."""
    with Client(servers(setup)) as client:
        client.request(1, "/slow?0.2")
        for stream_id in range(3, 83, 2):
            client.request(stream_id, f"/stream?{SIZE}" if stream_id % 4 == 3 else "/hello")
            if stream_id % 4 == 3:
                client.conn.reset_stream(stream_id, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        for stream_id in (1, *range(5, 83, 4)):
            assert client.read(client.ended(stream_id))
            assert client.body(stream_id) == b"Hello, world!"


@everywhere
def test_a_client_that_says_goodbye_gets_what_it_asked_for(setup, servers):
    with Client(servers(setup)) as client:
        client.request(1, f"/stream?{SIZE}")
        client.request(3, "/echo", "POST", end_stream=False)
        client.request(5, "/slow?0.2")
        client.request(7, f"/stream?{SIZE}")
        assert client.read(lambda: client.body(1))
        # Past h2, which would take no more frames.
        client.sock.sendall(b"\0\0\x08\x07\0" + bytes(12))
        client.data(3, b"body", end_stream=True)
        for stream_id, body in ((1, EXPECTED), (3, b"body"), (5, b"Hello, world!"), (7, EXPECTED)):
            assert client.read(client.ended(stream_id))
            assert client.body(stream_id) == body
        # It is the server's turn to close.
        assert not client.read(lambda: False, wait=5)
        assert client.closed
