"""User code that runs inside a call and calls the connection again."""
import pytest

from fasth2.exceptions import ProtocolError, StreamClosedError
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import RESPONSE, server

CALLS = {
    "receive_data": lambda c: c.receive_data(bytes(frames.ping())),
    "ready_requests": lambda c: c.ready_requests(bytes(frames.ping())),
    "data_to_send": lambda c: c.data_to_send(),
    "pull": lambda c: c.pull(10),
    "send_headers": lambda c: c.send_headers(1, RESPONSE),
    "send_data": lambda c: c.send_data(1, b"x"),
    "end_stream": lambda c: c.end_stream(1),
    "respond": lambda c: c.respond(1, 200, [], b"x"),
    "write": lambda c: c.write(1, b"x"),
    "consume": lambda c: c.consume(1, 1),
    "reset_stream": lambda c: c.reset_stream(1),
    "close_connection": lambda c: c.close_connection(),
    "ping": lambda c: c.ping(b"12345678"),
    "update_settings": lambda c: c.update_settings({3: 5}),
    "increment": lambda c: c.increment_flow_control_window(5),
    "acknowledge": lambda c: c.acknowledge_received_data(1, 1),
    "local window": lambda c: c.local_flow_control_window(1),
    "streams": lambda c: list(c.streams.items()),
    "clear": lambda c: c.clear_outbound_data_buffer(),
}

inner = pytest.mark.parametrize("name", sorted(CALLS))


def ready(**config):
    """A connection with a request on stream 1, and what reads its output."""
    connection = server(rfc_errors=True, **config)
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack() + request(1, end_stream=False))
    reader = FrameReader()
    reader.read(connection.data_to_send())
    return connection, reader


class Text:
    """A header value whose ``encode`` runs user code."""

    def __init__(self, text, action):
        self.text = text
        self.action = action

    def encode(self, *arguments):
        self.action()
        return self.text.encode(*arguments)


class Number:
    """An integer whose conversion runs user code."""

    def __init__(self, number, action):
        self.number = number
        self.action = action

    def __index__(self):
        self.action()
        return self.number


def still_works(connection, reader):
    """The connection answers a further request as ever."""
    [event, _] = connection.receive_data(bytes(request(3)))
    assert event.stream_id == 3
    connection.send_headers(3, RESPONSE)
    connection.send_data(3, b"hello", end_stream=True)
    sent = [one for one in reader.read(connection.data_to_send()) if one.stream_id == 3]
    assert [one.kind for one in sent] == ["HEADERS", "DATA"]


@inner
@pytest.mark.parametrize("where", ["iterator", "name", "value"])
@pytest.mark.parametrize("outer", ["send_headers", "respond", "trailers"])
def test_a_call_from_inside_a_header_list_raises_and_harms_nothing(outer, where, name):
    """RuntimeError in the inner call; the outer one goes on if that is caught."""
    connection, reader = ready()
    caught = []

    def act():
        if not caught:
            with pytest.raises(RuntimeError) as error:
                CALLS[name](connection)
            caught.append(error)

    def headers():
        if outer == "send_headers":
            yield (":status", "200")
        if where == "iterator":
            act()
        yield (Text("x-name", act) if where == "name" else "x-name",
               Text("value", act) if where == "value" else "value")

    if outer == "send_headers":
        connection.send_headers(1, headers())
    elif outer == "respond":
        connection.respond(1, 200, headers(), end_stream=False)
    else:
        connection.respond(1, 200, [], trailers=headers())
    assert caught
    sent = reader.read(connection.data_to_send())
    assert (b"x-name", b"value") in sent[-1].fields
    still_works(connection, reader)


@pytest.mark.parametrize("outer", ["send_headers", "respond"])
def test_an_error_from_inside_a_header_list_is_passed_on_and_nothing_is_sent(outer):
    """Whatever it is."""
    class Odd(Exception):
        pass

    def headers():
        yield (":status", "200") if outer == "send_headers" else ("x", "1")
        raise Odd

    connection, reader = ready()
    with pytest.raises(Odd):
        connection.send_headers(1, headers()) if outer == "send_headers" else connection.respond(1, 200, headers())
    assert connection.data_to_send() == b""
    connection.send_headers(1, RESPONSE)
    assert reader.read(connection.data_to_send())[0].fields == tuple(RESPONSE)


def test_numbers_are_converted_before_the_connection_is_looked_at():
    """``__index__`` may use the connection; what it did is then seen."""
    connection, reader = ready()

    def reset():
        connection.reset_stream(1)

    with pytest.raises(StreamClosedError):
        connection.send_headers(Number(1, reset), RESPONSE)
    assert [one.kind for one in reader.read(connection.data_to_send())] == ["RST_STREAM"]
    still_works(connection, reader)


