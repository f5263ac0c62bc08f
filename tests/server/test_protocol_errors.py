"""A peer that breaks the protocol gets GOAWAY; what was complete before is served first."""
import pytest

from fasth2.server.errors import HTTP2ProtocolError
from tests.support.facade_peer import frame, frames

BAD = {
    "a window update of 0": (frame("WINDOW_UPDATE", 0, 0, b"\0\0\0\0"), 0x1),
    "a window past its end": (frame("WINDOW_UPDATE", 0, 0, b"\x7f\xff\xff\xff"), 0x3),
    "a frame too large": ((20000).to_bytes(3, "big") + b"\0\0\0\0\0\1", 0x6),
    "a ping too short": (frame("PING", 0, 0, b"1234"), 0x6),
    "a block that cannot be decoded": (frame("HEADERS", 5, 9, b"\xff\xff\xff\xff\xff\xff"), 0x9),
    "an initial window too large": (frame("SETTINGS", 0, 0, b"\0\4\xff\xff\xff\xff"), 0x3),
    "an even stream": (frame("HEADERS", 5, 2, b"\x82"), 0x1),
}


@pytest.mark.parametrize("octets, code", BAD.values(), ids=BAD.keys())
def test_GOAWAY_with_the_right_code(peer, octets, code):
    with pytest.raises(HTTP2ProtocolError) as caught:
        peer.server.receive_data(octets)
    assert str(caught.value)
    assert caught.value.error_code == code
    [write] = peer.written()
    [goaway] = frames(write)
    assert (goaway.kind, goaway.error_code) == ("GOAWAY", code)
    assert peer.server.is_closed


def test_an_invalid_preface_is_a_connection_error(connect):
    peer = connect(greeted=False)
    peer.server.initiate_connection()
    with pytest.raises(HTTP2ProtocolError):
        peer.server.receive_data(b"GET / HTTP/1.1\r\n\r\n")
    assert peer.server.is_closed


@pytest.mark.parametrize("read", [True, False])
def test_requests_before_the_bad_frame_come_first(peer, read):
    peer.request(1)
    peer.request(3)
    octets = peer.octets() + BAD["a ping too short"][0]
    if read:
        peer.queue(octets)
        requests = peer.server.receive_data()
    else:
        requests = peer.server.receive_data(octets)
    assert [request.stream.stream_id for request in requests] == [1, 3]
    assert peer.server.is_closed
    assert [sent.kind for write in peer.written() for sent in frames(write)] == ["GOAWAY"]
    with pytest.raises(HTTP2ProtocolError):
        peer.server.receive_data()
    assert peer.server.receive_data() == []
    assert peer.server.receive_data(b"more") == []


def test_the_error_is_raised_whatever_is_given_next(peer):
    peer.request(1)
    peer.server.receive_data(peer.octets() + BAD["a ping too short"][0])
    with pytest.raises(HTTP2ProtocolError):
        peer.server.receive_data(b"more")


def test_the_message_says_what_was_wrong_on_which_stream(peer):
    peer.request(1, end_stream=False)
    with pytest.raises(HTTP2ProtocolError, match=r"stream 1\b.*20000|20000.*stream 1\b"):
        peer.server.receive_data(peer.octets() + (20000).to_bytes(3, "big") + b"\0\0\0\0\0\1")


def test_no_second_GOAWAY(peer):
    with pytest.raises(HTTP2ProtocolError):
        peer.server.receive_data(BAD["a ping too short"][0])
    peer.written()
    peer.server.close()
    assert peer.written() == []


def test_too_many_resets(connect):
    """A limit of the engine: GOAWAY ENHANCE_YOUR_CALM."""
    peer = connect()
    with pytest.raises(HTTP2ProtocolError) as caught:
        for stream_id in range(1, 2 * 1200, 2):
            peer.request(stream_id, end_stream=False)
            peer.client.reset_stream(stream_id)
            peer.tell()
    assert caught.value.error_code == 0xB
    peer.listen()
    assert peer.goaways()[0][0] == 0xB
    assert peer.server.streams == {}
