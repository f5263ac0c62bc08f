"""A client's connection: user code inside its calls, and objects that go half-way or stay when others have gone."""
import gc

import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.client import promise, response
from tests.support.fields import block, in_frames, request_fields
from tests.support.frames import FrameReader

FIELDS = request_fields()

CALLS = {
    "a request": lambda c: c.send_headers(5, FIELDS),
    "data": lambda c: c.send_data(1, b"x"),
    "end_stream": lambda c: c.end_stream(1),
    "prioritize": lambda c: c.prioritize(1, 5),
    "reset_stream": lambda c: c.reset_stream(1),
    "receive_data": lambda c: c.receive_data(bytes(promise(1, 4))),
    "data_to_send": lambda c: c.data_to_send(),
    "write": lambda c: c.write(1, b"x"),
    "next id": lambda c: c.get_next_available_stream_id(),
    "close_connection": lambda c: c.close_connection(),
    "update_settings": lambda c: c.update_settings({2: 0}),
    "streams": lambda c: list(c.streams.items()),
}

inner = pytest.mark.parametrize("name", sorted(CALLS))


def ready(**config):
    """A client with a request on stream 1, and what reads its output."""
    connection = H2Connection(H2Configuration(client_side=True, rfc_errors=True, **config))
    connection.initiate_connection()
    connection.receive_data(frames.settings((frames.MAX_CONCURRENT_STREAMS, 100)) + frames.settings_ack())
    connection.send_headers(1, FIELDS)
    reader = FrameReader()
    reader.read(connection.data_to_send())
    return connection, reader


def still_works(connection, reader, stream_id):
    """A further request gets its response."""
    connection.send_headers(stream_id, FIELDS, end_stream=True)
    assert reader.read(connection.data_to_send())[-1].fields == tuple(FIELDS)
    events = connection.receive_data(bytes(response(stream_id, end_stream=True)))
    assert [event.stream_id for event in events] == [stream_id, stream_id]


class Value:
    """A header value whose ``encode`` runs user code."""

    def __init__(self, action):
        self.action = action

    def encode(self, *arguments):
        self.action()
        return b"value"


class Number:
    """A number whose conversion and comparison run user code."""

    def __init__(self, number, action):
        self.number = number
        self.action = action

    def __index__(self):
        self.action()
        return self.number

    def _compare(self, result):
        self.action()
        return result

    def __le__(self, other):
        return self._compare(self.number <= other)

    def __ge__(self, other):
        return self._compare(self.number >= other)

    def __lt__(self, other):
        return self._compare(self.number < other)

    def __gt__(self, other):
        return self._compare(self.number > other)

    def __bool__(self):
        return self._compare(True)


@inner
@pytest.mark.parametrize("where", ["iterator", "value"])
def test_a_call_from_inside_a_requests_fields_raises_and_harms_nothing(where, name):
    connection, reader = ready()
    refused = []

    def act():
        with pytest.raises(RuntimeError):
            CALLS[name](connection)
        refused.append(name)

    def headers():
        yield from FIELDS
        if where == "iterator":
            act()
        yield "x-name", Value(act) if where == "value" else b"value"

    connection.send_headers(3, headers())
    assert refused
    [sent] = reader.read(connection.data_to_send())
    assert sent.fields == (*FIELDS, (b"x-name", b"value"))
    still_works(connection, reader, 5)


def test_an_error_from_inside_a_requests_fields_leaves_no_stream():
    """The identifier is free as before."""
    def headers():
        yield from FIELDS
        raise LookupError

    connection, reader = ready()
    with pytest.raises(LookupError):
        connection.send_headers(3, headers())
    assert connection.data_to_send() == b""
    assert (sorted(connection.streams), connection.get_next_available_stream_id()) == ([1], 3)
    still_works(connection, reader, 3)


