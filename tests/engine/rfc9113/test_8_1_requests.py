"""RFC 9113 sections 3.4, 5.1.1, 8.1 and 8.3.1: what a client sends."""
import h2.connection
import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import (
    H2Error,
    NoAvailableStreamIDError,
    ProtocolError,
    RFC1122Error,
    StreamClosedError,
    StreamIDTooLowError,
    TooManyStreamsError,
)
from tests.support import frames
from tests.support.client import response
from tests.support.fields import request_fields
from tests.support.frames import PREFACE, FrameReader


def client(*settings, **config):
    connection = H2Connection(H2Configuration(client_side=True, **config))
    connection.initiate_connection()
    connection.receive_data(frames.settings(*settings) + frames.settings_ack())
    connection.data_to_send()
    return connection


def sent(connection):
    return FrameReader().read(connection.data_to_send())


def test_the_preface_is_h2s():
    """3.4: 24 octets and SETTINGS."""
    octets = []
    for connection in (H2Connection(), h2.connection.H2Connection()):
        connection.initiate_connection()
        octets.append(connection.data_to_send())
    assert octets[0].startswith(PREFACE)
    assert octets[0] == octets[1]


def test_the_upgrade_is_h2s():
    """RFC 7540 section 3.2: the field's value, then the preface; the response comes on stream 1."""
    ours, theirs = H2Connection(), h2.connection.H2Connection()
    assert ours.initiate_upgrade_connection() == theirs.initiate_upgrade_connection()
    assert ours.data_to_send() == theirs.data_to_send()
    events = ours.receive_data(frames.settings() + response(1, end_stream=True))
    assert [type(event).__name__ for event in events][-2:] == ["ResponseReceived", "StreamEnded"]
    with pytest.raises(ProtocolError):
        ours.initiate_upgrade_connection()


def test_identifiers():
    """5.1.1: odd, each higher than the last."""
    connection = client()
    assert connection.get_next_available_stream_id() == 1
    connection.send_headers(5, request_fields(), end_stream=True)
    assert connection.get_next_available_stream_id() == 7
    assert connection.highest_outbound_stream_id == 5
    with pytest.raises(StreamIDTooLowError) as low:
        connection.send_headers(3, request_fields())
    assert (low.value.stream_id, low.value.max_stream_id) == (3, 5)
    with pytest.raises(ProtocolError):
        connection.send_headers(8, request_fields())
    connection.receive_data(bytes(response(5, end_stream=True)))
    with pytest.raises(StreamClosedError):
        connection.send_headers(5, request_fields())
    connection.send_headers(2**31 - 1, request_fields())
    with pytest.raises(NoAvailableStreamIDError):
        connection.get_next_available_stream_id()
    assert [one.stream_id for one in sent(connection)] == [5, 2**31 - 1]


def test_the_servers_limit_on_streams():
    """5.1.2."""
    connection = client((frames.MAX_CONCURRENT_STREAMS, 1))
    connection.send_headers(1, request_fields(), end_stream=True)
    with pytest.raises(TooManyStreamsError):
        connection.send_headers(3, request_fields())
    connection.receive_data(bytes(response(1, end_stream=True)))
    connection.send_headers(3, request_fields())


def test_priorities():
    """RFC 7540 section 5.3; not for servers."""
    connection = client()
    connection.send_headers(1, [*request_fields(), ("x", "v" * 40000)], priority_weight=256, priority_exclusive=True)
    connection.prioritize(3, 1, depends_on=1)
    assert [one.priority for one in sent(connection)] == [(256, 0, True), (1, 1, False)]
    for arguments in ((1, 0), (1, 257), (1, 5, 1), (0, 5)):
        with pytest.raises(ProtocolError):
            connection.prioritize(*arguments)
    server = H2Connection(H2Configuration(client_side=False))
    with pytest.raises(RFC1122Error):
        server.prioritize(1)


@pytest.mark.parametrize("fields", [
    [], request_fields(method=None), request_fields(path=None), request_fields(path=""), request_fields(scheme=None),
    request_fields(authority=None), request_fields(status="200"), request_fields(protocol="websocket"),
    request_fields(("host", "other")), request_fields(("te", "gzip")), request_fields(("x", "a\r\nb")),
    request_fields(method="CONNECT"), [("x", "1"), *request_fields()],
], ids=repr)
def test_requests_that_are_refused_change_nothing(fields):
    connection = client()
    with pytest.raises(ProtocolError):
        connection.send_headers(1, fields)
    assert (connection.data_to_send(), connection.streams, connection.open_outbound_streams) == (b"", {}, 0)
    connection.send_headers(1, request_fields())


def test_extended_connect():
    """RFC 8441: once the server has announced it."""
    fields = request_fields(method="CONNECT", protocol="websocket")
    client().send_headers(1, fields)
    with pytest.raises(ProtocolError):
        client(rfc_errors=True).send_headers(1, fields)
    client((frames.ENABLE_CONNECT_PROTOCOL, 1), rfc_errors=True).send_headers(1, fields)


def test_trailers_and_goaway():
    """Trailers end the stream; after GOAWAY no request can be sent."""
    connection = client(rfc_errors=True)
    connection.send_headers(1, request_fields())
    with pytest.raises(ProtocolError):
        connection.send_headers(1, [("t", "1")])
    connection.receive_data(bytes(frames.goaway(1)))
    with pytest.raises(ProtocolError):
        connection.send_headers(3, request_fields())
    connection.send_headers(1, [("t", "1")], end_stream=True)
    assert [one.end_stream for one in sent(connection)] == [False, True]


def test_what_is_for_servers():
    connection = client()
    connection.send_headers(1, request_fields())
    for call in (lambda: connection.push_stream(1, 2, request_fields()), lambda: connection.ready_requests(b"")):
        with pytest.raises(H2Error):
            call()
