"""Windows open again as a body arrives, the connection's too, in one write a read."""
import tracemalloc

import pytest

from tests.support.facade_peer import POST, frame, frames

MIB = 1 << 20


def test_a_body_larger_than_the_window(peer):
    """Sixteen times both windows."""
    peer.request(1, POST, end_stream=False)
    body = bytes(range(256)) * (MIB // 256)
    sent = 0
    while sent < len(body):
        size = min(peer.client.local_flow_control_window(1), 16384, len(body) - sent)
        assert size > 0, "the window stays closed"
        peer.client.send_data(1, body[sent:sent + size], end_stream=sent + size == len(body))
        sent += size
        requests = peer.tell()
        peer.listen()
    assert requests[0].body.read() == body


def test_many_bodies_on_one_connection(peer):
    for stream_id in range(1, 101, 2):
        peer.request(stream_id, POST, end_stream=False)
        for _ in range(3):
            peer.client.send_data(stream_id, b"x" * 10000)
        peer.client.send_data(stream_id, b"", end_stream=True)
        [_request] = peer.tell()
        peer.server.send_response(stream_id, 200, [])
        peer.server.cleanup_stream(stream_id)
        peer.listen()
    assert peer.client.outbound_flow_control_window >= 65535 // 2


def test_one_write_a_read(peer):
    peer.request(1, POST, end_stream=False)
    for _ in range(3):
        peer.client.send_data(1, b"x" * 16384)
    peer.tell()
    writes = peer.written()
    assert len(writes) == 1
    updates = [sent for sent in frames(writes[0]) if sent.kind == "WINDOW_UPDATE"]
    assert {sent.stream_id for sent in updates} == {0, 1}


def test_padding_is_credited(peer):
    peer.request(1, POST, end_stream=False)
    peer.tell()
    padded = frame("DATA", 0x8, 1, b"\xff" + b"x" + b"\0" * 255)
    for _ in range(600):  # more than twice the window
        peer.server.receive_data(padded)
    peer.server.receive_data(frame("DATA", 0x1, 1))
    assert len(peer.server.streams[1].get_request_body()) == 600


def test_octets_on_a_reset_stream_are_credited_to_the_connection(peer):
    for stream_id in range(1, 41, 2):
        peer.request(stream_id, POST, end_stream=False)
        octets = peer.octets()
        peer.server.receive_data(octets)
        peer.server.reset_stream(stream_id)
        for _ in range(2):
            peer.client.send_data(stream_id, b"x" * 16384)
        peer.tell()
        peer.listen()
    assert peer.client.outbound_flow_control_window > 16384
    assert peer.server.streams == {}


@pytest.mark.parametrize("asked", [False, True])
def test_a_body_in_frames_of_one_octet_is_joined(peer, asked):
    """Each frame a read of its own, each object counted."""
    peer.request(1, POST, end_stream=False)
    peer.tell()
    stream = peer.server.streams[1]
    if asked:
        assert stream.request_body.getvalue() == b""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(6000):
            peer.server.receive_data(frame("DATA", 0, 1, b"z"))
            peer.sock.writes.clear()
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert stream.get_request_body() == b"z" * 6000
    assert held < 2 * 6000 + 2000


def test_a_body_in_tiny_frames_costs_little_memory(peer):
    """docs/security.md, row 9: an object an octet would hold a hundred times the body."""
    peer.request(1, POST, end_stream=False)
    peer.tell()
    octets = b"".join(frame("DATA", 0, 1, b"ab") for _ in range(8192))
    peer.server.receive_data(octets)
    parts = peer.server.streams[1]._parts
    assert len(parts) <= 17
    assert b"".join(parts) == b"ab" * 8192
