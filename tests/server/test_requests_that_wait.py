"""A request that waits for its turn may be reset meanwhile: `cleanup_stream` looks for that now and then."""
import pytest

from fasth2 import HTTP2ServerConnection
from fasth2.server.errors import HTTP2StreamClosed
from fasth2.server.stream import StreamState
from tests.support.facade_peer import Peer, config, frame, frames
from tests.support.timed_peer import TimedSocket

RESET = frame("RST_STREAM", 0, 3, b"\0\0\0\x08")


@pytest.fixture
def two():
    """A peer with two requests that were handed out together, the first of which is answered."""
    peer = Peer(HTTP2ServerConnection, config(), TimedSocket())
    peer.request(1)
    peer.request(3)
    peer.waiting = peer.tell()
    peer.server.send_response(1, 200, [], b"x")
    peer.written()
    return peer


def test_its_reset_is_seen_after_a_slow_one(two):
    two.server._polled_at -= 1
    two.queue(RESET)
    two.server.cleanup_stream(1)
    assert two.waiting[1].stream.state is StreamState.CLOSED
    with pytest.raises(HTTP2StreamClosed):
        two.server.send_response(3, 200, [], b"x")


def test_nothing_is_read_after_fast_ones(two):
    two.server._polled_at += 1000
    two.queue(AssertionError("read"))
    two.server.cleanup_stream(1)
    assert two.waiting[1].stream.state is not StreamState.CLOSED


def test_nothing_is_read_when_none_waits(two):
    two.server.send_response(3, 200, [], b"x")
    two.server._polled_at += 1000
    two.server.cleanup_stream(1)
    two.server._polled_at -= 2000
    two.queue(AssertionError("read"))
    two.server.cleanup_stream(3)


def test_other_requests_in_the_same_read_are_kept(two):
    two.server._polled_at -= 1
    two.request(5)
    two.queue(two.octets() + frame("PING", 0, 0, b"12345678"))
    two.server.cleanup_stream(1)
    assert [request.stream.stream_id for request in two.server.receive_data()] == [5]


def test_the_end_of_the_connection_is_left_to_the_next_read(two):
    two.server._polled_at -= 1
    two.queue(b"")
    two.server.cleanup_stream(1)
    assert not two.server.is_closed
    two.server.send_response(3, 200, [], b"x")
    assert [each.kind for write in two.written() for each in frames(write)] == ["HEADERS", "DATA"]
