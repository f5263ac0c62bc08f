"""Calls about a stream that nobody opened raise NoSuchStreamError, whatever its parity."""
import pytest

from fasth2.exceptions import NoSuchStreamError, StreamClosedError
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE
from tests.support.play import server

CALLS = {
    "respond": lambda c, n: c.respond(n, 200, []),
    "respond with a body": lambda c, n: c.respond(n, 200, [], b"x", end_stream=False),
    "write": lambda c, n: c.write(n, b"x"),
    "consume": lambda c, n: c.consume(n, 1),
    "consume at once": lambda c, n: c.consume(n, 1, merge=False),
    "unsent": lambda c, n: c.unsent(n),
    "send_headers": lambda c, n: c.send_headers(n, [(":status", "200")]),
    "send_data": lambda c, n: c.send_data(n, b"x"),
    "end_stream": lambda c, n: c.end_stream(n),
    "reset_stream": lambda c, n: c.reset_stream(n),
    "push_stream": lambda c, n: c.push_stream(n, 2, [(":method", "GET"), (":scheme", "https"), (":path", "/"),
                                                     (":authority", "a")]),
    "increment_flow_control_window": lambda c, n: c.increment_flow_control_window(1, n),
    "local_flow_control_window": lambda c, n: c.local_flow_control_window(n),
    "remote_flow_control_window": lambda c, n: c.remote_flow_control_window(n),
    "advertise_alternative_service": lambda c, n: c.advertise_alternative_service(b"h2", stream_id=n),
}


@pytest.mark.parametrize("call", sorted(CALLS))
@pytest.mark.parametrize("stream_id", [0, 2, 4, 7, 2**31 - 1, 2**31 - 2])
def test_the_call_raises_and_sends_nothing(call, stream_id):
    """Streams 1 to 5 were there."""
    connection = server(rfc_errors=True)
    connection.receive_data(PREFACE + frames.settings() + request(1) + request(5))
    connection.data_to_send()
    with pytest.raises(NoSuchStreamError) as caught:
        CALLS[call](connection, stream_id)
    assert not isinstance(caught.value, StreamClosedError)
    assert connection.data_to_send() == b""


@pytest.mark.parametrize("stream_id", [1, 3])
def test_streams_that_are_over_are_not_such(stream_id):
    """One was answered, one was skipped."""
    connection = server(rfc_errors=True)
    connection.receive_data(PREFACE + frames.settings() + request(1) + request(5))
    connection.respond(1, 204, [])
    assert connection.respond(stream_id, 200, []) is False
    assert connection.unsent(stream_id) == 0
    connection.consume(stream_id, 1, merge=False)
