"""RFC 9218: the extensible prioritization scheme, as far as frames go."""
import pytest

from tests.support import frames
from tests.support.fields import request
from tests.support.play import accepted, answer, assert_answered, connection_error

PROTOCOL_ERROR = 0x1
FRAME_SIZE_ERROR = 0x6

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
@pytest.mark.parametrize("value", [b"", b"u=0", b"u=7, i", b"i=?0", b"u=9", b"garbage \xff", b"u=3" + b" " * 1000,
                                   b"u", b"=", b",,,", b"u=1;x=2, i;y"])
def test_an_update_is_reported_as_h2_reports_frames_it_does_not_know(value, rfc_errors):
    """7.1; a field value that can't be parsed is ignored (section 4: "MUST be ignored")."""
    outcome = accepted(request(1), frames.priority_update(1, value), answer(1), rfc_errors=rfc_errors)
    [event] = outcome.of("UnknownFrameReceived")
    assert (event.frame.type, event.frame.body) == (0x10, b"\0\0\0\x01" + value)
    assert_answered(outcome, 1)


@both_modes
@pytest.mark.parametrize("stream_id", [1, 2, 7])
def test_an_update_is_sent_on_stream_0(stream_id, rfc_errors):
    """"PRIORITY_UPDATE ... MUST be sent on the control stream, stream 0x00"; on another the connection ends."""
    connection_error(request(1), frames.priority_update(1, stream_id=stream_id), code=PROTOCOL_ERROR,
                     rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("length", [0, 1, 3])
def test_an_update_too_short_for_its_stream_is_refused(length, rfc_errors):
    """4.2 of RFC 9113: too small to contain mandatory frame data."""
    connection_error(request(1), frames.priority_update(1).body(b"\0" * length), code=FRAME_SIZE_ERROR,
                     rfc_errors=rfc_errors)


@both_modes
def test_an_update_for_stream_0_ends_the_connection(rfc_errors):
    """"If a PRIORITY_UPDATE frame is received with a Prioritized Stream ID of 0x00, the recipient MUST respond with a
    connection error of type PROTOCOL_ERROR".
    """
    connection_error(request(1), frames.priority_update(0), code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
def test_an_update_for_a_stream_nobody_promised_ends_the_connection(rfc_errors):
    """7.1: a push stream in the "idle" state can't be prioritized: "connection error of type PROTOCOL_ERROR"."""
    connection_error(request(1), frames.priority_update(2), code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
def test_updates_may_come_before_during_and_after_the_stream(rfc_errors):
    """7.1: frames "can be sent in any state"; for closed streams they are discarded."""
    outcome = accepted(frames.priority_update(1), frames.priority_update(99), request(1), frames.priority_update(1),
                       answer(1), frames.priority_update(1), request(3), answer(3), rfc_errors=rfc_errors)
    assert len(outcome.of("UnknownFrameReceived")) == 4
    assert outcome.connection.open_inbound_streams == 0


@both_modes
def test_the_reserved_bit_of_the_prioritized_stream_is_ignored(rfc_errors):
    """The identifier has 31 bits."""
    accepted(request(1), frames.priority_update(0x80000001), rfc_errors=rfc_errors)


@pytest.mark.parametrize("value", [2, 5, 2**32 - 1])
def test_no_rfc7540_priorities_is_0_or_1_under_rfc_errors(value):
    """2.1: "If endpoints receive a value other than 0 or 1 ... MUST be treated as a connection error of type
    PROTOCOL_ERROR".
    """
    connection_error(frames.settings((frames.NO_RFC7540_PRIORITIES, value)), code=PROTOCOL_ERROR)
    accepted(frames.settings((frames.NO_RFC7540_PRIORITIES, 1)), request(1), frames.priority(1))


@both_modes
def test_the_priority_field_is_a_field_like_any_other(rfc_errors):
    """Section 5: it is given to the application as it came."""
    outcome = accepted(request(1, ("priority", "u=1, i")), request(3, ("priority", "nonsense=\xff")), answer(1),
                       answer(3), rfc_errors=rfc_errors)
    assert outcome.of("RequestReceived", 1)[0].headers[-1] == (b"priority", b"u=1, i")
    assert_answered(outcome, 3)
