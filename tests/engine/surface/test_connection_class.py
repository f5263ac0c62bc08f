"""`H2Connection` as programs use the class: subclassed, without a configuration, with attributes assigned."""
from __future__ import annotations

import h2.config
import h2.connection
import h2.exceptions
import pytest

import fasth2.stream
from fasth2.config import H2Configuration
from fasth2.connection import ConnectionState, H2Connection
from fasth2.exceptions import (
    FlowControlError,
    NoAvailableStreamIDError,
    ProtocolError,
    StreamClosedError,
    StreamIDTooLowError,
)

REQUEST = [(":method", "GET"), (":scheme", "https"), (":authority", "example.com"), (":path", "/")]

#: h2's public methods, called so that each does something on a connection that has an open stream 1.
CALLS = {
    "acknowledge_received_data": (0, 1),
    "advertise_alternative_service": (b'h2=":1"', b"a"),
    "clear_outbound_data_buffer": (),
    "close_connection": (),
    "data_to_send": (),
    "end_stream": (1,),
    "get_next_available_stream_id": (),
    "increment_flow_control_window": (1,),
    "initiate_connection": (),
    "initiate_upgrade_connection": (),
    "local_flow_control_window": (1,),
    "ping": (b"12345678",),
    "prioritize": (1,),
    "push_stream": (1, 2, REQUEST),
    "receive_data": (b"",),
    "remote_flow_control_window": (1,),
    "reset_stream": (1,),
    "send_data": (1, b"x"),
    "send_headers": (3, REQUEST),
    "update_settings": ({1: 0},),
}

#: Those that only the other side has, or another state.
OF_SERVERS = {"push_stream"}


def test_each_method_of_h2_is_called_here():
    public = {name for name, value in vars(h2.connection.H2Connection).items() if callable(value) and name[0] != "_"}
    assert public == set(CALLS)


def opened(cls, client_side=True):
    connection = cls(H2Configuration(client_side=client_side))
    connection.initiate_connection()
    client = connection if client_side else H2Connection()
    if client is not connection:
        client.initiate_connection()
    client.send_headers(1, REQUEST)
    if client is not connection:
        connection.receive_data(client.data_to_send())
    connection.data_to_send()
    return connection


@pytest.mark.parametrize("name", CALLS)
def test_a_method_can_be_overridden_and_called_by_super(name):
    called = []

    def override(self, *arguments, **named):
        called.append(arguments)
        return getattr(super(Sub, self), name)(*arguments, **named)

    Sub = type("Sub", (H2Connection,), {name: override})
    side = name not in OF_SERVERS and name != "advertise_alternative_service"
    fresh = name == "initiate_upgrade_connection"
    connections = [cls(H2Configuration()) if fresh else opened(cls, side) for cls in (Sub, H2Connection)]
    called.clear()
    results = [getattr(connection, name)(*CALLS[name]) for connection in connections]
    assert called == [CALLS[name]]
    assert results[0] == results[1]
    assert connections[0].data_to_send() == connections[1].data_to_send()


def test_a_subclass_with_attributes_and_methods_of_its_own():
    class Buffered(H2Connection):
        limit = 3

        def __init__(self, config=None):
            super().__init__(config)
            self.local_settings.initial_window_size = 2**20
            self.max_inbound_frame_size = 2**17
            self.buffers = {}

        def initiate_connection(self):
            super().initiate_connection()
            self.increment_flow_control_window(2**31 - 1 - self.inbound_flow_control_window)

        def send_data(self, stream_id, data, end_stream=False, pad_length=None):
            self.buffers[stream_id] = self.limit
            super().send_data(stream_id, data, end_stream, pad_length)

        def end_stream(self, stream_id):
            self.send_data(stream_id, b"", end_stream=True)

    connection = Buffered()
    connection.initiate_connection()
    assert connection.inbound_flow_control_window == 2**31 - 1
    connection.send_headers(1, REQUEST)
    connection.end_stream(1)
    assert connection.buffers == {1: 3}


