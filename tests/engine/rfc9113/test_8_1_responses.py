"""RFC 9113 sections 8.1 and 8.3.2: what a client receives for a request."""
import pytest

from fasth2.exceptions import DenialOfServiceError, InvalidBodyLengthError, NoSuchStreamError
from tests.support import frames
from tests.support.client import accepted, asks, connection_error, does, fields, response, stream_error, survived
from tests.support.play import fields_of

PROTOCOL_ERROR = 0x1
STREAM_CLOSED = 0x5

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def malformed(*steps, stream_id=1, **options):
    """A malformed response: a stream error, or h2's connection error by default."""
    stream_error(*steps, stream_id=stream_id, code=PROTOCOL_ERROR, **options)
    return connection_error(*steps, code=PROTOCOL_ERROR, last_stream_id=0, rfc_errors=False, **options)


@both_modes
def test_a_response_with_body_and_trailers(rfc_errors):
    """8.1: interim responses, one final one, DATA, trailers."""
    outcome = accepted(asks(1), response(1, ("link", "</a>"), status="103"), response(1, ("content-length", "5")),
                       frames.data(1, b"hello"), fields(1, [("x-sum", "1")], end_stream=True), rfc_errors=rfc_errors)
    assert outcome.kinds == ["InformationalResponseReceived", "ResponseReceived", "DataReceived", "TrailersReceived",
                             "StreamEnded"]
    assert fields_of(outcome.events[0]) == [(b":status", b"103"), (b"link", b"</a>")]
    assert fields_of(outcome.events[1]) == [(b":status", b"200"), (b"content-length", b"5")]
    assert outcome.events[2].data == b"hello"
    assert outcome.events[3].stream_ended is outcome.events[4]
    assert not outcome.connection.streams
    assert outcome.connection.open_outbound_streams == 0


@both_modes
def test_a_response_without_a_body(rfc_errors):
    """END_STREAM on HEADERS."""
    outcome = accepted(asks(1), response(1, end_stream=True), rfc_errors=rfc_errors)
    assert outcome.kinds == ["ResponseReceived", "StreamEnded"]
    assert outcome.events[0].stream_ended is outcome.events[1]


@both_modes
def test_a_response_may_come_before_the_request_is_complete(rfc_errors):
    """8.1: "A server can send a complete response prior to the client sending an entire request"."""
    outcome = accepted(asks(1, end_stream=False), response(1, end_stream=True), does("send_data", 1, b"rest", True),
                       rfc_errors=rfc_errors)
    assert outcome.kinds == ["ResponseReceived", "StreamEnded"]
    assert [sent.data for sent in outcome.wrote("DATA")] == [b"rest"]
    assert not outcome.connection.streams


@both_modes
def test_priority_in_a_responses_headers_is_reported(rfc_errors):
    """As h2 does, for any HEADERS."""
    frame = frames.headers(1, response(1).payload, end_stream=True, priority=(7, 3, True))
    outcome = accepted(asks(1), frame, rfc_errors=rfc_errors)
    assert outcome.kinds == ["ResponseReceived", "StreamEnded", "PriorityUpdated"]
    assert outcome.events[0].priority_updated is outcome.events[2]


def test_header_encoding():
    """Names and values of a response in the encoding of the configuration."""
    outcome = accepted(asks(1), fields(1, [(":status", "200"), ("x", b"\xc3\xa4")], True), header_encoding="utf-8")
    assert fields_of(outcome.events[0]) == [(":status", "200"), ("x", "ä")]


