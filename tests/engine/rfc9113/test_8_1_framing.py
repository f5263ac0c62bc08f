"""RFC 9113 section 8.1: HTTP message framing, and 8.1.1: malformed messages."""
import pytest

from fasth2.exceptions import InvalidBodyLengthError, ProtocolError
from tests.support import frames
from tests.support.fields import MARK, block, marked, request, request_fields
from tests.support.play import RESPONSE, accepted, answer, connection_error, fields_of, stream_error, survived

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])
TRAILERS = block([MARK])


def length(value):
    """A content-length field."""
    return ("content-length", value)


def malformed(*steps, exception=None, **options):
    """The steps make stream 3's request malformed: a stream error under rfc_errors, the connection's end by default.

    "Malformed requests or responses that are detected MUST be treated as a stream error of type PROTOCOL_ERROR."
    """
    outcome = stream_error(*steps, stream_id=3, code=PROTOCOL_ERROR, **options)
    extra = {} if exception is None else {"exception": exception}
    connection_error(*steps, code=PROTOCOL_ERROR, rfc_errors=False, **extra, **options)
    return outcome


@both_modes
def test_a_message_is_headers_then_data_then_trailers(rfc_errors):
    """The three parts of a request."""
    outcome = accepted(request(1, end_stream=False), frames.data(1, b"body"), frames.headers(1, TRAILERS, end_stream=True),
                       rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "DataReceived", "TrailersReceived", "StreamEnded"]
    trailers = outcome.events[2]
    assert fields_of(trailers) == [MARK]
    assert trailers.stream_ended is outcome.events[3]


@both_modes
def test_trailers_may_follow_the_headers_at_once(rfc_errors):
    """Content is optional."""
    outcome = accepted(request(1, end_stream=False), frames.headers(1, TRAILERS, end_stream=True),
                       rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "TrailersReceived", "StreamEnded"]


def test_trailers_without_end_stream_are_malformed():
    """"An endpoint that receives a HEADERS frame without the END_STREAM flag set after receiving the HEADERS frame
    that opens a request ... MUST treat the corresponding request or response as malformed".
    """
    malformed(request(3, end_stream=False), frames.headers(3, TRAILERS))
    malformed(request(3, end_stream=False), frames.data(3, b"x"), marked(3, request_fields(), end_stream=False))


def test_pseudo_header_fields_in_trailers_are_malformed():
    """"An endpoint that receives pseudo-header fields in trailers MUST treat the request or response as malformed"."""
    for name, value in ((":method", "GET"), (":path", "/"), (":status", "200"), (":unknown", "x")):
        malformed(request(3, end_stream=False), marked(3, [(name, value)]))


@pytest.mark.parametrize("bad", [("connection", "close"), ("Upper", "x"), ("te", "gzip"), ("x", "a\r\nb"), ("", "x")])
def test_trailers_obey_the_rules_of_fields(bad):
    """8.2 holds for every field block."""
    malformed(request(3, end_stream=False), marked(3, [bad]))


@pytest.mark.parametrize("status", ["100", "200", "103", "999", "x"])
def test_a_status_in_a_request_is_malformed(status):
    """8.3: "pseudo-header fields defined for responses MUST NOT appear in requests"."""
    malformed(marked(3, [(":status", status), *request_fields()]))
    malformed(marked(3, [(":status", status)]))
    malformed(marked(3, [(":status", status)], end_stream=False))


@pytest.mark.parametrize(("declared", "pieces"), [
    (5, [b"1234"]), (5, [b"123456"]), (5, [b"123", b"456"]), (0, [b"x"]), (10, [b"1", b"2", b"3"]), (1, [b""]),
], ids=str)
@pytest.mark.parametrize("ends_with_data", [True, False])
def test_content_that_differs_from_content_length_is_malformed(declared, pieces, ends_with_data):
    """8.1.1: "malformed if the value of a content-length header field does not equal the sum of the DATA frame
    payload lengths that form the content".
    """
    steps = [marked(3, request_fields(length(str(declared))), end_stream=False)]
    steps += [frames.data(3, piece) for piece in pieces]
    if ends_with_data:
        steps[-1] = frames.data(3, pieces[-1], end_stream=True)
    else:
        steps.append(frames.data(3, b"", end_stream=True))
    stream_error(*steps, stream_id=3, code=PROTOCOL_ERROR)
    # By default the connection ends at the first octet too many, or at the end.
    while sum(len(frame.payload) for frame in steps[1:-1]) > declared:
        steps.pop()
    connection_error(*steps, code=PROTOCOL_ERROR, exception=InvalidBodyLengthError, rfc_errors=False)