def test_without_a_configuration_it_is_a_client():
    ours, theirs = H2Connection(), h2.connection.H2Connection()
    for connection in (ours, theirs):
        assert connection.config.client_side is True
        connection.initiate_connection()
        assert connection.get_next_available_stream_id() == 1
        assert connection.state_machine.state.name == "IDLE"
    assert ours.state_machine.state is ConnectionState.IDLE
    assert ours.data_to_send() == theirs.data_to_send()


def test_names_that_programs_look_for_are_there_or_can_be_assigned():
    connection = H2Connection()
    # grpclib removes it to break a cycle that we do not have.
    if hasattr(connection, "_frame_dispatch_table"):
        del connection._frame_dispatch_table
    # hypercorn
    connection.DEFAULT_MAX_INBOUND_FRAME_SIZE = 2**14
    assert connection.DEFAULT_MAX_INBOUND_FRAME_SIZE == 2**14
    assert H2Connection.DEFAULT_MAX_INBOUND_FRAME_SIZE == h2.connection.H2Connection.DEFAULT_MAX_INBOUND_FRAME_SIZE
    assert H2Connection.HIGHEST_ALLOWED_STREAM_ID == h2.connection.H2Connection.HIGHEST_ALLOWED_STREAM_ID == 2**31 - 1


@pytest.mark.parametrize("client_side", [True, False])
def test_the_highest_identifier_can_be_raised_as_in_h2(client_side):
    last = 2**31 - 1 - (not client_side)
    for cls, configuration, error in (
        (H2Connection, H2Configuration, NoAvailableStreamIDError),
        (h2.connection.H2Connection, h2.config.H2Configuration, h2.exceptions.NoAvailableStreamIDError),
    ):
        connection = cls(configuration(client_side=client_side))
        connection.highest_outbound_stream_id = last - 2
        assert connection.highest_outbound_stream_id == last - 2
        assert connection.get_next_available_stream_id() == last
        connection.highest_outbound_stream_id = last
        with pytest.raises(error):
            connection.get_next_available_stream_id()


def test_identifiers_below_an_assigned_one_are_used():
    client = opened(H2Connection)
    client.highest_outbound_stream_id = 101
    with pytest.raises((StreamIDTooLowError, StreamClosedError)):
        client.send_headers(99, REQUEST)
    client.send_headers(103, REQUEST)
    client.send_data(1, b"x")  # a stream that exists is as it was
    server = opened(H2Connection, client_side=False)
    server.highest_inbound_stream_id = 101
    assert server.highest_inbound_stream_id == 101
    late = H2Connection()
    late.initiate_connection()
    late.data_to_send()
    late.send_headers(99, REQUEST)
    with pytest.raises(ProtocolError):
        server.receive_data(late.data_to_send())


@pytest.mark.parametrize("value", [-1, 2**31, 2**32])
def test_what_is_no_identifier_is_refused(value):
    client = opened(H2Connection)
    with pytest.raises(ValueError):
        client.highest_outbound_stream_id = value
    assert client.highest_outbound_stream_id == 1


@pytest.mark.parametrize(("cls", "configuration"), [
    (H2Connection, H2Configuration), (h2.connection.H2Connection, h2.config.H2Configuration),
])
def test_the_highest_identifiers_can_be_lowered_as_in_h2(cls, configuration):
    client = cls(configuration())
    client.highest_outbound_stream_id = 4
    assert client.get_next_available_stream_id() == 6
    client.highest_outbound_stream_id = 21
    client.highest_outbound_stream_id = 0
    client.initiate_connection()
    client.send_headers(1, REQUEST)
    client.highest_outbound_stream_id = 0
    # A stream that exists is not a new one.
    client.send_data(1, b"x")
    client.send_headers(3, REQUEST)
    server = cls(configuration(client_side=False))
    server.highest_inbound_stream_id = 9
    server.highest_inbound_stream_id = 0
    server.initiate_connection()
    received = server.receive_data(client.data_to_send())
    assert [event.stream_id for event in received if type(event).__name__ == "RequestReceived"] == [1, 3]


