"""RFC 9113 section 6.4: RST_STREAM."""
import pytest

from fasth2.errors import ErrorCodes
from fasth2.exceptions import FrameDataMissingError, StreamClosedError
from tests.support import frames
from tests.support.fields import request
from tests.support.play import answer, assert_answered, connection_error, survived

PROTOCOL_ERROR = 0x1
FRAME_SIZE_ERROR = 0x6

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
def test_a_reset_closes_the_stream_and_no_other(rfc_errors):
    """"The RST_STREAM frame fully terminates the referenced stream and causes it to enter the "closed" state"."""
    outcome = survived(request(1), request(3, end_stream=False), frames.data(3, b"half"), frames.rst_stream(3, 0x8),
                       answer(1), rfc_errors=rfc_errors)
    [event] = outcome.of("StreamReset")
    assert (event.stream_id, event.error_code, event.remote_reset) == (3, ErrorCodes.CANCEL, True)
    assert outcome.connection.open_inbound_streams == 0
    assert_answered(outcome, 1)


@both_modes
def test_nothing_is_sent_on_a_stream_after_its_reset(rfc_errors):
    """"After receiving a RST_STREAM on a stream, the receiver MUST NOT send additional frames for that stream, except
    for PRIORITY".
    """
    outcome = survived(request(1), frames.rst_stream(1), rfc_errors=rfc_errors)
    connection = outcome.connection
    for call in (lambda: connection.send_headers(1, [(":status", "200")]), lambda: connection.send_data(1, b""),
                 lambda: connection.end_stream(1), lambda: connection.reset_stream(1),
                 lambda: connection.increment_flow_control_window(1, 1)):
        with pytest.raises(StreamClosedError):
            call()
    assert connection.data_to_send() == b""


@both_modes
def test_a_reset_must_belong_to_a_stream(rfc_errors):
    """"If a RST_STREAM frame is received with a stream identifier of 0x00, the recipient MUST treat this as a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1), frames.rst_stream(0), code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("stream_id", [2, 3, 2**31 - 1])
def test_an_idle_stream_cannot_be_reset(stream_id, rfc_errors):
    """"If a RST_STREAM frame identifying an idle stream is received, the recipient MUST treat this as a connection
    error ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1), frames.rst_stream(stream_id), code=PROTOCOL_ERROR, last_stream_id=1,
                     rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("payload", [b"", b"\0\0\0", b"\0\0\0\x08\0"])
def test_a_wrong_length_ends_the_connection(payload, rfc_errors):
    """"A RST_STREAM frame with a length other than 4 octets MUST be treated as a connection error ... of type
    FRAME_SIZE_ERROR".
    """
    connection_error(request(1), frames.rst_stream(1).body(payload), code=FRAME_SIZE_ERROR,
                     exception=FrameDataMissingError, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
def test_a_second_reset_is_silent(rfc_errors):
    """A closed stream stays closed."""
    outcome = survived(request(1), frames.rst_stream(1, 0x8), frames.rst_stream(1, 0x2), request(3),
                       frames.rst_stream(1, 0x8), rfc_errors=rfc_errors)
    assert [event.error_code for event in outcome.of("StreamReset")] == [ErrorCodes.CANCEL]


@both_modes
def test_resetting_a_stream_sends_the_code_and_frees_the_place(rfc_errors):
    """The local side of the same rule."""
    outcome = survived(request(1), request(3), lambda connection: connection.reset_stream(1, ErrorCodes.INTERNAL_ERROR),
                       lambda connection: connection.reset_stream(3), rfc_errors=rfc_errors)
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(1, 0x2), (3, 0x0)]
    assert outcome.connection.open_inbound_streams == 0
