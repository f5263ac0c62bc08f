"""RFC 9113 section 6.10: CONTINUATION."""
import pytest

from tests.support import frames
from tests.support.fields import MARK, block, request, request_fields
from tests.support.play import accepted, answer, connection_error, fields_of

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])
GOOD = block(request_fields())
TRAILERS = block([MARK])


@both_modes
def test_continuation_must_belong_to_a_stream(rfc_errors):
    """"If a CONTINUATION frame is received with a Stream Identifier field of 0x00, the recipient MUST respond with a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(frames.headers(1, GOOD[:3], end_headers=False), frames.continuation(0, GOOD[3:]),
                     code=PROTOCOL_ERROR, rfc_errors=rfc_errors)
    connection_error(request(1), frames.continuation(0, GOOD), code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("before", [
    (), (request(1),), (request(1, end_stream=False),), (request(1, end_stream=False), frames.data(1, b"x")),
    (request(1), frames.rst_stream(1)), (request(1), answer(1)), (request(3),), (request(1), answer(1), request(3)),
    (frames.headers(1, GOOD[:3], end_headers=False), frames.continuation(1, GOOD[3:])),
    (request(1), lambda connection: connection.reset_stream(1)),
], ids=["idle", "half-closed", "open", "after data", "reset by peer", "finished", "implicitly closed", "cleaned up",
        "after a whole block", "reset by this side"])
@pytest.mark.parametrize("end_headers", [False, True])
def test_a_continuation_without_headers_ends_the_connection(before, end_headers, rfc_errors):
    """"A CONTINUATION frame MUST be preceded by a HEADERS, PUSH_PROMISE or CONTINUATION frame without the END_HEADERS
    flag set. A recipient that observes violation of this rule MUST respond with a connection error ... of type
    PROTOCOL_ERROR".
    """
    connection_error(*before, frames.continuation(1, TRAILERS, end_headers=end_headers), code=PROTOCOL_ERROR,
                     rfc_errors=rfc_errors)


@both_modes
def test_continuation_on_another_stream_ends_the_connection(rfc_errors):
    """The block goes on with frames "on the same stream"."""
    connection_error(request(1, end_stream=False), frames.headers(3, GOOD[:3], end_headers=False),
                     frames.continuation(1, GOOD[3:]), code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("other", [frames.ping(), frames.data(1, b"x"), request(3), frames.unknown(), frames.settings()],
                         ids=repr)
def test_between_two_continuations_nothing_else_may_come(other, rfc_errors):
    """"Any number of CONTINUATION frames can be sent, as long as the preceding frame is on the same stream"."""
    connection_error(frames.headers(1, GOOD[:3], end_headers=False), frames.continuation(1, GOOD[3:5], end_headers=False),
                     other, code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
def test_empty_fragments_are_legal(rfc_errors):
    """A fragment may have no octets."""
    outcome = accepted(frames.headers(1, b"", end_stream=True, end_headers=False),
                       frames.continuation(1, GOOD, end_headers=False), frames.continuation(1, b"", end_headers=False),
                       frames.continuation(1, b""), rfc_errors=rfc_errors)
    assert fields_of(outcome.events[0]) == request_fields()
    assert outcome.kinds == ["RequestReceived", "StreamEnded"]


@both_modes
def test_trailers_may_be_continued(rfc_errors):
    """Trailers are a field block like any other."""
    outcome = accepted(request(1, end_stream=False), frames.headers(1, TRAILERS[:2], end_stream=True, end_headers=False),
                       frames.continuation(1, TRAILERS[2:]), rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "TrailersReceived", "StreamEnded"]
    assert fields_of(outcome.of("TrailersReceived")[0]) == [MARK]


@both_modes
def test_flags_of_headers_have_no_meaning_on_continuation(rfc_errors):
    """END_STREAM, PADDED and PRIORITY are not defined for CONTINUATION and change nothing."""
    outcome = accepted(frames.headers(1, GOOD[:4], end_headers=False),
                       frames.continuation(1, GOOD[4:]).flag(frames.END_STREAM | frames.PADDED | frames.HAS_PRIORITY),
                       rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived"]
    assert fields_of(outcome.events[0]) == request_fields()
