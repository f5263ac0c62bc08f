"""RFC 9113 section 8.5: the CONNECT method."""
import pytest

from tests.support import frames
from tests.support.fields import MARK, block, marked, request, request_fields
from tests.support.play import accepted, connection_error, fields_of, stream_error

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def connect_fields(*extra, **pseudo):
    """A CONNECT request's fields."""
    return request_fields(*extra, **{"method": "CONNECT", "scheme": None, "path": None,
                                     "authority": "example.com:443", **pseudo})


def connect(stream_id, *extra, **pseudo):
    """A CONNECT request without END_STREAM."""
    return frames.headers(stream_id, block(connect_fields(*extra, **pseudo)))


@both_modes
def test_connect_has_method_and_authority_only(rfc_errors):
    """"The ":scheme" and ":path" pseudo-header fields MUST be omitted"."""
    outcome = accepted(connect(1), frames.data(1, b"tunnelled"), rfc_errors=rfc_errors)
    assert fields_of(outcome.events[0]) == [(b":method", b"CONNECT"), (b":authority", b"example.com:443")]
    assert outcome.events[1].data == b"tunnelled"


@pytest.mark.parametrize("pseudo", [{"scheme": "https"}, {"path": "/"}, {"scheme": "https", "path": "/"}], ids=str)
def test_connect_with_scheme_or_path_is_malformed(pseudo):
    """"A CONNECT request that does not conform to these restrictions is malformed"."""
    frame = marked(3, connect_fields(**pseudo))
    stream_error(frame, stream_id=3, code=PROTOCOL_ERROR)
    connection_error(frame, code=PROTOCOL_ERROR, rfc_errors=False)


@pytest.mark.parametrize("extra", [(), (("host", "example.com:443"),)], ids=["nothing", "host only"])
def test_connect_without_authority_is_malformed_under_rfc_errors(extra):
    """"The ":authority" pseudo-header field contains the host and port to connect to"."""
    stream_error(marked(3, connect_fields(*extra, authority=None)), stream_id=3, code=PROTOCOL_ERROR)


@both_modes
def test_connect_goes_both_ways_until_both_ends_are_closed(rfc_errors):
    """END_STREAM is the tunnel's FIN, each way for itself."""
    def serve(connection):
        connection.send_headers(1, [(":status", "200")])
        connection.send_data(1, b"from the target", end_stream=True)

    outcome = accepted(connect(1), frames.data(1, b"to the target"), serve, frames.data(1, b"more"),
                       frames.data(1, b"", end_stream=True), rfc_errors=rfc_errors)
    assert [event.data for event in outcome.of("DataReceived")] == [b"to the target", b"more", b""]
    assert outcome.connection.open_inbound_streams == 0


@both_modes
def test_a_lower_case_connect_is_another_method(rfc_errors):
    """Methods are case-sensitive."""
    accepted(request(1, method="connect"), rfc_errors=rfc_errors)


def test_headers_on_a_connected_stream_are_a_stream_error_under_rfc_errors():
    """"Frame types other than DATA or stream management frames (RST_STREAM, WINDOW_UPDATE, and PRIORITY) MUST NOT be
    sent on a connected stream and MUST be treated as a stream error ... if received".
    """
    def accept(connection):
        connection.send_headers(3, [(":status", "200")])

    stream_error(connect(3), accept, frames.data(3, b"x"), frames.headers(3, block([MARK]), end_stream=True),
                 stream_id=3, code=PROTOCOL_ERROR)
