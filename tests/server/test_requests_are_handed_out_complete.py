"""receive_data returns requests whose last frame has come, in order."""
import pytest

from tests.support.facade_peer import GET, POST, frame


def test_a_request_without_a_body(peer):
    peer.request(1, [*GET[:3], (":path", "/a?b=c")])
    [request] = peer.tell()
    assert (request.method, request.path, request.query) == ("GET", "/a", "b=c")
    assert request.body.read() == b""
    assert request.stream is peer.server.streams[1]
    assert request.stream.request_complete


def test_a_body_holds_the_request_back_until_its_end(peer):
    peer.request(1, POST, end_stream=False)
    assert peer.tell() == []
    peer.client.send_data(1, b"first,")
    assert peer.tell() == []
    assert not peer.server.streams[1].request_complete
    peer.client.send_data(1, b"last", end_stream=True)
    [request] = peer.tell()
    assert request.body.read() == b"first,last"


def test_an_empty_last_frame_ends_a_body(peer):
    peer.request(1, POST, end_stream=False)
    peer.client.send_data(1, b"all")
    assert peer.tell() == []
    peer.client.send_data(1, b"", end_stream=True)
    [request] = peer.tell()
    assert request.body.read() == b"all"


def test_requests_come_in_the_order_they_end(peer):
    peer.request(1, POST, end_stream=False)
    peer.request(3)
    peer.client.send_data(1, b"", end_stream=True)
    peer.request(5)
    assert [request.stream.stream_id for request in peer.tell()] == [3, 1, 5]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_however_the_octets_are_cut(connect, size):
    peer = connect(greeted=False)
    peer.server.initiate_connection()
    peer.request(1, POST, end_stream=False)
    peer.client.send_data(1, b"body", end_stream=True)
    peer.request(3)
    octets = peer.octets()
    requests = []
    for at in range(0, len(octets), size):
        requests += peer.server.receive_data(octets[at:at + size])
    assert [request.stream.stream_id for request in requests] == [1, 3]
    assert requests[0].body.read() == b"body"


def test_without_data_the_socket_is_read_once(peer):
    peer.request(1)
    peer.queue()
    peer.request(3)
    peer.queue()
    assert [request.stream.stream_id for request in peer.server.receive_data()] == [1]
    assert [request.stream.stream_id for request in peer.server.receive_data()] == [3]


def test_the_read_asks_for_READ_BUFFER_SIZE(peer):
    sizes = []
    peer.sock.recv = lambda size: (sizes.append(size), frame("PING", 0, 0, b"12345678"))[1]
    peer.server.receive_data()
    peer.server.READ_BUFFER_SIZE = 1000
    peer.server.receive_data()
    assert sizes == [65536, 1000]


def test_a_request_is_handed_out_once(peer):
    peer.request(1)
    assert len(peer.tell()) == 1
    peer.client.ping(b"12345678")
    assert peer.tell() == []


def test_a_reset_request_that_was_not_complete_leaves_nothing(peer):
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.client.reset_stream(1)
    assert peer.tell() == []
    assert peer.server.streams == {}


def test_a_request_reset_in_the_same_read_is_not_handed_out(peer):
    peer.request(1)
    peer.client.reset_stream(1)
    peer.request(3)
    assert [request.stream.stream_id for request in peer.tell()] == [3]
    assert list(peer.server.streams) == [3]


def test_a_request_reset_after_it_was_handed_out_stays_until_cleanup(peer):
    request = peer.served()
    peer.client.reset_stream(1)
    peer.tell()
    assert peer.server.streams == {1: request.stream}
    assert request.stream.state.name == "CLOSED"
    peer.server.cleanup_stream(1)
    assert peer.server.streams == {}


def test_a_malformed_request_is_reset_and_its_neighbours_live(peer):
    peer.request(1)
    octets = peer.octets()
    # :path twice, as literal fields without indexing.
    block = (b"\x82\x87\x84" + b"\x04\x02/x" + b"\x01\x0bexample.com")
    octets += frame("HEADERS", 0x5, 3, block)
    assert [request.stream.stream_id for request in peer.server.receive_data(octets)] == [1]
    assert list(peer.server.streams) == [1]
    resets = b"".join(peer.written())
    assert frame("RST_STREAM", 0, 3, b"\0\0\0\1") in resets


def test_priority_of_the_headers_and_of_a_frame_reach_the_stream(peer):
    peer.request(1, POST, end_stream=False, priority_weight=200, priority_depends_on=0)
    peer.tell()
    stream = peer.server.streams[1]
    assert (stream.priority_weight, stream.priority_depends_on, stream.priority_exclusive) == (200, 0, False)
    peer.client.prioritize(1, weight=3, depends_on=7, exclusive=True)
    peer.client.send_data(1, b"", end_stream=True)
    [request] = peer.tell()
    assert (request.priority_weight, request.priority_depends_on) == (3, 7)
    assert stream.priority_exclusive is True
