"""A request's body that comes an octet now and then: docs/security.md, row 33, by a clock that the tests turn."""
import pytest

from fasth2 import HTTP2ServerConnection
from fasth2.server import _whole_requests
from tests.support.clock import clock_for
from tests.support.facade_peer import POST, Peer, config, frame
from tests.support.timed_peer import ClockedSocket

CANCEL = 0x8


@pytest.fixture
def clock(monkeypatch):
    return clock_for(monkeypatch, _whole_requests)


@pytest.fixture
def slow(clock):
    """A peer with a time-out of 30 seconds and one upload under way."""
    def recv(took, octets):
        peer.sock.reads.append((took, octets))

    peer = Peer(HTTP2ServerConnection, config(timeout=30, keepalive=60), ClockedSocket(clock))
    peer.later = recv
    begin(peer, 1)
    return peer


def begin(peer, stream_id):
    peer.request(stream_id, POST, end_stream=False)
    assert peer.tell() == []


def data(size=1, stream_id=1, end_stream=False):
    return frame("DATA", int(end_stream), stream_id, b"x" * size)


def until_it_ends(peer, clock, took, octets, most=1000):
    """Give the server reads until the stream is gone; return the seconds."""
    start = clock.now
    for _ in range(most):
        peer.later(took, octets)
        while peer.sock.reads and peer.server.streams:
            assert peer.server.receive_data() == []
        if not peer.server.streams:
            return clock.now - start
    return None


def test_a_drip_ends_after_the_timeout_in_all(slow, clock):
    """It started the time-out anew with each octet, and held the thread for ever."""
    seconds = until_it_ends(slow, clock, 2, data())
    assert 30 <= seconds < 31
    slow.listen()
    assert slow.reset_code() == CANCEL
    assert slow.server.counters["slow_bodies"] == 1
    assert not slow.server.is_closed


def test_a_body_at_the_minimum_rate_goes_on(slow, clock):
    assert until_it_ends(slow, clock, 2, data(256), 200) is None


def test_a_body_below_the_minimum_rate_is_reset(slow, clock):
    seconds = until_it_ends(slow, clock, 2, data(200))
    assert 130 < seconds < 150  # 30 seconds, and 200 / 256 of the rest


def test_one_that_stops_ends_after_the_timeout(slow, clock):
    slow.server.receive_data(data(16384) * 3)
    slow.later(40, data())
    assert slow.server.receive_data() == []
    slow.listen()
    assert slow.reset_code() == CANCEL
    assert slow.server.counters["slow_bodies"] == 1


def test_the_rate_is_a_setting(slow, clock):
    slow.server.MIN_RECEIVE_RATE = 0
    assert until_it_ends(slow, clock, 2, data(), 200) is None
    slow.server.MIN_RECEIVE_RATE = 2
    slow.later(2, data())
    slow.server.receive_data()
    assert slow.server.streams == {}


def test_the_application_costs_a_client_no_time(slow, clock):
    for _ in range(100):
        clock.now += 100
        slow.later(0.1, data())
        assert slow.server.receive_data() == []
    assert list(slow.server.streams) == [1]


def test_a_body_that_began_later_has_its_own_time(slow, clock):
    for _ in range(14):
        slow.later(2, data())
        slow.server.receive_data()
    begin(slow, 3)
    for _ in range(10):
        slow.later(2, data(300, stream_id=3))
        slow.server.receive_data()
    slow.listen()
    assert slow.reset_code(1) == CANCEL
    assert list(slow.server.streams) == [3]


def test_one_that_waits_behind_others_is_not_slow(slow, clock):
    """All together keep their least rates; the client sends the others first."""
    others = (3, 5, 7, 9)
    for stream_id in others:
        begin(slow, stream_id)
    for _ in range(30):
        slow.later(1, data(4))
        slow.server.receive_data()
        for stream_id in others:
            slow.later(1, data(850, stream_id))
            slow.server.receive_data()
    assert set(slow.server.streams) == {1, *others}


def test_requests_without_a_body_do_not_hold_it_up(slow, clock):
    for stream_id in range(3, 43, 2):
        slow.request(stream_id)
        slow.later(1.6, slow.octets())
        for request in slow.server.receive_data():
            slow.server.send_response(request.stream.stream_id, 200, [])
            slow.server.cleanup_stream(request.stream.stream_id)
    slow.listen()
    assert slow.reset_code(1) == CANCEL
