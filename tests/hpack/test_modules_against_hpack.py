"""What hpack's modules have beside the two classes: tables, Huffman, integers."""
from __future__ import annotations

import hpack.hpack
import hpack.huffman
import hpack.huffman_table
import hpack.table
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fasth2.hpack
from fasth2.hpack.hpack import decode_integer, encode_integer
from fasth2.hpack.huffman import HuffmanEncoder
from fasth2.hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from fasth2.hpack.huffman_table import HUFFMAN_TABLE, decode_huffman
from fasth2.hpack.table import HeaderTable

from . import oracle

SIZES = [0, 31, 33, 34, 64, 100, 4096, 65536]

steps = st.lists(st.one_of(oracle.fields, st.sampled_from(SIZES)), max_size=40)


def found(module, table, index):
    try:
        return table.get_by_index(index)
    except module.InvalidTableIndex as error:
        return str(error)


def same_answers(mine, theirs, fields) -> None:
    """Assert that two tables, each of its package, answer the same."""
    assert mine.dynamic_entries == theirs.dynamic_entries
    assert (mine.maxsize, mine._current_size) == (theirs.maxsize, theirs._current_size)
    for index in (-1, 0, 1, 61, 62, 63, 61 + len(theirs.dynamic_entries), 62 + len(theirs.dynamic_entries)):
        assert found(fasth2.hpack, mine, index) == found(hpack, theirs, index)
    for name, value in fields:
        assert mine.search(name, value) == theirs.search(name, value)
        assert mine.search(name, b"") == theirs.search(name, b"")


@settings(max_examples=150, deadline=None)
@given(steps)
def test_tables(steps):
    """A table alone, and those of encoders and decoders."""
    pairs = [(HeaderTable(), hpack.table.HeaderTable()),
             (fasth2.hpack.Encoder().header_table, hpack.Encoder().header_table),
             (fasth2.hpack.Decoder().header_table, hpack.Decoder().header_table)]
    text = fasth2.hpack.Decoder()
    text.decode(b"\x82")
    pairs.append((text.header_table, hpack.table.HeaderTable()))
    fields = [step for step in steps if isinstance(step, tuple)]
    for number, (mine, theirs) in enumerate(pairs):
        for step in steps:
            if isinstance(step, int):
                mine.maxsize = theirs.maxsize = step
                assert number or mine.resized == theirs.resized
            else:
                mine.add(*step)
                theirs.add(*step)
        same_answers(mine, theirs, fields)
        if not number:
            assert repr(mine) == repr(theirs)


def test_an_entry_that_was_added_is_used():
    encoder, decoder = fasth2.hpack.Encoder(), fasth2.hpack.Decoder()
    for codec in (encoder, decoder):
        codec.header_table.add(b"a", b"b")
        codec.header_table.add(b":method", b"GET")
    assert encoder.encode([("a", "b")]) == oracle.indexed(63)
    assert decoder.decode(oracle.indexed(63) + oracle.indexed(62)) == [("a", "b"), (":method", "GET")]
    assert encoder.header_table == encoder.header_table != fasth2.hpack.Encoder().header_table
    assert isinstance(encoder.header_table, HeaderTable)
    with pytest.raises(TypeError):
        encoder.header_table.add("a", "b")


def test_the_decoding_table():
    assert HUFFMAN_TABLE == hpack.huffman_table.HUFFMAN_TABLE
    assert fasth2.hpack.huffman_table.HUFFMAN_TABLE is HUFFMAN_TABLE


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_huffman(octets):
    mine = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
    theirs = hpack.huffman.HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
    code = mine.encode(octets)
    assert code == theirs.encode(octets)
    assert code == HuffmanEncoder(list(REQUEST_CODES), list(REQUEST_CODES_LENGTH)).encode(octets)
    for kind in (bytes, bytearray, memoryview):
        assert decode_huffman(kind(code)) == octets
    try:
        expected = hpack.huffman_table.decode_huffman(octets)
    except hpack.HPACKDecodingError:
        with pytest.raises(fasth2.hpack.HPACKDecodingError):
            decode_huffman(octets)
    else:
        assert decode_huffman(octets) == expected


def test_huffman_with_another_code():
    codes, lengths = [0b0, 0b10, 0b110], [1, 2, 3]
    for octets in (b"", b"\x00", b"\x00\x01\x02", b"\x02" * 9, bytearray(b"\x01\x02")):
        assert (HuffmanEncoder(codes, lengths).encode(octets)
                == hpack.huffman.HuffmanEncoder(codes, lengths).encode(octets))
    assert HuffmanEncoder(codes, lengths).encode(None) == decode_huffman(None) == decode_huffman(b"") == b""


@given(st.one_of(st.integers(0, 300), st.integers(0, 2**70)), st.integers(1, 8), st.binary(max_size=3))
def test_integers(number, bits, more):
    coded = encode_integer(number, bits)
    assert coded == hpack.hpack.encode_integer(number, bits)
    assert type(coded) is bytearray
    same_integer(bytes(coded) + more, bits)


@given(st.one_of(st.binary(max_size=9), st.binary(max_size=4).map(lambda rest: b"\xff" * 5 + rest)), st.integers(1, 8))
def test_any_octets_as_integers(octets, bits):
    same_integer(octets, bits)


def same_integer(octets: bytes, bits: int) -> None:
    try:
        expected = hpack.hpack.decode_integer(octets, bits)
    except hpack.HPACKDecodingError as error:
        with pytest.raises(fasth2.hpack.HPACKDecodingError) as refused:
            decode_integer(octets, bits)
        assert str(refused.value) == str(error)
    else:
        assert decode_integer(octets, bits) == decode_integer(memoryview(octets), bits) == expected


@pytest.mark.parametrize("bits", [0, 9, -1])
def test_prefixes_out_of_range(bits):
    for module in (hpack.hpack, fasth2.hpack.hpack):
        with pytest.raises(ValueError, match="Prefix bits must be between 1 and 8"):
            module.encode_integer(5, bits)
        with pytest.raises(ValueError, match="Prefix bits must be between 1 and 8"):
            module.decode_integer(b"\x05", bits)
        with pytest.raises(ValueError, match="positive integers"):
            module.encode_integer(-1, 5)
