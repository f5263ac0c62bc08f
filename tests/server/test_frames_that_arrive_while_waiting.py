"""While send_data waits for window, everything else the peer sends is kept, in order."""
import pytest

from fasth2.server.errors import HTTP2ConnectionError, HTTP2ProtocolError, HTTP2StreamClosed
from tests.support.facade_peer import INITIAL_WINDOW_SIZE, POST, frame, frames


@pytest.fixture
def waiting(connect):
    """A peer with a window of 0 and a request that was handed out."""
    peer = connect(settings={INITIAL_WINDOW_SIZE: 0})
    peer.served()
    return peer


def opened(peer, stream_id=1, size=1000):
    peer.client.increment_flow_control_window(size, stream_id)
    return peer.octets()


def ids(requests):
    return [request.stream.stream_id for request in requests]


def test_requests_are_kept_for_the_next_receive_data(waiting):
    waiting.request(3)
    waiting.queue()
    waiting.request(5, POST, end_stream=False)
    waiting.queue()
    waiting.client.send_data(5, b"body", end_stream=True)
    waiting.request(7)
    waiting.queue()
    waiting.queue(opened(waiting))
    waiting.server.send_response(1, 200, [], b"Hello")
    # Not one octet is read for them.
    waiting.sock.reads.append(AssertionError("read"))
    requests = waiting.server.receive_data()
    assert ids(requests) == [3, 5, 7]
    assert requests[1].body.read() == b"body"


def test_requests_that_arrived_while_waiting_come_first(waiting):
    waiting.request(3)
    waiting.queue(waiting.octets() + opened(waiting))
    waiting.server.send_response(1, 200, [], b"Hello")
    waiting.request(5)
    assert ids(waiting.tell()) == [3, 5]


def test_a_body_half_of_which_comes_while_waiting(waiting):
    waiting.request(3, POST, end_stream=False)
    waiting.client.send_data(3, b"early ")
    waiting.queue(waiting.octets() + opened(waiting))
    waiting.server.send_response(1, 200, [], b"Hello")
    waiting.client.send_data(3, b"late", end_stream=True)
    [request] = waiting.tell()
    assert request.body.read() == b"early late"


def test_a_reset_of_another_stream_is_kept(waiting):
    other = waiting.served(3)
    waiting.client.reset_stream(3)
    waiting.queue(waiting.octets() + opened(waiting))
    waiting.server.send_response(1, 200, [], b"Hello")
    assert other.stream.state.name == "CLOSED"
    with pytest.raises(HTTP2StreamClosed):
        waiting.server.send_response(3, 200, [], b"Hello")


def test_a_request_that_is_kept_and_then_reset_is_dropped(waiting):
    waiting.request(3)
    waiting.request(5)
    waiting.queue()
    waiting.client.reset_stream(3)
    waiting.queue(waiting.octets() + opened(waiting))
    waiting.server.send_response(1, 200, [], b"Hello")
    assert ids(waiting.server.receive_data()) == [5]
    assert 3 not in waiting.server.streams


def test_pings_and_settings_are_answered_at_once(waiting):
    waiting.client.ping(b"12345678")
    waiting.client.update_settings({4: 0})
    waiting.queue()
    answers = []

    def then():
        answers.extend(frames(waiting.sock.writes[-1]))
        return opened(waiting)

    waiting.queue(then)
    waiting.server.send_response(1, 200, [], b"Hello")
    assert [(answer.kind, answer.flags) for answer in answers] == [("PING", 1), ("SETTINGS", 1)]


def test_a_reset_of_the_stream_itself(waiting):
    waiting.request(3)
    waiting.client.reset_stream(1, error_code=8)
    waiting.queue()
    with pytest.raises(HTTP2StreamClosed):
        waiting.server.send_response(1, 200, [], b"Hello")
    assert 1 in waiting.server.streams
    waiting.server.cleanup_stream(1)
    assert ids(waiting.server.receive_data()) == [3]
    assert not waiting.server.is_closed


def test_nothing_of_the_reset_stream_goes_out_later(waiting):
    waiting.client.reset_stream(1)
    waiting.queue()
    with pytest.raises(HTTP2StreamClosed):
        waiting.server.send_response(1, 200, [], b"Hello")
    waiting.listen()
    waiting.client.increment_flow_control_window(1000)
    waiting.tell()
    assert waiting.written() == []


@pytest.mark.parametrize("last", [0, 1])
def test_a_GOAWAY_lets_the_stream_finish(waiting, last):
    waiting.queue(frame("GOAWAY", 0, 0, last.to_bytes(4, "big") + b"\0\0\0\0"), opened(waiting))
    waiting.server.send_response(1, 200, [], b"Hello")
    waiting.server.cleanup_stream(1)
    kinds = [sent.kind for write in waiting.sock.writes[-2:] for sent in frames(write)]
    assert kinds == ["DATA", "GOAWAY"]
    assert waiting.server.is_closed


def test_a_GOAWAY_with_an_error(waiting):
    waiting.queue(frame("GOAWAY", 0, 0, b"\0\0\0\1" + b"\0\0\0\2"))
    with pytest.raises(HTTP2ConnectionError):
        waiting.server.send_response(1, 200, [], b"Hello")
    assert waiting.server.is_closed


def test_the_peer_closes(waiting):
    with pytest.raises(HTTP2ConnectionError):
        waiting.server.send_response(1, 200, [], b"Hello")
    assert waiting.server.is_closed
    assert waiting.server.receive_data() == []


def test_a_socket_that_fails_while_reading(waiting):
    waiting.queue(OSError("reset by peer"))
    with pytest.raises(HTTP2ConnectionError):
        waiting.server.send_response(1, 200, [], b"Hello")
    assert waiting.server.is_closed


def test_a_protocol_error(waiting):
    """The send fails; requests before the bad frame come out, then the error."""
    waiting.request(3)
    waiting.queue(waiting.octets() + frame("WINDOW_UPDATE", 0, 0, b"\0\0\0\0"))
    with pytest.raises(HTTP2ConnectionError):
        waiting.server.send_response(1, 200, [], b"Hello")
    [goaway] = frames(waiting.sock.writes[-1])
    assert (goaway.kind, goaway.error_code) == ("GOAWAY", 1)
    assert ids(waiting.server.receive_data()) == [3]
    with pytest.raises(HTTP2ProtocolError):
        waiting.server.receive_data()
    assert waiting.server.receive_data() == []
