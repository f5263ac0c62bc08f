"""Blocks of any octets: fasth2's decoder and hpack's accept and refuse the same, and have the same tables."""
from __future__ import annotations

from typing import Any

import hpack
from tests.support.fields import octets

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.exceptions import HPACKError
from fuzz.source import Source

SIZES = (4096, 0, 31, 64, 100, 4095, 65536)
LISTS = (2**16, 2**20, 200, 40)


def outcome(decoder: Any, block: bytes, raw: bool, error: type[Exception]) -> list[tuple[Any, Any, bool]] | None:
    """Return the fields of a block and whether each may be indexed; ``None`` if the block is refused."""
    try:
        return [(field[0], field[1], field.indexable) for field in decoder.decode(block, raw=raw)]
    except error:
        return None


def one_input(data: bytes) -> None:
    """Play one input: what the decoders may hold, and a block after the other, or a change of the table's size."""
    source = Source(data)
    most, allowed = source.choice(LISTS), source.choice(SIZES)
    mine, theirs = Decoder(most), hpack.Decoder(max_header_list_size=most)
    mine.max_allowed_table_size = theirs.max_allowed_table_size = allowed
    while source:
        kind = source.below(16)
        if kind == 15:
            mine.max_allowed_table_size = theirs.max_allowed_table_size = source.choice(SIZES)
            continue
        block = source.rest() if kind >= 12 else source.octets(255)
        raw = kind % 4 > 0
        got = outcome(mine, block, raw, HPACKError)
        expected = outcome(theirs, block, raw, hpack.HPACKError)
        assert got == expected, f"{block.hex()}: {got!r:.300}, hpack {expected!r:.300}"
        if got is None:
            break
        mine_now = [(octets(name), octets(value)) for name, value in mine.header_table.dynamic_entries]
        assert mine_now == list(theirs.header_table.dynamic_entries)
        assert mine.header_table_size == theirs.header_table_size
        assert sum(len(octets(name)) + len(octets(value)) + 32 for name, value, _ in got) <= most
        assert sum(len(name) + len(value) + 32 for name, value in mine_now) <= mine.header_table_size
