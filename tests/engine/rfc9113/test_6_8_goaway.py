"""RFC 9113 section 6.8: GOAWAY."""
import hpack
import pytest

from fasth2.errors import ErrorCodes
from fasth2.exceptions import FrameDataMissingError, ProtocolError
from tests.support import frames
from tests.support.fields import request, request_fields
from tests.support.play import accepted, answer, assert_answered, connection_error, play

PROTOCOL_ERROR = 0x1
FRAME_SIZE_ERROR = 0x6

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
@pytest.mark.parametrize("debug", [b"", b"going home", b"\0\xff" * 3000])
def test_goaway_is_reported_with_what_it_says(debug, rfc_errors):
    """The frame's three parts; debug data "is not" interpreted."""
    outcome = accepted(request(1), frames.goaway(7, 0xB, debug), rfc_errors=rfc_errors)
    [event] = outcome.of("ConnectionTerminated")
    assert (event.error_code, event.last_stream_id) == (ErrorCodes.ENHANCE_YOUR_CALM, 7)
    assert event.additional_data == (debug or None)


@both_modes
def test_goaway_does_not_belong_to_a_stream(rfc_errors):
    """"An endpoint MUST treat a GOAWAY frame with a stream identifier other than 0x00 as a connection error ... of
    type PROTOCOL_ERROR".
    """
    connection_error(request(1), frames.goaway().on(1), code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("length", [0, 4, 7])
def test_goaway_too_short_for_its_two_numbers_ends_the_connection(length, rfc_errors):
    """4.2: too small to contain mandatory frame data."""
    connection_error(request(1), frames.goaway().body(b"\0" * length), code=FRAME_SIZE_ERROR,
                     exception=FrameDataMissingError, rfc_errors=rfc_errors)


def test_streams_go_on_after_the_peers_goaway_under_rfc_errors():
    """"endpoints ... receiving a GOAWAY frame MUST NOT open additional streams", but those that exist may finish: the
    client still sends its bodies and gets its answers.
    """
    outcome = accepted(request(1, end_stream=False), request(3), frames.goaway(0), frames.data(1, b"rest"),
                       frames.window_update(0, 10), frames.ping(b"stillon?"), frames.settings(),
                       frames.data(1, b"", end_stream=True), answer(1), answer(3))
    assert_answered(outcome, 1)
    assert_answered(outcome, 3)
    assert [sent.kind for sent in outcome.sent[:2]] == ["PING", "SETTINGS"]
    assert [event.data for event in outcome.of("DataReceived")] == [b"rest", b""]


def test_the_peers_goaway_ends_the_connection_by_default():
    """h2 closes on any GOAWAY; without rfc_errors so does fasth2."""
    outcome = accepted(request(1), frames.goaway(0), rfc_errors=False)
    connection = outcome.connection
    for call in (lambda: connection.send_headers(1, [(":status", "200")]), lambda: connection.send_data(1, b""),
                 lambda: connection.ping(b"12345678"), lambda: connection.reset_stream(1)):
        with pytest.raises(ProtocolError):
            call()
    with pytest.raises(ProtocolError):
        connection.receive_data(bytes(frames.ping()))


def test_output_that_was_waiting_when_goaway_arrived_is_kept_under_rfc_errors():
    """The answers of streams that live on are not thrown away."""
    outcome = accepted(request(1), answer(1), frames.ping(b"12345678"), frames.goaway(1), drain=False)
    assert [sent.kind for sent in outcome.sent if not sent.ack] == ["HEADERS", "DATA"]
    assert_answered(outcome, 1)


def test_a_second_goaway_may_follow_under_rfc_errors():
    """"An endpoint might choose to ... send another GOAWAY frame with an updated last stream identifier"."""
    outcome = accepted(request(1), frames.goaway(2**31 - 1), frames.goaway(0, 0x2, b"now"), answer(1))
    assert [event.last_stream_id for event in outcome.of("ConnectionTerminated")] == [2**31 - 1, 0]
    assert_answered(outcome, 1)


def test_local_goaway_with_no_error_lets_accepted_streams_finish_under_rfc_errors():
    """Graceful shutdown: streams up to the last identifier go on, the body of an upload included."""
    outcome = accepted_after_goaway(request(1, end_stream=False), request(3),
                                    lambda connection: connection.close_connection(),
                                    frames.data(1, b"tail", end_stream=True), answer(1), answer(3))
    [goaway] = outcome.wrote("GOAWAY")
    assert (goaway.last_stream_id, goaway.error_code, goaway.data) == (3, 0, b"")
    assert [event.data for event in outcome.of("DataReceived")] == [b"tail"]
    assert_answered(outcome, 1)
    assert_answered(outcome, 3)


def accepted_after_goaway(*steps, **options):
    """Plays steps that may say GOAWAY but raise nothing and reset nothing."""
    outcome = play(*steps, **options)
    assert outcome.error is None
    assert not outcome.wrote("RST_STREAM")
    return outcome


def test_requests_after_local_goaway_are_not_given_to_the_application():
    """"the sender of a GOAWAY frame ... can discard frames for streams initiated by the receiver with identifiers
    higher than the identified last stream"; their blocks and their credit still count.
    """
    encoder = hpack.Encoder()
    first, second, third = (encoder.encode(request_fields(("x-n", str(n)))) for n in range(3))
    trailers = encoder.encode([("x-n", "1")])
    outcome = play(frames.headers(1, first), lambda connection: connection.close_connection(),
                   frames.headers(3, second), *[frames.data(3, b"z" * 16000)] * 20,
                   frames.headers(5, third, end_stream=True), frames.headers(1, trailers, end_stream=True), answer(1))
    assert outcome.error is None
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1]
    [trailers] = outcome.of("TrailersReceived")
    assert [(name, value) for name, value in trailers.headers] == [(b"x-n", b"1")]
    assert_answered(outcome, 1)


