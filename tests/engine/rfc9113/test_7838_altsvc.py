"""RFC 7838 section 4: the ALTSVC frame, which only clients read."""
import pytest

from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.fields import request
from tests.support.play import accepted, answer, assert_answered, survived

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
@pytest.mark.parametrize("frame", [
    frames.altsvc(0, b"https://example.com"), frames.altsvc(0), frames.altsvc(1), frames.altsvc(1, b"https://example.com"),
    frames.altsvc(99), frames.altsvc(2), frames.altsvc(0, b"", b""), frames.altsvc(0, b"o" * 200, b"v" * 9000),
], ids=repr)
def test_a_server_ignores_altsvc(frame, rfc_errors):
    """"The ALTSVC frame is intended for receipt by clients. A device acting as a server MUST ignore it"."""
    outcome = survived(request(1, end_stream=False), frame, frames.data(1, b"x", end_stream=True), answer(1), frame,
                       rfc_errors=rfc_errors)
    assert outcome.kinds == ["RequestReceived", "DataReceived", "StreamEnded"]
    assert not outcome.wrote("RST_STREAM")
    assert_answered(outcome, 1)


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\x05abc", b"\xff\xff"])
def test_a_server_ignores_altsvc_of_a_wrong_length_under_rfc_errors(payload):
    """A frame that must be ignored has no length that could be wrong."""
    outcome = accepted(request(1), frames.altsvc(0).body(payload), answer(1))
    assert_answered(outcome, 1)


@both_modes
def test_a_server_may_advertise_an_alternative_service(rfc_errors):
    """On stream 0 with the origin, or on a request's stream without one."""
    def advertise(connection):
        connection.advertise_alternative_service(b'h2=":8000"', origin=b"https://example.com")
        connection.advertise_alternative_service(b'h2=":8000"', stream_id=1)

    outcome = accepted(request(1), advertise, rfc_errors=rfc_errors)
    assert [(sent.kind, sent.stream_id, sent.data) for sent in outcome.sent] == [
        ("ALTSVC", 0, b'\0\x13https://example.comh2=":8000"'), ("ALTSVC", 1, b'\0\0h2=":8000"')]
    outcome.feed(answer(1), request(3), lambda connection: connection.send_headers(3, [(":status", "200")]))
    connection = outcome.connection
    for arguments in ({"stream_id": 1}, {"stream_id": 3}, {"stream_id": 99}):
        with pytest.raises(ProtocolError):
            connection.advertise_alternative_service(b"h2", **arguments)
    for arguments in ({"origin": b"o", "stream_id": 3}, {"field_value": "text"}):
        with pytest.raises(ValueError, match="must|Must"):
            connection.advertise_alternative_service(**{"field_value": b"h2", **arguments})
    assert connection.data_to_send() == b""
