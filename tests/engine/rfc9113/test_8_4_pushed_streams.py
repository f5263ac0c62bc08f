"""RFC 9113 sections 6.6 and 8.4: PUSH_PROMISE, received by a client."""
import pytest

from fasth2.exceptions import FrameDataMissingError, ProtocolError, TooManyStreamsError
from tests.support import frames
from tests.support.client import accepted, asks, connection_error, does, promise, response, stream_error, survived
from tests.support.fields import block, request_fields
from tests.support.play import fields_of, play

PROTOCOL_ERROR = 0x1
FRAME_SIZE_ERROR = 0x6
REFUSED_STREAM = 0x7

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])
OPEN = asks(1, end_stream=False)


@both_modes
@pytest.mark.parametrize("parent", [asks(1), OPEN], ids=["half-closed", "open"])
def test_a_pushed_response(parent, rfc_errors):
    """8.4: the promise on the request's stream, the response on the promised one."""
    outcome = accepted(parent, promise(1, 2, path="/style.css"), response(2, ("content-length", "3")),
                       frames.data(2, b"css", True), response(1, end_stream=True), rfc_errors=rfc_errors)
    assert outcome.kinds == ["PushedStreamReceived", "ResponseReceived", "DataReceived", "StreamEnded",
                             "ResponseReceived", "StreamEnded"]
    event = outcome.events[0]
    assert (event.parent_stream_id, event.pushed_stream_id) == (1, 2)
    assert fields_of(event) == request_fields(path="/style.css")
    assert outcome.connection.highest_inbound_stream_id == 2
    assert outcome.connection.open_inbound_streams == 0


@both_modes
def test_a_promised_stream_is_reserved_until_its_response(rfc_errors):
    """5.1.2: reserved streams do not count."""
    connection = accepted(asks(1), promise(1, 2), rfc_errors=rfc_errors).connection
    assert (connection.open_inbound_streams, connection.streams[2].state.name) == (0, "RESERVED_REMOTE")
    connection.receive_data(bytes(response(2)))
    assert (connection.open_inbound_streams, connection.streams[2].state.name) == (1, "HALF_CLOSED_LOCAL")
    with pytest.raises(ProtocolError):
        connection.send_headers(2, [("x", "1")], end_stream=True)
    with pytest.raises(ProtocolError):
        connection.send_data(2, b"x")


@both_modes
def test_a_block_in_several_frames(rfc_errors):
    """6.6: PUSH_PROMISE without END_HEADERS is continued by CONTINUATION."""
    octets = block(request_fields(("x-long", "v" * 100)))
    outcome = accepted(asks(1), frames.push_promise(1, 2, octets[:9], end_headers=False),
                       frames.continuation(1, octets[9:50], end_headers=False), frames.continuation(1, octets[50:]),
                       frames.push_promise(1, 4, octets).pad(7), rfc_errors=rfc_errors)
    assert [fields_of(event) for event in outcome.events] == [request_fields(("x-long", "v" * 100))] * 2


