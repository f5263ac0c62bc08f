"""What the HPACK tests share: hpack and fasth2 side by side, blocks by hand, strategies."""
from __future__ import annotations

from typing import Any

import hpack
from hypothesis import strategies as st

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder
from fasth2.hpack.exceptions import HPACKError

Field = tuple[bytes, bytes]

def integer(value: int, prefix_bits: int, first: int = 0) -> bytes:
    """An integer of RFC 7541 section 5.1, the bits above the prefix from ``first``."""
    coded = hpack.hpack.encode_integer(value, prefix_bits)
    coded[0] |= first
    return bytes(coded)


def string(value: bytes) -> bytes:
    """A string literal as it is, without Huffman."""
    return integer(len(value), 7) + value


def huffman_string(coded: bytes) -> bytes:
    """A string literal of octets that are Huffman code."""
    return integer(len(coded), 7, 0x80) + coded


def indexed(index: int) -> bytes:
    """An indexed field."""
    return integer(index, 7, 0x80)


def literal(name: bytes | int, value: bytes, kind: int = 0x40) -> bytes:
    """A literal field; ``kind`` is 0x40 to index it, 0x00 not to, 0x10 never to."""
    bits = 6 if kind == 0x40 else 4
    if isinstance(name, int):
        return integer(name, bits, kind) + string(value)
    return bytes([kind]) + string(name) + string(value)


def size_update(size: int) -> bytes:
    """A dynamic table size update."""
    return integer(size, 5, 0x20)


def shape(fields: Any) -> list[tuple[bytes, bytes, bool]]:
    """Fields as plain tuples with whether each may be indexed."""
    return [(name, value, field.indexable) for field in fields for name, value in [field]]


def decode_both(mine: Decoder, theirs: hpack.Decoder, block: bytes) -> tuple[Any, Any]:
    """What both decoders make of a block: its shape, or ``None`` where one refuses it."""
    try:
        got = shape(mine.decode(block, raw=True))
    except HPACKError:
        got = None
    try:
        expected = shape(theirs.decode(block, raw=True))
    except hpack.HPACKError:
        expected = None
    return got, expected


def same_table(mine: Decoder | Encoder, theirs: hpack.Decoder | hpack.Encoder) -> None:
    """Assert that the two dynamic tables are alike."""
    assert mine.header_table.dynamic_entries == list(theirs.header_table.dynamic_entries)
    assert mine.header_table.maxsize == theirs.header_table.maxsize


STATIC = list(hpack.table.HeaderTable.STATIC_TABLE)

#: Names and values that meet often, so that tables are hit, and any other octets.
names = st.one_of(
    st.sampled_from([name for name, _ in STATIC]),
    st.sampled_from([b"x-a", b"x-b", b"x-request-id", b"x-" + b"n" * 60]),
    st.binary(max_size=40),
)
values = st.one_of(
    st.sampled_from([value for _, value in STATIC if value] + [b"", b"0", b"\xc3\xa9", b"v" * 200]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60).map(str.encode),
    st.binary(max_size=60),
    st.integers(0, 5000).map(lambda n: b"w" * n),
)
fields = st.tuples(names, values)
field_lists = st.lists(fields, max_size=12)


def same_octets_in_text(decoder: Any, block: bytes) -> None:
    """Assert that a decoder gives a block's fields the same as text and as octets."""
    text, octets = decoder.decode(block), decoder.decode(block, raw=True)
    assert [(name.encode(), value.encode()) for name, value in text] == octets
    assert [type(field) for field in text] == [type(field) for field in octets]
