"""Integers (RFC 7541 section 5.1)."""
from __future__ import annotations

import hpack
import pytest

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder
from fasth2.hpack.exceptions import HPACKDecodingError, InvalidTableIndexError

from .oracle import indexed, integer, literal, size_update, string

EDGES = [0, 1, 30, 31, 32, 62, 63, 126, 127, 128, 158, 159, 254, 255, 256, 1337, 16383, 16510, 16511, 65535, 2**21 + 30,
         2**28 + 31, 2**31, 2**32 - 1]


def test_appendix_c1():
    """10 and 1337 with five bits, 42 with eight; here as table sizes and as the length of a string."""
    decoder = Decoder()
    decoder.decode(b"\x2a")
    assert decoder.header_table_size == 10
    decoder.decode(b"\x3f\x9a\x0a")
    assert decoder.header_table_size == 1337
    assert decoder.decode(b"\x00\x01a\x2a" + b"v" * 42, raw=True) == [(b"a", b"v" * 42)]


@pytest.mark.parametrize("size", EDGES)
def test_every_length_both_ways(size):
    decoder = Decoder()
    decoder.max_allowed_table_size = 2**32 - 1
    decoder.decode(size_update(size))
    assert decoder.header_table_size == size

    encoder = Encoder()
    encoder.max_table_size = None
    encoder.header_table_size = size
    expected = hpack.hpack.encode_integer(size, 5)
    expected[0] |= 0x20
    assert encoder.encode([]) == bytes(expected)


@pytest.mark.parametrize("prefix", ["index", "name", "never", "size", "string"])
def test_a_sixth_octet_is_refused(prefix):
    """At octet 6 after the prefix at the latest, whatever it says: zeros, ones, or a number over 32 bits."""
    first = {"index": b"\xff", "name": b"\x7f", "never": b"\x1f", "size": b"\x3f", "string": b"\x00\x7f"}[prefix]
    for octets in (b"\x80" * 5, b"\xff" * 5, b"\x80" * 4 + b"\x90", b"\xff" * 4 + b"\x10", b"\xff" * 100):
        for after in (b"", b"\x00", b"\x00" * 10):
            with pytest.raises(HPACKDecodingError):
                Decoder().decode(first + octets + after)


def test_zeros_in_front_of_the_end_are_allowed_up_to_five_octets():
    assert Decoder().decode(b"\x00\x7f\x80\x80\x80\x00" + b"n" * 127 + b"\x00", raw=True) == [(b"n" * 127, b"")]
    decoder = Decoder()
    decoder.decode(b"\x3f\x80\x80\x80\x80\x00")
    assert decoder.header_table_size == 31


@pytest.mark.parametrize("length", [1, 127, 2**16, 2**31, 2**32 - 1])
def test_a_length_past_the_end_is_refused(length):
    decoder = Decoder(2**32 - 1)
    for block in (
        b"\x00" + integer(length, 7),
        b"\x00" + integer(length, 7, 0x80) + b"a" * min(length - 1, 5),
        b"\x00" + string(b"a") + integer(length, 7) + b"v" * min(length - 1, 5),
    ):
        with pytest.raises(HPACKDecodingError):
            decoder.decode(block)


@pytest.mark.parametrize("index", [0, 62, 63, 127, 128, 2**16, 2**32 - 1])
def test_an_index_that_no_table_has_is_refused(index):
    with pytest.raises(InvalidTableIndexError):
        Decoder().decode(indexed(index))
    if index:
        for kind in (0x40, 0x00, 0x10):
            with pytest.raises(InvalidTableIndexError):
                Decoder().decode(literal(index, b"v", kind))


def test_the_last_index_of_each_table():
    decoder = Decoder()
    decoder.decode(literal(b"a", b"1") + literal(b"b", b"2"))
    assert decoder.decode(indexed(61) + indexed(62) + indexed(63), raw=True) == [
        (b"www-authenticate", b""), (b"b", b"2"), (b"a", b"1"),
    ]
    with pytest.raises(InvalidTableIndexError):
        decoder.decode(indexed(64))