@both_modes
def test_push_can_be_disabled(rfc_errors):
    """6.5.2: after the acknowledgment PUSH_PROMISE is a connection error of type PROTOCOL_ERROR."""
    update = does("update_settings", {frames.ENABLE_PUSH: 0})
    accepted(asks(1), frames.settings_ack(), update, promise(1, 2), rfc_errors=rfc_errors)
    connection_error(asks(1), frames.settings_ack(), update, frames.settings_ack(), promise(1, 2), code=PROTOCOL_ERROR,
                     rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("steps", [
    [promise(3, 2)], [promise(2, 4)], [promise(1, 2), promise(2, 4)], [promise(1, 3)], [promise(1, 0)],
    [promise(1, 4), promise(1, 2)], [promise(1, 2), promise(1, 2)], [promise(1, 2), frames.rst_stream(2), promise(1, 2)],
    [response(1, end_stream=True), promise(1, 2)],
], ids=repr)
def test_promises_of_or_on_a_wrong_stream(steps, rfc_errors):
    """6.6: "A receiver MUST treat the receipt of a PUSH_PROMISE on a stream that is neither "open" nor "half-closed
    (local)" as a connection error", and so "that promises an illegal stream identifier"."""
    connection_error(asks(1), *steps, code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


def test_a_promise_after_the_end_of_its_request():
    """The same for half-closed (remote)."""
    connection_error(OPEN, response(1, end_stream=True), promise(1, 2), code=PROTOCOL_ERROR)


@both_modes
def test_a_promise_that_is_too_short_or_has_too_much_padding(rfc_errors):
    connection_error(asks(1), promise(1, 2).body(b"\0\0\0"), code=FRAME_SIZE_ERROR, exception=FrameDataMissingError,
                     rfc_errors=rfc_errors)
    connection_error(asks(1), promise(1, 2).body(b"").pad(9, 0), code=FRAME_SIZE_ERROR, rfc_errors=rfc_errors)
    connection_error(asks(1), promise(1, 2).body(b"\0\0\0\2\x82").pad(9, 2), code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
def test_a_promise_on_a_request_that_was_cancelled_is_refused(rfc_errors):
    """It was in flight."""
    outcome = survived(asks(1), does("reset_stream", 1, 8), promise(1, 2, ("x-mark", "1")), asks(3),
                       response(3, ("x-mark", "1"), end_stream=True), rfc_errors=rfc_errors)
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")][1:] == [(2, REFUSED_STREAM)]
    assert outcome.kinds == ["ResponseReceived", "StreamEnded"]


@pytest.mark.parametrize("pushed", [
    promise(1, 2, method="POST"), promise(1, 2, method="OPTIONS"), promise(1, 2, ("content-length", "5")),
], ids=repr)
@both_modes
def test_promised_requests_are_safe_cacheable_and_without_content(pushed, rfc_errors):
    """8.4.1: "the client MUST reset the promised stream with a stream error of type PROTOCOL_ERROR"."""
    stream_error(asks(1), pushed, stream_id=2, code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@pytest.mark.parametrize("pushed", [
    promise(1, 2, method=None), promise(1, 2, path=None), promise(1, 2, authority=None), promise(1, 2, path=""),
    promise(1, 2, ("connection", "close")), promise(1, 2, ("host", "other")), promise(1, 2, status="200"),
], ids=repr)
def test_malformed_promises_cost_the_promised_stream(pushed):
    """8.1.1, for the promised request; by default the connection, as in h2."""
    stream_error(asks(1), pushed, stream_id=2, code=PROTOCOL_ERROR)
    connection_error(asks(1), pushed, code=PROTOCOL_ERROR, rfc_errors=False)


@both_modes
def test_a_head_can_be_promised(rfc_errors):
    """Its response has no content."""
    outcome = accepted(asks(1), promise(1, 2, method="HEAD"), response(2, ("content-length", "9"), end_stream=True),
                       rfc_errors=rfc_errors)
    assert outcome.kinds[-1] == "StreamEnded"


def test_pushed_responses_over_the_limit_are_refused():
    """5.1.2: SETTINGS_MAX_CONCURRENT_STREAMS limits what the server opens."""
    steps = [asks(1), frames.settings_ack(), does("update_settings", {frames.MAX_CONCURRENT_STREAMS: 1}),
             frames.settings_ack(), promise(1, 2), promise(1, 4), response(2), response(4)]
    stream_error(*steps, stream_id=4, code=REFUSED_STREAM)
    connection_error(*steps, code=PROTOCOL_ERROR, exception=TooManyStreamsError, rfc_errors=False)


def test_frames_on_a_reserved_stream():
    """5.1, reserved (remote): "Receiving any type of frame other than HEADERS, RST_STREAM, or PRIORITY ... MUST be
    treated as a connection error"."""
    for frame in (frames.data(2, b"x"), frames.window_update(2, 1), response(2, status="103")):
        connection_error(asks(1), promise(1, 2), frame, code=PROTOCOL_ERROR)
    accepted(asks(1), promise(1, 2), frames.priority(2), frames.rst_stream(2))


@both_modes
def test_the_client_refuses_a_push(rfc_errors):
    """8.4.2: by RST_STREAM on the promised stream."""
    outcome = survived(asks(1), promise(1, 2), does("reset_stream", 2, 8), response(1, end_stream=True),
                       rfc_errors=rfc_errors)
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(2, 8)]
    assert outcome.kinds == ["PushedStreamReceived", "ResponseReceived", "StreamEnded"]


def test_a_promise_after_our_goaway_is_ignored():
    """6.8: streams above its last identifier are not processed; the header table stays in step."""
    outcome = play(asks(1), does("close_connection"), promise(1, 2, ("x-mark", "1")), response(2),
                   frames.data(2, b"late"), response(1, ("x-mark", "1"), end_stream=True), client_side=True)
    assert outcome.error is None
    assert not outcome.wrote("RST_STREAM")
    assert outcome.kinds == ["ResponseReceived", "StreamEnded"]
