"""RFC 8441: bootstrapping WebSockets with HTTP/2, the extended CONNECT method."""
import pytest

from fasth2.events import RequestReceived
from fasth2.settings import SettingCodes
from tests.support import frames
from tests.support.fields import block, marked, request_fields
from tests.support.play import accepted, connection_error, fields_of, play, stream_error

PROTOCOL_ERROR = 0x1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


def enable(connection):
    """Announces SETTINGS_ENABLE_CONNECT_PROTOCOL."""
    connection.update_settings({SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})


def websocket_fields(*extra, **pseudo):
    """An extended CONNECT request's fields."""
    return request_fields(*extra, **{"method": "CONNECT", "protocol": "websocket", "path": "/chat", **pseudo})


@both_modes
def test_an_extended_connect_has_scheme_path_authority_and_protocol(rfc_errors):
    """Section 4: "On requests that contain the :protocol pseudo-header field, the :scheme and :path pseudo-header
    fields of the target URI ... MUST also be included".
    """
    def welcome(connection):
        connection.send_headers(1, [(":status", "200")])
        connection.send_data(1, b"frame")

    outcome = accepted(frames.settings_ack(), enable, frames.settings_ack(),
                       frames.headers(1, block(websocket_fields())), frames.data(1, b"hello"), welcome,
                       frames.data(1, b"", end_stream=True), rfc_errors=rfc_errors)
    assert fields_of(outcome.of("RequestReceived")[0]) == websocket_fields()
    assert outcome.wrote("DATA", 1)[0].data == b"frame"


@pytest.mark.parametrize("missing", ["scheme", "path", "authority"])
def test_an_extended_connect_that_lacks_one_is_malformed(missing):
    """Section 4, and 8.1.1 of RFC 9113."""
    steps = (frames.settings_ack(), enable, frames.settings_ack(), marked(3, websocket_fields(**{missing: None})))
    stream_error(*steps, stream_id=3, code=PROTOCOL_ERROR)
    connection_error(*steps, code=PROTOCOL_ERROR, rfc_errors=False)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "connect"])
def test_protocol_belongs_to_connect_alone(method):
    """"A new pseudo-header field :protocol MAY be included on request HEADERS indicating the desired protocol" of a
    CONNECT request.
    """
    steps = (frames.settings_ack(), enable, frames.settings_ack(), marked(3, websocket_fields(method=method)))
    stream_error(*steps, stream_id=3, code=PROTOCOL_ERROR)
    connection_error(*steps, code=PROTOCOL_ERROR, rfc_errors=False)


@pytest.mark.parametrize("before", [(), (frames.settings_ack(), enable)], ids=["never announced", "not acknowledged"])
def test_protocol_that_was_not_announced_is_malformed_under_rfc_errors(before):
    """Section 3: the setting tells "that it supports the extended CONNECT"; docs/security.md, row 49."""
    stream_error(*before, marked(3, websocket_fields()), stream_id=3, code=PROTOCOL_ERROR)


def test_protocol_that_was_not_announced_is_taken_by_default_as_h2_does():
    outcome = play(frames.headers(1, block(websocket_fields())), rfc_errors=False)
    assert outcome.error is None
    assert isinstance(outcome.events[0], RequestReceived)


@both_modes
def test_the_setting_from_a_client_is_taken(rfc_errors):
    """Section 3: "The value of the parameter MUST be 0 or 1"."""
    outcome = accepted(frames.settings((frames.ENABLE_CONNECT_PROTOCOL, 1)), rfc_errors=rfc_errors)
    assert outcome.connection.remote_settings.enable_connect_protocol == 1
    connection_error(frames.settings((frames.ENABLE_CONNECT_PROTOCOL, 2)), code=PROTOCOL_ERROR, rfc_errors=rfc_errors)


@both_modes
def test_connection_fields_are_refused_in_an_extended_connect_too(rfc_errors):
    """Section 5: "the connection-specific header fields ... are not used"."""
    steps = (frames.settings_ack(), enable, frames.settings_ack(),
             marked(3, websocket_fields(("upgrade", "websocket"))))
    if rfc_errors:
        stream_error(*steps, stream_id=3, code=PROTOCOL_ERROR)
    else:
        connection_error(*steps, code=PROTOCOL_ERROR, rfc_errors=False)
