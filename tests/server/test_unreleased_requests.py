"""docs/security.md, row 1 and L4: a request that the peer reset counts until the application has let it go."""

import pytest

from fasth2.limits import Limits
from fasth2.server import _protocol
from fasth2.server.errors import HTTP2ProtocolError
from tests.support.clock import clock_for
from tests.support.facade_peer import config, frame, frames

LIMIT = 5


@pytest.fixture
def limited(connect):
    return connect(config(http2_max_concurrent_streams=LIMIT))


def reset_while_served(peer, stream_ids):
    for stream_id in stream_ids:
        peer.request(stream_id)
        assert len(peer.tell()) == 1
        peer.client.reset_stream(stream_id)
        peer.tell()


def test_new_requests_are_refused_while_reset_ones_are_held(limited):
    reset_while_served(limited, range(1, 2 * LIMIT, 2))
    limited.written()
    limited.request(11)
    assert limited.tell() == []
    assert limited.written() == [frame("RST_STREAM", 0, 11, b"\0\0\0\7")]
    assert len(limited.server.streams) == LIMIT
    assert limited.server.counters["unreleased_requests"] == 1


def test_open_and_reset_ones_are_counted_together(limited):
    reset_while_served(limited, (1, 3, 5))
    limited.request(7)
    limited.request(9)
    limited.request(11)
    assert [request.stream.stream_id for request in limited.tell()] == [7, 9]


def test_released_requests_make_room(limited):
    reset_while_served(limited, range(1, 2 * LIMIT, 2))
    limited.server.cleanup_stream(1)
    limited.request(11)
    assert [request.stream.stream_id for request in limited.tell()] == [11]


def test_an_entry_removed_by_hand_makes_room_too(limited):
    reset_while_served(limited, range(1, 2 * LIMIT, 2))
    del limited.server.streams[3]
    limited.request(11)
    assert [request.stream.stream_id for request in limited.tell()] == [11]


def test_streams_never_hold_more_than_the_limit(limited):
    for stream_id in range(1, 401, 2):
        limited.request(stream_id)
        limited.tell()
        limited.client.reset_stream(stream_id)
        limited.tell()
        assert len(limited.server.streams) <= LIMIT


def test_legal_traffic_at_the_limit_is_never_refused(limited):
    for first in range(1, 400, 2 * LIMIT):
        for stream_id in range(first, first + 2 * LIMIT, 2):
            limited.request(stream_id)
        requests = limited.tell()
        assert len(requests) == LIMIT
        for request in requests:
            limited.server.send_response(request.stream.stream_id, 200, [], b"x")
            limited.server.cleanup_stream(request.stream.stream_id)
        limited.listen()
    assert "unreleased_requests" not in limited.server.counters


@pytest.fixture
def clock(monkeypatch):
    """A clock for refusals; assign its ``now``."""
    return clock_for(monkeypatch, _protocol)


def refused(peer, count, first=11):
    for stream_id in range(first, first + 2 * count, 2):
        assert peer.server.protocol.refuse(stream_id)
    return first + 2 * count


def test_one_that_is_refused_now_and_then_keeps_it(limited, clock):
    """Without a rate a connection that lived long enough lost it."""
    reset_while_served(limited, range(1, 2 * LIMIT, 2))
    for _ in range(3000):
        clock.now += 0.1
        refused(limited, 1)
    assert not limited.server.is_closed
    assert limited.server.counters["unreleased_requests"] == 3000


@pytest.mark.parametrize("seconds, early", [(0, 1000), (9, 1000), (11, 0)])
def test_refusals_before_the_settings_are_acknowledged_count_apart(connect, clock, seconds, early):
    peer = connect(config(http2_max_concurrent_streams=LIMIT), greeted=False)
    peer.server.initiate_connection()
    reset_while_served(peer, range(1, 2 * LIMIT, 2))
    assert not peer.server.h2_conn.settings_acknowledged
    first = refused(peer, 1)
    clock.now += seconds
    first = refused(peer, max(early - 1, 0), first)
    assert not peer.server.is_closed
    if early:
        refused(peer, 1, first)
        assert peer.server.is_closed


@pytest.mark.parametrize("early", [5, None])
def test_the_budget_of_early_refusals_is_a_limit(connect, clock, early):
    peer = connect(config(http2_max_concurrent_streams=LIMIT), greeted=False)
    peer.server.protocol.options = peer.server.protocol.options._replace(limits=Limits(early_refusals=early))
    peer.server.initiate_connection()
    reset_while_served(peer, range(1, 2 * LIMIT, 2))
    first = refused(peer, early or 2000)
    assert not peer.server.is_closed
    refused(peer, 1, first)
    assert peer.server.is_closed == (early is not None)


def test_afterwards_they_are_not_counted_any_more(connect, clock):
    peer = connect(config(http2_max_concurrent_streams=LIMIT), greeted=False)
    peer.server.initiate_connection()
    reset_while_served(peer, range(1, 2 * LIMIT, 2))
    first = refused(peer, 900)
    peer.talk()
    assert peer.server.h2_conn.settings_acknowledged
    refused(peer, 900, first)
    assert not peer.server.is_closed


def test_a_peer_that_goes_on_loses_the_connection(limited, clock):
    reset_while_served(limited, range(1, 2 * LIMIT, 2))
    with pytest.raises(HTTP2ProtocolError) as caught:
        for stream_id in range(11, 11 + 2 * 1100, 2):
            limited.request(stream_id)
            limited.tell()
            limited.listen()
    assert caught.value.error_code == 0xB
    assert limited.server.is_closed
    assert frames(limited.sock.writes[-1])[-1].error_code == 0xB
