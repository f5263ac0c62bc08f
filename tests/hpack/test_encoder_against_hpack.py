"""Long sequences on one connection: what fasth2's encoder writes, hpack's decoder reads."""
from __future__ import annotations

import random
import sys

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasth2.hpack.encoder import Encoder
from fasth2.hpack.struct import HeaderTuple, NeverIndexedHeaderTuple
from tests.support.long_runs import rounds

from .header_lists import REQUESTS, RESPONSES
from .oracle import fields, same_table, shape

SIZES = [0, 31, 32, 33, 64, 100, 256, 1000, 4095, 4096, 8192, 65536, 2**32 - 1]


def reader():
    decoder = hpack.Decoder(max_header_list_size=2**24)
    decoder.max_allowed_table_size = 2**32 - 1
    return decoder


steps = st.lists(
    st.one_of(st.lists(st.tuples(fields, st.booleans()), max_size=10), st.sampled_from(SIZES)),
    max_size=40,
)


@pytest.mark.parametrize("bound", [4096, 0, 100, None])
@settings(max_examples=150, deadline=None)
@given(steps=steps)
def test_what_hpack_reads(bound, steps):
    encoder = Encoder()
    encoder.max_table_size = bound
    decoder = reader()
    for step in steps:
        if isinstance(step, int):
            encoder.header_table_size = step
            continue
        block = encoder.encode([(*field, sensitive) for field, sensitive in step])
        expected = [(name, value, not sensitive) for (name, value), sensitive in step]
        assert shape(decoder.decode(block, raw=True)) == expected
        same_table(encoder, decoder)
        assert bound is None or decoder.header_table_size <= bound


@pytest.mark.slow
def test_thousands_of_blocks_on_one_connection():
    dice = random.Random(2)
    encoder = Encoder()
    decoder = reader()
    for number in range(rounds(20_000)):
        for _ in range(dice.choice([0, 0, 0, 0, 0, 0, 1, 3])):
            encoder.header_table_size = dice.choice(SIZES)
        headers = list(dice.choice(REQUESTS + RESPONSES))
        headers.append((b"x-number", b"%d" % dice.randrange(number + 1)))
        if dice.random() < 0.3:
            headers.append((b"x-" + dice.randbytes(3).hex().encode(), dice.randbytes(dice.randrange(200))))
        if dice.random() < 0.01:
            headers.append((b"large", b"l" * dice.randrange(10_000)))
        wanted = [(name, value, dice.random() > 0.05) for name, value in headers]
        block = encoder.encode([(name, value, not indexable) for name, value, indexable in wanted])
        assert shape(decoder.decode(block, raw=True)) == wanted, number
        same_table(encoder, decoder)


def test_flipping_the_table_size_between_blocks():
    """The peer may ask for 2**32 - 1 and take it back; the table never passes 4096 octets."""
    encoder = Encoder()
    decoder = reader()
    for number in range(2000):
        encoder.header_table_size = 2**32 - 1 if number % 2 else number % 300
        assert encoder.header_table_size == (4096 if number % 2 else number % 300)
        block = encoder.encode([(b"a", b"%d" % number), (b"server", b"gunicorn"), (b"a", b"%d" % (number % 5))])
        assert decoder.decode(block, raw=True)[0] == (b"a", b"%d" % number)
        same_table(encoder, decoder)


def test_the_smallest_size_between_two_blocks_is_announced():
    """RFC 7541 section 4.2: the smallest, then the one in force."""
    encoder = Encoder()
    encoder.encode([(b"a", b"b")])
    for size in (2000, 100, 3000):
        encoder.header_table_size = size
    assert encoder.encode([]) == b"\x3f\x45" + b"\x3f\x99\x17"
    assert encoder.encode([]) == b""
    encoder.header_table_size = 3000
    assert encoder.encode([]) == b""
    encoder.header_table_size = 64
    encoder.header_table_size = 3000
    assert encoder.encode([]) == b"\x3f\x21" + b"\x3f\x99\x17"


def test_forms_of_a_header_list():
    expected = [(b":status", b"200"), (b"a", b"b")]
    for form in (
        expected,
        tuple(expected),
        iter(expected),
        [(":status", "200"), ("a", "b")],
        [(":status", 200), ["a", "b"]],
        [HeaderTuple(":status", "200"), HeaderTuple("a", "b")],
        {":status": "200", "a": "b"},
        {"a": "b", ":status": "200"},
        {b"a": b"b", b":status": b"200"},
    ):
        encoder = Encoder()
        assert hpack.Decoder().decode(encoder.encode(form), raw=True) == expected
        assert encoder.header_table.dynamic_entries == [(b"a", b"b")]
    for form in ([("a", "b", True)], [NeverIndexedHeaderTuple("a", "b")]):
        encoder = Encoder()
        assert shape(hpack.Decoder().decode(encoder.encode(form), raw=True)) == [(b"a", b"b", False)]
        assert encoder.header_table.dynamic_entries == []


class Explodes:
    def __str__(self):
        raise LookupError("no text")


@pytest.mark.parametrize("wrong", [5, [5], [("a",)], [()], [("a", Explodes())], [(Explodes(), "b")]])
def test_a_refused_list_changes_nothing(wrong):
    encoder = Encoder()
    encoder.encode([("a", "b")])
    before = encoder.header_table
    with pytest.raises((TypeError, IndexError, LookupError)):
        encoder.encode(wrong if isinstance(wrong, int) else [("new", "field"), *wrong])
    assert encoder.header_table == before


@pytest.mark.parametrize("wrong", [-1, 2**32])
def test_sizes_out_of_range_are_refused(wrong):
    encoder = Encoder()
    with pytest.raises(ValueError, match="is not between 0 and"):
        encoder.header_table_size = wrong
    with pytest.raises(ValueError, match="is not between 0 and"):
        encoder.max_table_size = wrong
    assert (encoder.header_table_size, encoder.max_table_size) == (4096, 4096)


@pytest.mark.parametrize("wrong", ["100", b"", []])
def test_sizes_that_are_no_integers_are_refused(wrong):
    encoder = Encoder()
    with pytest.raises(TypeError):
        encoder.header_table_size = wrong
    with pytest.raises(TypeError):
        encoder.max_table_size = wrong
    assert (encoder.header_table_size, encoder.max_table_size) == (4096, 4096)


@pytest.mark.skipif(sys.maxsize < 2**32, reason="no object is that long on this machine")
def test_a_string_too_long_to_encode_is_refused():
    """Lengths are 32 bits: one that does not fit must not be cut to what does."""
    encoder = Encoder()
    with pytest.raises(ValueError, match="too long"):
        encoder.encode([(b"a", bytes(2**32))])
    assert encoder.header_table.dynamic_entries == []
