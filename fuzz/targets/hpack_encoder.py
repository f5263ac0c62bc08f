"""What the encoder writes, hpack's decoder and fasth2's read back, under changing table sizes; no block is longer."""
from __future__ import annotations

from typing import Any

import hpack
from tests.hpack.oracle import STATIC, same_table, shape

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder
from fuzz.source import Source

SIZES = (4096, 0, 31, 32, 64, 100, 1000, 4095, 8192, 65536, 2**32 - 1)
NAMES = (b"x-a", b"x-b", b"cookie", b"x-" + b"n" * 70, b"authorization", b":path")
VALUES = (b"", b"0", b"v" * 200, b"\xff\x00\x80", b"a=b", b"w" * 1500)


def draw(source: Source) -> tuple[bytes, bytes, bool]:
    """Draw a field, and whether it is sensitive."""
    kind = source.below(6)
    if kind < 2:
        name, value = source.choice(STATIC)
        return name, value if kind else source.octets(40), source.below(8) == 7
    name = source.choice(NAMES) if kind < 5 else source.octets(80)
    return name, source.choice(VALUES) if kind < 4 else source.octets(80), source.below(8) == 7


def one_input(data: bytes) -> None:
    """Play one input: field lists and table sizes in turn."""
    source = Source(data)
    encoder = Encoder()
    encoder.max_table_size = bound = source.choice((4096, 0, 100, None))
    theirs, mine = hpack.Decoder(max_header_list_size=2**24), Decoder(2**24)
    for decoder in (theirs, mine):
        decoder.max_allowed_table_size = 2**32 - 1
    while source:
        if source.below(4) == 3:
            encoder.header_table_size = source.choice(SIZES)
            continue
        fields = [draw(source) for _ in range(source.below(8))]
        huffman = source.below(4) < 3
        if source.below(8) == 7:
            refuse(encoder, fields)
        form: Any = [hpack.NeverIndexedHeaderTuple(name, value) if never else (name, value) for name, value, never in fields]
        block = encoder.encode(form, huffman=huffman)
        expected = [(name, value, not never) for name, value, never in fields]
        assert shape(theirs.decode(block, raw=True)) == expected
        assert shape(mine.decode(block, raw=True)) == expected
        same_table(encoder, theirs)
        same_table(mine, theirs)
        assert bound is None or encoder.header_table_size <= bound
        # Literal fields and two size updates are the most that it takes.
        assert len(block) <= 12 + sum(len(name) + len(value) + 11 for name, value, _ in fields)


def refuse(encoder: Encoder, fields: list[Any]) -> None:
    """Assert that a list with a field that is none changes nothing."""
    before = encoder.header_table
    try:
        encoder.encode([*fields, 5])
    except TypeError:
        assert encoder.header_table == before
    else:
        raise AssertionError("a number was encoded")
