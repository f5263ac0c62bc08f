"""RFC 9113 section 6.2: HEADERS."""
import pytest

from tests.support import frames
from tests.support.fields import MARK, block, marked, request, request_fields
from tests.support.play import accepted, connection_error, fields_of, stream_error

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])
GOOD = block(request_fields())


@both_modes
def test_headers_must_belong_to_a_stream(rfc_errors):
    """"If a HEADERS frame is received whose Stream Identifier field is 0x00, the recipient MUST respond with a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1), frames.headers(0, GOOD), code=PROTOCOL_ERROR, last_stream_id=1,
                     rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("frame", [
    frames.headers(3).body(b"\x01").flag(frames.PADDED),
    frames.headers(3).body(bytes([len(GOOD) + 1]) + GOOD).flag(frames.PADDED),
    frames.headers(3).body(b"\xff" + GOOD).flag(frames.PADDED),
    frames.headers(3).body(b"\x01" + b"\0\0\0\0\x0f").flag(frames.PADDED | frames.HAS_PRIORITY),
    frames.headers(3).body(b"\x05" + b"\0\0\0\0\x0f" + b"\x82\x86\x84\x87").flag(frames.PADDED | frames.HAS_PRIORITY),
], ids=repr)
def test_padding_longer_than_the_fragment_ends_the_connection(frame, rfc_errors):
    """"Padding that exceeds the size remaining for the field block fragment MUST be treated as a PROTOCOL_ERROR"."""
    connection_error(request(1), frame, code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("padding", [0, 1, 20, 255])
@pytest.mark.parametrize("prioritized", [False, True])
def test_padding_and_priority_are_taken_off_the_block(prioritized, padding, rfc_errors):
    """The fragment lies between the optional fields and the padding."""
    priority = (220, 1, True) if prioritized else None
    frame = frames.headers(3, GOOD, end_stream=True, priority=priority).pad(padding)
    outcome = accepted(request(1), frame, rfc_errors=rfc_errors)
    [event] = outcome.of("RequestReceived", 3)
    assert fields_of(event) == request_fields()
    assert (event.priority_updated is not None) == prioritized
    if prioritized:
        updated = event.priority_updated
        assert (updated.stream_id, updated.weight, updated.depends_on, updated.exclusive) == (3, 220, 1, True)
        assert outcome.events[-1] is updated


@both_modes
@pytest.mark.parametrize("weight", [1, 16, 256])
def test_weights_are_given_as_1_to_256(weight, rfc_errors):
    """RFC 7540 section 6.2: "Add one to the value to obtain a weight between 1 and 256"."""
    outcome = accepted(frames.headers(1, GOOD, priority=(weight, 0, False)), rfc_errors=rfc_errors)
    assert outcome.of("PriorityUpdated")[0].weight == weight


def test_a_stream_that_depends_on_itself_is_a_stream_error_under_rfc_errors():
    """RFC 7540 section 5.3.1: "A stream cannot depend on itself. An endpoint MUST treat this as a stream error ... of
    type PROTOCOL_ERROR".
    """
    frame = frames.headers(3, block([*request_fields(), MARK]), end_stream=True, priority=(16, 3, False))
    stream_error(frame, stream_id=3, code=PROTOCOL_ERROR)


def test_a_stream_that_depends_on_itself_ends_the_connection_by_default():
    """h2 ends the connection; without rfc_errors so does fasth2."""
    connection_error(frames.headers(1, GOOD, priority=(16, 1, False)), code=PROTOCOL_ERROR, rfc_errors=False)


@both_modes
def test_end_stream_on_headers_holds_when_the_block_goes_on(rfc_errors):
    """"a HEADERS frame with the END_STREAM flag set can be followed by CONTINUATION frames on the same stream"."""
    outcome = accepted(frames.headers(1, GOOD[:5], end_stream=True, end_headers=False),
                       frames.continuation(1, GOOD[5:]), rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "StreamEnded"]
    assert outcome.events[0].stream_ended is outcome.events[1]


@both_modes
@pytest.mark.parametrize("other", [
    frames.headers(3, GOOD), frames.ping(), frames.continuation(3, GOOD), frames.headers(1, GOOD),
], ids=repr)
def test_headers_without_end_headers_must_be_followed_by_continuation(other, rfc_errors):
    """"A HEADERS frame without the END_HEADERS flag set MUST be followed by a CONTINUATION frame for the same
    stream. A receiver MUST treat the receipt of any other type of frame or a frame on a different stream as a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(frames.headers(1, GOOD[:4], end_headers=False), other, code=PROTOCOL_ERROR, last_stream_id=None,
                     rfc_errors=rfc_errors)


@both_modes
def test_a_priority_on_the_first_frame_survives_continuation(rfc_errors):
    """The priority fields come once, with the first frame."""
    outcome = accepted(frames.headers(1, GOOD[:4], end_headers=False, priority=(9, 7, False)).pad(8),
                       frames.continuation(1, GOOD[4:]), rfc_errors=rfc_errors)
    updated = outcome.of("RequestReceived")[0].priority_updated
    assert (updated.weight, updated.depends_on, updated.exclusive) == (9, 7, False)


@both_modes
def test_the_headers_events_hold_their_stream_ended(rfc_errors):
    """h2's attributes: ``stream_ended`` is the StreamEnded object of the same list."""
    outcome = accepted(request(1), request(3, end_stream=False), rfc_errors=rfc_errors)
    first, ended, second = outcome.events
    assert first.stream_ended is ended
    assert second.stream_ended is None


def test_an_empty_block_is_a_request_without_anything():
    """A header section without fields lacks every mandatory pseudo-header."""
    stream_error(frames.headers(3, b"", end_stream=True), stream_id=3, code=PROTOCOL_ERROR)
    stream_error(marked(3, []), stream_id=3, code=PROTOCOL_ERROR)


@pytest.mark.parametrize("with_priority", [False, True])
def test_padding_may_fill_the_rest_of_the_frame(with_priority):
    """"Padding that exceeds the size remaining for the field block fragment MUST be treated as a connection error":
    what just fills it is none. The fragment comes with CONTINUATION.
    """
    octets = block(request_fields())
    prefix = b"\0\0\0\0\x10" if with_priority else b""
    flags = frames.PADDED | frames.END_STREAM | (frames.HAS_PRIORITY if with_priority else 0)
    for pad in (1, 7, 255):
        padded = frames.Frame(frames.HEADERS, flags, 1, bytes([pad]) + prefix + bytes(pad))
        outcome = accepted(padded, frames.continuation(1, octets))
        assert outcome.of("RequestReceived", 1)
        exceeding = frames.Frame(frames.HEADERS, flags, 1, bytes([pad]) + prefix + bytes(pad - 1))
        connection_error(exceeding, code=0x1)


def test_padding_that_fills_the_frame_is_refused_as_h2_does_by_default():
    """Without `rfc_errors`."""
    padded = frames.Frame(frames.HEADERS, frames.PADDED, 1, b"\x07" + bytes(7))
    connection_error(padded, code=0x1, rfc_errors=False)
