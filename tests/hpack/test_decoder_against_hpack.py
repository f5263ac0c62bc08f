"""Long sequences on one connection: hpack and hand-made blocks in, fasth2's decoder beside hpack's."""
from __future__ import annotations

import random

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.exceptions import HPACKDecodingError
from tests.support.long_runs import rounds

from . import oracle
from .header_lists import REQUESTS, RESPONSES
from .oracle import decode_both, fields, indexed, literal, same_table, size_update

SIZES = [0, 31, 32, 33, 64, 100, 256, 1000, 4095, 4096, 8192, 65536]


def pair(allowed=65536):
    mine = Decoder(2**20)
    theirs = hpack.Decoder(max_header_list_size=2**20)
    mine.max_allowed_table_size = theirs.max_allowed_table_size = allowed
    return mine, theirs


steps = st.lists(
    st.one_of(
        st.lists(st.tuples(fields, st.booleans()), max_size=10),
        st.sampled_from(SIZES),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_what_hpack_encodes(steps):
    mine, theirs = pair()
    encoder = hpack.Encoder()
    for step in steps:
        if isinstance(step, int):
            # hpack forgets to announce a size that it is told twice.
            if step != encoder.header_table_size:
                encoder.header_table_size = step
            continue
        block = encoder.encode([(*field, sensitive) for field, sensitive in step])
        got, expected = decode_both(mine, theirs, block)
        assert expected is not None
        assert got == expected
        same_table(mine, theirs)


representations = st.one_of(
    st.integers(1, 75).map(indexed),
    st.builds(
        literal,
        st.one_of(st.integers(1, 70), oracle.names),
        oracle.values,
        st.sampled_from([0x40, 0x40, 0x40, 0x00, 0x10]),
    ),
)
blocks = st.tuples(st.lists(st.sampled_from(SIZES).map(size_update), max_size=2), st.lists(representations, max_size=8))


@settings(max_examples=300, deadline=None)
@given(st.lists(blocks, max_size=30))
def test_any_sequence_of_representations(blocks):
    """Whatever the peer chooses, the same is accepted, refused and left in the table."""
    mine, theirs = pair()
    for updates, parts in blocks:
        got, expected = decode_both(mine, theirs, b"".join(updates + parts))
        assert got == expected
        if expected is None:
            break
        same_table(mine, theirs)


@pytest.mark.slow
def test_thousands_of_blocks_on_one_connection():
    dice = random.Random(1)
    mine, theirs = pair()
    encoder = hpack.Encoder()
    for number in range(rounds(20_000)):
        if dice.random() < 0.02:
            encoder.header_table_size = dice.choice(SIZES)
        if dice.random() < 0.02:
            # What the local SETTINGS allow; the encoder has to follow when it is less.
            mine.max_allowed_table_size = theirs.max_allowed_table_size = allowed = dice.choice([4096, 8192, 65536])
            encoder.header_table_size = min(encoder.header_table_size, allowed)
        headers = list(dice.choice(REQUESTS + RESPONSES))
        headers.append((b"x-number", b"%d" % dice.randrange(number + 1)))
        if dice.random() < 0.3:
            headers.append((b"x-" + dice.randbytes(3).hex().encode(), dice.randbytes(dice.randrange(200))))
        block = encoder.encode([(name, value, dice.random() < 0.05) for name, value in headers])
        if encoder.header_table_size > mine.max_allowed_table_size:
            continue
        got, expected = decode_both(mine, theirs, block)
        assert (got, number) == (expected, number)
        if expected is None:
            mine, theirs = pair()
            encoder = hpack.Encoder()
        else:
            same_table(mine, theirs)


def test_a_name_from_the_entry_that_its_field_evicts():
    """RFC 7541 section 4.4 warns of exactly this."""
    mine, theirs = pair()
    block = literal(b"x-" + b"n" * 2000, b"v" * 1000) + literal(62, b"w" * 1500) + literal(62, b"u" * 2000)
    got, expected = decode_both(mine, theirs, block + literal(62, b"t" * 5000) + indexed(2))
    assert expected is not None
    assert got == expected
    assert got[3] == (b"x-" + b"n" * 2000, b"t" * 5000, True)
    same_table(mine, theirs)
    assert mine.header_table.dynamic_entries == []


def test_an_indexed_field_is_kept_when_its_entry_is_evicted_in_the_same_block():
    mine, theirs = pair()
    block = literal(b"a", b"1" * 2000) + indexed(62) + literal(b"b", b"2" * 3000) + indexed(62)
    got, expected = decode_both(mine, theirs, block)
    assert expected is not None
    assert got == expected
    same_table(mine, theirs)


def test_text_is_decoded_as_hpack_decodes_it():
    block = hpack.Encoder().encode([("x-\u00e9", "caf\u00e9"), ("b", "\U0001f600")])
    assert Decoder().decode(block) == hpack.Decoder().decode(block)
    block = literal(b"a", b"\xff")
    with pytest.raises(hpack.HPACKDecodingError):
        hpack.Decoder().decode(block)
    with pytest.raises(HPACKDecodingError, match="not UTF-8"):
        Decoder().decode(block)


def test_any_buffer_is_taken():
    block = hpack.Encoder().encode([(b":method", b"GET"), (b"a", b"b")])
    expected = [(b":method", b"GET"), (b"a", b"b")]
    for kind in (bytes, bytearray, memoryview):
        assert Decoder().decode(kind(block), raw=True) == expected
    for wrong in ("text", None, 5, memoryview(block)[::2]):
        with pytest.raises((TypeError, BufferError)):
            Decoder().decode(wrong)
