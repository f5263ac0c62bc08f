"""GOAWAY both ways, floods, idle connections and the upgrade."""
import base64
import types

import pytest
from gunicorn.config import Config
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ProtocolError

from fasth2.gunicorn.patched.batching import BatchingConnection
from tests.support.facade_peer import INITIAL_WINDOW_SIZE, POST, Peer, frame, frames
from tests.support.timed_peer import TimedSocket


def goaway(last, code=0):
    return frame("GOAWAY", 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


def test_a_graceful_GOAWAY_lets_open_streams_finish(peer):
    """Whatever its last stream, which counts the streams of the server."""
    peer.request(1, POST, end_stream=False)
    requests = peer.tell()
    requests += peer.server.receive_data(goaway(0) + frame("DATA", 1, 1, b"body"))
    [request] = requests
    assert peer.server.draining
    assert peer.server.peer_last_stream_id == 0
    assert peer.server.h2_conn.peer_goaway_last_stream_id == 0
    assert not peer.server.is_closed
    assert request.body.read() == b"body"
    assert peer.server.send_response(1, 200, [], b"Hello") is True
    peer.server.cleanup_stream(1)
    assert peer.server.is_closed
    assert frames(peer.sock.writes[-1])[-1].kind == "GOAWAY"


def test_a_later_stream_above_it_is_refused(peer):
    """gunicorn's own tests want that; a client may open it (RFC 9113 section 6.8), and one of the same read is served."""
    peer.served()
    peer.request(3)
    three = peer.octets()
    assert [request.stream.stream_id for request in peer.server.receive_data(goaway(1) + three)] == [3]
    peer.request(5)
    assert peer.tell() == []
    assert frame("RST_STREAM", 0, 5, b"\0\0\0\7") in b"".join(peer.written())


def test_a_request_behind_GOAWAY_is_served(peer):
    """node's client sends them so, in one write, when it is closed as it connects."""
    peer.request(1)
    [request] = peer.server.receive_data(goaway(0) + peer.octets())
    assert peer.server.draining
    assert peer.server.send_response(1, 200, [], b"Hello") is True
    peer.server.cleanup_stream(request.stream.stream_id)
    assert [sent.kind for write in peer.written() for sent in frames(write)] == ["HEADERS", "DATA", "GOAWAY"]
    assert peer.server.is_closed


@pytest.mark.parametrize("last", [0, 1, 2**31 - 1])
def test_a_response_that_waits_for_window_goes_on(connect, last):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 10})
    peer.served()
    peer.client.increment_flow_control_window(1000, 1)
    peer.queue(goaway(last), peer.octets())
    assert peer.server.send_response(1, 200, [], b"x" * 1000) is True
    peer.listen()
    assert peer.body() == b"x" * 1000


def test_our_workers_serve_whatever_comes_behind_GOAWAY(connect):
    peer = Peer(BatchingConnection, Config())
    assert peer.server.receive_data(goaway(0)) == []
    assert not peer.server.is_closed
    assert peer.server.next_deadline_from(1000.0) == 1002.0
    for stream_id in (1, 3):
        peer.request(stream_id)
        assert [request.stream.stream_id for request in peer.tell()] == [stream_id]
    for stream_id in (1, 3):
        assert peer.server.send_whole(stream_id, 200, [], b"Hello")
        peer.server.cleanup_stream(stream_id)
    assert [sent.kind for write in peer.written() for sent in frames(write)].count("DATA") == 2
    assert peer.server.is_closed


@pytest.mark.parametrize("code, served", [(2, True), (0, False)])
def test_other_GOAWAYs_close(peer, code, served):
    if served:
        peer.served()
    assert peer.server.receive_data(goaway(1, code)) == []
    assert peer.server.is_closed
    assert not peer.server.draining


def test_close_names_the_last_stream(peer):
    peer.served(1)
    peer.served(3)
    peer.server.close(last_stream_id=1)
    peer.listen()
    assert peer.goaways() == [(0, 1)]
    peer.server.close()
    assert peer.written() == []


def test_close_without_one_names_the_highest_that_came(peer):
    """Not 0 once all are done: the client would send them again."""
    peer.served(1)
    peer.server.send_response(1, 200, [], b"x")
    peer.server.cleanup_stream(1)
    peer.server.close()
    peer.listen()
    assert peer.goaways() == [(0, 1)]


def test_an_idle_connection(connect):
    peer = connect(sock=TimedSocket(), keepalive=2)
    peer.server.idle_timeout = 0.02
    peer.queue(None)
    assert peer.server.receive_data() == []
    assert peer.server.is_closed
    peer.listen()
    assert peer.goaways() == [(0, 0)]


def test_a_connection_with_a_stream_is_not_idle(connect):
    peer = connect(sock=TimedSocket(), keepalive=2)
    peer.served()
    peer.server.idle_timeout = 0.02
    peer.queue(None)
    assert peer.server.receive_data() == []
    assert not peer.server.is_closed


def test_no_timeouts(connect):
    peer = connect(timeout=0, keepalive=0)
    assert (peer.server.stream_timeout, peer.server.idle_timeout) == (None, None)


def test_a_protocol_error(peer):
    peer.request(1)
    with pytest.raises(HTTP2ProtocolError):
        peer.server.receive_data(peer.octets() + frame("PING", 0, 0, b"1234"))
    assert frames(peer.sock.writes[-1])[-1].error_code == 0x6
    assert peer.server.is_closed
    assert peer.server.receive_data() == []