@pytest.mark.parametrize("call", [
    lambda c, n: c.prioritize(n(1), n(5), n(3), n(1)), lambda c, n: c.send_headers(n(3), FIELDS),
    lambda c, n: c.send_headers(3, FIELDS, priority_weight=n(5), priority_depends_on=n(1), priority_exclusive=n(1)),
    lambda c, n: c.send_data(n(1), b"x", pad_length=n(3)), lambda c, n: c.reset_stream(n(1), n(5)),
    lambda c, n: c.update_settings({n(2): n(0)}), lambda c, n: c.acknowledge_received_data(n(0), n(1)),
])
@pytest.mark.parametrize("end", [
    lambda c: c.reset_stream(1), lambda c: c.close_connection(2), lambda c: c.receive_data(b"\0\0\0\0\0\0\0\0\0"),
    lambda c: c.clear_outbound_data_buffer()], ids=["reset", "close", "bad frame", "clear"])
def test_a_conversion_that_ends_everything_is_survived(call, end):
    """Whatever it does, what is sent can be read."""
    connection, reader = ready()
    errors = []

    def act():
        try:
            end(connection)
        except (ProtocolError, RuntimeError) as error:
            errors.append(error)

    class Hashable(Number):
        def __hash__(self):
            return hash(self.number)

        def __eq__(self, other):
            return self.number == other

    try:
        call(connection, lambda number: Hashable(number, act))
    except (ProtocolError, TypeError, ValueError, RuntimeError):
        pass
    reader.read(connection.data_to_send())
    connection.streams, connection.open_outbound_streams, repr(connection)


@inner
def test_a_clock_that_calls_back_is_refused(name):
    """It is read where a promise that cannot be kept is counted."""
    connection = None
    refused = []

    def clock():
        if connection is not None:
            with pytest.raises(RuntimeError):
                CALLS[name](connection)
            refused.append(name)
        return 1.0

    made, reader = ready(clock=clock)
    made.reset_stream(1, 8)
    reader.read(made.data_to_send())
    connection = made
    connection.receive_data(promise(1, 2) + frames.unknown())
    assert refused
    assert [sent.kind for sent in reader.read(connection.data_to_send())] == ["RST_STREAM"]


HALF_WAY = {
    "in a promise": lambda c: c.receive_data(promise(1, 2).cut(20)),
    "in a promise's block": lambda c: c.receive_data(bytes(frames.push_promise(1, 2, b"\x82\x87", end_headers=False))),
    "in a response's block": lambda c: c.receive_data(bytes(in_frames(1, block([(":status", "200"), ("x", "v" * 99)]), 20)[0])),
    "with a promised stream": lambda c: c.receive_data(bytes(promise(1, 2))),
    "with a pushed response": lambda c: c.receive_data(promise(1, 2) + response(2) + frames.data(2, b"d" * 100)),
    "with a request unsent": lambda c: c.send_headers(3, FIELDS),
    "with a body that waits": lambda c: (c.receive_data(bytes(frames.settings((4, 0)))), c.write(1, bytearray(9000))),
    "after an upgrade": lambda c: H2Connection(c.config).initiate_upgrade_connection(),
}


@pytest.mark.parametrize("where", sorted(HALF_WAY))
def test_a_connection_may_go_at_any_moment(where):
    """Dropped where it stands, many times; what it returned stays."""
    for _ in range(100):
        kept = HALF_WAY[where](ready()[0])
    gc.collect()
    repr(kept)


def test_what_a_server_sent_outlives_the_connection():
    """Promises, responses and streams."""
    connection, _ = ready()
    events = connection.receive_data(promise(1, 2, ("x-long", "v" * 200)) + response(2, ("x-long", "w" * 200), end_stream=True)
                                     + frames.altsvc(1, b"", b"a" * 200))
    stream = connection.streams[1]
    del connection
    gc.collect()
    assert events[0].headers[-1] == (b"x-long", b"v" * 200)
    assert events[1].headers[-1] == (b"x-long", b"w" * 200)
    assert events[-1].field_value == b"a" * 200
    assert stream.stream_id == 1


def test_a_client_that_was_never_initialised_does_not_crash():
    """Made by `__new__` alone."""
    connection = H2Connection.__new__(H2Connection)
    for name, call in CALLS.items():
        try:
            call(connection)
        except Exception as error:
            assert not isinstance(error, SystemError), name
