"""RFC 9113 section 5.1: stream states."""
import pytest

from fasth2.exceptions import ProtocolError, StreamClosedError
from tests.support import frames
from tests.support.fields import MARK, block, request, request_fields
from tests.support.play import LATER, RESPONSE, accepted, answer, connection_error, fields_of, stream_error, survived

PROTOCOL_ERROR = 0x1
STREAM_CLOSED = 0x5
TRAILERS = block([MARK])

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def reset(stream_id, code=0x8):
    """A step that resets a stream locally."""
    return lambda connection: connection.reset_stream(stream_id, code)


def end(stream_id):
    """A step that sends a whole response of headers only."""
    return lambda connection: connection.send_headers(stream_id, RESPONSE[:1], end_stream=True)


@pytest.mark.parametrize("frame", [
    frames.data(3, b"x"), frames.data(3), frames.rst_stream(3), frames.window_update(3, 1),
    frames.continuation(3, b"\x82"), frames.window_update(2, 1), frames.rst_stream(2), frames.data(2, b"x"),
], ids=repr)
@both_modes
def test_idle_streams_take_headers_and_priority_only(frame, rfc_errors):
    """idle: "Receiving any frame other than HEADERS or PRIORITY on a stream in this state MUST be treated as a
    connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1), frame, code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
def test_priority_on_an_idle_stream_leaves_it_idle(rfc_errors):
    """idle: PRIORITY is allowed and opens nothing."""
    outcome = accepted(frames.priority(5), frames.priority(3), request(3), request(5), rfc_errors=rfc_errors)
    assert outcome.kinds.count("PriorityUpdated") == 2
    assert outcome.kinds.count("RequestReceived") == 2


@both_modes
def test_headers_open_a_stream_and_end_stream_half_closes_it(rfc_errors):
    """idle to open to half-closed (remote): the events say which."""
    outcome = accepted(request(1, end_stream=False), frames.data(1, b"a"), frames.data(1, b"b", end_stream=True),
                       rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "DataReceived", "DataReceived", "StreamEnded"]
    assert outcome.connection.open_inbound_streams == 1


@both_modes
def test_an_open_stream_takes_any_frame(rfc_errors):
    """open: "can be used by both peers to send frames of any type"."""
    outcome = accepted(request(1, end_stream=False), frames.window_update(1, 10), frames.priority(1),
                       frames.data(1, b"x"), frames.unknown(stream_id=1), frames.headers(1, TRAILERS, end_stream=True),
                       rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "WindowUpdated", "PriorityUpdated", "DataReceived",
                             "UnknownFrameReceived", "TrailersReceived", "StreamEnded"]


@both_modes
def test_a_half_closed_local_stream_takes_any_frame(rfc_errors):
    """half-closed (local): "An endpoint can receive any type of frame in this state"."""
    outcome = accepted(request(1, end_stream=False), end(1), frames.window_update(1, 10), frames.priority(1),
                       frames.data(1, b"x"), frames.headers(1, TRAILERS, end_stream=True), rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "WindowUpdated", "PriorityUpdated", "DataReceived",
                             "TrailersReceived", "StreamEnded"]
    assert outcome.connection.open_inbound_streams == 0


@both_modes
@pytest.mark.parametrize("frame", [
    frames.data(3, b"late"), frames.data(3, b"", end_stream=True), frames.headers(3, TRAILERS, end_stream=True),
    frames.headers(3, TRAILERS),
], ids=repr)
def test_a_half_closed_remote_stream_refuses_data_and_headers(frame, rfc_errors):
    """half-closed (remote): other frames than WINDOW_UPDATE, PRIORITY and RST_STREAM: "MUST respond with a stream
    error ... of type STREAM_CLOSED".
    """
    stream_error(request(3), frame, stream_id=3, code=STREAM_CLOSED, rfc_errors=rfc_errors)


@both_modes
def test_a_half_closed_remote_stream_takes_window_update_priority_and_reset(rfc_errors):
    """half-closed (remote): the three frames that remain legal."""
    outcome = survived(request(1), frames.window_update(1, 7), frames.priority(1), frames.rst_stream(1, 0x8),
                   rfc_errors=rfc_errors)
    assert not outcome.sent
    assert outcome.kinds == ["RequestReceived", "StreamEnded", "WindowUpdated", "PriorityUpdated", "StreamReset"]
    assert outcome.of("StreamReset")[0].remote_reset


@both_modes
def test_window_update_and_reset_on_a_finished_stream_are_ignored(rfc_errors):
    """closed: after END_STREAM or RST_STREAM was sent the peer's WINDOW_UPDATE or RST_STREAM may still arrive."""
    outcome = accepted(request(1), answer(1), frames.window_update(1, 5), frames.rst_stream(1), frames.priority(1),
                       request(3), frames.window_update(1, 5), frames.rst_stream(1), rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "StreamEnded", "PriorityUpdated", "RequestReceived", "StreamEnded"]


