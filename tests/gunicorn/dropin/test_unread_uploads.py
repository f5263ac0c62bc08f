"""An upload that is answered without being read, and one that is too large to be held whole."""

import pytest
from gunicorn.config import Config

from fasth2.gunicorn import settings
from fasth2.gunicorn.patched.batching import BatchingConnection
from fasth2.server import _protocol
from tests.gunicorn.connection_class import on_headers, on_the_end
from tests.support.clock import clock_for
from tests.support.facade_peer import POST, Peer, frame, frames


@pytest.fixture
def clock(monkeypatch):
    """A clock for the uploads; assign its ``now``."""
    return clock_for(monkeypatch, _protocol)


@pytest.fixture
def ours(clock):
    """A peer of the connection class of our workers."""
    return Peer(BatchingConnection, Config())


def begin(peer, stream_id=1):
    peer.request(stream_id, POST, end_stream=False)
    peer.client.send_data(stream_id, b"x" * 1000)
    [request] = peer.tell()
    peer.written()
    return request


def sent(peer):
    """The frames of each write."""
    return [[(each.kind, each.stream_id) for each in frames(write)] for write in peer.written()]


def data(size, end_stream=False):
    return frame("DATA", int(end_stream), 1, b"x" * size)


RESET = [("RST_STREAM", 1)]


@on_headers
def test_gunicorns_moment_and_a_write_of_its_own(peer):
    begin(peer)
    assert peer.server.send_response(1, 413, [], b"too large") is True
    peer.server.cleanup_stream(1)
    assert sent(peer) == [[("HEADERS", 1), ("DATA", 1)], RESET]


@on_headers
def test_what_waits_does_not_share_its_write(peer):
    begin(peer)
    assert peer.server.send_response(1, 413, [], b"too large") is True
    sent(peer)
    peer.server.h2_conn.ping(bytes(8))
    peer.server.cleanup_stream(1)
    assert sent(peer) == [[("PING", 0)], RESET]


@on_headers
def test_no_window_of_the_stream_behind_its_response(peer):
    """Clients fail on a stream's WINDOW_UPDATE behind END_STREAM."""
    request = begin(peer)
    assert peer.server.send_response(1, 413, [], b"too large") is True
    sent(peer)
    padded = frame("DATA", 0x8, 1, b"\x03" + b"part" + bytes(3))
    peer.server.receive_data(padded)
    request.body.read(1000)
    assert {stream_id for write in sent(peer) for _, stream_id in write} == {0}


@on_headers
def test_our_workers_let_the_client_go_on(ours, clock):
    begin(ours)
    assert ours.server.send_whole(1, 413, [], b"too large")
    ours.server.cleanup_stream(1)
    assert sent(ours) == [[("HEADERS", 1), ("DATA", 1)]]
    assert ours.server.next_deadline_from(clock.now) == 1002.0
    for _ in range(3):
        ours.server.receive_data(data(16000))
    frames = [frame for write in sent(ours) for frame in write]
    assert {frame for frame in frames if frame[0] == "WINDOW_UPDATE"} == {("WINDOW_UPDATE", 0)}
    ours.server.receive_data(data(1000, end_stream=True))
    clock.now += 10
    assert not ours.server.give_up()
    assert ours.server.next_deadline_from(1000.0) == 1000.0 + ours.server.idle_timeout
    assert RESET not in sent(ours)


@on_the_end
def test_our_workers_wait_for_keepalive_once_a_request_is_cancelled(ours, clock):
    ours.request(1, POST, end_stream=False)
    assert ours.tell() == []
    assert ours.server.next_deadline_from(1000.0) == 1000.0 + ours.server.stream_timeout
    ours.client.reset_stream(1)
    assert ours.tell() == []
    assert ours.server.next_deadline_from(1000.0) == 1000.0 + ours.server.idle_timeout


@on_headers
def test_our_workers_reset_it_when_its_time_is_over(ours, clock):
    begin(ours)
    assert ours.server.send_whole(1, 413, [], b"too large")
    ours.server.cleanup_stream(1)
    sent(ours)
    clock.now += 2.1
    assert ours.server.next_deadline_from(1000.0) < clock.now
    assert ours.server.give_up()
    assert sent(ours) == [RESET]
    assert ours.server.counters["unread_uploads"] == 1
    assert not ours.server.is_closed


@on_headers
def test_our_workers_reset_it_when_it_has_no_window_left(ours):
    begin(ours)
    assert ours.server.send_whole(1, 413, [], b"too large")
    ours.server.cleanup_stream(1)
    for size in (16384, 16384, 16384, 15382):
        ours.server.receive_data(data(size))
    assert RESET not in sent(ours)
    ours.server.receive_data(data(1))
    assert sent(ours)[-1] == RESET


@on_headers
def test_a_body_that_was_given_up_is_not_waited_for(ours):
    request = begin(ours)
    assert ours.server.send_whole(1, 413, [], b"too large")
    ours.server.cleanup_stream(1)
    with pytest.raises(Exception, match="stream closed"):
        request.body.read()


@pytest.mark.parametrize("class_", ["installed", "ours"])
def test_the_settings(monkeypatch, connect, class_):
    monkeypatch.setenv("FASTH2_UNREAD_UPLOAD_OCTETS", "1000")
    monkeypatch.setenv("FASTH2_UNREAD_UPLOAD_SECONDS", "0.5")
    monkeypatch.setenv("FASTH2_MIN_BODY_RATE", "1000")
    settings.forget()
    server = (connect() if class_ == "installed" else Peer(BatchingConnection, Config())).server
    assert (server.unread_upload_octets, server.unread_upload_seconds) == (1000, 0.5)
    assert server.MIN_RECEIVE_RATE == 1000


@on_the_end
def test_a_body_that_is_too_large_is_answered_with_413(monkeypatch, connect):
    monkeypatch.setenv("FASTH2_MAX_BODY", "20000")
    settings.forget()
    peer = connect()
    peer.request(1, POST, end_stream=False)
    assert peer.tell() == []
    for _ in range(2):
        assert peer.server.receive_data(data(16384)) == []
    assert peer.server.streams == {}
    peer.listen()
    assert dict(peer.response())[":status"] == "413"
    assert peer.server.counters["max_body"] == 1


@on_the_end
def test_a_body_of_the_largest_size_is_served(monkeypatch, connect):
    monkeypatch.setenv("FASTH2_MAX_BODY", "16384")
    settings.forget()
    peer = connect()
    peer.request(1, POST, end_stream=False)
    peer.tell()
    [request] = peer.server.receive_data(data(16384, end_stream=True))
    assert len(request.body.read()) == 16384