@pytest.mark.parametrize("headers", [
    [("x", "1")], [], [(":status", "200"), (":status", "200")], [("x", "1"), (":status", "200")],
    [(":status", "200"), (":path", "/")], [(":status", "200"), (":method", "GET")], [(":status", "200"), (":x", "1")],
    [(":status", "20")], [(":status", "2000")], [(":status", "2x0")], [(":status", "")], [(":status", "099")],
    [(":status", "200"), ("connection", "close")], [(":status", "200"), ("transfer-encoding", "chunked")],
    [(":status", "200"), ("te", "gzip")], [(":status", "200"), ("Upper", "1")], [(":status", "200"), ("x", "a\r\nb")],
    [(":status", "200"), ("x", " padded")], [(":status", "200"), ("content-length", "x")],
    [(":status", "200"), ("content-length", "5"), ("content-length", "6")], [(":status", "103"), ("upgrade", "x")],
], ids=repr)
def test_malformed_responses(headers):
    """8.1.1: "Clients MUST NOT accept a malformed response". 8.3.2: ":status" and no other pseudo-header field."""
    malformed(asks(1), fields(1, headers))


def test_validation_can_be_switched_off():
    """As in h2: the fields are delivered as they came."""
    outcome = accepted(asks(1), fields(1, [("x", "1"), ("connection", "close")], True), validate_inbound_headers=False)
    assert fields_of(outcome.events[0]) == [(b"x", b"1"), (b"connection", b"close")]


def test_an_informational_response_does_not_end_the_stream():
    """8.1: END_STREAM on an informational response is malformed."""
    malformed(asks(1), response(1, status="103", end_stream=True))


@both_modes
def test_trailers_end_the_stream(rfc_errors):
    """8.1: a HEADERS frame without END_STREAM after the final response is malformed."""
    steps = (asks(1), response(1), fields(1, [("x", "1")]))
    if rfc_errors:
        stream_error(*steps, stream_id=1, code=PROTOCOL_ERROR)
    else:
        connection_error(*steps, code=PROTOCOL_ERROR, rfc_errors=False)


def test_data_before_the_response():
    """8.1: a response begins with HEADERS."""
    malformed(asks(1), frames.data(1, b"x"))
    malformed(asks(1), response(1, status="103"), frames.data(1, b"x"))


@pytest.mark.parametrize("steps", [
    [response(1, ("content-length", "5")), frames.data(1, b"1234", True)],
    [response(1, ("content-length", "5")), frames.data(1, b"123456")],
    [response(1, ("content-length", "5"), end_stream=True)],
    [response(1, ("content-length", "5")), fields(1, [("x", "1")], True)],
], ids=repr)
def test_content_length(steps):
    """8.1.1: content-length "does not equal the sum of the DATA frame payload lengths"."""
    outcome = malformed(asks(1), *steps)
    assert isinstance(outcome.error, InvalidBodyLengthError)


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200"), ("GET", "304"), ("GET", "204")])
@both_modes
def test_responses_without_content(method, status, rfc_errors):
    """8.1.1: such a response "can have a non-zero Content-Length header field, even though no content is included"."""
    for last in ([response(1, ("content-length", "5"), status=status, end_stream=True)],
                 [response(1, ("content-length", "5"), status=status), frames.data(1, b"", True)],
                 [response(1, ("content-length", "5"), status=status), fields(1, [("x", "1")], True)]):
        outcome = accepted(asks(1, method=method), *last, rfc_errors=rfc_errors)
        assert outcome.kinds[-1] == "StreamEnded"
    malformed(asks(1, method=method), response(1, status=status), frames.data(1, b"x"))


@both_modes
def test_an_answered_connect_is_a_tunnel(rfc_errors):
    """RFC 9110 section 9.3.6: a client ignores the content-length of a successful response to CONNECT."""
    connect = asks(1, method="CONNECT", scheme=None, path=None, end_stream=False)
    outcome = accepted(connect, response(1, ("content-length", "1")), does("send_data", 1, b"there"),
                       frames.data(1, b"and back"), rfc_errors=rfc_errors)
    assert outcome.kinds == ["ResponseReceived", "DataReceived"]


def test_headers_in_a_tunnel():
    """8.5: "frame types other than DATA ... MUST be treated as a stream error"."""
    connect = asks(1, method="CONNECT", scheme=None, path=None, end_stream=False)
    stream_error(connect, response(1), fields(1, [("x", "1")], True), stream_id=1, code=PROTOCOL_ERROR)


