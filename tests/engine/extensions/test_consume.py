"""``consume``: credit for what the application has taken."""
import pytest

from fasth2.exceptions import FlowControlError, NoSuchStreamError
from tests.support import frames

from .responding import Peer


def uploading(*sizes):
    """Stream 1 has received DATA frames of these sizes."""
    peer = Peer(1, end_stream=False)
    for size in sizes:
        peer.feed(frames.data(1, b"u" * size))
    return peer


def credit(sent):
    """(stream, increment) of the WINDOW_UPDATE frames."""
    assert {one.kind for one in sent} <= {"WINDOW_UPDATE"}
    return [(one.stream_id, one.increment) for one in sent]


def test_credit_goes_out_in_useful_portions():
    """Half a window, as h2's policy has it; nothing for a little."""
    peer = uploading(16000, 16000, 16000)
    for _ in range(20):
        peer.connection.consume(1, 1000)
    assert credit(peer.output()) == []
    peer.connection.consume(1, 28000)
    assert credit(peer.output()) == [(0, 48000), (1, 48000)]
    assert peer.connection.remote_flow_control_window(1) == 65535


def test_exact_credit_goes_out_at_once():
    """merge=False: gunicorn compares it."""
    peer = uploading(5000)
    peer.connection.consume(1, 1, merge=False)
    peer.connection.consume(1, 4999, merge=False)
    assert sorted(credit(peer.output())) == [(0, 1), (0, 4999), (1, 1), (1, 4999)]
    assert peer.connection.remote_flow_control_window(1) == 65535


def test_a_stream_that_ended_gets_none_and_the_connection_does():
    """The peer sends nothing more on it."""
    peer = Peer(1, end_stream=False)
    peer.feed(frames.data(1, b"u" * 5000, end_stream=True))
    peer.connection.consume(1, 5000, merge=False)
    assert credit(peer.output()) == [(0, 5000)]
    assert peer.connection.inbound_flow_control_window == 65535


@pytest.mark.parametrize("merge", [True, False])
def test_a_stream_that_is_gone_still_returns_the_connections_credit(merge):
    """The octets were received; somebody took them."""
    peer = uploading(16000, 16000, 16000)
    peer.feed(frames.rst_stream(1))
    peer.connection.consume(1, 48000, merge=merge)
    assert credit(peer.output()) == [(0, 48000)]
    assert peer.connection.inbound_flow_control_window == 65535


@pytest.mark.parametrize("merge", [True, False])
def test_consuming_zero_octets_changes_nothing(merge):
    """Zero octets."""
    peer = uploading(100)
    peer.connection.consume(1, 0, merge=merge)
    assert peer.output() == []


def test_wrong_arguments_are_refused_and_change_nothing():
    """Negative, more than was received, streams that never were."""
    peer = uploading(100)
    for arguments, error in (((1, -1), ValueError), ((1, 2**31), (FlowControlError, ValueError)),
                             ((99, 5), NoSuchStreamError)):
        with pytest.raises(error):
            peer.connection.consume(*arguments, merge=False)
    assert peer.output() == []
    peer.connection.consume(1, 100, merge=False)
    assert sorted(credit(peer.output())) == [(0, 100), (1, 100)]


def test_a_long_upload_never_stalls():
    """A hundred windows, consumed as it comes, with padding."""
    peer = Peer(1, end_stream=False)
    taken = 0
    for n in range(500):
        frame = frames.data(1, b"u" * 12000).pad(n % 200)
        assert len(frame.payload) <= peer.connection.remote_flow_control_window(1), "the window ran out"
        [one] = peer.connection.ready_requests(bytes(frame))
        taken += len(one.data)
        peer.connection.consume(1, one.flow_controlled_length)
        peer.output()
    assert taken == 500 * 12000
