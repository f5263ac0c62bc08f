"""Responses in parts: what the methods return, and what goes out in which write."""
import pytest
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2Error

from tests.gunicorn.connection_class import on_headers
from tests.support.facade_peer import INITIAL_WINDOW_SIZE, POST, frames
from tests.support.timed_peer import TimedSocket


def kinds(writes):
    return [[sent.kind for sent in frames(write)] for write in writes]


def test_headers_wait_for_the_first_of_the_body(peer):
    peer.served()
    assert peer.server.send_response_headers(1, 200, [("X-A", "b")]) is True
    assert peer.server.send_data(1, b"") is True
    assert peer.written() == []
    assert peer.server.send_data(1, b"first") is True
    assert peer.server.send_data(1, b"second") is True
    assert peer.server.end_stream(1) is True
    assert kinds(peer.sock.writes[peer.seen:]) == [["HEADERS", "DATA"], ["DATA"], ["DATA"]]
    peer.listen()
    assert peer.response() == [(":status", "200"), ("x-a", "b")]
    assert peer.body() == b"firstsecond"
    assert peer.ended()


def test_a_response_without_a_body_is_one_frame(peer):
    peer.served()
    peer.server.send_response_headers(1, 204, [])
    assert peer.server.end_stream(1) is True
    [[headers]] = [frames(write) for write in peer.written()]
    assert headers.end_stream
    peer.served(3)
    assert peer.server.send_response_headers(3, 204, [], end_stream=True) is True
    [[headers]] = [frames(write) for write in peer.written()]
    assert headers.end_stream


def test_a_whole_response_is_one_write(peer):
    peer.served()
    assert peer.server.send_response(1, 200, [], b"Hello") is True
    assert kinds(peer.written()) == [["HEADERS", "DATA"]]


@on_headers
def test_headers_go_out_before_the_peer_is_waited_for(peer):
    """The application reads its input after the headers: the client may wait for them."""
    peer.request(1, POST, end_stream=False)
    [request] = peer.tell()
    peer.server.send_response_headers(1, 200, [])
    seen = []

    def sends():
        seen.extend(kinds(peer.sock.writes[-1:]))
        peer.client.send_data(1, b"body", end_stream=True)
        return peer.octets()

    peer.queue(sends)
    assert request.body.read() == b"body"
    assert seen == [["HEADERS"]]


def test_headers_go_out_with_whatever_else_is_written(peer):
    peer.served(1)
    peer.served(3)
    peer.server.send_response_headers(1, 200, [])
    peer.server.send_response(3, 200, [], b"x")
    assert kinds(peer.written()) == [["HEADERS", "HEADERS", "DATA"]]
    peer.server.send_data(1, b"y", end_stream=True)
    assert kinds(peer.written()) == [["DATA"]]


def test_headers_that_wait_are_dropped_with_the_stream(peer):
    peer.served()
    peer.server.send_response_headers(1, 200, [("x-a", "b")])
    peer.server.send_error(1, 500, "failed")
    assert kinds(peer.written()) == [["RST_STREAM"]]
    assert 1 not in peer.server.streams
    peer.served(3)
    peer.server.send_response_headers(3, 200, [])
    peer.server.cleanup_stream(3)
    assert kinds(peer.written()) == [["RST_STREAM"]]
    peer.served(5)
    peer.server.send_response(5, 200, [("x-a", "c")], b"fine")
    peer.listen()
    assert peer.response(5) == [(":status", "200"), ("x-a", "c")]


def test_a_second_set_of_headers_is_refused(peer):
    peer.served()
    assert peer.server.send_response_headers(1, 200, []) is True
    assert peer.server.send_response_headers(1, 500, []) is False
    assert peer.server.send_response(1, 500, [], b"x") is False
    peer.server.send_data(1, b"x", end_stream=True)
    peer.listen()
    assert peer.response() == [(":status", "200")]


@pytest.mark.parametrize("headers", [[("x-a", "b\r\nc: d")], [(":path", "/")], [("bad name", "x")]])
def test_fields_that_are_not_allowed_leave_a_500_possible(peer, headers):
    peer.served()
    peer.server.send_response_headers(1, 200, headers)
    with pytest.raises(HTTP2Error):
        peer.server.send_data(1, b"x")
    assert peer.written() == []
    peer.server.send_error(1, 500, "failed")
    peer.listen()
    assert peer.response()[0] == (":status", "500")
    assert peer.body() == b"failed"


def test_trailers(peer):
    peer.served()
    assert peer.server.send_trailers(1, [("x-sum", "1")]) is False
    peer.server.send_response_headers(1, 200, [])
    with pytest.raises(HTTP2Error):
        peer.server.send_trailers(1, [(":status", "200")])
    peer.server.send_data(1, b"body")
    assert peer.server.end_stream(1, trailers=[("X-Sum", 1)]) is True
    peer.listen()
    assert peer.events[-2].headers == [("x-sum", "1")]
    assert peer.ended()
    assert peer.server.streams[1].response_trailers == [("x-sum", "1")]


