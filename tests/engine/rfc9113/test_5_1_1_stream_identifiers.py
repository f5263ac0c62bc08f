"""RFC 9113 section 5.1.1: stream identifiers."""
import pytest

from fasth2.exceptions import StreamClosedError, StreamIDTooLowError
from tests.support import frames
from tests.support.fields import request
from tests.support.play import accepted, answer, assert_answered, connection_error, play, survived

PROTOCOL_ERROR = 0x1
STREAM_CLOSED = 0x5
HIGHEST = 2**31 - 1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
@pytest.mark.parametrize("stream_id", [0, 2, 4, 2**31 - 2])
def test_a_client_must_not_open_stream_0_or_an_even_stream(stream_id, rfc_errors):
    """"Streams initiated by a client MUST use odd-numbered stream identifiers"; an unexpected identifier is "a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1), request(stream_id), code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
def test_a_new_stream_must_be_higher_than_all_before(rfc_errors):
    """"The identifier of a newly established stream MUST be numerically greater than all streams that the
    initiating endpoint has opened or reserved".
    """
    connection_error(request(5), request(3), code=PROTOCOL_ERROR, exception=StreamIDTooLowError, last_stream_id=5,
                     rfc_errors=rfc_errors)


@both_modes
def test_an_identifier_is_never_used_twice(rfc_errors):
    """"Stream identifiers cannot be reused": a second request on a finished stream is one on a closed stream."""
    connection_error(request(1), answer(1), request(3), request(1), code=STREAM_CLOSED, exception=StreamClosedError,
                     rfc_errors=rfc_errors)


@both_modes
def test_identifiers_may_be_skipped(rfc_errors):
    """Only the order counts."""
    outcome = accepted(request(1), request(11), request(2**20 + 1), request(HIGHEST - 2), answer(HIGHEST - 2),
                       answer(11), rfc_errors=rfc_errors)
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1, 11, 2**20 + 1, HIGHEST - 2]
    assert_answered(outcome, HIGHEST - 2)


@both_modes
def test_after_the_last_identifier_nothing_new_can_be_opened(rfc_errors):
    """"A client that is unable to establish a new stream identifier can establish a new connection"."""
    outcome = play(request(1), request(HIGHEST), rfc_errors=rfc_errors)
    outcome.feed(answer(1), frames.ping(), answer(HIGHEST))
    assert_answered(outcome, 1)
    assert_answered(outcome, HIGHEST)
    outcome = play(request(HIGHEST), request(HIGHEST - 2), rfc_errors=rfc_errors)
    assert type(outcome.error) is StreamIDTooLowError
    assert [(sent.error_code, sent.last_stream_id) for sent in outcome.wrote("GOAWAY")] == [
        (0, HIGHEST), (PROTOCOL_ERROR, HIGHEST)]


@both_modes
def test_after_the_last_identifier_the_client_is_told_to_connect_again(rfc_errors):
    """"A server that is unable to establish a new stream identifier can send a GOAWAY frame so that the client is
    forced to open a new connection for new streams"; here it is the client that has none left.
    """
    outcome = play(request(1), request(HIGHEST), rfc_errors=rfc_errors)
    assert [(sent.error_code, sent.last_stream_id) for sent in outcome.wrote("GOAWAY")] == [(0, HIGHEST)]
    outcome.feed(answer(1), answer(HIGHEST))
    assert_answered(outcome, 1)
    assert_answered(outcome, HIGHEST)
    assert len(outcome.wrote("GOAWAY")) == 1


def test_a_refused_stream_uses_the_last_identifier_up():
    """"The identifier of a newly established stream": a malformed request has one, too."""
    outcome = play(request(1), request(HIGHEST, ("connection", "close")), answer(1), rfc_errors=True)
    assert [(sent.error_code, sent.last_stream_id) for sent in outcome.wrote("GOAWAY")] == [(0, HIGHEST)]
    assert_answered(outcome, 1)


@both_modes
def test_data_on_a_stream_closed_by_a_higher_one_costs_that_stream_only(rfc_errors):
    """"The first use of a new stream identifier implicitly closes all streams in the "idle" state ... with a
    lower-valued stream identifier"; DATA there is DATA on a closed stream.
    """
    outcome = survived(request(5), frames.data(3, b"x"), request(7), answer(5), answer(7), rfc_errors=rfc_errors)
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(3, STREAM_CLOSED)]
    assert len(outcome.wrote("DATA")) == 2


@both_modes
def test_the_reserved_bit_does_not_make_a_new_identifier(rfc_errors):
    """Stream identifiers are 31 bits: with the reserved bit set, stream 1 is still stream 1."""
    connection_error(request(1), answer(1), request(1).reserve(), code=STREAM_CLOSED, rfc_errors=rfc_errors)
