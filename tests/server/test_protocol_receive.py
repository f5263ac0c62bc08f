"""`ServerProtocol` without a socket: octets in, requests and octets out."""
import pytest

from fasth2.config import Limits
from fasth2.server._protocol import DRAINING_WAIT
from fasth2.server.errors import HTTP2ErrorCode, HTTP2ProtocolError
from tests.support import frames
from tests.support.clock import Clock
from tests.support.fields import request
from tests.support.protocol_holder import Connection


@pytest.fixture
def connection():
    return Connection()


def test_octets_become_requests(connection):
    first, second = connection.receive(request(1), request(3, end_stream=False), frames.data(3, b"body"))
    assert (first.stream.stream_id, second.stream.stream_id) == (1, 3)
    assert connection.told == [("data", 3, b"body")]


def test_options_are_one_object_for_connections_of_one_configuration():
    clock = Clock()
    assert Connection(clock=clock).protocol.options is Connection(clock=clock).protocol.options


def test_a_request_reset_in_the_same_read_is_not_handed_out(connection):
    assert connection.receive(request(1), frames.rst_stream(1)) == []
    assert connection.protocol.streams == {}


def test_a_request_that_waits_is_forgotten_when_it_is_reset(connection):
    connection.protocol.pending_requests.extend(connection.receive(request(1)))
    connection.receive(frames.rst_stream(1))
    assert connection.protocol.take_pending() == []


def test_a_connection_error_is_raised_once_its_requests_are_out(connection):
    [served] = connection.receive(request(1), frames.window_update(0, 0))
    assert served.stream.stream_id == 1
    assert connection.protocol.closed
    assert connection.sent() == [("GOAWAY", 0)]
    with pytest.raises(HTTP2ProtocolError):
        connection.protocol.raise_error()
    connection.protocol.raise_error()


def test_a_goaway_of_the_peer_drains(connection):
    connection.serve(1)
    connection.receive(frames.goaway(7))
    assert (connection.told, connection.protocol.draining) == ([("goaway", 7)], True)
    assert connection.protocol.idle_limit() == DRAINING_WAIT


def test_a_goaway_with_an_error_ends(connection):
    connection.receive(frames.goaway(0, HTTP2ErrorCode.INTERNAL_ERROR))
    assert (connection.told, connection.protocol.closed) == (["lost"], True)


@pytest.mark.parametrize("keepalive, limit", [(10, 10), (0, None), (None, None)])
def test_an_idle_connection_has_keepalive_seconds(keepalive, limit):
    assert Connection(keepalive=keepalive).protocol.idle_limit() == limit


def test_requests_that_were_reset_count_until_they_are_released(connection):
    connection.serve(1, 3)
    connection.receive(frames.rst_stream(1), frames.rst_stream(3))
    assert connection.receive(request(5)) == []
    assert connection.sent() == [("RST_STREAM", 5)]
    assert connection.protocol.counters["unreleased_requests"] == 1
    connection.protocol.unreleased.discard(1)
    del connection.protocol.streams[1]
    assert len(connection.receive(request(7))) == 1


def test_too_many_of_them_end_the_connection():
    connection = Connection(limits=Limits(concurrent_streams=2, reset_burst=3, reset_rate=1))
    connection.serve(1, 3)
    connection.receive(frames.rst_stream(1), frames.rst_stream(3))
    connection.clock.now += 100
    for stream_id in (5, 7, 9):
        connection.receive(request(stream_id))
        connection.clock.now += 1
    assert not connection.protocol.closed
    for stream_id in (11, 13, 15, 17):
        connection.receive(request(stream_id))
    assert connection.protocol.closed
    with pytest.raises(HTTP2ProtocolError, match="refused"):
        connection.protocol.raise_error()


def test_streams_above_the_last_one_are_refused(connection):
    connection.protocol.refused_above = 1
    assert connection.receive(request(1), request(3))[0].stream.stream_id == 1
    assert connection.sent() == [("RST_STREAM", 3)]


def test_an_upload_that_was_answered_goes_on_for_its_seconds(connection):
    connection.serve(1, end_stream=False)
    connection.answer(1)
    connection.sent()
    connection.protocol.leave_unread(1)
    assert connection.protocol.idle_limit() == 2.0
    connection.clock.now += 1.5
    assert connection.protocol.idle_limit() == 0.5
    assert not connection.protocol.end_unread(connection)
    connection.clock.now += 0.5
    assert connection.protocol.end_unread(connection)
    # In a write of its own.
    assert connection.told == [[], [("RST_STREAM", 1)]]
    assert connection.protocol.counters["unread_uploads"] == 1


def test_an_upload_that_was_answered_goes_on_for_its_octets():
    connection = Connection(unread_upload_octets=100)
    connection.serve(1, end_stream=False)
    connection.answer(1)
    connection.protocol.leave_unread(1)
    connection.receive(frames.data(1, b"x" * 99))
    assert not connection.protocol.end_unread(connection)
    connection.receive(frames.data(1, b"x"))
    assert connection.protocol.end_unread(connection)


def test_an_upload_that_ends_is_not_reset(connection):
    connection.serve(1, end_stream=False)
    connection.answer(1)
    connection.protocol.leave_unread(1)
    connection.receive(frames.data(1, b"", end_stream=True))
    connection.clock.now += 10
    assert not connection.protocol.end_unread(connection)
    assert connection.protocol.idle_limit() == 10


def test_a_response_that_was_never_finished_is_cut_off(connection):
    [stream] = connection.serve(1)
    assert connection.protocol.cut_off(stream)
    [reset] = connection.read()
    assert (reset.kind, reset.error_code) == ("RST_STREAM", HTTP2ErrorCode.INTERNAL_ERROR)


def test_a_response_that_is_complete_is_not(connection):
    [stream] = connection.serve(1)
    stream.response_complete = True
    assert not connection.protocol.cut_off(stream)
    assert connection.sent() == []


def test_the_end_names_a_stream_and_a_limit(connection):
    connection.serve(1)
    connection.protocol.end(HTTP2ErrorCode.ENHANCE_YOUR_CALM, 1, b"a limit")
    [goaway] = connection.read()
    assert (goaway.kind, goaway.last_stream_id, goaway.error_code) == ("GOAWAY", 1, HTTP2ErrorCode.ENHANCE_YOUR_CALM)
    assert connection.protocol.closed
    connection.protocol.end()
