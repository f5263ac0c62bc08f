"""RFC 9113 section 6.9: WINDOW_UPDATE."""
import pytest

from fasth2.exceptions import FlowControlError, FrameDataMissingError
from fasth2.settings import SettingCodes
from tests.support import frames
from tests.support.fields import request
from tests.support.play import accepted, answer, connection_error, stream_error, survived

PROTOCOL_ERROR = 0x1
FLOW_CONTROL_ERROR = 0x3
FRAME_SIZE_ERROR = 0x6
LARGEST = 2**31 - 1

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
@pytest.mark.parametrize("increment", [1, 1000, LARGEST - 65535])
def test_increments_open_the_stream_or_the_connection(increment, rfc_errors):
    """The legal range of the increment is 1 to 2**31 - 1, for the stream named or for the connection."""
    outcome = accepted(request(1), frames.window_update(0, increment), frames.window_update(1, increment),
                       rfc_errors=rfc_errors)
    assert [(event.stream_id, event.delta) for event in outcome.of("WindowUpdated")] == [
        (0, increment), (1, increment)]
    assert outcome.connection.outbound_flow_control_window == 65535 + increment
    assert outcome.connection.local_flow_control_window(1) == 65535 + increment


def test_an_increment_of_0_on_a_stream_is_a_stream_error_under_rfc_errors():
    """"A receiver MUST treat the receipt of a WINDOW_UPDATE frame with a flow-control window increment of 0 as a
    stream error ... of type PROTOCOL_ERROR".
    """
    stream_error(request(3), frames.window_update(3, 0), stream_id=3, code=PROTOCOL_ERROR)


def test_an_increment_of_0_on_a_stream_ends_the_connection_by_default():
    """h2 ends the connection; without rfc_errors so does fasth2."""
    connection_error(request(1), frames.window_update(1, 0), code=PROTOCOL_ERROR, rfc_errors=False)


