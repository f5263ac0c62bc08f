"""RFC 9113 section 6.1: DATA."""
import pytest

from tests.support import frames
from tests.support.fields import request
from tests.support.play import accepted, connection_error, stream_error

PROTOCOL_ERROR = 0x1
STREAM_CLOSED = 0x5

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])
OPEN = request(1, end_stream=False)


@both_modes
def test_data_must_belong_to_a_stream(rfc_errors):
    """"If a DATA frame is received whose Stream Identifier field is 0x00, the recipient MUST respond with a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(OPEN, frames.data(0, b"x"), code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
def test_data_on_a_stream_that_is_not_open_is_a_stream_error(rfc_errors):
    """"If a DATA frame is received whose stream is not in the "open" or "half-closed (local)" state, the recipient
    MUST respond with a stream error ... of type STREAM_CLOSED".
    """
    stream_error(request(3), frames.data(3, b"late"), stream_id=3, code=STREAM_CLOSED, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("payload", [b"\x01", b"\x02x", b"\x06hello", b"\xff" + b"x" * 254, b"\xff\x00"])
def test_padding_as_long_as_the_payload_ends_the_connection(payload, rfc_errors):
    """"If the length of the padding is the length of the frame payload or greater, the recipient MUST treat this as
    a connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(OPEN, frames.data(1).body(payload).flag(frames.PADDED), code=PROTOCOL_ERROR,
                     rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("padding", [0, 1, 4, 255])
@pytest.mark.parametrize("data", [b"", b"x", b"hello" * 50])
def test_padding_is_removed_and_counted(data, padding, rfc_errors):
    """Padding holds no application value; with its length octet it counts against the windows."""
    [_, event] = accepted(OPEN, frames.data(1, data).pad(padding), rfc_errors=rfc_errors).events
    assert event.data == data
    assert event.flow_controlled_length == len(data) + padding + 1


@both_modes
def test_padding_octets_need_not_be_zero(rfc_errors):
    """"Padding octets MUST be set to zero when sending. A receiver is not obligated to verify padding"."""
    [_, event] = accepted(OPEN, frames.data(1, b"data").pad(20, fill=b"\xAA"), rfc_errors=rfc_errors).events
    assert event.data == b"data"


@both_modes
@pytest.mark.parametrize("last", [frames.data(1, b"end", end_stream=True), frames.data(1, b"", end_stream=True),
                                  frames.data(1, b"end", end_stream=True).pad(3),
                                  frames.data(1, b"", end_stream=True).pad(255)], ids=repr)
def test_end_stream_ends_the_request(last, rfc_errors):
    """END_STREAM: the last frame that the endpoint will send for the stream."""
    outcome = accepted(OPEN, frames.data(1, b"begin"), last, rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "DataReceived", "DataReceived", "StreamEnded"]
    assert outcome.events[2].stream_ended is outcome.events[3]
    assert outcome.events[1].stream_ended is None


@both_modes
def test_data_arrives_in_order_and_whole(rfc_errors):
    """The pieces of a body are given as they came."""
    pieces = [bytes([n]) * (n * 37 % 900) for n in range(60)]
    outcome = accepted(OPEN, *(frames.data(1, piece) for piece in pieces), rfc_errors=rfc_errors)
    assert [event.data for event in outcome.of("DataReceived")] == pieces
    assert all(type(event.data) is bytes for event in outcome.of("DataReceived"))


@both_modes
def test_data_of_several_streams_may_be_interleaved(rfc_errors):
    """Frames of different streams may follow one another freely."""
    opened = [request(n, end_stream=False) for n in (1, 3, 5)]
    outcome = accepted(*opened, *(frames.data(n, b"%d-%d" % (n, k)) for k in range(5) for n in (5, 1, 3)),
                       rfc_errors=rfc_errors)
    for stream_id in (1, 3, 5):
        expected = [b"%d-%d" % (stream_id, k) for k in range(5)]
        assert [event.data for event in outcome.of("DataReceived", stream_id)] == expected


@both_modes
def test_data_keeps_the_octets_it_had_when_the_buffer_is_reused(rfc_errors):
    """What an event holds is a copy: the caller may overwrite its receive buffer."""
    buffer = bytearray(OPEN + frames.data(1, b"precious"))
    from tests.support.play import server
    connection = server(rfc_errors=rfc_errors)
    connection.receive_data(frames.PREFACE + frames.settings())
    events = connection.receive_data(memoryview(buffer))
    buffer[:] = b"\xFF" * len(buffer)
    assert events[-1].data == b"precious"
    assert [bytes(name) for name, _ in events[0].headers] == [b":method", b":scheme", b":authority", b":path"]
