"""RFC 9113 section 8.6: the Upgrade field, and section 3.1 of RFC 7540: starting from an h2c upgrade."""
import base64

import pytest

from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.fields import marked, request, request_fields
from tests.support.frames import PREFACE
from tests.support.play import accepted, answer, assert_answered, connection_error, stream_error, survived

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def header(*pairs):
    """The value of HTTP2-Settings."""
    return base64.urlsafe_b64encode(frames.settings(*pairs).payload).rstrip(b"=")


def test_an_upgrade_field_makes_a_request_malformed():
    """"HTTP/2 removes support for the 101 (Switching Protocols) informational status code"; Upgrade is
    connection-specific.
    """
    frame = marked(3, request_fields(("upgrade", "h2c")))
    stream_error(frame, stream_id=3, code=PROTOCOL_ERROR)
    connection_error(frame, code=PROTOCOL_ERROR, rfc_errors=False)


@both_modes
def test_an_upgraded_connection_answers_the_request_on_stream_1(rfc_errors):
    """RFC 7540 section 3.2: stream 1 is half-closed (remote); the settings of the header field hold."""
    def upgrade(connection):
        settings = header((frames.INITIAL_WINDOW_SIZE, 1000), (frames.MAX_FRAME_SIZE, 20000))
        padded = settings + b"=" * (-len(settings) % 4)
        assert connection.initiate_upgrade_connection(padded) is None

    outcome = accepted(upgrade, PREFACE + frames.settings(), request(3), answer(1), answer(3), start=False,
                       preface=False, rfc_errors=rfc_errors)
    assert [sent.kind for sent in outcome.sent[:2]] == ["SETTINGS", "SETTINGS"]
    assert outcome.sent[1].ack
    assert outcome.connection.max_outbound_frame_size == 20000
    assert [event.stream_id for event in outcome.of("RequestReceived")] == [3]
    assert_answered(outcome, 1)
    assert_answered(outcome, 3)


@both_modes
def test_stream_1_of_an_upgrade_is_not_given_twice(rfc_errors):
    """Its request came over HTTP/1.1: HEADERS on it are frames after END_STREAM."""
    outcome = survived(lambda connection: connection.initiate_upgrade_connection(header((frames.ENABLE_PUSH, 0))),
                       PREFACE + frames.settings() + request(1), start=False, preface=False, rfc_errors=rfc_errors)
    assert not outcome.of("RequestReceived")
    assert [sent.error_code for sent in outcome.wrote("RST_STREAM", 1)] == [5]


@both_modes
@pytest.mark.parametrize("value", [
    base64.urlsafe_b64encode(b"\0\x05\0\0\0\x01"), base64.urlsafe_b64encode(b"\0\x04\x80\0\0\0"),
    base64.urlsafe_b64encode(b"\0\x02\0\0\0\x02"), base64.urlsafe_b64encode(b"12345"), b"!!!!", b"AAA", b"\xff\xff\xff\xff",
])
def test_a_bad_settings_field_is_refused_before_the_switch(value, rfc_errors):
    """docs/security.md, row 43: validated, so that no 101 is sent for it."""
    from fasth2.config import H2Configuration
    from fasth2.connection import H2Connection
    connection = H2Connection(H2Configuration(client_side=False, rfc_errors=rfc_errors))
    with pytest.raises((ProtocolError, ValueError)):
        connection.initiate_upgrade_connection(value)


@both_modes
def test_an_upgrade_without_the_field_has_the_initial_settings(rfc_errors):
    """h2 takes None, for callers that dealt with the field themselves."""
    def upgrade(connection):
        connection.initiate_upgrade_connection()

    outcome = accepted(upgrade, PREFACE + frames.settings(), answer(1), start=False, preface=False,
                       rfc_errors=rfc_errors)
    assert_answered(outcome, 1)
