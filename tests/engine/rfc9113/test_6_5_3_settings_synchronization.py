"""RFC 9113 section 6.5.3: values are in force from the acknowledgement of the SETTINGS frame that carried them."""
import hpack
import pytest

from fasth2.config import H2Configuration, Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import FlowControlError, FrameTooLargeError, ProtocolError
from fasth2.settings import SettingCodes, Settings
from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.frames import PREFACE, FrameReader

WINDOW = SettingCodes.INITIAL_WINDOW_SIZE


def server(limits=None, **config):
    """A server that has sent nothing yet."""
    return H2Connection(H2Configuration(client_side=False, rfc_errors=True, limits=limits, **config))


def test_an_acknowledgement_is_for_its_own_frame():
    """Two frames with a window each: the second's is enforced from the second acknowledgement on."""
    connection = server()
    connection.initiate_connection()
    connection.update_settings({WINDOW: 40_000})
    connection.update_settings({SettingCodes.MAX_FRAME_SIZE: 20_000})
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
    assert connection.local_settings.initial_window_size == 65535
    assert connection.max_inbound_frame_size == 16384
    [event] = connection.receive_data(bytes(frames.settings_ack()))
    assert list(event.changed_settings) == [WINDOW]
    assert connection.local_settings.initial_window_size == 40_000
    assert connection.max_inbound_frame_size == 16384
    [event] = connection.receive_data(bytes(frames.settings_ack()))
    assert connection.max_inbound_frame_size == 20_000
    assert connection.settings_acknowledged


def test_a_smaller_window_of_a_second_frame_is_not_enforced_early():
    """As after an h2c upgrade, which sends two: the client may fill the old window until it has read the second."""
    connection = server()
    connection.initiate_upgrade_connection(b"")
    connection.update_settings({WINDOW: 10})
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack() + request(3, end_stream=False))
    connection.receive_data(bytes(frames.data(3, b"x" * 16384)))
    connection.receive_data(bytes(frames.settings_ack() + request(5, end_stream=False)))
    with pytest.raises(FlowControlError):
        connection.receive_data(bytes(frames.data(5, b"x" * 11)))
    assert connection.counters == {"stream_window_overrun": 1}


def test_a_setting_in_two_frames_moves_on_frame_by_frame():
    """Each acknowledgement brings one value."""
    connection = server()
    connection.initiate_connection()
    for window in (100_000, 200_000, 300_000):
        connection.update_settings({WINDOW: window})
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
    for window in (100_000, 200_000, 300_000):
        connection.receive_data(bytes(frames.settings_ack()))
        assert connection.local_settings.initial_window_size == window


def test_values_that_wait_go_with_the_next_frame():
    """What is put into `local_settings` before `initiate_connection` is acknowledged with its frame, as in h2."""
    connection = server()
    connection.local_settings.initial_window_size = 1000
    connection.initiate_connection()
    connection.update_settings({SettingCodes.MAX_FRAME_SIZE: 20_000})
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
    assert connection.local_settings.initial_window_size == 1000
    assert connection.max_inbound_frame_size == 16384


def test_an_acknowledgement_that_nobody_asked_for_changes_nothing():
    """It is ignored."""
    connection = server()
    connection.initiate_connection()
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
    connection.local_settings.initial_window_size = 1000
    connection.receive_data(bytes(frames.settings_ack()))
    assert connection.local_settings.initial_window_size == 65535


