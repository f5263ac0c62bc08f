"""Faults of gunicorn's own connection class that fasth2's does not have.

Each test says in which of the versions gunicorn's class has the fault; `test_every_version` sees that it fails there
on gunicorn's class.
"""
import base64
import tracemalloc
import types

from tests.gunicorn.connection_class import CONTRACT, in_one_piece, in_parts, on_headers, on_the_end
from tests.support.facade_peer import GET, INITIAL_WINDOW_SIZE, POST, frame, frames
from tests.support.timed_peer import TimedSocket

ALL = ("25.0.3", "25.3.0", "26.2.0", "27.0.1")
UNTIL_26_2 = ALL[:3]
UNTIL_26_0 = ALL[:2]
FROM_26_2 = ALL[2:]

#: What HPACK makes of GET, https, "/" and example.com, with no table.
BLOCK = b"\x82\x87\x84\x01\x0bexample.com"


def fault(versions):
    """Note the versions whose own class fails the test."""
    def note(test):
        test.fault = versions
        return test
    return note


def literal(name, value):
    """A field as HPACK's literal without indexing."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def respond(peer, stream_id, body):
    """Send a response as this gunicorn's worker does; return what the last call returned."""
    server = peer.server
    if not CONTRACT.streams_responses:
        return server.send_response(stream_id, 200, [], body)
    server.send_response_headers(stream_id, 200, [])
    return server.send_data(stream_id, body) and server.end_stream(stream_id)


# Receiving


@fault(UNTIL_26_2)
def test_a_request_with_trailers_comes_once(peer):
    peer.request(1, POST, end_stream=False)
    peer.client.send_data(1, b"body")
    peer.client.send_headers(1, [("x-sum", "1")], end_stream=True)
    assert [request.stream.stream_id for request in peer.tell()] == [1]


@fault(UNTIL_26_2)
def test_streams_that_were_reset_are_forgotten(peer):
    for stream_id in (1, 3, 5):
        peer.request(stream_id, POST, end_stream=False)
        peer.client.reset_stream(stream_id)
        peer.tell()
    assert list(peer.server.streams) == []


@fault(UNTIL_26_2)
def test_padding_is_credited(peer):
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.written()
    peer.server.receive_data(frame("DATA", 8, 1, bytes([200]) + b"body" + bytes(200)))
    sent = [sent for write in peer.written() for sent in frames(write)]
    credit = sum(int.from_bytes(each.payload, "big") for each in sent if each.stream_id == 0)
    assert credit == 205


@fault(ALL)
def test_one_stream_too_many_is_refused_alone(connect):
    peer = connect(http2_max_concurrent_streams=1)
    peer.served(1)
    assert peer.server.receive_data(frame("HEADERS", 5, 3, BLOCK)) == []
    assert frame("RST_STREAM", 0, 3, b"\0\0\0\7") in peer.written()
    assert not peer.server.is_closed
    assert peer.server.send_response(1, 200, [], b"x") is not False


@fault(("26.2.0",))
def test_a_request_that_gunicorn_refuses_is_reset_alone(connect):
    peer = connect(header_map="refuse")
    bad = frame("HEADERS", 5, 1, BLOCK + literal(b"x_a", b"b"))
    good = frame("HEADERS", 5, 3, BLOCK)
    requests = peer.server.receive_data(bad + good)
    assert requests[-1].stream.stream_id == 3
    assert not peer.server.is_closed


@fault(ALL)
def test_a_value_that_is_not_UTF_8_ends_nothing(peer):
    [request] = peer.server.receive_data(frame("HEADERS", 5, 1, BLOCK + literal(b"x-name", b"caf\xe9")))
    assert request.get_header("X-NAME") == "caf\xe9"


@fault(ALL)
def test_a_priority_in_HEADERS_is_the_requests(peer):
    payload = (0x80000000).to_bytes(4, "big") + bytes([99]) + BLOCK
    [request] = peer.server.receive_data(frame("HEADERS", 0x25, 1, payload))
    assert request.priority_weight == 100
    assert request.stream.priority_exclusive


