"""An upload that is answered without being read: how the client hears that nobody wants the rest."""

import pytest

from fasth2.server import _protocol
from tests.support.clock import clock_for
from tests.support.facade_peer import INITIAL_WINDOW_SIZE, POST, frame, frames
from tests.support.timed_peer import timed


@pytest.fixture
def clock(monkeypatch):
    """A clock for the uploads; assign its ``now``."""
    return clock_for(monkeypatch, _protocol)


@pytest.fixture
def answered(peer, clock):
    """A peer with an upload under way, which was answered and cleaned up."""
    begin(peer)
    return peer


def begin(peer, stream_id=1):
    peer.request(stream_id, POST, end_stream=False)
    peer.client.send_data(stream_id, b"x" * 1000)
    assert peer.tell() == []
    peer.written()
    peer.server.send_response(stream_id, 413, [], b"too large")
    peer.server.cleanup_stream(stream_id)


def sent(peer):
    """The frames of each write."""
    return [[(each.kind, each.stream_id) for each in frames(write)] for write in peer.written()]


def data(size, end_stream=False, stream_id=1):
    return frame("DATA", int(end_stream), stream_id, b"x" * size)


RESET = [("RST_STREAM", 1)]


def test_the_answer_is_all_that_its_write_has(answered):
    assert sent(answered) == [[("HEADERS", 1), ("DATA", 1)]]


def test_a_client_that_ends_its_request_gets_no_reset(answered, clock):
    sent(answered)
    answered.server.receive_data(data(1000))
    answered.server.receive_data(data(1000, end_stream=True))
    clock.now += 10
    answered.server.receive_data(frame("PING", 0, 0, bytes(8)))
    assert sent(answered) == [[("WINDOW_UPDATE", 0)], [("WINDOW_UPDATE", 0)], [("PING", 0)]]
    assert answered.server.h2_conn.open_inbound_streams == 0
    assert "unread_uploads" not in answered.server.counters


def test_one_whose_time_is_over_is_reset_in_a_write_of_its_own(answered, clock):
    sent(answered)
    clock.now += 1.9
    answered.server.receive_data(data(1000))
    clock.now += 0.2
    answered.server.receive_data(data(1000))
    assert sent(answered) == [[("WINDOW_UPDATE", 0)], [("WINDOW_UPDATE", 0)], RESET]
    assert answered.server.counters["unread_uploads"] == 1
    assert answered.server.receive_data(data(1000)) == []
    assert not answered.server.is_closed


def test_one_that_sends_64_KiB_is_reset(connect, clock):
    peer = connect()
    peer.server.h2_conn.update_settings({INITIAL_WINDOW_SIZE: 1 << 20})
    peer.server._send_pending_data()
    peer.talk()
    begin(peer)
    sent(peer)
    for _ in range(3):
        peer.server.receive_data(data(16384))
    assert RESET not in sent(peer)
    peer.server.receive_data(data(16384))
    assert sent(peer)[-1] == RESET


def test_one_that_has_no_window_left_is_reset(answered):
    """Nothing else could come."""
    sent(answered)
    for _ in range(3):
        answered.server.receive_data(data(16384))
    assert RESET not in sent(answered)
    answered.server.receive_data(data(15000))
    assert RESET not in sent(answered)
    answered.server.receive_data(data(383))
    assert sent(answered)[-1] == RESET


def test_its_connection_gets_its_window_back(answered):
    window = answered.server.h2_conn.inbound_flow_control_window
    for _ in range(3):
        answered.server.receive_data(data(16384))
    assert answered.server.h2_conn.inbound_flow_control_window == window


def test_the_settings(answered, clock):
    answered.server.unread_upload_octets = 2000
    answered.server.unread_upload_seconds = 100
    begin(answered, 3)
    clock.now += 50
    sent(answered)
    answered.server.receive_data(data(1999, stream_id=3))
    assert [("RST_STREAM", 3)] not in sent(answered)
    answered.server.receive_data(data(1, stream_id=3))
    assert sent(answered)[-1] == [("RST_STREAM", 3)]


def test_a_read_waits_no_longer_than_its_time():
    peer = timed(timeout=30, keepalive=30)
    peer.server.unread_upload_seconds = 0.2
    begin(peer)
    peer.sock.set.clear()
    sent(peer)
    peer.queue(None)
    assert peer.server.receive_data() == []
    assert max(peer.sock.set[:1]) <= 0.2
    assert sent(peer) == [RESET]
    assert not peer.server.is_closed
    peer.sock.set.clear()
    peer.queue(frame("PING", 0, 0, bytes(8)))
    peer.server.receive_data()
    assert peer.sock.set[0] == 30


def test_an_upload_that_the_client_resets_is_forgotten(answered, clock):
    sent(answered)
    answered.server.receive_data(frame("RST_STREAM", 0, 1, b"\0\0\0\x08"))
    clock.now += 10
    answered.server.receive_data(frame("PING", 0, 0, bytes(8)))
    assert sent(answered) == [[("PING", 0)]]


def test_no_window_of_the_stream_behind_its_response(peer):
    """Before it is cleaned up, too: clients fail on a stream's WINDOW_UPDATE behind END_STREAM."""
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.server.send_response(1, 413, [], b"too large")
    peer.written()
    for _ in range(3):
        peer.server.receive_data(data(16384))
    assert {stream_id for write in sent(peer) for kind, stream_id in write if kind == "WINDOW_UPDATE"} == {0}
