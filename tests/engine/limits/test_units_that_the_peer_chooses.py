"""Limits that count frames: clients that behave choose small frames, and are not cut off for it."""
import h2.config
import h2.connection
import h2.exceptions
import pytest

import fasth2.exceptions
from tests.support import frames
from tests.support.fields import block, in_frames, request, request_fields
from tests.support.frames import PREFACE

from .flood import PROTOCOL_ERROR, Victim, both_modes, many

#: gunicorn's limits: 200 resets and 1000 frames without work in ten seconds.
GUNICORNS = {"reset_burst": 200, "reset_rate": 20, "suspicious_burst": 1000, "suspicious_rate": 100}


def respond(victim, stream_id, body=b"", end_stream=False):
    """Send headers, and one DATA frame."""
    victim.connection.send_headers(stream_id, [(":status", "200")])
    victim.connection.send_data(stream_id, body, end_stream)


@both_modes
def test_credit_is_returned_for_every_4096_octets_of_large_frames(rfc_errors):
    """Go's client announces frames of 1 MiB and updates both levels after each 4096 octets that were read."""
    victim = Victim(rfc_errors)
    victim.endures(frames.settings((frames.MAX_FRAME_SIZE, 2**20), (frames.INITIAL_WINDOW_SIZE, 2**22)),
                   frames.window_update(0, 2**30), request(1))
    victim.reader.max_frame_size = 2**20
    victim.connection.send_headers(1, [(":status", "200")])
    for _ in range(100):
        victim.connection.send_data(1, b"x" * 2**20)
        victim.output()
        victim.endures(many(frames.window_update(1, 4096) + frames.window_update(0, 4096), 256))
    assert victim.connection.counters == {}


@both_modes
def test_credit_is_returned_for_each_of_many_tiny_frames(rfc_errors):
    """10,000 events of one octet, both levels updated after each."""
    victim = Victim(rfc_errors)
    victim.endures(request(1))
    victim.connection.send_headers(1, [(":status", "200")])
    for _ in range(10_000):
        victim.connection.send_data(1, b"x")
        victim.endures(frames.window_update(1, 1) + frames.window_update(0, 1))
    assert victim.connection.counters == {}


def test_windows_of_one_octet_are_served():
    """docs/security.md, row 28: a window opened by an octet at a time."""
    victim = Victim(True)
    victim.endures(frames.settings((frames.INITIAL_WINDOW_SIZE, 1)), request(1))
    assert victim.connection.respond(1, 200, [], b"y" * 5000)
    got = b"".join(sent.data for sent in victim.output() if sent.kind == "DATA")
    for _ in range(4999):
        victim.connection.receive_data(bytes(frames.window_update(1, 1) + frames.window_update(0, 1)))
        got += b"".join(sent.data for sent in victim.output() if sent.kind == "DATA")
    assert got == b"y" * 5000
    assert victim.connection.counters == {}


@both_modes
def test_updates_beyond_what_octets_and_frames_allow_end_the_connection(rfc_errors):
    """One stream, one frame of 16,384 octets: 102 + 20 + 64."""
    victim = Victim(rfc_errors)
    victim.endures(request(1))
    respond(victim, 1, b"x" * 16384)
    victim.output()
    victim.endures(many(frames.window_update(1, 1), 102 + 20 + 64))
    victim.crosses(frames.window_update(1, 1), "window_updates")