@both_modes
@pytest.mark.parametrize("between", [(), (request(5),)], ids=["at once", "after another request"])
def test_headers_on_a_stream_that_both_sides_ended_end_the_connection(between, rfc_errors):
    """closed: a frame on a stream that ended may be "a connection error ... of type STREAM_CLOSED"."""
    connection_error(request(3), answer(3), *between, frames.headers(3, TRAILERS, end_stream=True),
                     code=STREAM_CLOSED, exception=StreamClosedError, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("between", [(), (request(5),)], ids=["at once", "after another request"])
def test_data_on_a_stream_that_both_sides_ended_costs_nothing_else(between, rfc_errors):
    """closed: RST_STREAM STREAM_CLOSED again, no second event, and the connection's credit comes back."""
    late = frames.data(3, b"z" * 16000)
    outcome = survived(request(3), answer(3), *between, *[late] * 12, request(LATER), answer(LATER),
                   rfc_errors=rfc_errors)
    assert {sent.error_code for sent in outcome.wrote("RST_STREAM", 3)} == {STREAM_CLOSED}
    assert not outcome.of("StreamReset")
    assert outcome.of("RequestReceived", LATER)
    spent = 12 * 16000
    returned = sum(sent.increment for sent in outcome.wrote("WINDOW_UPDATE", 0))
    assert outcome.connection.inbound_flow_control_window == 65535 - spent + returned
    assert returned > spent - 40000


@both_modes
@pytest.mark.parametrize("frame", [frames.data(3, b"more"), frames.headers(3, TRAILERS, end_stream=True)], ids=repr)
def test_frames_after_the_peers_own_reset_are_answered_with_stream_closed(frame, rfc_errors):
    """closed: a frame the peer sends after its RST_STREAM is an error of type STREAM_CLOSED; h2 makes it the
    stream's, so the neighbours live.
    """
    outcome = survived(request(1), request(3, end_stream=False), frames.rst_stream(3), frame, request(5), answer(1),
                   answer(5), rfc_errors=rfc_errors)
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(3, STREAM_CLOSED)]
    assert [event.remote_reset for event in outcome.of("StreamReset")] == [True]
    assert len(outcome.wrote("DATA")) == 2


@both_modes
def test_priority_after_a_reset_is_taken(rfc_errors):
    """closed: PRIORITY is allowed in every state."""
    outcome = survived(request(1), frames.rst_stream(1), frames.priority(1), rfc_errors=rfc_errors)
    assert outcome.kinds[-1] == "PriorityUpdated"
    assert not outcome.sent