def test_a_refused_connect_is_no_tunnel():
    """A response other than 2xx is a response like others."""
    connect = asks(1, method="CONNECT", scheme=None, path=None, end_stream=False)
    outcome = accepted(connect, response(1, ("content-length", "1"), status="403"), frames.data(1, b"x"),
                       fields(1, [("x", "1")], True))
    assert outcome.kinds[-2:] == ["TrailersReceived", "StreamEnded"]


@both_modes
@pytest.mark.parametrize("stream_id", [1, 3, 2, 4], ids=repr)
def test_a_response_that_nobody_asked_for(stream_id, rfc_errors):
    """5.1.1: "An endpoint that receives an unexpected stream identifier MUST respond with a connection error"."""
    connection_error(asks(5), does("reset_stream", 5), response(stream_id) if stream_id % 2 == 0 else response(7),
                     code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
def test_data_that_nobody_asked_for(rfc_errors):
    """DATA on an idle stream."""
    connection_error(asks(1), frames.data(3, b"x"), code=PROTOCOL_ERROR, exception=NoSuchStreamError,
                     rfc_errors=rfc_errors)


def test_a_response_after_its_end():
    """5.1: half-closed (remote): a stream error of type STREAM_CLOSED."""
    stream_error(asks(1, end_stream=False), response(1, end_stream=True), response(1), stream_id=1, code=STREAM_CLOSED)


def test_a_response_to_a_request_that_was_cancelled():
    """5.1: frames in flight are ignored, credit is returned, and the header table stays in step."""
    outcome = survived(asks(1), does("reset_stream", 1, 8), response(1, ("x-late", "1")), frames.data(1, b"x" * 16000),
                       asks(3), response(3, ("x-late", "1"), end_stream=True))
    assert outcome.kinds == ["ResponseReceived", "StreamEnded"]
    assert fields_of(outcome.events[0]) == [(b":status", b"200"), (b"x-late", b"1")]
    assert [sent.stream_id for sent in outcome.wrote("RST_STREAM")] == [1]


@both_modes
def test_the_server_refuses_a_request(rfc_errors):
    """8.7: REFUSED_STREAM says that the request may be repeated."""
    outcome = survived(asks(1), frames.rst_stream(1, 7), asks(3), rfc_errors=rfc_errors)
    [event] = outcome.events
    assert (event.stream_id, int(event.error_code), event.remote_reset) == (1, 7, True)
    assert outcome.connection.open_outbound_streams == 1


def test_a_server_may_refuse_any_number_of_requests():
    """Only its own streams count against the limit on resets (L2)."""
    steps = [step for stream_id in range(1, 4001, 2) for step in (asks(stream_id), frames.rst_stream(stream_id, 7))]
    outcome = survived(*steps, cuts=(lambda octets: iter([octets]),))
    assert len(outcome.events) == 2000
    assert not outcome.connection.counters


def test_goaway_ends_the_requests_above_it():
    """6.8: streams above the last identifier were not processed, and the others go on."""
    outcome = survived(asks(1), asks(3), frames.goaway(1), response(1, end_stream=True))
    assert outcome.kinds == ["ConnectionTerminated", "StreamReset", "ResponseReceived", "StreamEnded"]
    reset = outcome.events[1]
    assert (reset.stream_id, int(reset.error_code), reset.remote_reset) == (3, 7, True)
    assert outcome.connection.streams == {}


def test_a_header_list_over_the_limit_costs_the_stream():
    """10.5.1: the response is refused, its neighbour is not."""
    big = response(1, *((f"x-{n}", "v" * 100) for n in range(60)))
    stream_error(asks(1), big, stream_id=1, code=0xB, setup=lambda c: setattr(c.decoder, "max_header_list_size", 4000))
    connection_error(asks(1), big, code=0xB, exception=DenialOfServiceError, rfc_errors=False,
                     setup=lambda c: (setattr(c.decoder, "max_header_list_size", 4000),
                                      setattr(c.decoder, "hard_list_size", 4000)))
