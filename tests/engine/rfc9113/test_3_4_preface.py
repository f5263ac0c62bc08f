"""RFC 9113 section 3.4: the connection preface."""
import pytest

from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.describe import kinds
from tests.support.fields import request
from tests.support.frames import PREFACE, FrameReader, settings
from tests.support.play import CUTS, accepted, connection_error, play, server

PROTOCOL_ERROR = 0x1


@pytest.mark.parametrize("rfc_errors", [False, True])
@pytest.mark.parametrize("position", range(24))
def test_each_wrong_octet_is_refused_when_it_arrives(position, rfc_errors):
    """"Clients and servers MUST treat an invalid connection preface as a connection error ... PROTOCOL_ERROR"."""
    connection = server(rfc_errors=rfc_errors)
    connection.data_to_send()
    assert connection.receive_data(PREFACE[:position]) == []
    with pytest.raises(ProtocolError) as caught:
        connection.receive_data(bytes([PREFACE[position] ^ 0x20]))
    assert int(caught.value.error_code) == PROTOCOL_ERROR
    sent = FrameReader().read(connection.data_to_send())
    assert [(frame.kind, frame.error_code) for frame in sent] in ([], [("GOAWAY", PROTOCOL_ERROR)])


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n",
    b"\0" * 24,
    bytes(settings()),
])
def test_what_is_not_http2_is_refused_however_it_is_cut(garbage):
    """An invalid preface is a connection error; GOAWAY MAY be left out."""
    outcomes = set()
    for cut in CUTS:
        connection = server()
        connection.data_to_send()
        with pytest.raises(ProtocolError):
            for piece in cut(garbage):
                assert connection.receive_data(piece) == []
        outcomes.add(connection.data_to_send()[:9])
    assert len(outcomes) == 1


def test_input_after_a_bad_preface_is_ignored():
    """A connection error ends the connection: nothing that follows is parsed."""
    connection = server()
    with pytest.raises(ProtocolError) as caught:
        connection.receive_data(b"GET / HTTP/1.1\r\n\r\n")
    assert caught.value.events == []
    connection.data_to_send()
    assert connection.receive_data(PREFACE + settings() + request(1)) == []
    assert connection.data_to_send() == b""


def test_twenty_three_right_octets_and_silence_are_not_an_error():
    """An unfinished preface waits."""
    connection = server()
    for octet in PREFACE[:23]:
        assert connection.receive_data(bytes([octet])) == []


def test_the_server_preface_is_its_settings_frame():
    """"The server connection preface consists of a potentially empty SETTINGS frame ... first frame the server sends"."""
    [first] = FrameReader().read(server().data_to_send())
    assert first.kind == "SETTINGS"
    assert not first.ack


def test_the_preface_the_settings_and_a_request_may_arrive_together():
    """"the client can send frames immediately after sending the client connection preface"."""
    outcome = accepted(PREFACE + settings() + request(1), preface=False)
    assert outcome.kinds == ["RemoteSettingsChanged", "RequestReceived", "StreamEnded"]
    assert outcome.wrote("SETTINGS")[0].ack


def test_the_client_preface_may_arrive_before_the_server_has_sent_its_own():
    """Neither side waits for the other."""
    outcome = accepted(PREFACE + settings() + request(1), lambda connection: connection.initiate_connection(),
                       preface=False, start=False)
    assert kinds(outcome.events)[1] == "RequestReceived"


@pytest.mark.parametrize("first", [
    request(1), frames.ping(), frames.window_update(0, 5), frames.priority(1), frames.unknown(), frames.goaway(),
    frames.settings_ack(),
])
def test_a_first_frame_that_is_not_settings_is_refused_under_rfc_errors(first):
    """The 24 octets "MUST be followed by a SETTINGS frame"; otherwise the preface is invalid."""
    connection_error(PREFACE + first, code=PROTOCOL_ERROR, preface=False)


def test_a_first_frame_that_is_not_settings_is_taken_by_default():
    """h2 doesn't ask for SETTINGS first, so the default doesn't either."""
    outcome = play(PREFACE + request(1), preface=False, rfc_errors=False)
    assert outcome.error is None
    assert outcome.kinds == ["RequestReceived", "StreamEnded"]


def test_a_second_preface_is_a_frame_like_any_other_octets():
    """The preface comes once: repeated, its octets are a frame header of 5,263,945 octets' length."""
    connection_error(PREFACE, code=0x6)