@fault(UNTIL_26_2)
def test_a_header_list_without_limit_is_not_announced_as_0(connect):
    peer = connect(http2_max_header_list_size=0, greeted=False)
    peer.server.initiate_connection()
    settings = b"".join(sent.payload for write in peer.written() for sent in frames(write) if sent.kind == "SETTINGS")
    assert b"\0\6\0\0\0\0" not in [settings[at:at + 6] for at in range(0, len(settings), 6)]


@fault(UNTIL_26_2)
def test_an_idle_connection_does_not_keep_its_thread(connect):
    peer = connect(sock=TimedSocket(), keepalive=1)
    peer.server.idle_timeout = 0.02
    peer.queue(None)
    assert peer.server.receive_data() == []
    assert peer.server.is_closed


@on_the_end
@fault(UNTIL_26_2)
def test_a_client_that_waits_for_100_gets_it(peer):
    """The request is handed out with its body, so no one else could send it."""
    peer.request(1, [*POST, ("expect", "100-Continue")], end_stream=False)
    assert peer.tell() == []
    [informational] = peer.listen()
    assert informational.headers == [(":status", "100")]
    peer.client.send_data(1, b"body", end_stream=True)
    [request] = peer.tell()
    assert request.body.read() == b"body"
    peer.server.send_response(1, 200, [], b"x")
    peer.listen()
    assert peer.response() == [(":status", "200")]


@in_parts
@fault(FROM_26_2)
def test_requests_behind_an_upgrade_are_served(connect):
    peer = connect(greeted=False)
    request = types.SimpleNamespace(
        method="GET", uri="/", scheme="http", body=None, headers=[("HOST", "example.com"), ("UPGRADE", "h2c")])
    peer.server.initiate_upgrade(base64.urlsafe_b64encode(b"\0\3\0\0\0d").rstrip(b"="), request, b"")
    # What the worker does: the result is not looked at.
    peer.server.receive_data(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame("SETTINGS", 0, 0)
                             + frame("HEADERS", 5, 3, BLOCK))
    assert [request.stream.stream_id for request in peer.server.receive_data()] == [3]


@on_headers
@fault(("27.0.1",))
def test_a_worker_that_stops_gets_the_requests_that_wait(peer):
    """It asks with receive_data(b""), and the connection has to live for its GOAWAY."""
    peer.request(1, POST, end_stream=False)
    [request] = peer.tell()
    peer.queue(frame("HEADERS", 5, 3, BLOCK) + frame("DATA", 1, 1, b"body"))
    assert request.body.read() == b"body"
    assert [request.stream.stream_id for request in peer.server.receive_data(b"")] == [3]
    assert not peer.server.is_closed


# Sending


@fault(UNTIL_26_2)
def test_requests_and_resets_that_arrive_during_a_response_are_kept(connect, pair):
    peer = connect(pair, {INITIAL_WINDOW_SIZE: 0})
    for stream_id in (1, 3):
        peer.served(stream_id)
    update = frame("WINDOW_UPDATE", 0, 1, (1000).to_bytes(4, "big"))
    pair.client_end.sendall(frame("HEADERS", 5, 5, BLOCK) + frame("RST_STREAM", 0, 3, b"\0\0\0\x08") + update
                            + frame("HEADERS", 5, 7, BLOCK))
    respond(peer, 1, b"Hello")
    # Those that wait come first; gunicorn's class reads where it keeps nothing.
    pair.client_end.sendall(frame("HEADERS", 5, 9, BLOCK))
    arrived = [request.stream.stream_id for request in peer.server.receive_data()]
    if 9 not in arrived:
        arrived += [request.stream.stream_id for request in peer.server.receive_data()]
    assert arrived == [5, 7, 9]
    assert peer.server.streams[3].state.name == "CLOSED"


