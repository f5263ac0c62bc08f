"""send_data against the windows: it waits, never overruns, never drops, never reorders."""
import pytest

from fasth2.server.errors import HTTP2Error, HTTP2StreamClosed
from tests.support.facade_peer import INITIAL_WINDOW_SIZE, frames

BODY = bytes(range(256)) * 400


def data_sizes(writes):
    return [len(frame.payload) for write in writes for frame in frames(write) if frame.kind == "DATA"]


def opens(peer, size, stream_id=None):
    """A read that brings a WINDOW_UPDATE."""
    def read():
        peer.listen()
        peer.client.increment_flow_control_window(size, stream_id)
        return peer.octets()
    return read


def test_a_body_that_fits_goes_out_at_once(peer):
    peer.served()
    peer.server.send_response(1, 200, [("content-type", "text/plain")], b"Hello")
    assert len(peer.sock.writes) - peer.seen == 1
    peer.listen()
    assert peer.response() == [(":status", "200"), ("content-type", "text/plain")]
    assert peer.body() == b"Hello"
    assert peer.ended()


def test_a_window_that_is_closed_and_then_opens(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    peer.served()
    peer.queue(opens(peer, 3, 1), opens(peer, 100, 1))
    peer.server.send_response(1, 200, [], b"Hello")
    # The headers did not wait.
    assert [[frame.kind for frame in frames(write)] for write in peer.sock.writes[-3:]] == [
        ["HEADERS"], ["DATA"], ["DATA"]]
    peer.listen()
    assert peer.body() == b"Hello"
    assert peer.ended()


def test_a_window_opened_by_SETTINGS(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    peer.served()

    def widened():
        peer.listen()
        peer.client.update_settings({INITIAL_WINDOW_SIZE: 1000})
        return peer.octets()

    peer.queue(widened)
    peer.server.send_response(1, 200, [], b"Hello")
    peer.listen()
    assert peer.body() == b"Hello"


def test_a_window_of_one_octet(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 1})
    peer.served()
    peer.queue(*[opens(peer, 1, 1) for _ in range(9)])
    peer.server.send_response(1, 200, [], b"0123456789")
    writes = peer.sock.writes[peer.seen - 9:]
    assert data_sizes(writes) == [1] * 10
    peer.listen()
    assert peer.body() == b"0123456789"
    assert peer.ended()
    assert not peer.sock.reads


def test_the_connection_window_counts_too(peer):
    peer.served()
    peer.client.increment_flow_control_window(1 << 20, 1)
    peer.tell()
    peer.queue(opens(peer, 30000), opens(peer, 1 << 20))
    peer.server.send_response(1, 200, [], BODY)
    peer.listen()
    assert peer.body() == BODY
    assert not peer.sock.reads


def test_frames_are_no_larger_than_the_peer_allows(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 1 << 20, 5: 20000})
    peer.client.max_inbound_frame_size = 20000  # h2 does not follow a first SETTINGS of its own
    peer.served()
    peer.client.increment_flow_control_window(1 << 20)
    peer.tell()
    peer.server.send_response(1, 200, [], BODY)
    assert max(data_sizes(peer.sock.writes)) == 20000
    peer.listen()
    assert peer.body() == BODY


def test_a_window_made_negative(peer):
    peer.served()
    peer.server.send_response(1, 200, [], b"")
    peer.request(3)
    peer.tell()
    peer.server.h2_conn.send_headers(3, [(":status", "200")])
    peer.server.streams[3].send_headers([(":status", "200")])
    peer.server.send_data(3, b"x" * 1000)
    peer.client.update_settings({INITIAL_WINDOW_SIZE: 0})
    peer.tell()
    assert peer.server.h2_conn.local_flow_control_window(3) == -1000
    peer.queue(opens(peer, 900, 3), opens(peer, 105, 3))
    peer.server.send_data(3, b"Hello", end_stream=True)
    peer.listen()
    assert peer.body(3) == b"x" * 1000 + b"Hello"


def test_parts_keep_their_order(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 2})
    peer.served()
    peer.server.h2_conn.respond(1, 200, [], b"", None, False)
    peer.server.streams[1].send_headers([])
    peer.queue(opens(peer, 1, 1), opens(peer, 2, 1), opens(peer, 90, 1))
    for part in (b"ab", b"cde", b"", b"f"):
        peer.server.send_data(1, part)
    peer.server.send_data(1, b"g", end_stream=True)
    peer.listen()
    assert peer.body() == b"abcdefg"


def test_an_empty_last_chunk_ends_the_stream(connect):
    """It needs no window."""
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    peer.served()
    peer.server.h2_conn.respond(1, 200, [], b"", None, False)
    peer.server.streams[1].send_headers([])
    peer.server.send_data(1, b"", end_stream=True)
    peer.listen()
    assert peer.ended()
    assert peer.server.streams[1].response_complete


def test_an_empty_chunk_that_is_not_the_last_sends_nothing(peer):
    peer.served()
    peer.server.h2_conn.respond(1, 200, [], b"", None, False)
    peer.server._send_pending_data()
    peer.server.streams[1].send_headers([])
    peer.listen()
    peer.server.send_data(1, b"")
    assert peer.written() == []
    assert peer.server.streams[1].can_send


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_buffers_than_bytes(connect, kind):
    """Larger than the engine would copy for a stream."""
    body = b"x" * 500000
    peer = connect(settings={INITIAL_WINDOW_SIZE: 1 << 20})
    peer.served()
    peer.client.increment_flow_control_window(1 << 20)
    peer.tell()
    peer.server.send_response(1, 200, [], kind(body))
    peer.listen()
    assert peer.body() == body


def test_unknown_streams(peer):
    with pytest.raises(HTTP2Error, match="99"):
        peer.server.send_data(99, b"x")
    with pytest.raises(HTTP2Error, match="99"):
        peer.server.send_response(99, 200, [], b"x")


def test_a_response_that_has_ended_takes_no_more(peer):
    peer.served()
    peer.server.send_response(1, 200, [], b"x")
    peer.listen()
    with pytest.raises(HTTP2StreamClosed):
        peer.server.send_data(1, b"y")
    with pytest.raises(HTTP2StreamClosed):
        peer.server.send_response(1, 200, [], b"y")
    assert peer.written() == []
