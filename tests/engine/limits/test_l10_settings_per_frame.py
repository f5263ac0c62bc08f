"""L10: settings in one frame, 32 (Large SETTINGS)."""
from tests.support import frames

from .flood import Victim, both_modes


def settings(count, start=0x1000):
    """That many settings nobody knows."""
    return frames.settings(*((start + n, n) for n in range(count)))


@both_modes
def test_thirty_three_end_the_connection(rfc_errors):
    """2400 as well."""
    for count in (33, 2400):
        victim = Victim(rfc_errors)
        victim.endures(settings(32))
        victim.crosses(settings(count), "settings_per_frame")


@both_modes
def test_duplicates_count(rfc_errors):
    """The same setting again and again is still work."""
    victim = Victim(rfc_errors)
    victim.crosses(frames.settings(*[(frames.MAX_FRAME_SIZE, 16384)] * 33), "settings_per_frame")


@both_modes
def test_nine_tenths_are_never_refused(rfc_errors):
    """28 in a frame."""
    victim = Victim(rfc_errors)
    for n in range(50):
        [event] = victim.endures(settings(28, 0x1000 + 28 * (n % 2)))
        assert len(event.changed_settings) == 28
    assert victim.connection.counters == {}


@both_modes
def test_unknown_settings_are_not_kept_without_end(rfc_errors):
    """65,536 identifiers exist; the peer's settings stay a small mapping."""
    victim = Victim(rfc_errors)
    for start in range(0x1000, 0x8000, 32):
        victim.endures(settings(32, start))
    assert len(victim.connection.remote_settings) < 200


@both_modes
def test_none_switches_it_off(rfc_errors):
    """A frame full of them."""
    victim = Victim(rfc_errors, settings_per_frame=None)
    victim.endures(settings(2700))
    assert victim.connection.counters == {}
