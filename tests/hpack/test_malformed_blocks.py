"""Blocks that end too soon or were never blocks: accepted and refused as by hpack."""
from __future__ import annotations

import random

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasth2.hpack import huffman as _huffman
from fasth2.hpack.decoder import Decoder
from fasth2.hpack.exceptions import HPACKDecodingError, HPACKError
from tests.support.long_runs import rounds

from .header_lists import REQUESTS
from .oracle import decode_both, huffman_string, indexed, literal, same_table, size_update, string


def pair():
    return Decoder(2**24), hpack.Decoder(max_header_list_size=2**24)


def test_every_prefix_of_a_block():
    blocks = [hpack.Encoder().encode(fields, huffman) for fields in REQUESTS for huffman in (True, False)]
    blocks.append(size_update(100) + literal(b"a" * 300, b"b" * 300) + literal(b"c", b"d", 0x10) + indexed(1))
    accepted = 0
    for block in blocks:
        for end in range(len(block) + 1):
            mine, theirs = pair()
            got, expected = decode_both(mine, theirs, block[:end])
            assert got == expected, block[:end]
            accepted += expected is not None
    assert accepted > len(blocks) * 5


@pytest.mark.slow
def test_random_octets():
    dice = random.Random(3)
    table = hpack.Encoder().encode([(b"x-%d" % n, b"value %d" % n) for n in range(20)])
    refused = 0
    for _ in range(rounds(200_000)):
        mine, theirs = pair()
        if dice.random() < 0.5:
            mine.decode(table)
            theirs.decode(table)
        data = dice.randbytes(dice.randrange(1, 30))
        got, expected = decode_both(mine, theirs, data)
        assert got == expected, data
        if expected is None:
            refused += 1
        else:
            same_table(mine, theirs)
    assert 0 < refused < rounds(200_000)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(REQUESTS),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_block_with_some_octets_changed(fields, changes):
    block = bytearray(hpack.Encoder().encode(fields))
    for place, octet in changes:
        block[place % len(block)] = octet
    mine, theirs = pair()
    got, expected = decode_both(mine, theirs, bytes(block))
    assert got == expected


@pytest.mark.parametrize(
    "coded",
    [b"\xff\xff\xff\xff", b"\x3f\xff\xff\xff\xff", b"\x18", b"\x1f\xff", b"\xff", b"\x00"],
    ids=["EOS", "EOS after a symbol", "padding of zeros", "padding over 7 bits", "padding of 8 bits", "a cut code"],
)
def test_huffman_faults_are_refused_in_names_and_values(coded):
    for block in (b"\x40" + huffman_string(coded) + string(b"v"), b"\x40" + string(b"n") + huffman_string(coded)):
        with pytest.raises(HPACKDecodingError):
            Decoder().decode(block)
        with pytest.raises(hpack.HPACKError):
            hpack.Decoder().decode(block)


#: What hpack takes and fasth2 does not, each with its reason.
STRICTER = [
    pytest.param(
        literal(b"a", b"b") * 3, {"max_fields": 2},
        id="more fields than the limit (L12): near-empty fields are cheap to send and dear to keep",
    ),
    pytest.param(
        b"\x00" + string(b"a") + huffman_string(_huffman.encode(b"\n" * 20)), {"max_string": 74},
        id="a string of more octets as sent than the limit (L15), though fewer once decoded",
    ),
]


@pytest.mark.parametrize(("block", "limits"), STRICTER)
def test_stricter_than_hpack(block, limits):
    mine, theirs = pair()
    theirs.decode(block, raw=True)
    mine.decode(block, raw=True)
    for name, value in limits.items():
        setattr(mine, name, value)
    with pytest.raises(HPACKError):
        mine.decode(block, raw=True)


def test_an_error_leaves_no_field_behind():
    decoder = Decoder()
    with pytest.raises(HPACKDecodingError):
        decoder.decode(indexed(2) + indexed(0))
    assert decoder.decode(indexed(3), raw=True) == [(b":method", b"POST")]