@pytest.mark.parametrize("sizes", [(0, 4096), (100, 0, 4096), (4096, 0), (0, 65536)])
def test_the_smallest_of_several_table_sizes_in_a_frame_is_signalled(sizes):
    """RFC 7541 section 4.2: "the smallest maximum table size that occurs in that interval MUST be signaled"."""
    connection = server()
    connection.initiate_connection()
    connection.receive_data(PREFACE + frames.settings() + request(1) + request(3))
    assert connection.respond(1, 200, [("x-first", "in the table")])
    reader = FrameReader()
    reader.read(connection.data_to_send())
    connection.receive_data(bytes(frames.settings(*((frames.HEADER_TABLE_SIZE, size) for size in sizes))))
    assert connection.respond(3, 200, [("x-first", "in the table")])
    frame = next(one for one in frames.split_frames(connection.data_to_send()) if one.type == frames.HEADERS)
    updates, at = [], 0
    octets = frame.payload
    while octets[at] & 0xE0 == 0x20:
        size, used = hpack.hpack.decode_integer(octets[at:], 5)
        updates.append(size)
        at += used
    assert updates[0] == min(sizes)
    assert updates[-1] == min(sizes[-1], 4096)
    decoder = hpack.Decoder()
    decoder.max_allowed_table_size = 65536
    assert (b"x-first", b"in the table") in list(decoder.decode(octets, raw=True))


def replaced(initial_values, **limits):
    """A connection whose settings the user has put there."""
    connection = server(Limits(**limits) if limits else None)
    connection.local_settings = Settings(client=False, initial_values=initial_values)
    connection.initiate_connection()
    return connection


def announced(connection):
    """The first SETTINGS frame, as a dict."""
    return dict(FrameReader().read(connection.data_to_send())[0].settings)


def test_replaced_settings_keep_the_limits_that_they_leave_out():
    """Streams would be unlimited, and the client not told of the list's limit."""
    connection = replaced({WINDOW: 100_000})
    settings = announced(connection)
    assert settings[frames.MAX_CONCURRENT_STREAMS] == 100
    assert settings[frames.MAX_HEADER_LIST_SIZE] == 65536
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
    for n in range(101):
        connection.receive_data(bytes(request(2 * n + 1)))
    assert connection.counters == {"streams_refused": 1}


def test_replaced_settings_without_limits_stay_without():
    """None switches a limit off."""
    settings = announced(replaced({}, concurrent_streams=None, header_list_size=None))
    assert frames.MAX_CONCURRENT_STREAMS not in settings
    assert frames.MAX_HEADER_LIST_SIZE not in settings


def test_replaced_settings_are_enforced():
    """Frame size, list size, streams and table size are what was announced."""
    connection = replaced({SettingCodes.MAX_FRAME_SIZE: 20_000, SettingCodes.MAX_CONCURRENT_STREAMS: 2,
                           SettingCodes.MAX_HEADER_LIST_SIZE: 300, SettingCodes.HEADER_TABLE_SIZE: 8192})
    assert announced(connection)[frames.MAX_FRAME_SIZE] == 20_000
    connection.receive_data(PREFACE + frames.settings() + frames.settings_ack())
    connection.receive_data(bytes(frames.unknown(payload=b"x" * 20_000)))
    connection.receive_data(bytes(request(1, ("x", "y" * 200))))
    assert connection.counters == {"header_list_size": 1}
    encoder = hpack.Encoder()
    encoder.header_table_size = 8192
    fields = [*request_fields(), *((b"x-%d" % n, b"v") for n in range(2))]
    events = connection.receive_data(bytes(frames.headers(3, encoder.encode(fields), end_stream=True)))
    assert type(events[0]).__name__ == "RequestReceived"
    connection.receive_data(bytes(request(5)) + bytes(request(7)))
    assert connection.counters == {"header_list_size": 1, "streams_refused": 1}
    with pytest.raises(FrameTooLargeError):
        connection.receive_data(bytes(frames.unknown(payload=b"x" * 20_001)))


def test_a_smaller_table_of_replaced_settings_is_enforced_once_it_is_acknowledged():
    """Until then the client may use the 4096 octets that every connection begins with."""
    connection = replaced({SettingCodes.HEADER_TABLE_SIZE: 0})
    connection.receive_data(PREFACE + frames.settings() + request(1, ("x-a", "b")))
    connection.receive_data(bytes(frames.settings_ack()))
    with pytest.raises(ProtocolError):
        connection.receive_data(bytes(frames.headers(3, block(request_fields()), end_stream=True)))
    assert connection.counters == {"compression": 1}
