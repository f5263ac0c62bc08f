"""A request is handed out when it is complete, and its windows open as it arrives (gunicorn 25 and 26)."""
import tracemalloc

import pytest
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ProtocolError
from gunicorn.http2.request import HTTP2Body, HTTP2Request
from gunicorn.http2.stream import HTTP2Stream, StreamState

from tests.gunicorn.connection_class import on_the_end
from tests.support.facade_peer import GET, POST, frame, frames
from tests.support.timed_peer import TimedSocket

pytestmark = on_the_end


def posted(peer, *parts, stream_id=1):
    """The request of a POST in as many frames."""
    peer.request(stream_id, POST, end_stream=False)
    for part in parts:
        peer.client.send_data(stream_id, part)
    peer.client.send_data(stream_id, b"", end_stream=True)
    [request] = peer.tell()
    return request


def test_gunicorns_own_classes(peer):
    request = posted(peer, b"body")
    assert type(request) is HTTP2Request
    assert isinstance(request.stream, HTTP2Stream)
    assert isinstance(request.body, HTTP2Body)
    assert type(request.stream.state) is StreamState


def test_the_request_comes_with_its_body(peer):
    peer.request(1, POST, end_stream=False)
    assert peer.tell() == []
    peer.client.send_data(1, b"early ")
    assert peer.tell() == []
    peer.client.send_data(1, b"late", end_stream=True)
    [request] = peer.tell()
    assert request.body.read() == b"early late"
    assert request.stream.get_request_body() == b"early late"
    assert request.stream.request_body.getvalue() == b"early late"
    assert request.stream.request_complete


def test_lines(peer):
    request = posted(peer, b"one\ntw", b"o\nthree")
    assert request.body.readline() == b"one\n"
    assert list(request.body) == [b"two\n", b"three"]


def test_a_body_of_many_windows_arrives(peer):
    """Credit goes back as it arrives, exactly, in one write a read."""
    peer.request(1, POST, end_stream=False)
    body = b""
    while len(body) < 500000:
        for _ in range(3):
            part = bytes([len(body) % 251]) * 16000
            body += part
            peer.client.send_data(1, part)
        assert peer.tell() == []
        [write] = peer.written()
        credit = [(sent.stream_id, int.from_bytes(sent.payload, "big")) for sent in frames(write)]
        assert sum(size for stream_id, size in credit if stream_id == 0) == 48000
        assert sum(size for stream_id, size in credit if stream_id == 1) == 48000
        peer.client.receive_data(write)
    peer.client.send_data(1, b"", end_stream=True)
    [request] = peer.tell()
    assert request.body.read() == body


def test_a_body_is_held_once(peer):
    """Not by the stream, its copy and the request."""
    size = 4 << 20
    block = b"x" * 16000
    peer.request(1, POST, end_stream=False)
    peer.tell()
    tracemalloc.start()
    try:
        for _ in range(size // len(block)):
            peer.server.receive_data(frame("DATA", 0, 1, block))
            peer.sock.writes.clear()
        [request] = peer.server.receive_data(frame("DATA", 1, 1))
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.2 * size
    assert peak < 2.3 * size
    assert len(request.body) == size // len(block) * len(block)


def test_a_body_in_tiny_frames_costs_little_memory(peer):
    peer.request(1, POST, end_stream=False)
    peer.tell()
    for _ in range(8):
        peer.server.receive_data(frame("DATA", 0, 1, b"x") * 100)
    assert len(peer.server.streams[1]._body_chunks) < 10


def test_trailers_are_in_the_request(peer):
    peer.request(1, POST, end_stream=False)
    peer.client.send_data(1, b"body")
    peer.client.send_headers(1, [("x-sum", "1"), ("content-length", "9")], end_stream=True)
    [request] = peer.tell()
    assert request.body.read() == b"body"
    assert request.trailers == [("X-SUM", "1")]
    assert request.stream._body_complete


def test_a_stream_that_is_reset_before_its_end_is_forgotten(peer):
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.client.reset_stream(1)
    assert peer.tell() == []
    assert peer.server.streams == {}


def test_a_body_that_stops_is_cancelled(connect):
    peer = connect(sock=TimedSocket(), keepalive=1)
    peer.server.stream_timeout = 0.05
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.queue(None)
    assert peer.server.receive_data() == []
    peer.listen()
    assert peer.reset_code() == 0x8
    assert not peer.server.is_closed
    assert peer.served(3).method == "GET"


def test_a_body_that_stops_keeps_no_worker_that_stops(connect):
    """The worker looks whether it is to stop between two calls."""
    peer = connect(sock=TimedSocket(), timeout=30)
    peer.server.idle_timeout = 0.02
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.queue(None)
    assert peer.server.receive_data() == []
    assert 1 in peer.server.streams
    assert not peer.server.is_closed


def test_close_leaves_out_requests_that_no_one_has_taken(connect, pair):
    """They arrived while a response waited for window; the client may send them again."""
    peer = connect(pair)
    peer.served(1)
    peer.server.pending_requests += [peer.served(3), peer.served(5)]
    peer.server.close()
    peer.listen()
    assert peer.goaways() == [(0, 1)]


def test_the_peer_closes(peer):
    peer.served()
    assert peer.server.receive_data(b"") == []
    assert peer.server.is_closed


def test_a_read_error_closes(peer):
    peer.queue(ConnectionResetError(104, "gone"))
    with pytest.raises(HTTP2ConnectionError, match="gone"):
        peer.server.receive_data()
    assert peer.server.is_closed


def test_an_error_behind_a_request_is_raised_at_once(peer):
    """Nothing can be answered any more."""
    peer.request(1, GET)
    with pytest.raises(HTTP2ProtocolError):
        peer.server.receive_data(peer.octets() + frame("PING", 0, 0, b"1234"))
