"""cfg.timeout and cfg.keepalive: who waits for a peer, and for how long."""
import time
import types

import h2.events
import pytest

from fasth2 import HTTP2ServerConnection
from fasth2.server import _blocking, _protocol, _whole_requests
from fasth2.server.errors import HTTP2ConnectionError, HTTP2StreamError
from tests.support.clock import clock_for
from tests.support.facade_peer import GET, INITIAL_WINDOW_SIZE, POST, MemorySocket, Peer, config
from tests.support.timed_peer import TimedSocket, timed

CANCEL = 0x8
SETTINGS_TIMEOUT = 0x4


@pytest.fixture
def clock(monkeypatch):
    return clock_for(monkeypatch, _blocking, _protocol, _whole_requests)


# A peer that does not take a response


def test_a_peer_that_never_opens_its_window_is_cancelled(pair):
    peer = Peer(HTTP2ServerConnection, config(timeout=0.2), pair, {INITIAL_WINDOW_SIZE: 0})
    peer.served()
    peer.request(3)
    pair.client_end.sendall(peer.octets())
    start = time.monotonic()
    with pytest.raises(HTTP2StreamError) as caught:
        peer.server.send_response(1, 200, [], b"Hello")
    assert 0.15 < time.monotonic() - start < 5
    assert caught.value.stream_id == 1
    assert int(caught.value.error_code) == CANCEL
    peer.listen()
    assert peer.reset_code() == CANCEL
    # The connection lives, and so does what came meanwhile.
    assert not peer.server.is_closed
    assert [request.stream.stream_id for request in peer.server.receive_data()] == [3]


def test_progress_starts_the_time_again(clock):
    peer = timed({INITIAL_WINDOW_SIZE: 1}, clock, timeout=0.2)
    peer.server.MIN_SEND_RATE = 0
    peer.served()

    def later():
        clock.now += 0.15
        peer.client.increment_flow_control_window(1, 1)
        return peer.octets()

    peer.queue(later, later, later)
    peer.server.send_response(1, 200, [], b"four")
    peer.listen()
    assert peer.body() == b"four"


def test_a_drip_of_single_octets_ends_too(clock):
    """docs/security.md, row 27: an octet a time-out would hold the thread for ever."""
    peer = timed({INITIAL_WINDOW_SIZE: 1}, clock, timeout=0.2)
    peer.served()

    def drip():
        clock.now += 0.09
        peer.client.increment_flow_control_window(1, 1)
        return peer.octets()

    peer.queue(*[drip] * 50)
    start = clock.now
    with pytest.raises(HTTP2StreamError):
        peer.server.send_response(1, 200, [], b"x" * 100)
    assert clock.now - start < 2
    peer.listen()
    assert peer.reset_code() == CANCEL
    assert 2 <= len(peer.body()) < 10


def test_pings_are_no_progress(clock):
    peer = timed({INITIAL_WINDOW_SIZE: 0}, clock, timeout=0.2)
    peer.served()

    def ping():
        clock.now += 0.05
        peer.client.ping(b"12345678")
        return peer.octets()

    peer.queue(*[ping] * 50)
    with pytest.raises(HTTP2StreamError):
        peer.server.send_response(1, 200, [], b"Hello")


def test_a_peer_that_reads_nothing_at_all_ends_the_connection(pair):
    """Its window is open, but TCP's is not; what went out is unknown then."""
    peer = Peer(HTTP2ServerConnection, config(timeout=0.2), pair, {INITIAL_WINDOW_SIZE: 1 << 30})
    peer.client.increment_flow_control_window(1 << 30)
    peer.served()
    with pytest.raises(HTTP2ConnectionError):
        peer.server.send_response(1, 200, [], b"x" * (1 << 24))
    assert peer.server.is_closed


@pytest.mark.parametrize("absent", [{}, {"timeout": 0}, {"timeout": None}])
def test_without_a_timeout_nothing_is_set(absent):
    peer = timed({INITIAL_WINDOW_SIZE: 0}, **absent)
    assert peer.server.stream_timeout is None
    peer.served()
    peer.client.increment_flow_control_window(100, 1)
    peer.queue()
    peer.server.send_response(1, 200, [], b"Hello")
    peer.listen()
    assert peer.ended()
    assert peer.sock.set == []


# A request that stops


