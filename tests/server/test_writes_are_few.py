"""What belongs together leaves in one write."""
from tests.support.facade_peer import INITIAL_WINDOW_SIZE, POST, frames


def kinds(write):
    return [sent.kind for sent in frames(write)]


def test_headers_leave_with_the_body(peer):
    peer.served()
    peer.server.send_response(1, 200, [("a", "b")], b"Hello")
    [write] = peer.written()
    headers, data = frames(write)
    assert (headers.kind, headers.end_stream) == ("HEADERS", False)
    assert (data.kind, data.end_stream) == ("DATA", True)


def test_a_response_without_a_body_is_one_frame(peer):
    for stream_id, body in ((1, None), (3, b"")):
        peer.served(stream_id)
        peer.server.send_response(stream_id, 204, [], body)
        [write] = peer.written()
        [headers] = frames(write)
        assert (headers.kind, headers.end_stream) == ("HEADERS", True)


def test_a_mebibyte_leaves_in_blocks_of_64_KiB(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 1 << 24})
    peer.client.increment_flow_control_window(1 << 24)
    peer.served()
    peer.server.send_response(1, 200, [], b"x" * (1 << 20))
    writes = peer.written()
    assert len(writes) <= 17
    assert max(map(len, writes)) <= 65536
    assert sum(map(len, writes)) >= 1 << 20


def test_a_smaller_block_on_request(connect):
    peer = connect(settings={INITIAL_WINDOW_SIZE: 1 << 20})
    peer.server.WRITE_BLOCK_SIZE = 10000
    peer.served()
    peer.server.send_response(1, 200, [], b"x" * 60000)
    assert max(map(len, peer.written())) <= 10000


def test_everything_a_read_provoked(peer):
    peer.client.ping(b"12345678")
    peer.client.update_settings({INITIAL_WINDOW_SIZE: 1})
    peer.request(1, POST, end_stream=False)
    for _ in range(3):
        peer.client.send_data(1, b"x" * 16384)
    peer.client.ping(b"87654321")
    peer.tell()
    [write] = peer.written()
    assert sorted(set(kinds(write))) == ["PING", "SETTINGS", "WINDOW_UPDATE"]
    # Two acknowledgements, and the one that measures the link.
    assert kinds(write).count("PING") == 3


def test_a_read_that_provokes_nothing_writes_nothing(peer):
    peer.request(1)
    peer.tell()
    assert peer.written() == []


def test_a_GOAWAY_shares_the_write_of_what_came_before(peer):
    peer.client.ping(b"12345678")
    octets = peer.octets() + b"\0\0\4\6\0\0\0\0\0" + b"1234"
    try:
        peer.server.receive_data(octets)
    except Exception:
        pass
    [write] = peer.written()
    assert kinds(write) == ["PING", "GOAWAY"]
