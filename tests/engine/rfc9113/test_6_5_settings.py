"""RFC 9113 section 6.5: SETTINGS."""
import pytest

from fasth2.exceptions import FlowControlError, FrameDataMissingError, InvalidSettingsValueError
from fasth2.settings import SettingCodes
from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.play import accepted, answer, assert_answered, connection_error

PROTOCOL_ERROR = 0x1
FLOW_CONTROL_ERROR = 0x3
FRAME_SIZE_ERROR = 0x6

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
@pytest.mark.parametrize("ack", [False, True])
@pytest.mark.parametrize("stream_id", [1, 2, 99])
def test_settings_apply_to_the_connection_never_to_a_stream(stream_id, ack, rfc_errors):
    """"If an endpoint receives a SETTINGS frame whose Stream Identifier field is anything other than 0x00, the
    endpoint MUST respond with a connection error ... of type PROTOCOL_ERROR".
    """
    frame = frames.settings_ack() if ack else frames.settings()
    connection_error(request(1), frame.on(stream_id), code=PROTOCOL_ERROR, last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("payload", [b"\0", b"\0\x03\0\0\0\x64"])
def test_an_acknowledgement_with_a_payload_ends_the_connection(payload, rfc_errors):
    """"Receipt of a SETTINGS frame with the ACK flag set and a length field value other than 0 MUST be treated as a
    connection error ... of type FRAME_SIZE_ERROR".
    """
    connection_error(request(1), frames.settings_ack().body(payload), code=FRAME_SIZE_ERROR, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("length", [1, 5, 7, 11, 13])
def test_a_length_that_is_no_multiple_of_six_ends_the_connection(length, rfc_errors):
    """"A SETTINGS frame with a length other than a multiple of 6 octets MUST be treated as a connection error ... of
    type FRAME_SIZE_ERROR".
    """
    connection_error(request(1), frames.settings().body(b"\0\x03\0\0\0\x64" * 3).body((b"\0\x03\0\0\0\x64" * 3)[:length]),
                     code=FRAME_SIZE_ERROR, exception=FrameDataMissingError, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize(("identifier", "value", "code"), [
    (frames.ENABLE_PUSH, 2, PROTOCOL_ERROR),
    (frames.ENABLE_PUSH, 2**32 - 1, PROTOCOL_ERROR),
    (frames.INITIAL_WINDOW_SIZE, 2**31, FLOW_CONTROL_ERROR),
    (frames.INITIAL_WINDOW_SIZE, 2**32 - 1, FLOW_CONTROL_ERROR),
    (frames.MAX_FRAME_SIZE, 0, PROTOCOL_ERROR),
    (frames.MAX_FRAME_SIZE, 16383, PROTOCOL_ERROR),
    (frames.MAX_FRAME_SIZE, 2**24, PROTOCOL_ERROR),
    (frames.MAX_FRAME_SIZE, 2**32 - 1, PROTOCOL_ERROR),
    (frames.ENABLE_CONNECT_PROTOCOL, 2, PROTOCOL_ERROR),
])
def test_values_out_of_range_end_the_connection(identifier, value, code, rfc_errors):
    """6.5.2 (and RFC 8441 section 3): each setting's range, with the code for leaving it."""
    connection_error(request(1), frames.settings((identifier, value)), code=code, exception=InvalidSettingsValueError,
                     last_stream_id=1, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize(("identifier", "value"), [
    (frames.ENABLE_PUSH, 0), (frames.ENABLE_PUSH, 1), (frames.INITIAL_WINDOW_SIZE, 0),
    (frames.INITIAL_WINDOW_SIZE, 2**31 - 1), (frames.MAX_FRAME_SIZE, 16384), (frames.MAX_FRAME_SIZE, 2**24 - 1),
    (frames.MAX_CONCURRENT_STREAMS, 0), (frames.MAX_CONCURRENT_STREAMS, 2**32 - 1), (frames.HEADER_TABLE_SIZE, 0),
    (frames.HEADER_TABLE_SIZE, 2**32 - 1), (frames.MAX_HEADER_LIST_SIZE, 0), (frames.MAX_HEADER_LIST_SIZE, 2**32 - 1),
    (frames.ENABLE_CONNECT_PROTOCOL, 0), (frames.ENABLE_CONNECT_PROTOCOL, 1),
])
def test_values_at_the_edge_of_their_range_are_taken_and_acknowledged(identifier, value, rfc_errors):
    """"The recipient MUST immediately emit a SETTINGS frame with the ACK flag set"."""
    outcome = accepted(frames.settings((identifier, value)), rfc_errors=rfc_errors)
    assert [(sent.kind, sent.ack, sent.settings) for sent in outcome.sent] == [("SETTINGS", True, ())]
    [event] = outcome.events
    assert event.changed_settings[identifier].new_value == value
    assert outcome.connection.remote_settings[identifier] == value


@both_modes
def test_every_settings_frame_is_acknowledged_once_and_in_order(rfc_errors):
    """6.5.3: each SETTINGS frame is acknowledged after its values were applied."""
    outcome = accepted(frames.settings(), frames.ping(b"11111111"), frames.settings((frames.MAX_FRAME_SIZE, 20000)),
                       frames.ping(b"22222222"), frames.settings_ack(), rfc_errors=rfc_errors)
    assert [(sent.kind, sent.ack) for sent in outcome.sent] == [
        ("SETTINGS", True), ("PING", True), ("SETTINGS", True), ("PING", True)]


@both_modes
def test_the_values_of_a_frame_are_taken_in_order(rfc_errors):
    """6.5.3: "The values in the SETTINGS frame MUST be processed in the order they appear"; the last one holds."""
    outcome = accepted(frames.settings((frames.MAX_FRAME_SIZE, 20000), (frames.INITIAL_WINDOW_SIZE, 5),
                                       (frames.MAX_FRAME_SIZE, 30000), (frames.INITIAL_WINDOW_SIZE, 9)), request(1),
                       rfc_errors=rfc_errors)
    assert outcome.connection.max_outbound_frame_size == 30000
    assert outcome.connection.local_flow_control_window(1) == 9


@both_modes
@pytest.mark.parametrize("pairs", [
    [(frames.ENABLE_PUSH, 2), (frames.ENABLE_PUSH, 0)], [(frames.MAX_FRAME_SIZE, 5), (frames.MAX_FRAME_SIZE, 16384)],
    [(frames.INITIAL_WINDOW_SIZE, 2**31), (frames.INITIAL_WINDOW_SIZE, 1)],
])
def test_a_bad_value_is_refused_even_if_a_good_one_follows(pairs, rfc_errors):
    """6.5.3: every value is processed, so every value is checked."""
    code = FLOW_CONTROL_ERROR if pairs[0][0] == frames.INITIAL_WINDOW_SIZE else PROTOCOL_ERROR
    connection_error(frames.settings(*pairs), code=code, exception=InvalidSettingsValueError, rfc_errors=rfc_errors)


@both_modes
def test_the_peers_frame_size_limits_what_is_sent(rfc_errors):
    """SETTINGS_MAX_FRAME_SIZE: "the size of the largest frame payload that the sender is willing to receive"."""
    outcome = accepted(frames.settings((frames.MAX_FRAME_SIZE, 20000)), request(1), rfc_errors=rfc_errors)
    outcome.reader.max_frame_size = 20000
    connection = outcome.connection
    connection.send_headers(1, [(":status", "200")])
    connection.send_data(1, b"x" * 20000)
    from fasth2.exceptions import FrameTooLargeError
    with pytest.raises(FrameTooLargeError):
        connection.send_data(1, b"x" * 20001)
    outcome.feed()
    assert [len(sent.data) for sent in outcome.wrote("DATA")] == [20000]


@both_modes
def test_the_peers_initial_window_changes_the_streams_that_are_open(rfc_errors):
    """6.9.2: "a receiver MUST adjust the size of all stream flow-control windows that it maintains by the difference
    between the new value and the old value"; the connection's window doesn't change.
    """
    outcome = accepted(request(1), frames.settings((frames.INITIAL_WINDOW_SIZE, 1000)), request(3),
                       rfc_errors=rfc_errors)
    connection = outcome.connection
    assert connection.local_flow_control_window(1) == connection.local_flow_control_window(3) == 1000
    assert connection.outbound_flow_control_window == 65535


@both_modes
def test_a_new_initial_window_that_overflows_a_stream_ends_the_connection(rfc_errors):
    """6.9.2: "An endpoint MUST treat a change to SETTINGS_INITIAL_WINDOW_SIZE that causes any flow-control window to
    exceed the maximum size as a connection error ... of type FLOW_CONTROL_ERROR".
    """
    outcome = connection_error(
        request(1), frames.window_update(1, 1), frames.settings((frames.INITIAL_WINDOW_SIZE, 2**31 - 1)),
        code=FLOW_CONTROL_ERROR, exception=FlowControlError, rfc_errors=rfc_errors)
    assert not outcome.of("RemoteSettingsChanged"), "the bad frame left an event"


@both_modes
def test_own_settings_hold_only_from_the_acknowledgement_on(rfc_errors):
    """6.5.3: values may be relied on when the ACK has arrived."""
    def change(connection):
        connection.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 100, SettingCodes.MAX_CONCURRENT_STREAMS: 5})

    outcome = accepted(frames.settings_ack(), request(1, end_stream=False), change, rfc_errors=rfc_errors)
    connection = outcome.connection
    assert connection.local_settings.initial_window_size == 65535
    assert connection.remote_flow_control_window(1) == 65535
    outcome.feed(frames.settings_ack(), request(3, end_stream=False))
    assert connection.local_settings.initial_window_size == 100
    assert connection.local_settings.max_concurrent_streams == 5
    assert connection.remote_flow_control_window(1) == connection.remote_flow_control_window(3) == 100
    changed = outcome.of("SettingsAcknowledged")[-1].changed_settings
    assert {int(code): (one.original_value, one.new_value) for code, one in changed.items()} == {
        0x4: (65535, 100), 0x3: (100, 5)}


@both_modes
def test_two_changes_of_the_same_setting_are_acknowledged_one_after_the_other(rfc_errors):
    """6.5.3: acknowledgements are matched in order."""
    def change(value):
        return lambda connection: connection.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: value})

    outcome = accepted(frames.settings_ack(), change(100), change(200), rfc_errors=rfc_errors)
    seen = []
    for _ in range(2):
        outcome.feed(frames.settings_ack())
        seen.append(outcome.connection.local_settings.initial_window_size)
    assert seen == [100, 200]