@both_modes
@pytest.mark.parametrize("pieces", [[b"12345"], [b"1", b"2345"], [b"", b"12345", b""], [b"1", b"2", b"3", b"4", b"5"]])
def test_content_of_the_declared_length_is_accepted(pieces, rfc_errors):
    """Padding doesn't count as content."""
    steps = [frames.data(1, piece).pad(3) for piece in pieces]
    steps[-1] = frames.data(1, pieces[-1], end_stream=True).pad(1)
    outcome = accepted(request(1, length("5"), end_stream=False), *steps, rfc_errors=rfc_errors)
    assert b"".join(event.data for event in outcome.of("DataReceived")) == b"12345"


@pytest.mark.parametrize("declared", ["1", "5", "99999999999"])
def test_a_declared_length_without_any_content_is_malformed(declared):
    """END_STREAM on HEADERS, or trailers at once, with a content-length above 0: a body that is shorter."""
    malformed(marked(3, request_fields(length(declared))), exception=InvalidBodyLengthError)
    malformed(request(3, length(declared), end_stream=False), frames.headers(3, TRAILERS, end_stream=True),
              exception=InvalidBodyLengthError)


def test_trailers_before_the_declared_length_is_reached_are_malformed():
    """The trailers end the request, so the sum is known."""
    malformed(request(3, length("5"), end_stream=False), frames.data(3, b"1234"),
              frames.headers(3, TRAILERS, end_stream=True), exception=InvalidBodyLengthError)


@both_modes
def test_trailers_after_the_declared_length_are_accepted(rfc_errors):
    """Five octets and trailers."""
    outcome = accepted(request(1, length("5"), end_stream=False), frames.data(1, b"12345"),
                       frames.headers(1, TRAILERS, end_stream=True), rfc_errors=rfc_errors)
    assert outcome.kinds[-2:] == ["TrailersReceived", "StreamEnded"]


@both_modes
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_content_length_0_without_content_is_accepted(method, rfc_errors):
    """A length of 0 is what no content has."""
    outcome = accepted(request(1, length("0"), method=method), rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "StreamEnded"]


def test_a_head_request_with_content_is_counted_like_any_other():
    """Only responses may declare a length and have no content."""
    malformed(request(3, length("5"), method="HEAD", end_stream=False), frames.data(3, b"1234", end_stream=True),
              exception=InvalidBodyLengthError)


@pytest.mark.parametrize("value", ["", "-1", "+5", " 5", "5 ", "5;", "0x5", "5.0", "1_0", "\u0665", "a", "5,", ",5",
                                   "5,6", "5 5", "5, 6", "5\t"])
def test_a_content_length_that_is_no_number_is_malformed(value):
    """RFC 9110 section 8.6: 1*DIGIT."""
    malformed(marked(3, request_fields(length(value)), end_stream=False))


@pytest.mark.parametrize("value", ["9223372036854775808", "18446744073709551616", "9" * 40])
def test_a_content_length_over_63_bits_is_malformed(value):
    """docs/security.md, row 47: no length that arithmetic can't hold."""
    malformed(marked(3, request_fields(length(value)), end_stream=False))


def test_the_largest_content_length_is_counted():
    """2**63 - 1 is a number like another."""
    malformed(request(3, length(str(2**63 - 1)), end_stream=False), frames.data(3, b"few", end_stream=True),
              exception=InvalidBodyLengthError)


@pytest.mark.parametrize("values", [["5", "6"], ["5", "5", "6"], ["0", "5"]])
def test_content_length_fields_that_differ_are_malformed(values):
    """RFC 9110 section 8.6: different values are an invalid message."""
    malformed(marked(3, request_fields(*(length(value) for value in values)), end_stream=False))


