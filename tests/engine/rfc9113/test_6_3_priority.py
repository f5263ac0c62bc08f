"""RFC 9113 section 6.3: PRIORITY."""
import pytest

from fasth2.exceptions import FrameDataMissingError, RFC1122Error
from tests.support import frames
from tests.support.fields import request
from tests.support.play import accepted, answer, assert_answered, connection_error, stream_error

PROTOCOL_ERROR = 0x1
FRAME_SIZE_ERROR = 0x6

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
def test_priority_must_belong_to_a_stream(rfc_errors):
    """"If a PRIORITY frame is received with a stream identifier of 0x00, the recipient MUST respond with a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1), frames.priority(0), code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("depends_on", [0, 1, 3, 2**31 - 1])
@pytest.mark.parametrize("exclusive", [False, True])
def test_priority_is_reported_and_changes_nothing(depends_on, exclusive, rfc_errors):
    """The deprecated signal is passed on as h2 does."""
    outcome = accepted(request(1), frames.priority(5, 200, depends_on, exclusive), answer(1), rfc_errors=rfc_errors)
    [event] = outcome.of("PriorityUpdated")
    assert (event.stream_id, event.weight, event.depends_on, event.exclusive) == (5, 200, depends_on, exclusive)
    assert_answered(outcome, 1)
    assert outcome.connection.open_inbound_streams == 0


@both_modes
def test_priority_may_come_in_any_state_of_a_stream(rfc_errors):
    """"The PRIORITY frame can be sent on a stream in any state, including "idle" or "closed"."""
    outcome = accepted(frames.priority(1), request(1, end_stream=False), frames.priority(1),
                       frames.data(1, b"", end_stream=True), frames.priority(1), answer(1), frames.priority(1),
                       request(3), frames.priority(1), frames.priority(2), rfc_errors=rfc_errors)
    assert len(outcome.of("PriorityUpdated")) == 6


@pytest.mark.parametrize("payload", [b"", b"\0\0\0\0", b"\0\0\0\0\x0f\0", b"\0" * 100])
def test_a_wrong_length_on_an_open_stream_is_a_stream_error_under_rfc_errors(payload):
    """"A PRIORITY frame with a length other than 5 octets MUST be treated as a stream error ... of type
    FRAME_SIZE_ERROR".
    """
    stream_error(request(3), frames.priority(3).body(payload), stream_id=3, code=FRAME_SIZE_ERROR)


@pytest.mark.parametrize("payload", [b"", b"\0\0\0\0", b"\0\0\0\0\x0f\0"])
def test_a_wrong_length_ends_the_connection_by_default(payload):
    """h2 ends the connection; without rfc_errors so does fasth2."""
    connection_error(request(1), frames.priority(1).body(payload), code=FRAME_SIZE_ERROR,
                     exception=FrameDataMissingError, rfc_errors=False)


def test_a_stream_that_comes_to_depend_on_itself_is_a_stream_error_under_rfc_errors():
    """RFC 7540 section 5.3.1: a stream error of type PROTOCOL_ERROR; strict conformance suites still check it."""
    stream_error(request(3), frames.priority(3, depends_on=3), stream_id=3, code=PROTOCOL_ERROR)


@pytest.mark.parametrize("frame", [frames.priority(5, depends_on=5), frames.priority(5).body(b"1234")], ids=repr)
@both_modes
def test_a_bad_priority_on_an_idle_stream_ends_the_connection(frame, rfc_errors):
    """6.4: "RST_STREAM frames MUST NOT be sent for a stream in the "idle" state", so only the connection is left."""
    code = PROTOCOL_ERROR if len(frame.payload) == 5 else FRAME_SIZE_ERROR
    connection_error(request(1), frame, code=code, last_stream_id=1, rfc_errors=rfc_errors)


@pytest.mark.parametrize("stream_id", [1, 5])
def test_a_stream_that_comes_to_depend_on_itself_ends_the_connection_by_default(stream_id):
    """h2 ends the connection; without rfc_errors so does fasth2."""
    connection_error(request(1), frames.priority(stream_id, depends_on=stream_id), code=PROTOCOL_ERROR,
                     rfc_errors=False)


@both_modes
def test_a_server_does_not_prioritize(rfc_errors):
    """h2 refuses ``prioritize`` and priority arguments on a server with RFC1122Error."""
    outcome = accepted(request(1), rfc_errors=rfc_errors)
    with pytest.raises(RFC1122Error):
        outcome.connection.prioritize(1)
    with pytest.raises(RFC1122Error):
        outcome.connection.send_headers(1, [(":status", "200")], priority_weight=3)
    assert outcome.connection.data_to_send() == b""
    outcome.feed(answer(1))
    assert_answered(outcome, 1)
