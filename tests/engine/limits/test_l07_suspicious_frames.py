"""L7: frames that carry nothing, 10000 at once and 330 a second; ignored octets, 1 MiB and 8 for each useful one."""
import pytest

from tests.support import frames
from tests.support.fields import block, request, request_fields

from .flood import Victim, both_modes, many

OPEN = request(1, end_stream=False)

KINDS = {
    "empty DATA": frames.data(1),
    "empty DATA with padding": frames.data(1).pad(0),
    "PRIORITY": frames.priority(3),
    "unknown": frames.unknown(),
    "PRIORITY_UPDATE": frames.priority_update(3),
    "ALTSVC": frames.altsvc(0, b"https://a.example"),
    "ORIGIN": frames.origin(b"https://a.example"),
    "PING": frames.ping(),
    "PING acknowledgement": frames.ping(ack=True),
    "SETTINGS": frames.settings(),
    "SETTINGS acknowledgement": frames.settings_ack(),
    "RST_STREAM of a closed stream": frames.rst_stream(1),
}

#: Other limits that these frames would meet first.
ASIDE = {"priority_frames": None, "ack_backlog": None, "control_backlog": None}


def start(victim, kind):
    """What comes before the flood."""
    victim.endures(OPEN)
    if kind == "RST_STREAM of a closed stream":
        # One more may have crossed the end of the stream.
        victim.endures(frames.rst_stream(1), frames.rst_stream(1))
    elif kind.startswith("PRIORITY"):
        # The stream that was opened pays for four.
        victim.endures(*[KINDS[kind]] * 4)


@both_modes
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_counts(kind, rfc_errors):
    """A hundred after the preface's SETTINGS, which is the first, and not one more."""
    victim = Victim(rfc_errors, suspicious_burst=1 + 100, suspicious_rate=10, **ASIDE)
    start(victim, kind)
    victim.endures(*[KINDS[kind]] * 100)
    victim.crosses(KINDS[kind], "suspicious_frames")


@both_modes
def test_ten_thousand_and_one_end_the_connection(rfc_errors):
    """The default; the preface's SETTINGS is one of them."""
    victim = Victim(rfc_errors)
    victim.endures(OPEN, *[many(frames.data(1), 1111)] * 9)
    victim.crosses(frames.data(1), "suspicious_frames")


@both_modes
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nine_tenths_are_never_refused(kind, rfc_errors):
    """9000 at once, then 297 a second."""
    victim = Victim(rfc_errors, **ASIDE)
    start(victim, kind)
    victim.endures(*[many(KINDS[kind], 300)] * 30)
    for _ in range(20):
        victim.clock.now += 1
        victim.endures(many(KINDS[kind], 297))
    assert victim.connection.counters == {}


@both_modes
def test_a_body_in_small_pieces_is_not_suspicious(rfc_errors):
    """One octet a frame is slow but it carries something; END_STREAM without data is work, too."""
    victim = Victim(rfc_errors, suspicious_burst=10, suspicious_rate=0)
    victim.endures(OPEN, *[frames.data(1, b"x")] * 500, frames.data(1, b"", end_stream=True))
    for n in range(3, 203, 2):
        victim.endures(request(n, end_stream=False), frames.data(n, b"", end_stream=True))
        victim.connection.send_headers(n, [(":status", "200")], end_stream=True)
        victim.output()
    assert victim.connection.counters == {}


@both_modes
def test_field_blocks_in_empty_pieces_count(rfc_errors):
    """CONTINUATION and HEADERS without payload (the latter without END_HEADERS)."""
    victim = Victim(rfc_errors, suspicious_burst=50, suspicious_rate=0, continuation_frames=None)
    octets = frames.headers(1, b"", end_headers=False) + many(frames.continuation(1, b"", end_headers=False), 100)
    victim.crosses(octets, "suspicious_frames")


@both_modes
@pytest.mark.parametrize("frame", [frames.unknown(payload=b"x" * 16384), frames.origin(b"o" * 16382),
                                   frames.altsvc(0, b"o", b"v" * 16381)], ids=["unknown", "origin", "altsvc"])
def test_more_than_a_mebibyte_ignored_ends_the_connection(frame, rfc_errors):
    """64 frames of 16 KiB are allowed, one more is not."""
    victim = Victim(rfc_errors)
    victim.endures(*[frame] * 64)
    victim.crosses(frame, "ignored_octets")


@both_modes
def test_useful_octets_allow_eight_ignored_ones_each(rfc_errors):
    """Bodies and field blocks are useful."""
    victim = Victim(rfc_errors)
    victim.endures(OPEN, frames.data(1, b"u" * 16384))
    useful = 16384 + len(OPEN.payload)
    ignored = frames.unknown(payload=b"x" * 16384)
    allowed = (2**20 + 8 * useful) // 16384
    victim.endures(*[ignored] * allowed)
    victim.crosses(ignored, "ignored_octets")


@both_modes
def test_nine_tenths_of_the_ignored_octets_are_never_refused(rfc_errors):
    """57 frames of 16 KiB, and 7 octets for each useful one after."""
    victim = Victim(rfc_errors)
    victim.endures(*[frames.unknown(payload=b"x" * 16384)] * 57)
    for n in range(1, 41, 2):
        victim.endures(request(n, end_stream=False), frames.data(n, b"u" * 2000, end_stream=True),
                       frames.unknown(payload=b"x" * 14000))
        victim.connection.acknowledge_received_data(2000, n)
    assert victim.connection.counters == {}


@both_modes
def test_none_switches_them_off(rfc_errors):
    """Frames and octets each."""
    for limits in ({"suspicious_burst": None}, {"suspicious_rate": None}):
        victim = Victim(rfc_errors, **limits)
        victim.endures(OPEN, *[many(frames.data(1), 1000)] * 20)
        assert victim.connection.counters == {}
    for limits in ({"ignored_octets": None}, {"ignored_ratio": None}):
        victim = Victim(rfc_errors, **limits)
        victim.endures(*[frames.unknown(payload=b"x" * 16384)] * 200)
        assert victim.connection.counters == {}


def test_frames_in_flight_on_a_reset_stream_count():
    """docs/security.md, row 59: ignored up to what the stream's window let out, and one field block."""
    victim = Victim(True, suspicious_burst=1 + 20, suspicious_rate=0)
    victim.endures(OPEN)
    for _ in range(4):
        victim.endures(frames.data(1, b"x" * 16383))
        victim.connection.increment_flow_control_window(16383)
    victim.connection.reset_stream(1)
    victim.output()
    trailers = block([*request_fields()])
    victim.endures(frames.data(1, b"xyz"), frames.headers(1, trailers, end_stream=True))
    with_end = many(frames.data(1, b"x"), 10) + many(frames.headers(1, trailers, end_stream=True), 10)
    victim.endures(with_end)
    victim.crosses(frames.data(1, b"x"), "suspicious_frames")