def test_a_promise_is_not_made_on_a_stream_that_exists():
    server = opened(H2Connection, client_side=False)
    server.push_stream(1, 2, REQUEST)
    server.highest_outbound_stream_id = 0
    with pytest.raises(StreamIDTooLowError):
        server.push_stream(1, 2, REQUEST)
    assert list(server.streams) == [1, 2]


def test_a_promise_of_a_stream_that_exists_ends_the_connection():
    client, server = opened(H2Connection), opened(H2Connection, client_side=False)
    server.push_stream(1, 2, REQUEST)
    promise = server.data_to_send()
    client.receive_data(promise)
    client.highest_inbound_stream_id = 0
    with pytest.raises(ProtocolError):
        client.receive_data(promise)


@pytest.mark.parametrize(("cls", "error"), [
    (H2Connection, NoAvailableStreamIDError), (h2.connection.H2Connection, h2.exceptions.NoAvailableStreamIDError),
])
def test_class_constants_of_a_subclass(cls, error):
    Sub = type("Sub", (cls,), {
        "HIGHEST_ALLOWED_STREAM_ID": 1, "MAX_WINDOW_INCREMENT": 10, "DEFAULT_MAX_HEADER_LIST_SIZE": 2**14,
        "MAX_CLOSED_STREAMS": 1,
    })
    connection = Sub()
    assert connection.local_settings.max_header_list_size == connection.decoder.max_header_list_size == 2**14
    with pytest.raises(ValueError):
        connection.increment_flow_control_window(11)
    connection.increment_flow_control_window(10)
    assert connection.get_next_available_stream_id() == 1
    connection.send_headers(1, REQUEST)
    with pytest.raises(error):
        connection.get_next_available_stream_id()


def test_closed_streams_that_a_subclass_remembers():
    Sub = type("Sub", (H2Connection,), {"MAX_CLOSED_STREAMS": 1})
    client = opened(Sub)
    client.send_headers(3, REQUEST)
    client.reset_stream(1)
    client.reset_stream(3)
    with pytest.raises(StreamClosedError):
        client.send_headers(3, REQUEST)
    with pytest.raises(StreamIDTooLowError):
        client.send_headers(1, REQUEST)


@pytest.mark.parametrize("remove", [
    lambda streams: streams.__delitem__(1), lambda streams: streams.pop(1), lambda streams: streams.clear(),
])
def test_a_deleted_stream_is_dropped(remove):
    client = opened(H2Connection)
    remove(client.streams)
    assert 1 not in client.streams and client.open_outbound_streams == 0
    assert client.data_to_send() == b""
    with pytest.raises(StreamClosedError):
        client.send_data(1, b"x")
    with pytest.raises(KeyError):
        del client.streams[1]


def test_streams_are_a_mapping_that_follows_the_connection():
    client = opened(H2Connection)
    streams = client.streams
    client.send_headers(3, REQUEST)
    assert list(streams) == [1, 3] and len(streams) == 2 and streams == dict(streams) == client.streams
    assert streams[3] is client.streams.get(3) and streams.get(5) is None and "x" not in streams and -1 not in streams
    assert [stream.stream_id for stream in streams.values()] == [1, 3]
    for stream_id, stream in streams.items():
        client.reset_stream(stream_id)
        assert stream.closed
    assert not streams
    with pytest.raises(ValueError):
        streams[5] = None
    client.send_headers(5, REQUEST)
    streams[5] = streams[5]
    with pytest.raises(ValueError):
        streams[7] = streams[5]


