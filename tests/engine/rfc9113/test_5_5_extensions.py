"""RFC 9113 section 5.5: extending HTTP/2."""
import pytest

from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.play import accepted, answer, assert_answered, connection_error, survived

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
def test_unknown_frames_are_discarded_in_every_state_of_a_stream(rfc_errors):
    """"Implementations MUST ignore unknown or unsupported values in all extensible protocol elements"."""
    outcome = survived(
        frames.unknown(stream_id=1), request(1, end_stream=False), frames.unknown(stream_id=1),
        frames.data(1, b"x", end_stream=True), frames.unknown(stream_id=1), answer(1), frames.unknown(stream_id=1),
        request(3), frames.rst_stream(3), frames.unknown(stream_id=3), request(5), answer(5), rfc_errors=rfc_errors)
    assert outcome.kinds.count("UnknownFrameReceived") == 5
    assert_answered(outcome, 5)
    assert not outcome.wrote("RST_STREAM")


@both_modes
def test_unknown_frames_are_not_flow_controlled_and_open_nothing(rfc_errors):
    """Ignoring means that no state changes."""
    outcome = accepted(*[frames.unknown(stream_id=n, payload=b"x" * 100) for n in range(1, 40)], request(1),
                       rfc_errors=rfc_errors)
    assert outcome.connection.inbound_flow_control_window == 65535
    assert outcome.connection.open_inbound_streams == 1


@both_modes
@pytest.mark.parametrize("identifier", [0x0, 0x7, 0xA, 0x10, 0x7FFF, 0xFFFF])
@pytest.mark.parametrize("value", [0, 1, 2**31, 2**32 - 1])
def test_unknown_settings_are_ignored(identifier, value, rfc_errors):
    """6.5.2: "An endpoint that receives a SETTINGS frame with any unknown or unsupported identifier MUST ignore that
    setting".
    """
    outcome = accepted(frames.settings((identifier, value), (frames.MAX_FRAME_SIZE, 20000)), request(1), answer(1),
                       rfc_errors=rfc_errors)
    assert outcome.connection.remote_settings.max_frame_size == 20000
    assert outcome.sent[0].ack
    assert_answered(outcome, 1)


@both_modes
def test_an_unknown_frame_inside_a_block_ends_the_connection(rfc_errors):
    """"Extension frames that appear in the middle of a field block ... are not permitted; these MUST be treated as a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(frames.headers(1, block(request_fields())[:4], end_headers=False), frames.unknown(0x99),
                     code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
def test_the_body_of_an_unknown_frame_is_given_as_it_came(rfc_errors):
    """h2 tells the application of unknown frames; the object has type, flags, stream_id and body."""
    sent = frames.unknown(0xEE, 7, bytes(range(256)), flags=0xA5)
    [event] = accepted(sent, rfc_errors=rfc_errors).events
    frame = event.frame
    assert (frame.type, frame.stream_id, frame.body) == (0xEE, 7, bytes(range(256)))