@pytest.mark.parametrize("frame", [
    frames.data(3, b"in flight"), frames.data(3, b"", end_stream=True), frames.headers(3, TRAILERS, end_stream=True),
    frames.window_update(3, 100), frames.rst_stream(3), frames.priority(3),
], ids=repr)
def test_frames_in_flight_on_a_stream_this_side_reset_are_discarded(frame):
    """closed: an endpoint that sent RST_STREAM "MUST minimally process and then discard any frames it receives"."""
    outcome = survived(request(1), request(3, end_stream=False), reset(3), frame, request(5, MARK), answer(1),
                       answer(5))
    assert len(outcome.wrote("RST_STREAM")) == 1
    assert [kind for kind in outcome.kinds if kind != "PriorityUpdated"] == [
        "RequestReceived", "StreamEnded", "RequestReceived", "RequestReceived", "StreamEnded"]
    assert len(outcome.of("PriorityUpdated")) == (frame.type == frames.PRIORITY)
    assert fields_of(outcome.of("RequestReceived", 5)[0]) == request_fields(MARK)
    assert len(outcome.wrote("DATA")) == 2


def test_data_in_flight_on_a_stream_this_side_reset_counts_and_returns_as_connection_credit():
    """closed: "the content of DATA frames counts toward the connection flow-control window"."""
    upload = [frames.data(1, b"u" * 16000)] * 50
    outcome = survived(request(1, end_stream=False), reset(1), *upload, request(3, end_stream=False),
                   frames.data(3, b"q" * 16000, end_stream=True), answer(3))
    assert len(outcome.of("DataReceived")[0].data) == 16000
    assert len(outcome.wrote("RST_STREAM")) == 1


@pytest.mark.parametrize("frame", [frames.data(3, b"in flight"), frames.headers(3, TRAILERS, end_stream=True)],
                         ids=repr)
def test_by_default_frames_on_a_stream_this_side_reset_are_reset_again(frame):
    """h2 answers each with RST_STREAM STREAM_CLOSED; without rfc_errors so does fasth2."""
    outcome = survived(request(1), request(3, end_stream=False), reset(3), frame, answer(1), rfc_errors=False)
    assert [sent.error_code for sent in outcome.wrote("RST_STREAM", 3)] == [0x8, STREAM_CLOSED]
    assert len(outcome.wrote("DATA")) == 1


@both_modes
def test_a_lower_idle_stream_is_closed_when_a_higher_one_opens(rfc_errors):
    """idle: "Opening a stream with a higher-valued stream identifier causes the stream to transition immediately
    to a "closed" state"; window updates for it are then those of a closed stream.
    """
    outcome = accepted(request(5), frames.window_update(3, 1), frames.rst_stream(3), frames.priority(3), request(7),
                       rfc_errors=rfc_errors)
    assert outcome.kinds.count("RequestReceived") == 2
    assert not outcome.of("StreamReset")


@both_modes
def test_calls_on_a_finished_stream_are_refused(rfc_errors):
    """closed: "An endpoint MUST NOT send frames other than PRIORITY on a closed stream"."""
    outcome = accepted(request(1), answer(1), rfc_errors=rfc_errors)
    connection = outcome.connection
    for call in (lambda: connection.send_data(1, b"x"), lambda: connection.end_stream(1),
                 lambda: connection.send_headers(1, RESPONSE), lambda: connection.reset_stream(1),
                 lambda: connection.increment_flow_control_window(5, 1)):
        with pytest.raises(StreamClosedError):
            call()
    assert connection.data_to_send() == b""


@both_modes
def test_calls_on_an_idle_stream_are_refused(rfc_errors):
    """idle: a server can't send on a stream that the client has not opened."""
    outcome = accepted(request(1), rfc_errors=rfc_errors)
    connection = outcome.connection
    for stream_id in (3, 2):
        for call in (lambda n: connection.send_data(n, b"x"), lambda n: connection.end_stream(n),
                     lambda n: connection.send_headers(n, RESPONSE), lambda n: connection.reset_stream(n)):
            with pytest.raises(ProtocolError):
                call(stream_id)
    assert connection.data_to_send() == b""
    outcome.feed(request(3), answer(1), answer(3))
    assert len(outcome.wrote("DATA")) == 2
