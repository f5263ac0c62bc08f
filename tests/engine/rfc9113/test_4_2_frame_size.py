"""RFC 9113 section 4.2: frame size."""
import pytest

from fasth2.config import H2Configuration
from fasth2.connection import H2Connection
from fasth2.exceptions import FrameDataMissingError, FrameTooLargeError
from fasth2.settings import SettingCodes
from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.frames import PREFACE
from tests.support.play import accepted, connection_error, server

FRAME_SIZE_ERROR = 0x6
LARGEST = 16384


def longer_frames(length):
    """Every frame type, with a length field of ``length``."""
    return [
        frames.data(1), frames.headers(3), frames.priority(1), frames.rst_stream(1), frames.settings(),
        frames.push_promise(1, 2), frames.ping(), frames.goaway(), frames.window_update(1, 1),
        frames.altsvc(0), frames.origin(b"https://a.example"), frames.priority_update(1), frames.unknown(),
    ]


@pytest.mark.parametrize("rfc_errors", [False, True])
@pytest.mark.parametrize("length", [LARGEST + 1, 65536, 2**24 - 1])
@pytest.mark.parametrize("frame", longer_frames(0), ids=repr)
def test_a_frame_over_the_advertised_size_is_refused_at_its_ninth_octet(frame, length, rfc_errors):
    """"An endpoint MUST send an error code of FRAME_SIZE_ERROR if a frame exceeds the size defined in
    SETTINGS_MAX_FRAME_SIZE"; the payload is not awaited.
    """
    opened = request(1, end_stream=False)
    connection_error(opened, frame.declare(length).head, code=FRAME_SIZE_ERROR, exception=FrameTooLargeError,
                     last_stream_id=1, rfc_errors=rfc_errors)


@pytest.mark.parametrize("client_side", [True, False])
@pytest.mark.parametrize("rfc_errors", [False, True])
def test_first_octets_of_a_peer_that_does_not_speak_http2(client_side, rfc_errors):
    """A client that follows h2 waits for what text would be as a frame, and keeps nothing of it."""
    connection = H2Connection(H2Configuration(client_side=client_side, rfc_errors=rfc_errors))
    connection.initiate_connection()
    connection.receive_data(b"" if client_side else PREFACE)
    text = b"\0\x80\0 text that is no frame"
    if not client_side or rfc_errors:
        with pytest.raises(FrameTooLargeError):
            connection.receive_data(text)
        return
    assert connection.receive_data(text[:5]) == []
    assert connection.receive_data(text[5:]) == []
    left = 0x8000 - len(text) + 9
    for _ in range(left - 1):
        assert connection.receive_data(b"x") == []
    with pytest.raises(FrameTooLargeError):
        connection.receive_data(b"x" * 5)


def test_a_later_frame_is_refused_at_its_ninth_octet_by_a_client_too():
    connection = H2Connection(H2Configuration())
    connection.initiate_connection()
    connection.receive_data(bytes(frames.settings()))
    with pytest.raises(FrameTooLargeError):
        connection.receive_data(frames.data(1).declare(2**24 - 1).head)


def test_eight_octets_of_an_oversized_frame_are_not_yet_an_error():
    """The length field alone decides nothing: the header is read whole."""
    accepted(request(1, end_stream=False), frames.data(1).declare(2**24 - 1).head[:8])


def test_frames_of_16384_octets_are_received():
    """"All implementations MUST be capable of receiving and minimally processing frames up to 2^14 octets"."""
    outcome = accepted(
        request(1, end_stream=False), frames.data(1, b"d" * LARGEST), frames.unknown(payload=b"u" * LARGEST),
        frames.headers(3, block([*request_fields(), ("x-long", "v" * 9000)]), end_stream=True),
        frames.priority_update(1, b"u" * (LARGEST - 4)), frames.altsvc(0, b"o", b"v" * (LARGEST - 3)),
        frames.goaway(debug=b"g" * (LARGEST - 8)),
    )
    assert len(outcome.of("DataReceived")[0].data) == LARGEST
    assert len(outcome.of("UnknownFrameReceived")[0].frame.body) == LARGEST
    assert len(outcome.of("ConnectionTerminated")[0].additional_data) == LARGEST - 8


def test_a_larger_size_holds_once_the_peer_has_acknowledged_it():
    """SETTINGS_MAX_FRAME_SIZE is what this endpoint advertised and the peer acknowledged."""
    def enlarge(connection):
        connection.update_settings({SettingCodes.MAX_FRAME_SIZE: 20000})

    opened = request(1, end_stream=False)
    outcome = accepted(opened, frames.settings_ack(), enlarge, frames.settings_ack(), frames.data(1, b"x" * 20000))
    assert len(outcome.of("DataReceived")[0].data) == 20000
    connection_error(opened, frames.settings_ack(), enlarge, frames.settings_ack(), frames.data(1, b"x" * 20001).head,
                     code=FRAME_SIZE_ERROR, exception=FrameTooLargeError)


def test_a_smaller_size_holds_only_after_the_acknowledgement():
    """Frames that the peer sent before it saw the new value are read by the old one."""
    connection = server(rfc_errors=True)
    connection.receive_data(frames.PREFACE + frames.settings() + frames.settings_ack())
    connection.update_settings({SettingCodes.MAX_FRAME_SIZE: 30000})
    connection.receive_data(bytes(frames.settings_ack()))
    connection.update_settings({SettingCodes.MAX_FRAME_SIZE: 16384})
    [_, event] = connection.receive_data(request(1, end_stream=False) + frames.data(1, b"x" * 30000))
    assert len(event.data) == 30000
    connection.receive_data(bytes(frames.settings_ack()))
    with pytest.raises(FrameTooLargeError):
        connection.receive_data(frames.data(1, b"x" * 16385).head)


@pytest.mark.parametrize("frame", [
    frames.headers(3).flag(frames.PADDED),
    frames.headers(3).flag(frames.HAS_PRIORITY),
    frames.headers(3).flag(frames.HAS_PRIORITY).body(b"\0\0\0\0"),
    frames.headers(3).flag(frames.HAS_PRIORITY | frames.PADDED).body(b"\0\0\0\0\0"),
    frames.data(1).flag(frames.PADDED),
    frames.rst_stream(1).body(b"\0\0\0"),
    frames.window_update(1, 1).body(b"\0\0\1"),
    frames.window_update(0, 1).body(b""),
    frames.ping(b"1234567"),
    frames.goaway().body(b"\0\0\0\0\0\0\0"),
    frames.settings().body(b"\0\0\0\0\0"),
], ids=repr)
@pytest.mark.parametrize("rfc_errors", [False, True])
def test_a_frame_too_small_for_its_mandatory_data_is_refused(frame, rfc_errors):
    """FRAME_SIZE_ERROR "if a frame ... is too small to contain mandatory frame data"; one that could alter the
    state of the connection MUST be a connection error.
    """
    connection_error(request(1, end_stream=False), frame, code=FRAME_SIZE_ERROR, exception=FrameDataMissingError,
                     rfc_errors=rfc_errors)


@pytest.mark.parametrize("cut", [1, 5, 9, 10, 40])
def test_a_frame_cut_by_the_end_of_the_input_waits(cut):
    """Nothing is refused or lost because a frame isn't whole yet."""
    frame = request(3, ("x-rest", "comes later than the beginning of the frame"))
    outcome = accepted(request(1), frame.cut(cut))
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1]
    outcome.feed(bytes(frame)[cut:])
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [1, 3]
