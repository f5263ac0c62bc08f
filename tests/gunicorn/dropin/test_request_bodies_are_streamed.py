"""A request is handed out on its headers; its body is read from the stream, and credit follows the reading."""
import pytest
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2StreamError
from gunicorn.http2.request import HTTP2Body, HTTP2Request
from gunicorn.http2.stream import HTTP2Stream, StreamState

from tests.gunicorn.connection_class import on_headers
from tests.support.facade_peer import GET, POST, frame, frames

pytestmark = on_headers


def posted(peer, stream_id=1, extra=()):
    peer.request(stream_id, [*POST, *extra], end_stream=False)
    [request] = peer.tell()
    peer.listen()
    return request


def test_gunicorns_own_classes(peer):
    request = posted(peer)
    assert isinstance(request, HTTP2Request)
    assert isinstance(request.stream, HTTP2Stream)
    assert isinstance(request.body, HTTP2Body)
    assert type(request.stream.state) is StreamState


def test_the_request_comes_before_its_body(peer):
    request = posted(peer)
    assert request.method == "POST"
    assert not request.stream.body_complete
    peer.client.send_data(1, b"early ")
    assert peer.tell() == []
    peer.client.send_data(1, b"late", end_stream=True)
    peer.queue()
    assert request.body.read(8) == b"early la"
    assert request.body.read() == b"te"
    assert request.body.read() == b""
    assert request.stream.body_complete


def test_a_request_without_a_body(peer):
    request = peer.served()
    assert request.stream.body_complete
    assert request.body.read() == b""


def test_lines(peer):
    request = posted(peer)
    for part in (b"one\ntw", b"o\nthree"):
        peer.client.send_data(1, part)
        peer.queue()
    peer.client.send_data(1, b"", end_stream=True)
    peer.queue()
    assert request.body.readline() == b"one\n"
    assert request.body.readline(2) == b"tw"
    assert list(request.body) == [b"o\n", b"three"]


def test_connection_credit_on_arrival_and_stream_credit_on_reading(peer):
    request = posted(peer)
    for _ in range(3):
        peer.client.send_data(1, b"x" * 16384)
    peer.tell()
    [write] = peer.written()
    assert [(sent.stream_id, int.from_bytes(sent.payload, "big")) for sent in frames(write)] == [(0, 3 * 16384)]
    assert len(request.body.read(2 * 16384)) == 2 * 16384
    assert request.stream.unacked_size == 16384
    [write] = peer.written()
    credit = [int.from_bytes(sent.payload, "big") for sent in frames(write) if sent.stream_id == 1]
    assert sum(credit) == 2 * 16384


def test_one_read_of_the_body_is_one_write_for_each_read_of_the_socket(peer):
    request = posted(peer)
    for _ in range(4):
        peer.client.send_data(1, b"x" * 8000)
        peer.queue()
    written = len(peer.sock.writes)
    assert len(request.body.read(32000)) == 32000
    # Before each read of the socket after the first, and at the end.
    assert len(peer.sock.writes) - written == 4


def test_no_credit_for_a_body_that_is_complete(peer):
    request = posted(peer)
    peer.client.send_data(1, b"x" * 1000, end_stream=True)
    peer.tell()
    peer.written()
    assert len(request.body.read()) == 1000
    assert peer.written() == []


def test_padding_is_credited_at_once(peer):
    request = posted(peer)
    peer.server.receive_data(frame("DATA", 0x8, 1, b"\xff" + b"x" + b"\0" * 255) * 200)
    assert peer.server.h2_conn.remote_flow_control_window(1) == 65535 - 200
    assert request.body.read(200) == b"x" * 200
    assert peer.server.h2_conn.remote_flow_control_window(1) == 65535


def test_a_body_in_tiny_frames_costs_little_memory(peer):
    request = posted(peer)
    peer.server.receive_data(frame("DATA", 0, 1, b"ab") * 8192)
    assert len(request.stream._body_chunks) <= 17
    assert request.stream.body_size == 16384
    assert request.body.read(16384) == b"ab" * 8192


def test_an_unread_body_never_exceeds_the_window(peer):
    posted(peer)
    peer.client.send_data(1, b"x" * 16384)
    peer.tell()
    peer.listen()
    assert peer.client.local_flow_control_window(1) == 65535 - 16384
    assert peer.client.outbound_flow_control_window == 65535


def test_data_of_a_stream_that_is_gone_costs_no_connection_credit(peer):
    posted(peer)
    peer.server.streams.clear()
    peer.client.send_data(1, b"x" * 1000)
    peer.tell()
    peer.listen()
    assert peer.client.outbound_flow_control_window == 65535


