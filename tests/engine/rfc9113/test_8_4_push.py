"""RFC 9113 section 8.4: server push, for a server that may send it and never receives it."""
import struct

import pytest

from fasth2.exceptions import ProtocolError, StreamClosedError
from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.play import accepted, answer, connection_error, survived

PROTOCOL_ERROR = 0x1
PUSHED = [(":method", "GET"), (":scheme", "https"), (":authority", "example.com"), (":path", "/style.css")]

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
def test_a_client_cannot_push(rfc_errors):
    """"servers MUST treat the receipt of a PUSH_PROMISE frame as a connection error ... of type PROTOCOL_ERROR"."""
    connection_error(request(1, end_stream=False), frames.push_promise(1, 2, block(request_fields())),
                     code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
def test_a_client_that_disabled_push_gets_none(rfc_errors):
    """6.5.2: "A server MUST NOT send a PUSH_PROMISE frame if it receives this parameter set to a value of 0"."""
    outcome = accepted(frames.settings((frames.ENABLE_PUSH, 0)), request(1), rfc_errors=rfc_errors)
    with pytest.raises(ProtocolError):
        outcome.connection.push_stream(1, 2, PUSHED)
    assert outcome.connection.data_to_send() == b""
    outcome.feed(answer(1))
    assert len(outcome.wrote("DATA")) == 1


@both_modes
def test_a_promise_goes_out_on_the_requests_stream(rfc_errors):
    """8.4.1: the promised request, then the response on the promised stream."""
    outcome = accepted(request(1), rfc_errors=rfc_errors)
    connection = outcome.connection
    assert connection.get_next_available_stream_id() == 2
    connection.push_stream(1, 2, PUSHED)
    [promise] = frames.split_frames(connection.data_to_send())
    assert (promise.type, promise.stream_id, promise.flags) == (frames.PUSH_PROMISE, 1, frames.END_HEADERS)
    assert struct.unpack(">L", promise.payload[:4]) == (2,)
    fields = outcome.reader.decoder.decode(promise.payload[4:])
    assert [tuple(field) for field in fields] == PUSHED
    assert connection.get_next_available_stream_id() == 4
    outcome.feed(answer(2), answer(1))
    assert [sent.stream_id for sent in outcome.wrote("DATA")] == [2, 1]


@both_modes
def test_promises_that_make_no_sense_are_refused(rfc_errors):
    """8.4.1: an open request, a new even identifier, a complete set of request fields."""
    outcome = accepted(request(1), request(3), answer(3), rfc_errors=rfc_errors)
    connection = outcome.connection
    connection.push_stream(1, 4, PUSHED)
    connection.data_to_send()
    for stream_id, promised, fields in ((1, 4, PUSHED), (1, 2, PUSHED), (1, 5, PUSHED), (99, 6, PUSHED), (3, 6, PUSHED),
                                        (4, 6, PUSHED), (1, 6, PUSHED[1:]), (1, 6, [*PUSHED, (":status", "200")])):
        with pytest.raises(ProtocolError):
            connection.push_stream(stream_id, promised, fields)
    assert connection.data_to_send() == b""


@both_modes
def test_a_client_may_refuse_a_promised_stream(rfc_errors):
    """8.4.2: "the client can send a RST_STREAM frame ... referencing the pushed stream's identifier"."""
    outcome = accepted(request(1), rfc_errors=rfc_errors)
    connection = outcome.connection
    connection.push_stream(1, 2, PUSHED)
    connection.data_to_send()
    outcome.feed(frames.rst_stream(2, 0x8))
    assert [event.stream_id for event in outcome.of("StreamReset")] == [2]
    with pytest.raises(StreamClosedError):
        connection.send_headers(2, [(":status", "200")])
    outcome.feed(answer(1))
    assert len(outcome.wrote("DATA")) == 1


def promised(connection):
    """A step that promises stream 2 on stream 1 (its frame isn't looked at)."""
    connection.push_stream(1, 2, PUSHED)
    connection.data_to_send()


@both_modes
def test_a_promised_stream_takes_window_update_and_priority(rfc_errors):
    """5.1, reserved (local): "A PRIORITY or WINDOW_UPDATE frame MAY be received in this state"."""
    outcome = accepted(request(1), promised, frames.window_update(2, 5), frames.priority(2), rfc_errors=rfc_errors)
    assert outcome.kinds[2:] == ["WindowUpdated", "PriorityUpdated"]


@pytest.mark.parametrize("frame", [frames.data(2, b"x"), frames.headers(2, block(request_fields()))], ids=repr)
def test_data_and_headers_on_a_promised_stream_end_the_connection_under_rfc_errors(frame):
    """5.1, reserved (local): "Receiving any type of frame other than RST_STREAM, PRIORITY, or WINDOW_UPDATE on a stream
    in this state MUST be treated as a connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1), promised, frame, code=PROTOCOL_ERROR)


def test_data_on_a_promised_stream_resets_it_by_default():
    """h2 makes DATA there a stream error of type STREAM_CLOSED; without rfc_errors so does fasth2."""
    outcome = survived(request(1), promised, frames.data(2, b"x"), answer(1), rfc_errors=False)
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(2, 0x5)]