def test_a_ping_for_each_round_trip_of_a_download_is_no_flood():
    """Clients that estimate the bandwidth (gRPC's do) send one whenever DATA comes and none is on its way."""
    victim = Victim(True, **GUNICORNS)
    victim.endures(frames.window_update(0, 2**30), frames.settings((frames.INITIAL_WINDOW_SIZE, 2**30)), request(1))
    victim.connection.send_headers(1, [(":status", "200")])
    for _ in range(5000):
        victim.connection.send_data(1, b"x" * 1000)
        victim.output()
        victim.endures(frames.ping())
    assert victim.connection.counters == {}
    # 16,384 octets of DATA pay for one more, as they would in frames of that size.
    victim.endures(*[frames.ping()] * (5_000_000 // 16384 + 998))
    victim.crosses(frames.ping(), "suspicious_frames")


def test_answers_to_pings_of_ours_are_no_flood():
    """Each was asked for."""
    victim = Victim(True, **GUNICORNS)
    for _ in range(3000):
        victim.connection.ping(b"12345678")
        victim.output()
        victim.endures(frames.ping(b"12345678", ack=True))
    assert victim.connection.counters == {}


@pytest.mark.parametrize("reset", ["reset_stream", "refused"])
def test_a_body_in_flight_in_small_frames_on_a_stream_that_was_reset_is_no_flood(reset):
    """As much as the window let out may be on its way, six octets a frame."""
    victim = Victim(True, concurrent_streams=1 if reset == "refused" else 100, **GUNICORNS)
    for n in range(1, 101, 2):
        victim.endures(request(n, end_stream=False))
        if reset == "reset_stream":
            victim.connection.reset_stream(n)
            victim.output()
    last = 99
    victim.endures(many(frames.data(last, b"sixoct"), 10_922))
    victim.endures(frames.headers(last, block([("x-checksum", "1")]), end_stream=True))
    assert set(victim.connection.counters) <= {"streams_refused"}


def test_bodies_beyond_the_window_of_streams_that_were_reset_are_a_flood():
    """What the window never let out is not in flight."""
    victim = Victim(True, suspicious_burst=1 + 10, suspicious_rate=0)
    victim.endures(request(1, end_stream=False))
    victim.connection.reset_stream(1)
    victim.endures(*[frames.data(1, b"x" * 16383)] * 4, frames.data(1, b"xyz"))
    victim.endures(*[frames.data(1, b"x")] * 10)
    victim.crosses(frames.data(1, b"x"), "suspicious_frames")


def test_resets_that_cross_the_answer_are_no_flood():
    """RST_STREAM on a stream that is over, once for each stream."""
    victim = Victim(True, **GUNICORNS)
    for n in range(1, 6001, 2):
        victim.endures(request(n))
        victim.connection.send_headers(n, [(":status", "204")], end_stream=True)
        victim.output()
        victim.endures(frames.rst_stream(n))
    assert victim.connection.counters == {}


def test_uploads_given_up_after_the_whole_answer_are_no_flood():
    """A client that has been told 413 sends RST_STREAM instead of the rest."""
    victim = Victim(True, **GUNICORNS)
    for n in range(1, 2001, 2):
        victim.endures(request(n, end_stream=False), frames.data(n, b"x"))
        victim.connection.send_headers(n, [(":status", "413")], end_stream=True)
        victim.output()
        victim.endures(frames.rst_stream(n))
    assert victim.connection.counters == {}


def test_priorities_that_change_a_few_times_a_stream_are_no_flood():
    """A browser's, of the pictures that come into view."""
    victim = Victim(True, **GUNICORNS)
    for n in range(1, 2001, 2):
        victim.endures(request(n), frames.priority_update(n), frames.priority_update(n, b"u=1"), frames.priority(n))
        victim.connection.send_headers(n, [(":status", "204")], end_stream=True)
        victim.output()
    assert victim.connection.counters == {}


def test_a_large_block_may_come_in_small_frames():
    """32 KiB of fields in CONTINUATION frames of 256 octets: 128 of them."""
    victim = Victim(True)
    octets = block([*request_fields(), *((b"x-%d" % n, bytes([97 + n % 26]) * 1000) for n in range(40))])
    pieces = in_frames(1, octets, 256)
    assert len(pieces) > 100
    victim.endures(*pieces)
    assert victim.connection.counters == {}


def test_without_rfc_errors_a_block_has_as_many_frames_as_in_h2():
    """HEADERS and 63 CONTINUATION frames, however much they hold."""
    small = [frames.headers(1, b"\x82", end_headers=False), *[frames.continuation(1, b"x" * 300, end_headers=False)] * 63]
    for more, counts in (((), {}), ((frames.continuation(1, b"x", end_headers=False),), {"continuation_frames": 1})):
        victim = Victim(False)
        theirs = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        theirs.receive_data(PREFACE)
        victim.endures(*small)
        theirs.receive_data(b"".join(map(bytes, small)))
        for frame in more:
            with pytest.raises(fasth2.exceptions.ProtocolError):
                victim.connection.receive_data(bytes(frame))
            with pytest.raises(h2.exceptions.ProtocolError):
                theirs.receive_data(bytes(frame))
        assert victim.connection.counters == counts


CROSSED = {
    "resets": ({"reset_burst": 0}, request(1) + frames.rst_stream(1)),
    "ack_backlog": ({"ack_backlog": 3}, many(frames.ping(), 4)),
    "control_backlog": ({"control_backlog": 50}, many(frames.ping(), 4)),
    "suspicious_frames": ({"suspicious_burst": 2}, many(frames.unknown(), 4)),
    "ignored_octets": ({"ignored_octets": 10}, frames.unknown(payload=b"secret of the client")),
    "priority_frames": ({"priority_frames": 1}, many(frames.priority(3), 2)),
    "window_updates": ({"window_updates": 1}, many(frames.window_update(0, 1), 2)),
    "settings_per_frame": ({"settings_per_frame": 1}, frames.settings((77, 1), (78, 1))),
    "header_list_size": ({"header_list_size": 100}, request(1, ("x-secret", "s" * 500))),
    "header_fields": ({"header_fields": 4}, request(1, *[("x-secret", "s")] * 30)),
    "string_size": ({"string_size": 100, "header_list_size": 100}, request(1, ("x-secret", "s" * 200))),
}


@pytest.mark.parametrize("token", sorted(CROSSED))
def test_goaway_names_the_limit_that_was_crossed(token):
    """In its debug data, with nothing of the peer's."""
    limits, octets = CROSSED[token]
    victim = Victim(True, **limits)
    with pytest.raises(Exception, match="."):
        victim.connection.receive_data(bytes(octets))
    goaway = victim.output()[-1]
    assert (goaway.kind, goaway.data) == ("GOAWAY", token.encode())
    assert victim.connection.counters[token] == 1


def test_goaway_names_the_limits_that_end_in_another_code():
    """CONTINUATION frames. Without rfc_errors, streams too end the connection as in h2, whose GOAWAY says nothing."""
    victim = Victim(True)
    begin = frames.headers(1, b"", end_headers=False)
    victim.endures(begin, *[frames.continuation(1, b"", end_headers=False)] * 63)
    error = victim.crosses(frames.continuation(1, b"", end_headers=False), "continuation_frames", PROTOCOL_ERROR,
                           Exception)
    assert error and victim.reader.sent[-1].data == b"continuation_frames"
    victim = Victim(False, concurrent_streams=1)
    victim.endures(request(1))
    with pytest.raises(Exception, match="SETTINGS_MAX_CONCURRENT_STREAMS"):
        victim.connection.receive_data(bytes(request(3)))
    assert victim.output()[-1].data == b""


def test_goaway_for_other_faults_has_no_debug_data():
    """Limits only: h2's GOAWAYs have none."""
    victim = Victim(True)
    with pytest.raises(Exception, match="."):
        victim.connection.receive_data(bytes(frames.data(1, b"x")))
    assert (victim.output()[-1].error_code, victim.reader.sent[-1].data) == (PROTOCOL_ERROR, b"")