@both_modes
def test_the_same_content_length_twice_is_one_length(rfc_errors):
    """RFC 9110 section 8.6 lets a recipient take identical values as one."""
    accepted(request(1, length("5"), length("5"), end_stream=False), frames.data(1, b"12345", end_stream=True),
             rfc_errors=rfc_errors)


@pytest.mark.parametrize("value", ["5, 5", "5,5", "5 ,\t5", "5, 5, 5"])
def test_a_list_of_equal_lengths_is_one_length_under_rfc_errors(value):
    """RFC 9110 section 8.6: a list of identical values may be accepted as the single value; h2 refuses it."""
    accepted(request(1, length(value), end_stream=False), frames.data(1, b"12345", end_stream=True))
    stream_error(request(3, length(value), end_stream=False), frames.data(3, b"1234", end_stream=True), stream_id=3,
                 code=PROTOCOL_ERROR)
    connection_error(request(1, length(value), end_stream=False), code=PROTOCOL_ERROR, rfc_errors=False)


@both_modes
def test_leading_zeros_are_digits(rfc_errors):
    """1*DIGIT allows them."""
    accepted(request(1, length("0005"), end_stream=False), frames.data(1, b"12345", end_stream=True),
             rfc_errors=rfc_errors)


def test_the_body_of_a_malformed_request_costs_nothing_more():
    """What follows on the stream is in flight: discarded, credit returned, one reset."""
    bad = marked(3, request_fields(("connection", "close")), end_stream=False)
    body = [frames.data(3, b"z" * 16000)] * 10
    stream_error(bad, *body, frames.data(3, b"", end_stream=True), stream_id=3, code=PROTOCOL_ERROR)


def test_a_request_that_turns_malformed_after_its_answer_began_is_reset():
    """"For malformed requests, a server MAY send an HTTP response prior to closing or resetting the stream"."""
    def begin(connection):
        connection.send_headers(3, RESPONSE)

    stream_error(request(3, length("2"), end_stream=False), begin, frames.data(3, b"123"), stream_id=3,
                 code=PROTOCOL_ERROR)


@both_modes
def test_an_answer_may_be_complete_before_the_request_is(rfc_errors):
    """"A server can send a complete response prior to the client sending an entire request ... MAY request that the
    client abort transmission of a request without error by sending a RST_STREAM with an error code of NO_ERROR".
    """
    def stop(connection):
        connection.reset_stream(1, 0)

    outcome = survived(request(1, end_stream=False), frames.data(1, b"part"), answer(1), stop, rfc_errors=rfc_errors)
    assert [sent.kind for sent in outcome.sent] == ["HEADERS", "DATA", "RST_STREAM"]
    assert outcome.sent[-1].error_code == 0


@both_modes
@pytest.mark.parametrize("validate", [True, False])
def test_interim_responses_after_the_final_one_are_refused(validate, rfc_errors):
    """Whether header lists are validated or not."""
    outcome = accepted(request(1), rfc_errors=rfc_errors, validate_outbound_headers=validate)
    connection = outcome.connection
    connection.send_headers(1, [(":status", "200")])
    connection.data_to_send()
    with pytest.raises(ProtocolError):
        connection.send_headers(1, [(":status", "103")])
    assert connection.data_to_send() == b""


@both_modes
def test_interim_responses_come_before_the_final_one(rfc_errors):
    """8.1: "a server MAY send any number of interim responses before the HEADERS frame containing a final response"."""
    def respond(connection):
        connection.send_headers(1, [(":status", "103"), ("link", "</a.css>")])
        connection.send_headers(1, [(":status", "100")])
        connection.send_headers(1, [(":status", "200")])
        connection.send_data(1, b"x")
        connection.send_headers(1, [("x-sum", "1")], end_stream=True)

    outcome = accepted(request(1), respond, rfc_errors=rfc_errors)
    assert [sent.kind for sent in outcome.sent] == ["HEADERS", "HEADERS", "HEADERS", "DATA", "HEADERS"]
    assert [sent.end_stream for sent in outcome.sent] == [False, False, False, False, True]
