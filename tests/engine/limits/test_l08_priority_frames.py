"""L8: PRIORITY and PRIORITY_UPDATE frames, 100 and 100 more for each stream opened (Resource Loop)."""
import pytest

from tests.support import frames
from tests.support.fields import block, request, request_fields

from .flood import Victim, both_modes, many

kinds = pytest.mark.parametrize("frame", [frames.priority(99), frames.priority_update(99)],
                                ids=["PRIORITY", "PRIORITY_UPDATE"])


@both_modes
@kinds
def test_a_hundred_and_one_without_a_stream_end_the_connection(frame, rfc_errors):
    """Nothing was opened."""
    victim = Victim(rfc_errors)
    victim.endures(many(frame, 100))
    victim.crosses(frame, "priority_frames")


@both_modes
@kinds
def test_each_stream_allows_a_hundred_more(frame, rfc_errors):
    """Streams that are over count: they were opened."""
    victim = Victim(rfc_errors)
    for n in (1, 3, 5):
        victim.endures(request(n), frames.rst_stream(n))
    victim.endures(many(frame, 400))
    victim.crosses(frame, "priority_frames")


@both_modes
def test_both_kinds_count_together(rfc_errors):
    """Fifty of each."""
    victim = Victim(rfc_errors)
    victim.endures(many(frames.priority(9), 50), many(frames.priority_update(9), 50))
    victim.crosses(frames.priority(9), "priority_frames")


@both_modes
def test_every_new_stream_id_opens_nothing(rfc_errors):
    """No tree grows: streams named in PRIORITY are not there."""
    victim = Victim(rfc_errors, priority_frames=None)
    victim.endures(*(frames.priority(n, depends_on=n + 2, exclusive=True) for n in range(1, 8001, 2)))
    assert victim.connection.open_inbound_streams == 0
    assert victim.connection.streams == {}


@both_modes
def test_nine_tenths_are_never_refused(rfc_errors):
    """Ninety, and ninety for each stream."""
    victim = Victim(rfc_errors)
    victim.endures(many(frames.priority(9), 90))
    for n in range(1, 41, 2):
        victim.endures(request(n), many(frames.priority(n), 45), many(frames.priority_update(n), 45))
        victim.connection.reset_stream(n)
    assert victim.connection.counters == {}


@both_modes
def test_priorities_within_headers_are_counted_too(rfc_errors):
    """One a stream, far below the limit."""
    victim = Victim(rfc_errors, priority_frames=1)
    octets = block(request_fields())
    for n in range(1, 41, 2):
        victim.endures(frames.headers(n, octets, end_stream=True, priority=(16, 0, False)))
    assert victim.connection.counters == {}


@both_modes
@kinds
def test_none_switches_it_off(frame, rfc_errors):
    """The limit on suspicious frames is then the next."""
    victim = Victim(rfc_errors, priority_frames=None)
    victim.endures(many(frame, 5000))
    assert victim.connection.counters == {}