@pytest.mark.parametrize("call", [
    lambda c, n: c.send_data(n(1), b"x"), lambda c, n: c.end_stream(n(1)), lambda c, n: c.reset_stream(n(1), n(5)),
    lambda c, n: c.increment_flow_control_window(n(5), n(1)), lambda c, n: c.acknowledge_received_data(n(0), n(1)),
    lambda c, n: c.local_flow_control_window(n(1)), lambda c, n: c.remote_flow_control_window(n(1)),
    lambda c, n: c.write(n(1), b"x"), lambda c, n: c.consume(n(1), n(0)), lambda c, n: c.unsent(n(1)),
    lambda c, n: c.respond(n(1), n(200), []), lambda c, n: c.data_to_send(n(5)), lambda c, n: c.pull(n(5)),
    lambda c, n: c.close_connection(n(0), None, n(1)),
])
def test_a_conversion_that_ends_everything_is_survived(call):
    """The stream is reset and the connection closed while the arguments are converted."""
    connection, _ = ready()

    def act():
        if connection.streams:
            connection.reset_stream(1)
        connection.close_connection(2)
        connection.data_to_send()

    class Index:
        def __init__(self, number):
            self.number = number

        def __index__(self):
            act()
            return self.number

        def __le__(self, other):
            return self.number <= other

        def __lt__(self, other):
            return self.number < other

        def __ge__(self, other):
            return self.number >= other

    try:
        call(connection, Index)
    except (ProtocolError, TypeError, ValueError, RuntimeError):
        pass
    assert isinstance(connection.data_to_send(), bytes)


@inner
def test_a_clock_that_calls_back_is_refused(name):
    """The inner call raises; what the clock lets through ends the connection."""
    connection = None

    def clock():
        CALLS[name](connection)
        return 1.0

    connection, _ = ready(clock=lambda: 0.0)
    other = server(rfc_errors=True, clock=clock)
    connection = other
    with pytest.raises(RuntimeError):
        other.receive_data(PREFACE + frames.settings() + request(1) + frames.ping())
    sent = FrameReader().read(other.data_to_send())
    assert (sent[-1].kind, sent[-1].error_code) == ("GOAWAY", 0x2)
    assert other.receive_data(bytes(frames.ping())) == []


@pytest.mark.parametrize("result", [None, "now", b"", object()])
def test_a_clock_that_tells_no_time_is_an_error_not_a_crash(result):
    """TypeError, and the connection is over."""
    connection = server(rfc_errors=True, clock=lambda: result)
    with pytest.raises(TypeError):
        connection.receive_data(PREFACE + frames.settings())
    assert connection.receive_data(bytes(frames.ping())) == []


@pytest.mark.parametrize("now", [float("nan"), float("inf"), -float("inf"), -1e300, 2**200])
def test_a_clock_that_tells_nonsense_is_survived(now):
    """Times that never were; and one that runs backwards."""
    times = iter([5.0, now, 3.0, now, 7.0] * 50)
    connection = server(rfc_errors=True, clock=lambda: next(times))
    connection.receive_data(PREFACE + frames.settings())
    for n in range(1, 41, 2):
        connection.receive_data(request(n) + frames.rst_stream(n) + frames.ping())
    assert connection.open_inbound_streams == 0


@inner
def test_a_logger_that_calls_back_is_refused(name):
    """h2's logger gets one line a frame; it can't get into the connection by it."""
    refused = []

    class Logger:
        def debug(self, *arguments):
            try:
                CALLS[name](connection)
            except RuntimeError:
                refused.append(arguments)
            except ProtocolError:
                pass

        error = trace = debug

    connection, _ = ready()
    from fasth2.config import H2Configuration
    connection.config = H2Configuration(client_side=False, rfc_errors=True, logger=Logger())
    connection.receive_data(frames.ping() + request(3))
    assert refused
    connection.config = H2Configuration(client_side=False, rfc_errors=True)
    assert isinstance(connection.data_to_send(), bytes)


def test_a_settings_mapping_that_calls_back_is_refused_or_harmless():
    """update_settings walks a mapping of the caller's."""
    connection, reader = ready()

    class Mapping(dict):
        def items(self):
            with pytest.raises(RuntimeError):
                connection.ping(b"12345678")
            return super().items()

        def __iter__(self):
            return iter(list(super().keys()))

    try:
        connection.update_settings(Mapping({3: 5}))
    except (RuntimeError, TypeError, ProtocolError):
        pass
    for one in reader.read(connection.data_to_send()):
        assert one.kind in ("SETTINGS", "PING")
    still_works(connection, reader)
