"""RFC 9113 section 6.8: what we send after a GOAWAY, ours or the client's."""
import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.client import promise
from tests.support.fields import request, request_fields
from tests.support.frames import PREFACE, FrameReader
from tests.support.play import server

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def started(rfc_errors=True, *octets):
    """A server that has read a preface and pieces, and whose output was taken."""
    connection = server(rfc_errors=rfc_errors)
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
    for piece in octets:
        connection.receive_data(bytes(piece))
    connection.data_to_send()
    return connection


def goaways(connection):
    """The last ids of what is to be sent."""
    return [sent.last_stream_id for sent in FrameReader().read(connection.data_to_send()) if sent.kind == "GOAWAY"]


@both_modes
@pytest.mark.parametrize("second", [None, 9, 2**31 - 1])
def test_a_second_goaway_names_no_later_stream(second, rfc_errors):
    """"Endpoints MUST NOT increase the value they send in the last stream identifier"."""
    connection = started(rfc_errors, request(1), request(3), request(5))
    connection.close_connection(last_stream_id=3)
    connection.close_connection(last_stream_id=second)
    connection.close_connection(last_stream_id=1)
    connection.close_connection(last_stream_id=3)
    assert goaways(connection) == [3, 3, 1, 1]


def test_a_connection_error_names_no_later_stream():
    """Streams that came after a first GOAWAY are not served, whatever comes then."""
    connection = started(True, request(1))
    connection.close_connection(last_stream_id=1)
    connection.receive_data(bytes(request(3)))
    with pytest.raises(ProtocolError):
        connection.receive_data(bytes(frames.ping().body(b"short")))
    assert goaways(connection) == [1, 1]


def test_requests_behind_the_clients_goaway_are_served():
    """Its last id is about our streams, and only the receiver of GOAWAY may open no more."""
    connection = started(True, frames.goaway(0))
    [ready] = connection.ready_requests(bytes(request(1)))
    assert ready.stream_id == 1
    connection.ready_requests(bytes(frames.goaway(0) + request(3, end_stream=False) + frames.data(3, b"x")))
    assert connection.respond(1, 200, [], b"one")
    connection.ready_requests(bytes(frames.data(3, b"y", end_stream=True)))
    assert connection.respond(3, 200, [], b"three")
    sent = FrameReader().read(connection.data_to_send())
    assert [(one.stream_id, one.data) for one in sent if one.kind == "DATA"] == [(1, b"one"), (3, b"three")]


def test_goaway_and_a_request_in_one_read():
    """node's `client.on('connect', () => client.close())` behind a request."""
    connection = server(rfc_errors=True)
    items = connection.ready_requests(PREFACE + frames.settings() + frames.goaway(0) + request(1))
    assert [type(item).__name__ for item in items] == ["Goaway", "Request"]
    assert connection.respond(1, 200, [], b"x" * 10)


def test_nothing_is_promised_after_the_clients_goaway():
    """"Receivers of a GOAWAY frame MUST NOT open additional streams on the connection"."""
    connection = started(True, request(1), frames.goaway(0))
    before = connection.highest_outbound_stream_id
    with pytest.raises(ProtocolError, match="GOAWAY"):
        connection.push_stream(1, 2, request_fields())
    assert connection.highest_outbound_stream_id == before
    assert connection.data_to_send() == b""


@both_modes
@pytest.mark.parametrize("promised", [2**31, 2**31 + 2, 2**32 - 2])
def test_promised_streams_fit_31_bits(promised, rfc_errors):
    """RFC 9113 section 5.1.1; the reserved bit would be set on the wire."""
    connection = started(rfc_errors, request(1))
    with pytest.raises(ProtocolError, match="31 bits"):
        connection.push_stream(1, promised, request_fields())
    assert connection.data_to_send() == b""
    connection.push_stream(1, 2**31 - 2, request_fields())


@both_modes
def test_no_credit_is_written_behind_an_error(rfc_errors):
    """Nobody may send any more."""
    connection = started(rfc_errors, request(1, end_stream=False), frames.data(1, b"x" * 16384),
                         frames.data(1, b"x" * 16384), frames.data(1, b"x" * 16384))
    with pytest.raises(ProtocolError):
        connection.receive_data(bytes(frames.ping().body(b"short")))
    assert goaways(connection) == [1]
    connection.acknowledge_received_data(40_000, 1)
    connection.consume(1, 9_000)
    connection.consume(1, 9_000, merge=False)
    assert connection.data_to_send() == b""


@both_modes
def test_no_credit_is_written_behind_an_error_of_the_applications(rfc_errors):
    """`close_connection` with a code."""
    connection = started(rfc_errors, request(1, end_stream=False), frames.data(1, b"x" * 16384))
    connection.close_connection(error_code=11)
    assert goaways(connection) == [1]
    connection.acknowledge_received_data(16384, 1)
    connection.consume(1, 16384, merge=False)
    assert connection.data_to_send() == b""


@both_modes
@pytest.mark.parametrize("fault", [False, True])
def test_a_clients_goaway_names_the_servers_last_stream(fault, rfc_errors):
    """Not the last request: those are no streams of the peer's."""
    connection = H2Connection(H2Configuration(client_side=True, rfc_errors=rfc_errors))
    connection.initiate_connection()
    for stream_id in (1, 3, 5):
        connection.send_headers(stream_id, request_fields())
    connection.receive_data(bytes(frames.settings()) + bytes(promise(1, 2)))
    connection.data_to_send()
    if fault:
        with pytest.raises(ProtocolError):
            connection.receive_data(bytes(frames.unknown(type=frames.PING)))
    else:
        connection.close_connection()
    reader = FrameReader()
    [sent] = reader.read(connection.data_to_send())
    assert (sent.kind, sent.last_stream_id) == ("GOAWAY", 2)