def test_a_configuration_that_is_changed_is_followed():
    config = H2Configuration(header_encoding=False)
    client = H2Connection(config)
    client.initiate_connection()
    server = H2Connection(H2Configuration(client_side=False))
    server.initiate_connection()
    server.receive_data(client.data_to_send())
    fields = [(":status", "200"), ("server", "a"), ("x-octets", "\xe9")]
    seen = []
    for stream_id, encoding, fallback in ((1, False, None), (3, "utf-8", None), (5, "latin-1", None), (7, "utf-8", "latin-1"),
                                          (9, None, None)):
        config.header_encoding, config.header_fallback_encoding = encoding, fallback
        client.send_headers(stream_id, REQUEST, end_stream=True)
        server.receive_data(client.data_to_send())
        # Indexed from the second time on.
        server.send_headers(stream_id, [*fields, ("x-odd", b"\xff")] if encoding != "utf-8" or fallback else fields)
        [event] = [one for one in client.receive_data(server.data_to_send()) if type(one).__name__ == "ResponseReceived"]
        seen.append([tuple(header) for header in event.headers])
    octets = [(b":status", b"200"), (b"server", b"a"), (b"x-octets", "\xe9".encode()), (b"x-odd", b"\xff")]
    latin = [tuple(part.decode("latin-1") for part in header) for header in octets]
    assert seen == [octets, fields, latin, [*fields, ("x-odd", "\xff")], octets]
    config.validate_outbound_headers = False
    config.normalize_outbound_headers = False
    client.send_headers(11, [("X-Only", "1")])
    config.header_encoding = "no such encoding"
    with pytest.raises(LookupError):
        client.receive_data(b"")
    config.header_encoding = None
    assert client.receive_data(b"") == []


def test_a_stream_of_its_own_is_idle():
    stream = fasth2.stream.H2Stream(4, None, 12, 14)
    assert repr(stream) == "<H2Stream id:4 state:<StreamState.IDLE: 0>>"
    assert (stream.inbound_flow_control_window, stream.outbound_flow_control_window) == (12, 14)
    stream.outbound_flow_control_window = -5
    assert stream.outbound_flow_control_window == -5
    with pytest.raises(ValueError):
        stream.outbound_flow_control_window = 2**31
    with pytest.raises(RuntimeError):
        stream.__init__(5, None, 1, 1)


def test_windows_that_are_assigned_count():
    client = opened(H2Connection)
    client.streams[1].outbound_flow_control_window = 2
    assert client.local_flow_control_window(1) == 2
    with pytest.raises(FlowControlError):
        client.send_data(1, b"xxx")
    client.streams[1].outbound_flow_control_window = -5
    client.send_data(1, b"", end_stream=True)


def test_streams_that_an_assignment_leaves_out_are_dropped():
    client = opened(H2Connection)
    for stream_id in (3, 5):
        client.send_headers(stream_id, REQUEST)
    client.data_to_send()
    streams = dict(client.streams)
    kept = {3: streams[3]}
    client.streams = kept
    assert client.streams == kept
    assert client.open_outbound_streams == 1
    assert client.data_to_send() == b""
    assert streams[1].closed and not streams[3].closed
    with pytest.raises(StreamClosedError):
        client.send_data(1, b"x")
    client.send_data(3, b"x")
    client.streams = {}
    assert client.open_outbound_streams == 0
    # What arrives for them later is as for streams that we have reset.
    late = b"\0\0\4\3\0\0\0\0\3\0\0\0\10"
    assert client.receive_data(late) == []


def test_what_it_is_can_be_assigned():
    client = H2Connection()
    client.highest_outbound_stream_id = client.highest_inbound_stream_id = 0
    client.streams = client.streams
    assert client.get_next_available_stream_id() == 1


@pytest.mark.parametrize("value", [{7: None}, {1: 5}, 5, {3: "another"}])
def test_streams_cannot_be_made_by_assignment(value):
    client, other = opened(H2Connection), opened(H2Connection)
    if value == {3: "another"}:
        value = {**client.streams, 3: other.streams[1]}
    with pytest.raises((ValueError, TypeError)):
        client.streams = value
    assert list(client.streams) == [1]
    client.send_data(1, b"x")
