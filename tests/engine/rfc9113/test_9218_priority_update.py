"""RFC 9218: the extensible prioritization scheme, as far as frames go."""
import pytest

from fasth2.config import Limits
from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.play import accepted, answer, assert_answered, connection_error, whole

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
def test_an_update_for_a_promised_stream(rfc_errors):
    """7.1: a push stream that is "reserved", half-closed or closed can be named."""
    promise = [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")]
    accepted(request(1), lambda connection: connection.push_stream(1, 2, promise), frames.priority_update(2),
             lambda connection: connection.send_headers(2, [(":status", "200")]), frames.priority_update(2, b"u=0"),
             lambda connection: connection.end_stream(2), frames.priority_update(2), rfc_errors=rfc_errors)


def limited(rfc_errors):
    """What a play needs for a server that allows four streams."""
    return {"rfc_errors": rfc_errors, "limits": Limits(concurrent_streams=4)}


@both_modes
def test_idle_streams_with_a_priority_count_as_streams(rfc_errors):
    """7.1: with the active ones they "MUST NOT exceed the value of the SETTINGS_MAX_CONCURRENT_STREAMS parameter.
    Servers that receive such a PRIORITY_UPDATE MUST respond with a connection error of type PROTOCOL_ERROR".
    """
    updates = [frames.priority_update(n) for n in (9, 7, 7, 5, 9)]
    steps = [frames.settings_ack(), request(1, end_stream=False), *updates]
    outcome = accepted(*steps, **limited(rfc_errors))
    assert len(outcome.of("UnknownFrameReceived")) == 5
    outcome = connection_error(*steps, frames.priority_update(11), code=PROTOCOL_ERROR, **limited(rfc_errors))
    assert outcome.connection.counters == {"priority_update_idle": 1}


@both_modes
def test_streams_that_open_or_are_skipped_are_not_idle(rfc_errors):
    """They count as what they are."""
    accepted(frames.settings_ack(), *(frames.priority_update(n) for n in (1, 3, 5, 7)), request(5), answer(5),
             *(frames.priority_update(n) for n in (9, 11, 13)), request(15), frames.priority_update(17),
             frames.priority_update(19), frames.priority_update(21), answer(15), frames.priority_update(23),
             **limited(rfc_errors))


@both_modes
def test_streams_that_are_open_take_room_from_idle_ones(rfc_errors):
    """Four open, none idle."""
    four = [request(n, end_stream=False) for n in (1, 3, 5, 7)]
    accepted(frames.settings_ack(), *four, frames.priority_update(7), **limited(rfc_errors))
    connection_error(frames.settings_ack(), *four, frames.priority_update(9), code=PROTOCOL_ERROR, **limited(rfc_errors))


@both_modes
def test_a_peer_that_has_not_seen_the_setting_may_name_more(rfc_errors):
    """RFC 9113 section 6.5.3: values hold from their acknowledgement on. What is too much is not kept."""
    outcome = accepted(*(frames.priority_update(n) for n in range(1, 101, 2)), request(101), answer(101),
                       **limited(rfc_errors))
    assert_answered(outcome, 101)


@both_modes
def test_idle_streams_without_a_limit(rfc_errors):
    """No SETTINGS_MAX_CONCURRENT_STREAMS: any number, though not all are kept."""
    limits = Limits(concurrent_streams=None, priority_frames=None, suspicious_burst=None)
    accepted(frames.settings_ack(), b"".join(bytes(frames.priority_update(n)) for n in range(8001, 1, -2)),
             request(8003), rfc_errors=rfc_errors, limits=limits, cuts=(whole,))


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


def test_the_priorities_of_rfc_7540_are_ignored_where_the_client_says_so():
    """2.1: "A server that receives SETTINGS_NO_RFC7540_PRIORITIES with a value of 1 MUST ignore HTTP/2 priority
    signals".
    """
    octets = block(request_fields())
    signals = [frames.headers(1, octets, end_stream=True, priority=(5, 0, True)), frames.priority(1, 7),
               frames.headers(3, octets, end_stream=True, priority=(5, 3, True)), frames.priority(3, 7, 3), answer(3)]
    outcome = accepted(frames.settings((frames.NO_RFC7540_PRIORITIES, 1)), *signals)
    assert not outcome.of("PriorityUpdated")
    assert [event.priority_updated for event in outcome.of("RequestReceived")] == [None, None]
    assert_answered(outcome, 3)
    outcome = accepted(frames.settings((frames.NO_RFC7540_PRIORITIES, 0)), *signals[:2])
    assert len(outcome.of("PriorityUpdated")) == 2


def test_h2_reports_them_all_the_same():
    """Without ``rfc_errors`` as h2 does."""
    outcome = accepted(frames.settings((frames.NO_RFC7540_PRIORITIES, 1)), request(1), frames.priority(1, 7),
                       rfc_errors=False)
    assert len(outcome.of("PriorityUpdated")) == 1


@both_modes
def test_the_priority_field_is_a_field_like_any_other(rfc_errors):
    """Section 5: it is given to the application as it came."""
    outcome = accepted(request(1, ("priority", "u=1, i")), request(3, ("priority", "nonsense=\xff")), answer(1),
                       answer(3), rfc_errors=rfc_errors)
    assert outcome.of("RequestReceived", 1)[0].headers[-1] == (b"priority", b"u=1, i")
    assert_answered(outcome, 3)
