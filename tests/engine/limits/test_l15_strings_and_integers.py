"""L15: HPACK integers of 32 bits in 5 octets at most; strings no longer than a header list may be."""
import pytest

from fasth2.exceptions import ProtocolError
from tests.support.fields import block, in_frames, request, request_fields

from .flood import COMPRESSION_ERROR, Victim, both_modes

GOOD = block(request_fields())


def integer(value, prefix=7):
    """An HPACK integer behind an empty prefix."""
    most = 2**prefix - 1
    if value < most:
        return bytes([value])
    octets = [most]
    value -= most
    while value >= 128:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes([*octets, value])


def long_value(length):
    """A field whose value has so many octets on the wire."""
    return b"\x00\x01x" + integer(length) + b"v" * length


def headers(stream_id, octets):
    """A block in as few frames as it takes."""
    return b"".join(bytes(frame) for frame in in_frames(stream_id, octets, 16384))


@both_modes
def test_a_string_over_the_limit_ends_the_connection(rfc_errors):
    """Its length is enough: the octets needn't be there."""
    victim = Victim(rfc_errors)
    victim.crosses(headers(1, GOOD + b"\x00\x01x" + integer(65537)), "string_size", COMPRESSION_ERROR, ProtocolError)


@both_modes
def test_a_string_of_nine_tenths_is_never_refused(rfc_errors):
    """58,982 octets in one value."""
    victim = Victim(rfc_errors)
    for stream_id in (1, 3, 5):
        [event, _] = victim.endures(headers(stream_id, GOOD + long_value(58982)))
        assert event.headers[-1][1] == b"v" * 58982
    assert victim.connection.counters == {}


@both_modes
def test_a_larger_list_may_hold_a_larger_string(rfc_errors):
    """A string isn't refused for its size alone where the list may be as large."""
    victim = Victim(rfc_errors, header_list_size=200000)
    victim.endures(headers(1, GOOD + long_value(100000)))
    assert victim.connection.counters == {}


@both_modes
def test_the_setting_changes_it(rfc_errors):
    """2000 octets; the list's own limit is 1000."""
    victim = Victim(rfc_errors, string_size=2000, header_list_size=1000)
    victim.crosses(headers(1, GOOD + long_value(2001)), "string_size", COMPRESSION_ERROR, ProtocolError)
    if rfc_errors:
        victim = Victim(rfc_errors, string_size=2000, header_list_size=1000)
        victim.connection.receive_data(headers(1, GOOD + long_value(2000)))
        assert [sent.error_code for sent in victim.output()] == [0xB]


@both_modes
def test_none_switches_it_off(rfc_errors):
    """A string that isn't there whole is still a decoding error, with another counter."""
    victim = Victim(rfc_errors, string_size=None)
    victim.crosses(headers(1, GOOD + b"\x00\x01x" + integer(65537)), "compression", COMPRESSION_ERROR, ProtocolError)


@both_modes
@pytest.mark.parametrize("octets", [
    b"\xff\xff\xff\xff\xff\x0f\x00", b"\xff" + b"\xff" * 20 + b"\x00", b"\xff" + b"\x80" * 6 + b"\x00",
    b"\x00\x7f\xff\xff\xff\xff\xff\x01", b"\x00\x01a\x7f\xff\xff\xff\xff\x7f", b"\x3f\xff\xff\xff\xff\xff\x01",
])
def test_an_integer_over_its_limit_ends_the_connection(octets, rfc_errors):
    """COMPRESSION_ERROR at the sixth octet or at a value over 32 bits."""
    victim = Victim(rfc_errors)
    block_octets = octets if octets.startswith(b"\x3f") else GOOD + octets
    victim.crosses(headers(1, block_octets), "compression", COMPRESSION_ERROR, ProtocolError)


@both_modes
@pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 254, 255, 16000])
def test_integers_below_the_limit_are_read_in_every_length(length, rfc_errors):
    """One octet, two, three; and one written longer than it must be."""
    victim = Victim(rfc_errors)
    field = b"\x00\x01x" + integer(length) + b"v" * length
    [event, _] = victim.endures(headers(1, GOOD + field))
    assert event.headers[-1][1] == b"v" * length
    if length > 127:
        padded = integer(length)
        padded = padded[:-1] + bytes([padded[-1] | 0x80, 0])
        [event, _] = victim.endures(headers(3, GOOD + b"\x00\x01x" + padded + b"v" * length))
        assert event.headers[-1][1] == b"v" * length


@both_modes
def test_the_connection_reads_on_below_the_limits(rfc_errors):
    """Nothing is counted."""
    victim = Victim(rfc_errors)
    victim.endures(*(request(n) for n in range(1, 60, 2)))
    assert victim.connection.counters == {}
