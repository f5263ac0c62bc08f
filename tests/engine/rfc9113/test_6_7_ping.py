"""RFC 9113 section 6.7: PING."""
import pytest

from fasth2.exceptions import FrameDataMissingError
from tests.support import frames
from tests.support.fields import request
from tests.support.frames import Sent
from tests.support.play import accepted, connection_error

PROTOCOL_ERROR = 0x1
FRAME_SIZE_ERROR = 0x6

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
@pytest.mark.parametrize("opaque", [b"\0" * 8, b"\xff" * 8, b"12345678"])
def test_a_ping_is_answered_with_the_same_octets(opaque, rfc_errors):
    """"Receivers of a PING frame that does not include an ACK flag MUST send a PING frame with the ACK flag set in
    response, with an identical frame payload".
    """
    outcome = accepted(frames.ping(opaque), rfc_errors=rfc_errors)
    assert outcome.sent == [Sent("PING", ack=True, opaque=opaque)]
    assert outcome.kinds == ["PingReceived"]
    assert outcome.events[0].ping_data == opaque


@both_modes
def test_an_acknowledgement_is_not_answered(rfc_errors):
    """"An endpoint MUST NOT respond to PING frames containing this flag"."""
    outcome = accepted(frames.ping(b"ABCDEFGH", ack=True), rfc_errors=rfc_errors)
    assert outcome.sent == []
    assert outcome.kinds == ["PingAckReceived"]
    assert outcome.events[0].ping_data == b"ABCDEFGH"


@both_modes
def test_pings_are_answered_in_order(rfc_errors):
    """Each once, in the order of their arrival."""
    opaques = [n.to_bytes(8, "big") for n in range(200)]
    outcome = accepted(b"".join(frames.ping(opaque) + b"" for opaque in opaques), rfc_errors=rfc_errors)
    assert [sent.opaque for sent in outcome.sent] == opaques


@both_modes
@pytest.mark.parametrize("ack", [False, True])
def test_a_ping_does_not_belong_to_a_stream(ack, rfc_errors):
    """"If a PING frame is received with a Stream Identifier field value other than 0x00, the recipient MUST respond
    with a connection error ... of type PROTOCOL_ERROR".
    """
    connection_error(request(1), frames.ping(ack=ack).on(1), code=PROTOCOL_ERROR, last_stream_id=1,
                     rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("length", [0, 1, 7, 9, 16, 16384])
@pytest.mark.parametrize("ack", [False, True])
def test_a_length_other_than_8_ends_the_connection(length, ack, rfc_errors):
    """"Receipt of a PING frame with a length field value other than 8 MUST be treated as a connection error ... of
    type FRAME_SIZE_ERROR".
    """
    connection_error(request(1), frames.ping(b"p" * length, ack=ack), code=FRAME_SIZE_ERROR,
                     exception=FrameDataMissingError, rfc_errors=rfc_errors)


@both_modes
def test_own_pings_carry_8_octets(rfc_errors):
    """The local call takes exactly 8 octets of bytes."""
    outcome = accepted(lambda connection: connection.ping(b"mineping"), rfc_errors=rfc_errors)
    assert outcome.sent == [Sent("PING", opaque=b"mineping")]
    for wrong in (b"", b"1234567", b"123456789", "12345678", None, 8):
        with pytest.raises(ValueError, match="ping"):
            outcome.connection.ping(wrong)
    assert outcome.connection.data_to_send() == b""
