"""HTTP2Stream: states and bookkeeping (RFC 9113 section 5.1)."""
import pytest

from fasth2.server import HTTP2Stream, StreamState
from fasth2.server.errors import HTTP2StreamError


class Connection:
    initial_window_size = 4711


@pytest.fixture
def stream():
    return HTTP2Stream(5, Connection())


def test_a_new_stream(stream):
    assert stream.state is StreamState.IDLE
    assert stream.stream_id == 5
    assert isinstance(stream.connection, Connection)
    assert stream.window_size == 4711
    assert stream.request_headers == []
    assert stream.get_request_body() == b""
    assert (stream.trailers, stream.response_trailers) == (None, None)
    assert not (stream.request_complete or stream.response_started or stream.response_headers_sent
                or stream.response_complete or stream.can_receive or stream.can_send)
    assert (stream.priority_weight, stream.priority_depends_on, stream.priority_exclusive) == (16, 0, False)


@pytest.mark.parametrize("stream_id, client", [(1, True), (2, False)])
def test_odd_streams_are_the_clients(stream_id, client):
    stream = HTTP2Stream(stream_id, Connection())
    assert (stream.is_client_stream, stream.is_server_stream) == (client, not client)


STEPS = {
    "open": ["receive_headers"],
    "half closed remote": ["receive_headers_end"],
    "half closed local": ["receive_headers", "send_headers_end"],
    "closed": ["receive_headers_end", "send_headers_end"],
    "closed by a reset": ["receive_headers", "reset"],
}
CALLS = {
    "receive_headers": lambda s: s.receive_headers([("a", "b")]),
    "receive_headers_end": lambda s: s.receive_headers([("a", "b")], end_stream=True),
    "receive_data": lambda s: s.receive_data(b"x"),
    "receive_data_end": lambda s: s.receive_data(b"x", end_stream=True),
    "receive_trailers": lambda s: s.receive_trailers([("t", "1")]),
    "send_headers": lambda s: s.send_headers([("a", "b")]),
    "send_headers_end": lambda s: s.send_headers([("a", "b")], end_stream=True),
    "send_data": lambda s: s.send_data(b"x"),
    "send_data_end": lambda s: s.send_data(b"x", end_stream=True),
    "send_trailers": lambda s: s.send_trailers([("t", "1")]),
    "reset": lambda s: s.reset(),
}
RECEIVING = {"receive_headers", "receive_headers_end", "receive_data", "receive_data_end", "receive_trailers"}
SENDING = {"send_headers", "send_headers_end", "send_data", "send_data_end", "send_trailers"}
ALLOWED = {"open": RECEIVING | SENDING, "half closed remote": SENDING, "half closed local": RECEIVING,
           "closed": set(), "closed by a reset": set()}


@pytest.mark.parametrize("state", STEPS)
@pytest.mark.parametrize("call", sorted(RECEIVING | SENDING))
def test_each_state_allows_these_calls(stream, state, call):
    for step in STEPS[state]:
        CALLS[step](stream)
    before = stream.state
    if call in ALLOWED[state]:
        CALLS[call](stream)
        ends = call.endswith(("_end", "trailers"))
        assert (stream.state is before) is not ends
    else:
        with pytest.raises(HTTP2StreamError, match=r"^Stream 5: Cannot "):
            CALLS[call](stream)
        assert stream.state is before


@pytest.mark.parametrize("call", sorted((RECEIVING - {"receive_headers", "receive_headers_end"}) | SENDING))
def test_what_an_idle_stream_refuses(stream, call):
    with pytest.raises(HTTP2StreamError):
        CALLS[call](stream)


def test_both_ends_close_it(stream):
    stream.receive_headers([])
    stream.send_headers([])
    stream.send_data(b"x", end_stream=True)
    assert stream.state is StreamState.HALF_CLOSED_LOCAL
    assert stream.response_complete and not stream.request_complete
    stream.receive_data(b"", end_stream=True)
    assert stream.state is StreamState.CLOSED
    assert stream.request_complete


@pytest.mark.parametrize("end", ["reset", "close"])
def test_reset_and_close(stream, end):
    stream.receive_headers([])
    getattr(stream, end)()
    assert stream.state is StreamState.CLOSED
    assert stream.request_complete and stream.response_complete


def test_headers(stream):
    stream.receive_headers([(":method", "GET"), (":path", "/"), ("a", "1"), ("b", "2")])
    assert stream.get_pseudo_headers() == {":method": "GET", ":path": "/"}
    assert stream.get_regular_headers() == [("a", "1"), ("b", "2")]
    stream.receive_headers([("c", "3")])
    assert stream.request_headers[-1] == ("c", "3")


def test_the_body(stream):
    stream.receive_headers([])
    stream.receive_data(b"one")
    assert stream.get_request_body() == b"one"
    stream.receive_data(b"two" * 1000)
    assert stream.get_request_body() == b"one" + b"two" * 1000
    assert stream.request_body.getvalue() == stream.get_request_body()
    stream.receive_data(b"!", end_stream=True)
    assert stream.request_body.getvalue() == b"one" + b"two" * 1000 + b"!" == stream.get_request_body()


def test_trailers(stream):
    stream.receive_headers([])
    stream.send_headers([])
    stream.receive_trailers([("t", "1")])
    stream.send_trailers([("u", "2")])
    assert (stream.trailers, stream.response_trailers) == ([("t", "1")], [("u", "2")])
    assert stream.state is StreamState.CLOSED


@pytest.mark.parametrize("given, kept", [(0, 1), (1, 1), (256, 256), (257, 256), (-5, 1)])
def test_weights_stay_in_their_range(stream, given, kept):
    stream.update_priority(weight=given)
    assert stream.priority_weight == kept


def test_update_priority_leaves_what_it_is_not_given(stream):
    stream.update_priority(weight=9, depends_on=3, exclusive=True)
    stream.update_priority()
    assert (stream.priority_weight, stream.priority_depends_on, stream.priority_exclusive) == (9, 3, True)


def test_repr(stream):
    assert repr(stream) == "<HTTP2Stream id=5 state=IDLE req_complete=False resp_complete=False>"