def test_trailers_straight_after_the_headers(peer):
    peer.served()
    peer.server.send_response_headers(1, 200, [])
    assert peer.server.end_stream(1, trailers=[("x-sum", "1")]) is True
    assert kinds(peer.written()) == [["HEADERS", "HEADERS"]]


def test_unknown_streams(peer):
    server = peer.server
    assert server.send_response_headers(9, 200, []) is False
    assert server.send_response(9, 200, [], b"x") is False
    assert server.send_data(9, b"x") is False
    assert server.end_stream(9) is False
    assert server.send_trailers(9, [("a", "b")]) is False
    with pytest.raises(HTTP2Error):
        server.send_informational(9, 103, [])
    server.send_error(9, 500)
    server.reset_stream(9)
    server.cleanup_stream(9)
    assert peer.written() == []


def test_a_stream_that_the_peer_reset(peer):
    for stream_id in (1, 3, 5, 7):
        peer.served(stream_id)
    peer.server.send_response_headers(3, 200, [])
    peer.server.send_response_headers(5, 200, [])
    peer.server.send_data(5, b"part")
    for stream_id in (1, 3, 5, 7):
        peer.client.reset_stream(stream_id)
    peer.tell()
    peer.written()
    assert peer.server.send_response(1, 200, [], b"x") is False
    assert peer.server.send_data(3, b"x") is False
    assert peer.server.end_stream(5) is False
    assert peer.server.end_stream(5, trailers=[("a", "b")]) is False
    peer.server.reset_stream(7)
    assert peer.written() == []
    assert not peer.server.is_closed


def test_a_body_the_peer_does_not_take(connect, pair):
    """gunicorn's own class says True here although the body was not sent."""
    peer = connect(sock=pair, settings={INITIAL_WINDOW_SIZE: 0})
    peer.server.stream_timeout = 0.1
    peer.served()
    assert peer.server.send_response(1, 200, [], b"x") is False
    peer.listen()
    assert peer.reset_code() == 0x8
    assert 1 not in peer.server.streams
    assert not peer.server.is_closed


@pytest.mark.parametrize("window, deadline", [(5, None), (0, 0.0)])
def test_the_wait_for_window(connect, pair, window, deadline):
    peer = connect(sock=pair, settings={INITIAL_WINDOW_SIZE: window})
    peer.served()
    assert peer.server._wait_for_flow_control_window(1, deadline) == window


def test_a_socket_that_fails(peer):
    peer.served()
    peer.sock.write_error = BrokenPipeError(32, "Broken pipe")
    peer.server.send_response_headers(1, 200, [])
    with pytest.raises(HTTP2ConnectionError):
        peer.server.send_data(1, b"x")
    assert peer.server.is_closed
    peer.server.cleanup_stream(1)
    peer.server.abort_stream(1, 2)


def test_informational(peer):
    peer.served()
    for status in (99, 200):
        with pytest.raises(HTTP2Error):
            peer.server.send_informational(1, status, [])
    peer.server.send_informational(1, 103, [("Link", "</a>")])
    assert peer.listen()[0].headers == [(":status", "103"), ("link", "</a>")]
    peer.server.send_response_headers(1, 200, [])
    with pytest.raises(HTTP2Error):
        peer.server.send_informational(1, 103, [])


def test_writes_have_the_streams_timeout_and_reads_the_connections(connect):
    """A peer that is slow to read is not an idle one."""
    peer = connect(sock=TimedSocket(), timeout=30, keepalive=2)
    peer.request(1)
    peer.queue()
    peer.server.receive_data()
    assert peer.sock.timeout == 2
    peer.server.send_response(1, 200, [], b"x")
    assert peer.sock.timeout == 30


def test_an_unfinished_body_is_asked_to_stop(peer):
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.server.send_response(1, 200, [], b"done")
    peer.server.cleanup_stream(1)
    peer.listen()
    assert peer.reset_code() == 0x0


def test_a_reset_between_parts_is_seen_while_there_is_window(connect, pair):
    peer = connect(pair)
    peer.served()
    peer.server.POLL_INTERVAL = 0
    peer.server.send_response_headers(1, 200, [])
    assert peer.server.send_data(1, b"first") is True
    peer.listen()
    peer.client.reset_stream(1)
    pair.client_end.sendall(peer.octets())
    assert peer.server.send_data(1, b"second") is False
    peer.listen()
    assert peer.body() == b"first"
    assert 1 not in peer.server.streams
