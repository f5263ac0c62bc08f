"""reset_stream, cleanup_stream, close, and what the peer's end does."""
import pytest

from fasth2.server.errors import HTTP2Error, HTTP2StreamClosed
from tests.support.facade_peer import POST, frame, frames


def goaway(last, code=0):
    return frame("GOAWAY", 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


@pytest.mark.parametrize("code", [None, 0x2, 0x7])
def test_reset_stream(peer, code):
    peer.served()
    peer.server.reset_stream(1) if code is None else peer.server.reset_stream(1, code)
    peer.listen()
    assert peer.reset_code() == (8 if code is None else code)
    assert peer.server.streams[1].state.name == "CLOSED"
    with pytest.raises(HTTP2StreamClosed):
        peer.server.send_response(1, 200, [], b"x")


def test_a_stream_is_reset_once(peer):
    peer.served()
    peer.server.reset_stream(1)
    peer.listen()
    peer.server.reset_stream(1)
    assert peer.written() == []


def test_resetting_a_request_that_was_never_handed_out(peer):
    peer.request(1, POST, end_stream=False)
    peer.tell()
    peer.server.reset_stream(1)
    assert peer.server.streams == {}


def test_resetting_an_unknown_stream(peer):
    with pytest.raises(HTTP2Error, match="99"):
        peer.server.reset_stream(99)


def test_cleanup_forgets_the_stream(peer):
    peer.served()
    peer.server.send_response(1, 200, [], b"x")
    peer.listen()
    peer.server.cleanup_stream(1)
    assert peer.server.streams == {}
    assert peer.written() == []
    peer.server.cleanup_stream(1)
    peer.server.cleanup_stream(99)


def test_cleanup_cuts_off_a_response_that_was_never_finished(peer):
    """The stream would count against the limit for ever."""
    peer.served()
    peer.server.cleanup_stream(1)
    peer.listen()
    assert peer.reset_code() == 0x2
    assert peer.server.h2_conn.open_inbound_streams == 0


def test_cleanup_after_an_answer_given_through_the_engine(peer):
    """The stream object knows nothing of it; no harm is done."""
    peer.served()
    peer.server.h2_conn.send_headers(1, [(":status", "200")])
    peer.server.h2_conn.send_data(1, b"x", end_stream=True)
    peer.server._send_pending_data()
    peer.listen()
    peer.server.cleanup_stream(1)
    assert peer.written() == []


def test_close_sends_GOAWAY_once(peer):
    peer.served(1)
    peer.served(3)
    peer.server.close()
    assert peer.server.is_closed
    peer.listen()
    assert peer.goaways() == [(0, 3)]
    peer.server.close(1)
    assert peer.written() == []


def test_close_with_a_code_and_a_last_stream(peer):
    peer.served()
    peer.server.close(0xB, 1)
    peer.listen()
    assert peer.goaways() == [(0xB, 1)]


def test_repr(peer):
    assert repr(peer.server) == "<HTTP2ServerConnection streams=0 closed=False>"
    peer.served()
    peer.server.close()
    assert repr(peer.server) == "<HTTP2ServerConnection streams=1 closed=True>"


def test_GOAWAY_with_an_error_closes(peer):
    peer.served()
    peer.server.receive_data(goaway(1, 2))
    assert peer.server.is_closed


def test_GOAWAY_lets_open_streams_finish_and_then_closes(peer):
    peer.request(1)
    requests = peer.server.receive_data(peer.octets() + goaway(1))
    assert [request.stream.stream_id for request in requests] == [1]
    assert not peer.server.is_closed
    peer.server.send_response(1, 200, [], b"Hello")
    peer.server.cleanup_stream(1)
    assert peer.server.is_closed
    assert [sent.kind for write in peer.written() for sent in frames(write)] == ["HEADERS", "DATA", "GOAWAY"]