def test_a_read_that_fails(peer):
    peer.queue(OSError("gone"))
    with pytest.raises(HTTP2ConnectionError, match="Socket read error: gone"):
        peer.server.receive_data()


def test_a_flood_of_resets(peer):
    """gunicorn's limit is lower than the engine's."""
    for stream_id in range(1, 2 * 190, 2):
        peer.request(stream_id)
        peer.client.reset_stream(stream_id)
        assert peer.tell() == []
    assert peer.server.streams == {}
    with pytest.raises(HTTP2ProtocolError) as caught:
        for stream_id in range(401, 401 + 2 * 200, 2):
            peer.request(stream_id)
            peer.client.reset_stream(stream_id)
            peer.tell()
    assert caught.value.error_code == 0xB
    peer.listen()
    assert peer.goaways()[0][0] == 0xB


def test_a_flood_of_pings(peer):
    ping = frame("PING", 0, 0, b"12345678")
    for _ in range(9):
        peer.server.receive_data(ping * 100)
    with pytest.raises(HTTP2ProtocolError) as caught:
        for _ in range(9):
            peer.server.receive_data(ping * 100)
    assert caught.value.error_code == 0xB


def upgraded(connect, body=b"", headers=()):
    peer = connect(greeted=False)
    request = types.SimpleNamespace(
        method="POST", uri="/up?x=1", scheme="http", body=None,
        headers=[("HOST", "example.com"), ("CONNECTION", "Upgrade, HTTP2-Settings"), ("UPGRADE", "h2c"),
                 ("HTTP2-SETTINGS", "AAMAAABk"), ("TRANSFER-ENCODING", "chunked"), ("X-Kept", "yes"), *headers])
    # A limit of 7 octets on each window.
    settings = base64.urlsafe_b64encode(b"\0\4\0\0\0\7").rstrip(b"=")
    return peer, peer.server.initiate_upgrade(settings, request, body)


def test_the_upgraded_request_is_stream_1(connect):
    peer, request = upgraded(connect, b"body")
    assert (request.method, request.path, request.query) == ("POST", "/up", "x=1")
    assert request.stream.stream_id == 1
    assert peer.server.streams == {1: request.stream}
    assert sorted(request.headers) == [("HOST", "example.com"), ("X-KEPT", "yes")]
    assert request.body.read() == b"body"
    assert frames(peer.sock.writes[0])[0].kind == "SETTINGS"
    # SETTINGS_NO_RFC7540_PRIORITIES belongs into the first SETTINGS frame (RFC 9218 section 2.1).
    assert b"\0\x09\0\0\0\1" in frames(peer.sock.writes[0])[0].payload
    assert peer.server.h2_conn.local_flow_control_window(1) == 7


def test_the_upgrade_credits_no_window_for_the_body(connect):
    peer, request = upgraded(connect, b"body")
    peer.written()
    request.body.read()
    assert peer.written() == []


def test_an_upgraded_request_is_answered(connect):
    peer, _request = upgraded(connect)
    assert peer.server.send_response(1, 200, [], b"Hello") is True
    kinds = [sent.kind for write in peer.written() for sent in frames(write)]
    assert kinds[-2:] == ["HEADERS", "DATA"]


def test_requests_behind_an_upgrade_are_kept(connect):
    """gunicorn ignores what receive_data(bytes) returns there."""
    peer, _request = upgraded(connect)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame("SETTINGS", 0, 0)
    block = b"\x82\x86\x84\x01\x0bexample.com"
    assert peer.server.receive_data(preface + frame("HEADERS", 5, 3, block)) == []
    assert [request.stream.stream_id for request in peer.server.receive_data()] == [3]


@pytest.mark.parametrize("settings", [b"!!!", b"AAMAAABkAAE", b"AAT_____"])
def test_settings_of_an_upgrade_are_validated(connect, settings):
    peer = connect(greeted=False)
    request = types.SimpleNamespace(method="GET", uri="/", scheme="http", body=None, headers=[])
    with pytest.raises(HTTP2ProtocolError):
        peer.server.initiate_upgrade(settings, request, b"")
    assert peer.written() == []
    assert not peer.server.streams


def test_requests_that_were_reset_count_until_they_are_cleaned_up(connect):
    """docs/security.md, row 1: the worker still runs them."""
    peer = connect(http2_max_concurrent_streams=2)
    for stream_id in (1, 3):
        peer.request(stream_id)
        assert len(peer.tell()) == 1
        peer.client.reset_stream(stream_id)
        peer.tell()
    peer.written()
    peer.request(5)
    assert peer.tell() == []
    assert peer.written() == [frame("RST_STREAM", 0, 5, b"\0\0\0\7")]
    peer.client.receive_data(frame("RST_STREAM", 0, 5, b"\0\0\0\7"))
    peer.server.cleanup_stream(1)
    peer.request(7)
    assert [request.stream.stream_id for request in peer.tell()] == [7]


def test_a_request_that_waits_hears_of_its_reset(connect):
    """gunicorn 27's worker does not run it then; earlier ones run whatever they were given."""
    peer = connect(sock=TimedSocket())
    peer.request(1)
    peer.request(3)
    _, waiting = peer.tell()
    assert peer.server.send_response(1, 200, [], b"x") is True
    peer.server._polled_at -= 1
    peer.queue(frame("RST_STREAM", 0, 3, b"\0\0\0\x08"))
    peer.server.cleanup_stream(1)
    assert waiting.stream.state is peer.server.closed_state