def test_requests_that_arrive_meanwhile_wait(peer):
    request = posted(peer)
    peer.request(3)
    peer.client.send_data(1, b"body", end_stream=True)
    peer.queue()
    assert request.body.read() == b"body"
    assert [waiting.stream.stream_id for waiting in peer.server.pending_requests] == [3]
    peer.sock.reads.append(AssertionError("read"))
    assert [other.stream.stream_id for other in peer.server.receive_data()] == [3]


def test_one_that_is_reset_while_it_waits_is_dropped(peer):
    request = posted(peer)
    peer.request(3)
    peer.queue()
    peer.client.reset_stream(3)
    peer.client.send_data(1, b"body", end_stream=True)
    peer.queue()
    assert request.body.read() == b"body"
    assert not peer.server.pending_requests
    assert list(peer.server.streams) == [1]


def test_a_stopping_worker_gets_those_that_wait_and_the_connection_stays(peer):
    """gunicorn asks with receive_data(b"") and says goodbye itself."""
    request = posted(peer)
    peer.request(3)
    peer.client.send_data(1, b"body", end_stream=True)
    peer.queue()
    request.body.read()
    assert [other.stream.stream_id for other in peer.server.receive_data(b"")] == [3]
    assert not peer.server.is_closed
    peer.server.close(last_stream_id=3)
    peer.listen()
    assert peer.goaways() == [(0, 3)]


def test_a_reset_while_the_body_is_read(peer):
    request = posted(peer)
    peer.client.send_data(1, b"part")
    peer.client.reset_stream(1)
    peer.queue()
    assert request.body.read(4) == b"part"
    with pytest.raises(HTTP2StreamError):
        request.body.read()
    assert not peer.server.is_closed


def test_the_peer_closes_while_the_body_is_read(peer):
    request = posted(peer)
    with pytest.raises(HTTP2StreamError):
        request.body.read()
    assert peer.server.is_closed
    assert request.stream.disconnected


def test_a_protocol_error_while_the_body_is_read_is_no_fault_of_the_application(peer):
    request = posted(peer)
    peer.queue(frame("PING", 0, 0, b"1234"))
    with pytest.raises(HTTP2ConnectionError):
        request.body.read()
    assert frames(peer.sock.writes[-1])[-1].error_code == 0x6
    assert peer.server.is_closed


def test_a_body_that_stops_is_cancelled(connect, pair):
    peer = connect(sock=pair, timeout=1)
    peer.server.stream_timeout = 0.1
    request = posted(peer)
    with pytest.raises(HTTP2StreamError):
        request.body.read()
    peer.listen()
    assert peer.reset_code() == 0x8
    assert 1 not in peer.server.streams
    assert not peer.server.is_closed


def test_100_continue_is_sent_before_the_body_is_waited_for(peer):
    request = posted(peer, extra=[("expect", "100-continue")])
    peer.client.send_data(1, b"body", end_stream=True)
    peer.queue()
    assert request.body.read() == b"body"
    [event, *_] = peer.listen()
    assert event.headers == [(":status", "100")]


def test_trailers_come_with_the_end_of_the_body(peer):
    request = posted(peer)
    peer.client.send_data(1, b"body")
    peer.client.send_headers(1, [("content-length", "9"), ("x-sum", "abc")], end_stream=True)
    peer.queue()
    assert request.trailers == []
    assert request.body.read() == b"body"
    assert request.trailers == [("X-SUM", "abc")]


def test_gunicorns_policy_applies(peer):
    """What it refuses is a fault of the stream."""
    peer.request(1, [*GET, ("x-ctl", "bad\x01value")])
    peer.request(3, [*GET, ("x_under", "1"), ("x-forwarded-for", "192.0.2.9")])
    requests = peer.tell()
    assert [request.stream.stream_id for request in requests] == [3]
    assert ("X_UNDER", "1") not in requests[0].headers
    peer.listen()
    assert peer.reset_code(1) == 0x1
    assert list(peer.server.streams) == [3]


def test_priority_of_the_headers_reaches_the_request(peer):
    peer.request(1, GET, priority_weight=200, priority_depends_on=0)
    [request] = peer.tell()
    assert request.priority_weight == 200


@pytest.mark.parametrize("octets, text", [("€".encode(), "€"), (b"\xff", "\xff")])
def test_text(peer, octets, text):
    peer.client.config.validate_outbound_headers = False
    request = peer.served(1, [*GET, ("x-text", octets)])
    assert request.get_header("x-text") == text