@both_modes
def test_an_acknowledgement_nobody_waits_for_changes_nothing(rfc_errors):
    """An unasked ACK is reported with nothing in it, as h2 does."""
    outcome = accepted(frames.settings_ack(), frames.settings_ack(), frames.settings_ack(), request(1), answer(1),
                       rfc_errors=rfc_errors)
    assert [event.changed_settings for event in outcome.of("SettingsAcknowledged")[1:]] == [{}, {}]
    assert_answered(outcome, 1)


@both_modes
def test_a_refused_local_change_changes_nothing(rfc_errors):
    """Own settings are checked before anything is sent."""
    outcome = accepted(frames.settings_ack(), rfc_errors=rfc_errors)
    with pytest.raises(InvalidSettingsValueError):
        outcome.connection.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 7, SettingCodes.MAX_FRAME_SIZE: 1})
    assert outcome.connection.data_to_send() == b""
    outcome.feed(frames.settings_ack())
    assert outcome.connection.local_settings.max_concurrent_streams == 100


def test_the_header_list_limit_holds_from_the_acknowledgement_on():
    """SETTINGS_MAX_HEADER_LIST_SIZE announced by this side is enforced once the peer knows it."""
    def lower(connection):
        connection.update_settings({SettingCodes.MAX_HEADER_LIST_SIZE: 300})

    large = block([*request_fields(), ("x-large", "v" * 400)])
    outcome = accepted(frames.settings_ack(), lower, frames.headers(1, large, end_stream=True))
    assert outcome.of("RequestReceived")
    outcome.feed(frames.settings_ack())
    outcome.feed(frames.headers(3, large, end_stream=True))
    assert [(sent.stream_id, sent.error_code) for sent in outcome.wrote("RST_STREAM")] == [(3, 0xB)]


@both_modes
def test_acknowledgements_go_out_before_frames_that_use_the_new_values(rfc_errors):
    """6.5.3: once all values "have been processed, the recipient MUST immediately emit" the ACK."""
    outcome = accepted(request(1), frames.settings((frames.HEADER_TABLE_SIZE, 0)), answer(1), rfc_errors=rfc_errors)
    assert [sent.kind for sent in outcome.sent] == ["SETTINGS", "HEADERS", "DATA"]
