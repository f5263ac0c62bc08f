"""L9: WINDOW_UPDATE frames, 100, 2 for each stream, 20 for each DATA frame and 1 for 256 octets sent (window dribble)."""
import pytest

from tests.support import frames
from tests.support.fields import request

from .flood import Victim, both_modes, many


@both_modes
@pytest.mark.parametrize("stream_id", [0, 1])
def test_one_too_many_ends_the_connection(stream_id, rfc_errors):
    """One stream: 102."""
    victim = Victim(rfc_errors)
    victim.endures(request(1), many(frames.window_update(stream_id, 1), 102))
    victim.crosses(frames.window_update(stream_id, 1), "window_updates")


@both_modes
def test_data_that_was_sent_allows_more(rfc_errors):
    """Twenty a frame."""
    victim = Victim(rfc_errors)
    victim.endures(request(1))
    victim.connection.send_headers(1, [(":status", "200")])
    for _ in range(5):
        victim.connection.send_data(1, b"x")
    victim.output()
    victim.endures(many(frames.window_update(1, 1), 102 + 100))
    victim.crosses(frames.window_update(0, 1), "window_updates")


@both_modes
def test_window_updates_for_closed_streams_count_too(rfc_errors):
    """They are ignored, not free."""
    victim = Victim(rfc_errors)
    victim.endures(request(1), frames.rst_stream(1), many(frames.window_update(1, 1), 102))
    victim.crosses(frames.window_update(1, 1), "window_updates")


@both_modes
def test_nine_tenths_are_never_refused(rfc_errors):
    """A client that updates stream and connection for each frame it reads, and a bit more."""
    victim = Victim(rfc_errors)
    victim.endures(request(1), many(frames.window_update(0, 1), 90))
    victim.connection.send_headers(1, [(":status", "200")])
    for _ in range(500):
        victim.connection.send_data(1, b"x" * 100)
        victim.output()
        victim.endures(many(frames.window_update(1, 100), 9), many(frames.window_update(0, 100), 9))
    assert victim.connection.counters == {}


@both_modes
def test_none_switches_it_off(rfc_errors):
    """Endless dribble."""
    victim = Victim(rfc_errors, window_updates=None)
    victim.endures(request(1), many(frames.window_update(1, 1), 20000))
    assert victim.connection.local_flow_control_window(1) == 65535
    assert victim.connection.counters == {}


@both_modes
def test_the_setting_changes_it(rfc_errors):
    """Zero leaves two for each stream."""
    victim = Victim(rfc_errors, window_updates=0)
    victim.endures(request(1), many(frames.window_update(1, 1), 2))
    victim.crosses(frames.window_update(1, 1), "window_updates")
