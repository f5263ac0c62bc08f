"""L13: frames of one field block, 64 as in h2, and its octets, as many as L11 (CONTINUATION flood)."""
from fasth2.exceptions import ProtocolError
from tests.support import frames
from tests.support.fields import block, in_frames, request_fields

from .flood import PROTOCOL_ERROR, Victim, both_modes

GOOD = block(request_fields())


def begin(stream_id=1):
    """The first frame of a block."""
    return frames.headers(stream_id, GOOD[:1], end_stream=True, end_headers=False)


@both_modes
def test_a_block_in_too_many_frames_ends_the_connection(rfc_errors):
    """HEADERS and 63 CONTINUATION frames pass; h2 counts HEADERS, too."""
    victim = Victim(rfc_errors)
    victim.endures(begin(), *[frames.continuation(1, b"", end_headers=False)] * 62, frames.continuation(1, GOOD[1:]))
    victim.endures(begin(3), *[frames.continuation(3, b"", end_headers=False)] * 63)
    victim.crosses(frames.continuation(3, GOOD[1:]), "continuation_frames", PROTOCOL_ERROR, ProtocolError)


@both_modes
def test_an_endless_block_is_ended_with_little_memory(rfc_errors):
    """The octets of a block are limited by the size of the list (L11), whatever is in them."""
    victim = Victim(rfc_errors)
    piece = frames.continuation(1, b"\x00\x7f\xff\x7f" * 4096, end_headers=False)
    victim.endures(begin(), *[piece] * 3)
    victim.crosses(piece, "continuation_frames", PROTOCOL_ERROR, ProtocolError)


@both_modes
def test_nothing_of_an_endless_block_is_decoded(rfc_errors):
    """No event, and the message is about frames, not fields."""
    victim = Victim(rfc_errors)
    assert victim.endures(begin(), *[frames.continuation(1, b"\x80", end_headers=False)] * 62) == []


@both_modes
def test_nine_tenths_are_never_refused(rfc_errors):
    """57 frames a block, again and again."""
    victim = Victim(rfc_errors)
    for stream_id in range(1, 101, 2):
        value = b"v" * (57 * 2 - len(GOOD) - 4)
        octets = GOOD + b"\x00\x01x" + bytes([len(value)]) + value
        pieces = in_frames(stream_id, octets, 2)
        assert len(pieces) == 57
        events = victim.endures(*pieces)
        assert tuple(events[0].headers[-1]) == (b"x", value)
    assert victim.connection.counters == {}


@both_modes
def test_none_switches_the_count_off(rfc_errors):
    """The octets are still limited."""
    victim = Victim(rfc_errors, continuation_frames=None)
    victim.endures(begin(), *[frames.continuation(1, b"", end_headers=False)] * 500, frames.continuation(1, GOOD[1:]))
    assert victim.connection.counters == {}


@both_modes
def test_the_setting_limits_the_frames_of_a_field_block(rfc_errors):
    """Five frames, HEADERS among them."""
    victim = Victim(rfc_errors, continuation_frames=5)
    victim.endures(begin(), *[frames.continuation(1, b"", end_headers=False)] * 4)
    victim.crosses(frames.continuation(1, GOOD[1:]), "continuation_frames", PROTOCOL_ERROR, ProtocolError)
