"""L3: streams that the engine resets for the peer's fault or refuses (MadeYouReset), in the bucket of L2."""
import pytest

from tests.support import frames
from tests.support.fields import marked, request, request_fields

from .flood import Victim

FAULTS = {
    "malformed": lambda n: marked(n, request_fields(("connection", "x"))),
    "window of 0": lambda n: request(n) + frames.window_update(n, 0),
    "window overflow": lambda n: request(n) + frames.window_update(n, 2**31 - 1),
    "headers after the end": lambda n: request(n) + marked(n, [("x", "1")]),
    "data after the end": lambda n: request(n) + frames.data(n, b"x"),
    "priority of length 6": lambda n: request(n) + frames.priority(n).body(b"123456"),
    "priority on itself": lambda n: request(n) + frames.priority(n, depends_on=n),
    "content-length": lambda n: request(n, ("content-length", "1"), end_stream=False) + frames.data(n, b"xy"),
    "trailers": lambda n: request(n, end_stream=False) + marked(n, [("x", "1")], end_stream=False),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_each_provoked_reset_counts(fault):
    """A thousand are answered with RST_STREAM, one more with GOAWAY; PRIORITY's own limit is out of the way."""
    victim = Victim(True, priority_frames=None)
    provoke = FAULTS[fault]
    for n in range(1000):
        stream_id = 2 * n + 1
        victim.connection.receive_data(bytes(provoke(stream_id)))
        [sent] = victim.output()
        assert (sent.kind, sent.stream_id) == ("RST_STREAM", stream_id)
    assert victim.connection.open_inbound_streams == 0
    victim.crosses(provoke(2001), "resets")


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_nine_tenths_are_only_reset(fault):
    """900 at once, then 29 a second."""
    victim = Victim(True, priority_frames=None)
    stream_id = 1
    for _ in range(900):
        victim.endures(FAULTS[fault](stream_id))
        stream_id += 2
    for _ in range(30):
        victim.clock.now += 1
        victim.endures(*(FAULTS[fault](stream_id + 2 * n) for n in range(29)))
        stream_id += 58
    assert "resets" not in victim.connection.counters


def test_refused_streams_count():
    """A peer that keeps opening streams over the limit is ended too."""
    victim = Victim(True, concurrent_streams=1)
    victim.endures(request(1))
    for n in range(1000):
        victim.endures(request(2 * n + 3))
    victim.crosses(request(3001), "resets")


def test_both_sides_resets_share_one_bucket():
    """500 of each."""
    victim = Victim(True)
    for n in range(500):
        victim.endures(request(4 * n + 1) + frames.rst_stream(4 * n + 1), FAULTS["malformed"](4 * n + 3))
    victim.crosses(request(3001) + frames.rst_stream(3001), "resets")


def test_each_fault_has_its_own_counter():
    """An operator sees what the peer did."""
    victim = Victim(True)
    victim.endures(*(FAULTS[fault](2 * n + 1) for n, fault in enumerate(sorted(FAULTS))))
    assert victim.connection.counters == {
        "body_length": 1, "half_closed": 2, "connection_field": 1, "priority_length": 1, "priority_self": 1,
        "trailers_open": 1, "window_update_zero": 1, "stream_window_overflow": 1}


def test_resets_by_the_application_do_not_count():
    """What this side does on its own is not the peer's fault."""
    victim = Victim(True)
    for n in range(1500):
        victim.endures(request(2 * n + 1))
        victim.connection.reset_stream(2 * n + 1)
        victim.output()
    assert victim.connection.counters == {}


def test_none_switches_it_off():
    """With L2."""
    victim = Victim(True, reset_burst=None)
    for n in range(2000):
        victim.endures(FAULTS["malformed"](2 * n + 1))
    assert victim.connection.counters == {"connection_field": 2000}