@both_modes
def test_an_increment_of_0_on_the_connection_ends_it(rfc_errors):
    """"errors on the connection flow-control window MUST be treated as a connection error"."""
    connection_error(request(1), frames.window_update(0, 0), code=PROTOCOL_ERROR, last_stream_id=1,
                     rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("stream_id", [0, 1])
@pytest.mark.parametrize("length", [0, 3, 5, 8])
def test_a_length_other_than_4_ends_the_connection(length, stream_id, rfc_errors):
    """"A WINDOW_UPDATE frame with a length other than 4 octets MUST be treated as a connection error ... of type
    FRAME_SIZE_ERROR".
    """
    connection_error(request(1), frames.window_update(stream_id, 1).body(b"\1" * length), code=FRAME_SIZE_ERROR,
                     exception=FrameDataMissingError, rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("increments", [[LARGEST], [LARGEST - 65535, 1]])
def test_a_stream_window_over_the_maximum_is_a_stream_error(increments, rfc_errors):
    """"A sender MUST NOT allow a flow-control window to exceed 2^31-1 octets ... For streams, the sender sends a
    RST_STREAM with an error code of FLOW_CONTROL_ERROR".
    """
    stream_error(request(3), *(frames.window_update(3, n) for n in increments), stream_id=3, code=FLOW_CONTROL_ERROR,
                 rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("increments", [[LARGEST], [LARGEST - 65535, 1]])
def test_a_connection_window_over_the_maximum_ends_the_connection(increments, rfc_errors):
    """"for the connection, a GOAWAY frame with an error code of FLOW_CONTROL_ERROR is sent"."""
    connection_error(request(1), *(frames.window_update(0, n) for n in increments), code=FLOW_CONTROL_ERROR,
                     exception=FlowControlError, rfc_errors=rfc_errors)


@both_modes
def test_window_updates_may_come_after_the_request_has_ended(rfc_errors):
    """"a receiver could receive a WINDOW_UPDATE frame on a stream in a half-closed (remote) or closed state. A
    receiver MUST NOT treat this as an error".
    """
    outcome = accepted(request(1), frames.window_update(1, 5), answer(1), frames.window_update(1, 5), request(3),
                       frames.window_update(1, 5), answer(3), rfc_errors=rfc_errors)
    assert len(outcome.of("WindowUpdated")) == 1


@both_modes
@pytest.mark.parametrize("stream_id", [3, 2])
def test_a_window_update_on_an_idle_stream_ends_the_connection(stream_id, rfc_errors):
    """5.1: only HEADERS and PRIORITY are allowed on an idle stream."""
    connection_error(request(1), frames.window_update(stream_id, 1), code=PROTOCOL_ERROR, last_stream_id=1,
                     rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("padding", [None, 0, 100])
def test_data_beyond_the_connections_window_ends_the_connection(padding, rfc_errors):
    """"a receiver MAY respond with a connection error or stream error of type FLOW_CONTROL_ERROR" to a sender that
    "send[s] ... more than the space available"; the connection's window is the connection's error.
    """
    def widen(connection):
        connection.increment_flow_control_window(10**6, 1)

    full = [frames.data(1, b"f" * 16000)] * 4
    rest = 65535 - 4 * 16000 + 1 - (0 if padding is None else padding + 1)
    last = frames.data(1, b"l" * rest)
    connection_error(request(1, end_stream=False), widen, *full, last if padding is None else last.pad(padding),
                     code=FLOW_CONTROL_ERROR, exception=FlowControlError, rfc_errors=rfc_errors)
    exact = frames.data(1, b"l" * (rest - 1))
    accepted(request(1, end_stream=False), widen, *full, exact if padding is None else exact.pad(padding),
             rfc_errors=rfc_errors)


@both_modes
def test_data_beyond_the_streams_window_ends_the_connection(rfc_errors):
    """The founder's choice among the two the RFC leaves: the peer can't count, so the connection ends."""
    def narrow(connection):
        connection.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})

    start = (frames.settings_ack(), narrow, frames.settings_ack(), request(1, end_stream=False))
    accepted(*start, frames.data(1, b"0123456789"), frames.data(1, b"", end_stream=True), rfc_errors=rfc_errors)
    connection_error(*start, frames.data(1, b"0123456789"), frames.data(1, b"X"), code=FLOW_CONTROL_ERROR,
                     exception=FlowControlError, rfc_errors=rfc_errors)
    connection_error(*start, frames.data(1, b"123456789").pad(1), code=FLOW_CONTROL_ERROR,
                     exception=FlowControlError, rfc_errors=rfc_errors)


@both_modes
def test_a_window_may_become_negative_and_recovers(rfc_errors):
    """6.9.2: "a change to SETTINGS_INITIAL_WINDOW_SIZE can cause the available space in a flow-control window to
    become negative. A sender MUST track the negative flow-control window".
    """
    def send(connection):
        connection.send_headers(1, [(":status", "200")])
        connection.send_data(1, b"x" * 16000)

    outcome = accepted(request(1), send, frames.settings((frames.INITIAL_WINDOW_SIZE, 100)), rfc_errors=rfc_errors)
    connection = outcome.connection
    assert connection.local_flow_control_window(1) == 100 - 16000
    with pytest.raises(FlowControlError):
        connection.send_data(1, b"x")
    outcome.feed(frames.window_update(1, 15900))
    assert connection.local_flow_control_window(1) == 0
    outcome.feed(frames.window_update(1, 7))
    connection.send_data(1, b"7 bytes", end_stream=True)
    assert outcome.feed().wrote("DATA")[-1].data == b"7 bytes"


@both_modes
def test_empty_data_may_be_sent_and_received_without_any_window(rfc_errors):
    """"Frames with zero length with the END_STREAM flag set ... MAY be sent if there is no available space"."""
    outcome = accepted(frames.settings((frames.INITIAL_WINDOW_SIZE, 0)), request(1), rfc_errors=rfc_errors)
    outcome.connection.send_headers(1, [(":status", "200")])
    outcome.connection.send_data(1, b"", end_stream=True)
    assert outcome.feed().wrote("DATA")[0].end_stream

    def close(connection):
        connection.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})

    accepted(frames.settings_ack(), close, frames.settings_ack(), request(1, end_stream=False),
             frames.data(1), frames.data(1, b"", end_stream=True), rfc_errors=rfc_errors)


