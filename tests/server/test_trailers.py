"""Trailers, both ways."""
import h2.events
import pytest

from fasth2.server.errors import HTTP2Error, HTTP2StreamClosed
from tests.support.facade_peer import POST, frames


def test_a_request_with_trailers_is_handed_out_once(peer):
    peer.request(1, POST, end_stream=False)
    peer.client.send_data(1, b"body")
    peer.client.send_headers(1, [("x-sum", "abc")], end_stream=True)
    [request] = peer.tell()
    assert request.body.read() == b"body"
    assert request.trailers == [("X-SUM", "abc")]
    assert request.stream.trailers == [("x-sum", "abc")]
    peer.client.ping(b"12345678")
    assert peer.tell() == []


def test_trailers_in_a_read_of_their_own(peer):
    peer.request(1, POST, end_stream=False)
    peer.client.send_data(1, b"body")
    assert peer.tell() == []
    peer.client.send_headers(1, [("x-sum", "abc")], end_stream=True)
    [request] = peer.tell()
    assert request.trailers == [("X-SUM", "abc")]


def test_trailers_without_a_body(peer):
    peer.request(1, POST, end_stream=False)
    peer.client.send_headers(1, [("x-sum", "abc")], end_stream=True)
    [request] = peer.tell()
    assert request.body.read() == b""


@pytest.mark.parametrize("name", ["content-length", "host", "authorization", "content-type", "trailer",
                                  "content-encoding", "cookie", "max-forwards", "if-match", "range"])
def test_fields_without_meaning_in_trailers_are_dropped(peer, name):
    peer.request(1, POST, end_stream=False)
    peer.client.send_data(1, b"body")
    peer.client.send_headers(1, [(name, "4"), ("x-sum", "abc")], end_stream=True)
    [request] = peer.tell()
    assert request.trailers == [("X-SUM", "abc")]
    assert request.stream.trailers == [("x-sum", "abc")]


def test_a_request_without_trailers_has_none(peer):
    assert peer.served().trailers == []


def started(peer, stream_id=1):
    """A response whose headers and part of whose body are out."""
    peer.served(stream_id)
    peer.server.h2_conn.respond(stream_id, 200, [], b"", None, False)
    peer.server.streams[stream_id].send_headers([])
    peer.server.send_data(stream_id, b"body")
    peer.listen()


def test_response_trailers_end_the_stream(peer):
    started(peer)
    peer.server.send_trailers(1, [("Grpc-Status", 0), (b"X-Sum", b"\xff")])
    [write] = peer.written()
    [sent] = frames(write)
    assert (sent.kind, sent.end_stream) == ("HEADERS", True)
    peer.seen -= 1
    # A client that decodes would refuse the octet above 0x7f.
    peer.client.config.header_encoding = None
    [trailers] = [event for event in peer.listen() if isinstance(event, h2.events.TrailersReceived)]
    assert trailers.headers == [(b"grpc-status", b"0"), (b"x-sum", b"\xff")]
    stream = peer.server.streams[1]
    assert stream.response_complete
    assert stream.response_trailers == [("grpc-status", "0"), (b"x-sum", b"\xff")]


@pytest.mark.parametrize("name", [":status", b":status"])
def test_no_pseudo_headers(peer, name):
    started(peer)
    with pytest.raises(HTTP2Error, match=r"[Pp]seudo-header"):
        peer.server.send_trailers(1, [(name, "200")])
    assert peer.written() == []
    peer.server.send_trailers(1, [("x-sum", "abc")])


def test_trailers_before_the_headers(peer):
    peer.served()
    with pytest.raises(HTTP2Error):
        peer.server.send_trailers(1, [("x-sum", "abc")])
    assert peer.written() == []
    peer.server.send_response(1, 200, [], b"still works")


def test_trailers_after_the_end(peer):
    peer.served()
    peer.server.send_response(1, 200, [], b"body")
    with pytest.raises(HTTP2StreamClosed):
        peer.server.send_trailers(1, [("x-sum", "abc")])


def test_trailers_on_an_unknown_stream(peer):
    with pytest.raises(HTTP2Error):
        peer.server.send_trailers(99, [("x-sum", "abc")])


def test_trailers_on_a_stream_the_peer_reset(peer):
    started(peer)
    peer.client.reset_stream(1)
    peer.tell()
    with pytest.raises(HTTP2StreamClosed):
        peer.server.send_trailers(1, [("x-sum", "abc")])
