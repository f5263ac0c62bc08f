"""RFC 9113 section 5.2: flow control, its principles."""
import pytest

from fasth2.exceptions import FlowControlError
from tests.support import frames
from tests.support.fields import block, request, request_fields
from tests.support.play import accepted, survived

both_modes = pytest.mark.parametrize("rfc_errors", [False, True])


@both_modes
def test_the_initial_windows_are_65535_octets(rfc_errors):
    """"The initial value for the flow-control window is 65,535 octets for both new streams and the overall
    connection".
    """
    connection = accepted(request(1, end_stream=False), rfc_errors=rfc_errors).connection
    assert connection.local_flow_control_window(1) == 65535
    assert connection.remote_flow_control_window(1) == 65535
    assert connection.inbound_flow_control_window == 65535
    assert connection.outbound_flow_control_window == 65535


@both_modes
def test_only_data_is_flow_controlled(rfc_errors):
    """"Of the frames specified in this document, only DATA frames are subject to flow control"."""
    big = block([*request_fields(), ("x-big", "b" * 12000)])
    outcome = accepted(
        request(1, end_stream=False), frames.headers(3, big, end_stream=True), frames.unknown(payload=b"u" * 9000),
        frames.ping(), frames.settings((0xF000, 1)), frames.priority(1), rfc_errors=rfc_errors)
    assert outcome.connection.remote_flow_control_window(1) == 65535
    assert outcome.connection.inbound_flow_control_window == 65535


@both_modes
def test_data_counts_with_its_padding_and_pad_length_on_stream_and_connection(rfc_errors):
    """"The entire DATA frame payload is included in flow control, including the Pad Length and Padding fields"."""
    outcome = accepted(request(1, end_stream=False), request(3, end_stream=False), frames.data(1, b"12345").pad(10),
                       frames.data(3, b"123").pad(0), rfc_errors=rfc_errors)
    connection = outcome.connection
    assert [event.flow_controlled_length for event in outcome.of("DataReceived")] == [16, 4]
    assert [event.data for event in outcome.of("DataReceived")] == [b"12345", b"123"]
    assert connection.inbound_flow_control_window == 65535 - 20
    assert connection.streams[1].inbound_flow_control_window == 65535 - 16
    assert connection.remote_flow_control_window(3) == 65535 - 20


@both_modes
def test_a_sender_never_sends_more_than_both_windows(rfc_errors):
    """"A sender MUST respect flow-control limits imposed by a receiver"."""
    outcome = accepted(frames.settings((frames.INITIAL_WINDOW_SIZE, 10)), request(1), request(3), rfc_errors=rfc_errors)
    connection = outcome.connection
    connection.send_headers(1, [(":status", "200")])
    with pytest.raises(FlowControlError):
        connection.send_data(1, b"12345678901")
    with pytest.raises(FlowControlError):
        connection.send_data(1, b"123456789", pad_length=1)
    connection.send_data(1, b"1234567890")
    assert connection.local_flow_control_window(1) == 0
    assert connection.local_flow_control_window(3) == 10
    outcome.feed(frames.window_update(1, 3))
    connection.send_data(1, b"123", end_stream=True)
    outcome.feed()
    assert connection.outbound_flow_control_window == 65535 - 13


@both_modes
def test_padding_that_is_sent_is_taken_off_both_windows(rfc_errors):
    """The sender's side of the same rule."""
    connection = accepted(request(1), rfc_errors=rfc_errors).connection
    connection.send_headers(1, [(":status", "200")])
    connection.send_data(1, b"12345", pad_length=10)
    connection.send_data(1, b"", pad_length=0)
    assert connection.local_flow_control_window(1) == connection.outbound_flow_control_window == 65535 - 16 - 1


@both_modes
def test_the_connection_window_limits_streams_with_large_windows(rfc_errors):
    """Both windows count; the smaller decides."""
    outcome = accepted(frames.settings((frames.INITIAL_WINDOW_SIZE, 2**20)), request(1), request(3),
                       rfc_errors=rfc_errors)
    connection = outcome.connection
    for stream_id in (1, 3):
        connection.send_headers(stream_id, [(":status", "200")])
    for _ in range(3):
        connection.send_data(1, b"x" * 16384)
    connection.send_data(3, b"x" * 16383)
    assert connection.local_flow_control_window(3) == 0
    with pytest.raises(FlowControlError):
        connection.send_data(3, b"x")
    connection.send_data(3, b"", end_stream=True)
    outcome.feed(frames.window_update(0, 5))
    assert connection.local_flow_control_window(1) == 5


@both_modes
def test_acknowledged_data_is_returned_in_both_windows(rfc_errors):
    """Receivers advertise what they can take with WINDOW_UPDATE on the stream and on the connection."""
    outcome = accepted(request(1, end_stream=False), *[frames.data(1, b"d" * 16000)] * 3,
                       lambda connection: connection.acknowledge_received_data(48000, 1), rfc_errors=rfc_errors)
    assert [(sent.stream_id, sent.increment) for sent in outcome.wrote("WINDOW_UPDATE")] == [(0, 48000), (1, 48000)]
    assert outcome.connection.remote_flow_control_window(1) == 65535


@both_modes
def test_an_ended_stream_gets_no_credit_but_the_connection_does(rfc_errors):
    """The credit of a stream that needs none isn't sent; the connection's always is."""
    outcome = survived(request(1, end_stream=False), *[frames.data(1, b"d" * 16000)] * 3, frames.rst_stream(1),
                       lambda connection: connection.acknowledge_received_data(48000, 1), rfc_errors=rfc_errors)
    assert [(sent.stream_id, sent.increment) for sent in outcome.wrote("WINDOW_UPDATE")] == [(0, 48000)]


def test_flow_control_cannot_be_switched_off_but_opened_wide():
    """"Flow control cannot be disabled": windows go up to 2**31 - 1 and no further."""
    outcome = accepted(request(1, end_stream=False),
                       lambda connection: connection.increment_flow_control_window(2**31 - 1 - 65535),
                       lambda connection: connection.increment_flow_control_window(2**31 - 1 - 65535, 1))
    connection = outcome.connection
    assert connection.remote_flow_control_window(1) == 2**31 - 1
    for stream_id in (None, 1):
        with pytest.raises(FlowControlError):
            connection.increment_flow_control_window(1, stream_id)
        for wrong in (0, -1, 2**31):
            with pytest.raises(ValueError, match="increment"):
                connection.increment_flow_control_window(wrong, stream_id)
    assert connection.data_to_send() == b""
    assert connection.remote_flow_control_window(1) == 2**31 - 1
