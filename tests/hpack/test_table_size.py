"""Dynamic table size updates (RFC 7541 sections 4.2 and 6.3)."""
from __future__ import annotations

import time

import pytest

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.exceptions import HPACKDecodingError, InvalidTableSizeError
from tests.support.long_runs import rounds

from .oracle import indexed, literal, size_update


def test_an_update_over_the_allowed_size_is_refused():
    decoder = Decoder()
    decoder.decode(size_update(4096))
    with pytest.raises(InvalidTableSizeError, match="over the allowed size"):
        decoder.decode(size_update(4097))


@pytest.mark.parametrize("field", [indexed(2), literal(b"a", b"b"), literal(b"a", b"b", 0), literal(b"a", b"b", 0x10)])
def test_an_update_after_a_field_is_refused(field):
    with pytest.raises(HPACKDecodingError, match="after a field"):
        Decoder().decode(field + size_update(0))
    Decoder().decode(size_update(0) + field)


@pytest.mark.parametrize("block", [b"", indexed(2), size_update(101) + indexed(2)])
def test_a_reduction_must_be_followed(block):
    decoder = Decoder()
    decoder.max_allowed_table_size = 100
    with pytest.raises(InvalidTableSizeError):
        decoder.decode(block)
    assert decoder.decode(size_update(100) + indexed(2), raw=True) == [(b":method", b"GET")]
    assert decoder.header_table_size == 100


def test_an_increase_need_not_be_used():
    decoder = Decoder()
    decoder.max_allowed_table_size = 65536
    decoder.decode(indexed(2))
    assert decoder.header_table_size == 4096
    decoder.decode(size_update(65536) + literal(b"a", b"b" * 60_000))
    assert len(decoder.header_table.dynamic_entries) == 1


def test_a_smaller_table_keeps_its_newest_entries():
    decoder = Decoder()
    decoder.decode(b"".join(literal(b"n", b"%d" % n) for n in range(10)))
    decoder.decode(size_update(34 * 3))
    assert decoder.header_table.dynamic_entries == [(b"n", b"9"), (b"n", b"8"), (b"n", b"7")]
    decoder.decode(size_update(34 * 3 - 1))
    assert decoder.header_table.dynamic_entries == [(b"n", b"9"), (b"n", b"8")]
    decoder.decode(size_update(0) + size_update(4096))
    assert decoder.header_table.dynamic_entries == []
    assert decoder.header_table_size == 4096


@pytest.mark.slow
def test_updates_repeated_cost_the_same_whatever_the_table_held():
    """docs/security.md, row 22: 0 and 4096 in turn, a million times."""
    block = (size_update(0) + size_update(4096)) * rounds(500_000)
    decoder = Decoder()
    decoder.decode(b"".join(literal(b"n", b"%d" % n) for n in range(100)))
    start = time.process_time()
    assert decoder.decode(block) == []
    spent = time.process_time() - start
    assert spent < rounds(1_000_000) * 1e-6
    assert decoder.header_table_size == 4096


def test_the_table_grows_past_its_first_room_and_wraps():
    decoder = Decoder()
    fields = []
    for number in range(1000):
        decoder.decode(literal(b"name", b"%d" % number))
        fields.insert(0, (b"name", b"%d" % number))
        while sum(len(name) + len(value) + 32 for name, value in fields) > 4096:
            fields.pop()
        assert decoder.header_table.dynamic_entries == fields