def test_local_goaway_ends_the_connection_by_default():
    """h2's connection is closed from the call on; without rfc_errors so is fasth2's."""
    outcome = accepted(request(1), rfc_errors=False)
    connection = outcome.connection
    connection.close_connection(0x2, b"bye")
    [goaway] = outcome.reader.read(connection.data_to_send())
    assert (goaway.last_stream_id, goaway.error_code, goaway.data) == (1, 0x2, b"bye")
    with pytest.raises(ProtocolError):
        connection.send_headers(1, [(":status", "200")])
    with pytest.raises(ProtocolError):
        connection.receive_data(bytes(request(3)))


@both_modes
def test_closing_twice_sends_goaway_twice(rfc_errors):
    """A second GOAWAY with another reason is allowed."""
    outcome = accepted(request(1), rfc_errors=rfc_errors)
    outcome.connection.close_connection()
    outcome.connection.close_connection(ErrorCodes.INTERNAL_ERROR)
    sent = outcome.reader.read(outcome.connection.data_to_send())
    assert [(frame.kind, frame.error_code) for frame in sent] == [("GOAWAY", 0), ("GOAWAY", 2)]


@both_modes
def test_the_last_stream_identifier_may_be_chosen(rfc_errors):
    """2**31 - 1 announces that a shutdown is coming."""
    outcome = play(request(1), lambda connection: connection.close_connection(last_stream_id=2**31 - 1),
                   rfc_errors=rfc_errors)
    assert outcome.wrote("GOAWAY")[0].last_stream_id == 2**31 - 1


def test_a_warning_goaway_still_takes_new_requests_under_rfc_errors():
    """Streams at or below the announced identifier are processed; the second GOAWAY draws the line."""
    outcome = accepted_after_goaway(
        request(1), lambda connection: connection.close_connection(last_stream_id=2**31 - 1), request(3), answer(3),
        lambda connection: connection.close_connection(), request(5), answer(1))
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1, 3]
    assert [sent.last_stream_id for sent in outcome.wrote("GOAWAY")] == [2**31 - 1, 3]
