"""Bodies that are held until they are complete have bounds: `max_body` for one, `max_bodies` for all of a connection."""
import tracemalloc
import types

import pytest

from fasth2 import HTTP2ServerConnection
from tests.support.facade_peer import POST, MemorySocket, config, frame, frames

NO_ERROR = b"\0\0\0\0"


def begun(peer, stream_id, *fields):
    peer.request(stream_id, [*POST, *fields], end_stream=False)
    return peer.tell()


def data(stream_id, size, end_stream=False):
    return frame("DATA", int(end_stream), stream_id, b"x" * size)


def status(peer, stream_id):
    return dict(peer.response(stream_id))[":status"]


def updates(writes):
    return [sent.stream_id for write in writes for sent in frames(write) if sent.kind == "WINDOW_UPDATE"]


def test_the_defaults():
    server = HTTP2ServerConnection(config(), MemorySocket(), None)
    assert (server.max_body, server.max_bodies) == (64 << 20, 128 << 20)


def test_a_body_that_never_ends_is_answered_with_413_and_then_reset(connect):
    """302 MB of one were held."""
    peer = connect(config(max_body=1 << 20))
    begun(peer, 1)
    tracemalloc.start()
    try:
        for _ in range(2000):
            if not peer.server.streams:
                break
            assert peer.server.receive_data(data(1, 16384)) == []
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 << 20
    assert peer.server.streams == {}
    peer.listen()
    assert (status(peer, 1), peer.ended(1), peer.reset_code(1)) == ("413", True, None)
    # It goes on all the same, and gets no window for that.
    while left := peer.server.h2_conn.streams[1].inbound_flow_control_window:
        peer.server.receive_data(data(1, min(left, 16384)))
        if 1 not in peer.server.h2_conn.streams:
            break
    writes = peer.written()
    assert 1 not in updates(writes)
    assert writes[-1] == frame("RST_STREAM", 0, 1, NO_ERROR)
    assert peer.server.counters["max_body"] == 1
    # The connection lives.
    peer.client.reset_stream(1)
    peer.request(3)
    assert [request.stream.stream_id for request in peer.tell()] == [3]


def test_a_client_that_ends_it_is_not_reset(connect):
    peer = connect(config(max_body=1000))
    begun(peer, 1)
    peer.server.receive_data(data(1, 1001))
    peer.server.receive_data(data(1, 10, end_stream=True))
    peer.listen()
    assert (status(peer, 1), peer.reset_code(1)) == ("413", None)


@pytest.mark.parametrize("size, held", [(1000, True), (1001, False)])
def test_the_bound_itself_is_allowed(connect, size, held):
    peer = connect(config(max_body=1000))
    begun(peer, 1)
    requests = peer.server.receive_data(data(1, size, end_stream=True))
    assert [request.body.read() for request in requests] == ([b"x" * 1000] if held else [])
    assert peer.server.counters.get("max_body", 0) == 1 - held


def test_a_length_that_is_announced_is_refused_at_once(connect):
    peer = connect(config(max_body=1000))
    begun(peer, 1, ("content-length", "1001"))
    begun(peer, 3, ("content-length", "1000"))
    peer.listen()
    assert status(peer, 1) == "413"
    assert list(peer.server.streams) == [3]


def test_trailers_do_not_revive_a_stream_over_the_limit(connect):
    peer = connect(config(max_body=1000))
    begun(peer, 1)
    peer.client.send_data(1, b"x" * 1001)
    peer.tell()
    peer.client.send_headers(1, [("x-sum", "1")], end_stream=True)
    assert peer.tell() == []


def test_the_bodies_of_a_connection_are_limited_together(connect):
    peer = connect(config(max_bodies=100_000))
    for stream_id in (1, 3, 5):
        begun(peer, stream_id)
        peer.server.receive_data(data(stream_id, 16384) * 2)
    assert set(peer.server.streams) == {1, 3, 5}
    begun(peer, 7)
    peer.server.receive_data(data(7, 16384))
    peer.listen()
    assert status(peer, 7) == "413"
    assert set(peer.server.streams) == {1, 3, 5}
    assert peer.server.counters["max_bodies"] == 1


def test_requests_that_were_handed_out_count_until_cleanup(connect):
    peer = connect(config(max_bodies=50_000))
    for stream_id in range(1, 41, 2):
        begun(peer, stream_id)
        peer.client.send_data(stream_id, b"x" * 15_000, end_stream=True)
        assert len(peer.tell()) == 1
        peer.server.send_response(stream_id, 200, [], b"x")
        peer.server.cleanup_stream(stream_id)
        peer.listen()
    assert "max_bodies" not in peer.server.counters
    for stream_id in range(41, 47, 2):
        begun(peer, stream_id)
        peer.client.send_data(stream_id, b"x" * 15_000, end_stream=True)
        assert len(peer.tell()) == 1
        peer.listen()
    begun(peer, 47)
    peer.client.send_data(47, b"x" * 15_000, end_stream=True)
    assert peer.tell() == []
    peer.listen()
    assert status(peer, 47) == "413"


def test_None_switches_them_off(connect):
    peer = connect(config(max_body=None, max_bodies=None))
    begun(peer, 1, ("content-length", str(200 << 20)))
    assert list(peer.server.streams) == [1]
    # Not 200 MiB for this test: as if they had been counted.
    peer.server.streams[1].body_size = peer.server._held_octets = 200 << 20
    peer.server.receive_data(data(1, 16384))
    assert list(peer.server.streams) == [1]


def test_attributes_of_a_class_set_them(connect):
    class Small(HTTP2ServerConnection):
        max_body = 10
        max_bodies = None

    peer = connect(server_class=Small)
    begun(peer, 1)
    peer.server.receive_data(data(1, 11))
    assert peer.server.streams == {}


@pytest.mark.parametrize("name", ["max_body", "max_bodies"])
@pytest.mark.parametrize("value, error", [(-1, ValueError), ("10", TypeError), (1.5, TypeError), (True, TypeError)])
def test_values_that_cannot_be(name, value, error):
    with pytest.raises(error, match=name):
        HTTP2ServerConnection(config(**{name: value}), MemorySocket(), None)


def test_a_configuration_of_mocks_leaves_the_defaults():
    server = HTTP2ServerConnection(config(max_body=types.SimpleNamespace()), MemorySocket(), None)
    assert server.max_body == 64 << 20