def test_a_request_that_stops_half_way_is_reset(clock):
    peer = timed(clock=clock, timeout=0.25, keepalive=7)
    request = peer.served(1)
    peer.request(3, POST, end_stream=False)
    peer.client.send_data(3, b"part")
    peer.tell()
    peer.queue(None)
    assert peer.server.receive_data() == []
    peer.listen()
    assert peer.reset_code(3) == CANCEL
    assert peer.server.streams == {1: request.stream}
    assert not peer.server.is_closed


def test_only_the_body_counts_as_progress_of_a_request(clock):
    peer = timed(timeout=0.2)
    peer.server.MIN_RECEIVE_RATE = 0
    peer.request(1, POST, end_stream=False)
    peer.tell()

    def ping():
        clock.now += 0.08
        peer.client.ping(b"12345678")
        return peer.octets()

    def part():
        clock.now += 0.08
        peer.client.send_data(1, b"part")
        return peer.octets()

    def nothing():
        clock.now += peer.sock.timeout
        return TimeoutError("timed out")

    peer.queue(ping, part, ping, nothing)
    for _ in range(3):
        assert peer.server.receive_data() == []
        assert 1 in peer.server.streams
    assert peer.server._waited == pytest.approx(0.08)
    assert peer.server.receive_data() == []
    assert peer.server.streams == {}
    assert clock.now == pytest.approx(1000.36)


# Settings that never come


@pytest.mark.parametrize("greeting", [b"", b"PRI * HTTP/2.0\r\n", "whole"])
def test_a_peer_that_never_acknowledges_the_settings(clock, greeting):
    peer = Peer(HTTP2ServerConnection, config(timeout=0.25, keepalive=60), TimedSocket(clock=clock), greeted=False)
    peer.server.initiate_connection()
    if greeting == "whole":
        greeting = peer.octets()
    if greeting:
        peer.server.receive_data(greeting)
    peer.queue(None)
    assert peer.server.receive_data() == []
    assert peer.server.is_closed
    peer.listen()
    assert peer.goaways() == [(SETTINGS_TIMEOUT, 0)]
    assert [event.additional_data for event in peer.events if isinstance(event, h2.events.ConnectionTerminated)] == [
        b"settings_timeout"]


# An idle connection


def test_an_idle_connection_is_closed_with_NO_ERROR(clock):
    peer = timed(clock=clock, keepalive=0.05)
    peer.served()
    peer.server.send_response(1, 200, [], b"x")
    peer.server.cleanup_stream(1)
    peer.queue(None)
    assert peer.server.receive_data() == []
    assert peer.server.is_closed
    peer.listen()
    assert peer.goaways() == [(0, 1)]


def test_a_connection_with_a_stream_is_not_idle():
    peer = timed(keepalive=0.05)
    peer.served()
    peer.sock.set.clear()
    peer.request(3)
    peer.queue()
    peer.server.receive_data()
    assert 0.05 not in peer.sock.set


@pytest.mark.parametrize("absent", [{}, {"keepalive": 0}])
def test_without_keepalive_an_idle_connection_waits(absent):
    peer = timed(timeout=30, **absent)
    peer.sock.set.clear()
    peer.queue(b"")
    peer.server.receive_data()
    assert peer.sock.set == []


# The socket's own time-out


@pytest.mark.parametrize("own", [None, 12.5])
def test_the_socket_gets_its_own_timeout_back(own):
    peer = Peer(HTTP2ServerConnection, config(timeout=30, keepalive=2), TimedSocket(own), {INITIAL_WINDOW_SIZE: 0})
    peer.request(1)
    peer.queue()
    peer.server.receive_data()
    assert peer.sock.timeout == own
    peer.client.increment_flow_control_window(100, 1)
    peer.queue()
    peer.server.send_response(1, 200, [], b"Hello")
    assert peer.sock.timeout == own
    assert {2, 30} <= set(peer.sock.set)
    peer.sock.reads.append(OSError("gone"))
    with pytest.raises(HTTP2ConnectionError):
        peer.server.receive_data()
    assert peer.sock.timeout == own


def test_a_socket_without_settimeout_has_no_timeouts():
    peer = Peer(HTTP2ServerConnection, config(timeout=30, keepalive=2))
    peer.served(headers=GET)
    peer.server.send_response(1, 200, [], b"Hello")
    peer.listen()
    assert peer.ended()


def test_a_configuration_of_mocks_has_no_timeouts():
    cfg = config()
    cfg.timeout = cfg.keepalive = types.SimpleNamespace()
    server = HTTP2ServerConnection(cfg, MemorySocket(), None)
    assert (server.stream_timeout, server.idle_timeout) == (None, None)