@fault(UNTIL_26_2)
def test_a_GOAWAY_lets_responses_in_flight_finish(peer):
    peer.served(1)
    peer.server.receive_data(frame("GOAWAY", 0, 0, bytes(8)))
    # gunicorn's worker leaves its loop, and the connection, when it is closed.
    assert not peer.server.is_closed
    respond(peer, 1, b"Hello")
    peer.listen()
    assert peer.body() == b"Hello"
    peer.server.cleanup_stream(1)
    assert peer.server.is_closed


@fault(UNTIL_26_2)
def test_responses_are_cut_to_the_peers_frame_size(connect):
    """Not to this side's, which may be larger."""
    peer = connect(http2_max_frame_size=32768)
    peer.served(1)
    body = b"x" * 40000
    respond(peer, 1, body)
    peer.listen()
    assert peer.body() == body


@on_the_end
@fault(UNTIL_26_2)
def test_a_response_that_is_not_taken_is_cancelled(connect):
    """gunicorn's class gives up and leaves the client waiting for the rest."""
    peer = connect(sock=TimedSocket(), settings={INITIAL_WINDOW_SIZE: 2}, timeout=1)
    peer.server.stream_timeout = 0.02
    peer.served(1)
    peer.queue(None)
    assert not respond(peer, 1, b"Hello")
    peer.listen()
    assert peer.reset_code() == 0x8


@in_one_piece
@fault(UNTIL_26_0)
def test_a_worker_that_reaches_inside_may_send_a_large_body(peer):
    """gthread does so for a response with trailers."""
    peer.served(1)
    server, body = peer.server, b"x" * 200000
    server.h2_conn.send_headers(1, [(":status", "200")], end_stream=False)
    server.streams[1].send_headers([(":status", "200")], end_stream=False)
    server._send_pending_data()
    server.h2_conn.send_data(1, body, end_stream=False)
    server.streams[1].send_data(body, end_stream=False)
    server._send_pending_data()
    peer.listen()
    assert len(peer.body()) == 65535

    def opens():
        peer.listen()
        peer.client.increment_flow_control_window(65535)
        peer.client.increment_flow_control_window(65535, 1)
        return peer.octets()

    peer.queue(opens, opens, opens)
    assert server.send_trailers(1, [("x-sum", "1")]) is True
    peer.listen()
    assert peer.body() == body
    assert peer.events[-2].headers == [("x-sum", "1")]
    assert peer.ended()


@in_one_piece
@fault(UNTIL_26_0)
def test_no_body_where_there_may_be_none(peer):
    """To HEAD, and with 204 and 304; later versions see to it themselves."""
    for stream_id, method, status in ((1, "HEAD", 200), (3, "GET", 204), (5, "GET", 304)):
        peer.served(stream_id, [(":method", method), *GET[1:]])
        peer.server.send_response(stream_id, status, [("x-a", "b")], b"not for this")
        sent = [sent.kind for write in peer.written() for sent in frames(write)]
        assert sent == ["HEADERS"]


@fault(ALL)
def test_a_large_body_is_not_copied(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 2**31 - 1})
    peer.client.increment_flow_control_window(2**31 - 1 - 65535)
    peer.served(1)
    body = bytes(8 << 20)
    # Written without being kept.
    peer.sock.sendall = len
    tracemalloc.start()
    try:
        respond(peer, 1, body)
        _held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@on_headers
@fault(("27.0.1",))
def test_a_response_whose_body_was_not_sent_is_none(connect):
    peer = connect(sock=TimedSocket(), settings={INITIAL_WINDOW_SIZE: 0}, timeout=1)
    peer.server.stream_timeout = 0.02
    peer.served(1)
    peer.queue(None)
    assert peer.server.send_response(1, 200, [], b"Hello") is False


@on_headers
@fault(("27.0.1",))
def test_a_slow_reader_has_the_streams_time(connect):
    """Not what the last read had."""
    peer = connect(sock=TimedSocket(), timeout=30, keepalive=2)
    peer.request(1)
    peer.queue()
    peer.server.receive_data()
    assert peer.sock.timeout == 2
    respond(peer, 1, b"Hello")
    assert peer.sock.timeout == 30