@both_modes
@pytest.mark.parametrize("octets, accepts", [(0, True), (1, False)])
def test_empty_data_is_received_where_the_window_is_negative(octets, accepts, rfc_errors):
    """"Frames with zero length with the END_STREAM flag set ... MAY be sent if there is no available space": so after
    a reduction that left less than none.
    """
    def narrow(connection):
        connection.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})

    steps = [frames.settings_ack(), request(1, end_stream=False), frames.data(1, b"d" * 1000), narrow, frames.settings_ack(),
             frames.data(1, b"x" * octets, end_stream=True)]
    if accepts:
        outcome = accepted(*steps, rfc_errors=rfc_errors)
        assert outcome.of("StreamEnded")
    else:
        connection_error(*steps, code=FLOW_CONTROL_ERROR, exception=FlowControlError, rfc_errors=rfc_errors)


@both_modes
def test_own_initial_window_moves_the_receive_windows_of_open_streams(rfc_errors):
    """6.9.2 seen from the receiver: a reduction may leave its own window negative until credit is given."""
    def narrow(connection):
        connection.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})

    outcome = accepted(frames.settings_ack(), request(1, end_stream=False), frames.data(1, b"d" * 1000), narrow,
                       frames.data(1, b"e" * 1000), frames.settings_ack(), rfc_errors=rfc_errors)
    connection = outcome.connection
    assert connection.remote_flow_control_window(1) == 10 - 2000
    connection.increment_flow_control_window(1995, 1)
    outcome.feed(frames.data(1, b"12345", end_stream=True))
    assert outcome.of("DataReceived")[-1].data == b"12345"
    connection_error(frames.settings_ack(), request(1, end_stream=False), frames.data(1, b"d" * 1000), narrow,
                     frames.settings_ack(), frames.data(1, b"!"), code=FLOW_CONTROL_ERROR,
                     exception=FlowControlError, rfc_errors=rfc_errors)


def test_the_reserved_bit_of_an_increment_is_ignored_under_rfc_errors():
    """The increment is "an unsigned 31-bit integer" behind "one reserved bit"."""
    outcome = accepted(request(1), frames.window_update(0, 0x80000001), frames.window_update(1, 0x80000002))
    assert [(event.stream_id, event.delta) for event in outcome.of("WindowUpdated")] == [(0, 1), (1, 2)]


@pytest.mark.parametrize("stream_id", [0, 1])
def test_the_reserved_bit_of_an_increment_is_refused_by_default(stream_id):
    """h2 reads 32 bits and refuses values over 2**31 - 1; without rfc_errors so does fasth2."""
    connection_error(request(1), frames.window_update(stream_id, 0x80000001), code=PROTOCOL_ERROR, rfc_errors=False)


def test_a_million_octets_of_cancelled_uploads_cost_no_connection_credit():
    """docs/security.md, row 32: connection credit never leaks, whatever ends the streams."""
    steps = []
    for stream_id in range(1, 161, 2):
        steps += [request(stream_id, end_stream=False), frames.data(stream_id, b"u" * 12000),
                  frames.rst_stream(stream_id) if stream_id % 4 == 1 else
                  (lambda connection, n=stream_id: connection.reset_stream(n)),
                  lambda connection, n=stream_id: connection.acknowledge_received_data(12000, n)]
    outcome = survived(*steps, request(201, end_stream=False), *[frames.data(201, b"p" * 15000)] * 2)
    assert sum(len(event.data) for event in outcome.of("DataReceived", 201)) == 30000
