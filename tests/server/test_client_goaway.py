"""A client's GOAWAY: its last stream id speaks of streams that the server opened (RFC 9113 section 6.8)."""
import pytest

from tests.support.facade_peer import INITIAL_WINDOW_SIZE, frame, frames
from tests.support.timed_peer import timed


def goaway(last, code=0):
    return frame("GOAWAY", 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


def answer(peer, stream_id, body=b"Hello"):
    peer.server.send_response(stream_id, 200, [], body)
    peer.server.cleanup_stream(stream_id)


def kinds(peer):
    return [(sent.kind, sent.stream_id) for write in peer.written() for sent in frames(write)]


@pytest.mark.parametrize("last", [0, 1, 2**31 - 1])
def test_a_response_that_waits_for_window_goes_on(connect, last):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 10})
    peer.served()
    peer.client.increment_flow_control_window(1000, 1)
    peer.queue(goaway(last), peer.octets())
    peer.server.send_response(1, 200, [], b"x" * 1000)
    peer.listen()
    assert peer.body() == b"x" * 1000
    assert peer.ended()


def test_a_body_sent_in_parts_goes_on(peer):
    peer.served()
    peer.server.h2_conn.send_headers(1, [(":status", "200")])
    peer.server.streams[1].send_headers([])
    assert peer.server.receive_data(goaway(0)) == []
    assert peer.server.draining
    peer.server.send_data(1, b"one")
    peer.server.send_data(1, b"two", end_stream=True)
    peer.listen()
    assert peer.body() == b"onetwo"


@pytest.mark.parametrize("split", [False, True])
def test_a_request_behind_GOAWAY_is_served(peer, split):
    """node's client sends them so when it is closed as it connects."""
    peer.request(1)
    request = peer.octets()
    if split:
        assert peer.server.receive_data(goaway(0)) == []
        assert not peer.server.is_closed
        requests = peer.server.receive_data(request)
    else:
        requests = peer.server.receive_data(goaway(0) + request)
    assert [request.stream.stream_id for request in requests] == [1]
    answer(peer, 1)
    assert kinds(peer) == [("HEADERS", 1), ("DATA", 1), ("GOAWAY", 0)]
    assert peer.server.is_closed


def test_all_requests_of_a_draining_connection_are_served(peer):
    peer.request(1)
    first = peer.octets()
    peer.request(3)
    second = peer.octets()
    peer.request(5)
    third = peer.octets()
    requests = peer.server.receive_data(first + goaway(0) + second)
    requests += peer.server.receive_data(third)
    assert [request.stream.stream_id for request in requests] == [1, 3, 5]
    for stream_id in (1, 3, 5):
        assert not peer.server.is_closed
        answer(peer, stream_id)
    peer.listen()
    assert [peer.body(stream_id) for stream_id in (1, 3, 5)] == [b"Hello"] * 3
    assert peer.server.is_closed


@pytest.mark.parametrize("keepalive", [0, 60, 0.05])
def test_an_idle_connection_is_closed_soon_after_the_clients_GOAWAY(keepalive, monkeypatch):
    monkeypatch.setattr("fasth2.server._protocol.DRAINING_WAIT", 0.1)
    peer = timed(timeout=30, keepalive=keepalive)
    peer.server.receive_data(goaway(0))
    assert not peer.server.is_closed
    peer.sock.set.clear()
    peer.queue(None)
    assert peer.server.receive_data() == []
    assert peer.server.is_closed
    assert peer.sock.set[0] == min(keepalive or 0.1, 0.1)
    peer.listen()
    assert peer.goaways() == [(0, 0)]


def test_one_that_the_client_closes_is_closed(peer):
    peer.server.receive_data(goaway(0))
    assert peer.server.receive_data(b"") == []
    assert peer.server.is_closed


def test_an_error_of_the_client_still_closes(peer):
    peer.served()
    peer.server.receive_data(goaway(0, 2))
    assert peer.server.is_closed
