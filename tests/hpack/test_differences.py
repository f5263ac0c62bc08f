"""Every deliberate difference from hpack: listed in docs/differences.md, and shown."""
from __future__ import annotations

import logging
from collections.abc import Callable

import hpack
import pytest

import fasth2.hpack
from tests.support.paths import ROOT
from tests.support.tables import rows

from .oracle import indexed, integer, literal, shape, size_update

DOCUMENT = (ROOT / "docs" / "differences.md").read_text()


def both() -> tuple[hpack.Encoder, fasth2.hpack.Encoder]:
    return hpack.Encoder(), fasth2.hpack.Encoder()


def _strings() -> None:
    value = bytes(range(128, 256))
    blocks = [encoder.encode([(b"a", value)]) for encoder in both()]
    assert value not in blocks[0]
    assert value in blocks[1]
    assert len(blocks[1]) < len(blocks[0])


def _sensitive() -> None:
    blocks = [encoder.encode([(":method", "GET", True)]) for encoder in both()]
    assert shape(hpack.Decoder().decode(blocks[0])) == [(":method", "GET", True)]
    assert shape(hpack.Decoder().decode(blocks[1])) == [(":method", "GET", False)]


def _sizes() -> None:
    blocks = []
    for encoder in both():
        for size in (40, 100, 40):
            encoder.header_table_size = size
        blocks.append(encoder.encode([]))
    assert blocks == [size_update(40) + size_update(100) + size_update(40), size_update(40)]
    blocks = []
    for encoder in both():
        encoder.header_table_size = 40
        encoder.header_table_size = 40
        blocks.append(encoder.encode([]))
    assert blocks == [b"", size_update(40)]


def _refused() -> None:
    left = []
    for encoder in both():
        encoder.header_table_size = 100
        with pytest.raises(IndexError):
            encoder.encode([("a", "b"), ("no value",)])
        left.append((encoder.encode([]), list(encoder.header_table.dynamic_entries)))
    assert left == [(b"", [(b"a", b"b")]), (size_update(100), [])]


class _Octets(bytes):
    pass


def _bytes() -> None:
    values = [hpack.Decoder().decode(encoder.encode([("a", _Octets(b"b"))]))[0][1] for encoder in both()]
    assert values == ["b'b'", "b"]


def _other_tuples() -> None:
    fields = [[hpack.NeverIndexedHeaderTuple("a", "b")], [fasth2.hpack.NeverIndexedHeaderTuple("a", "b")]]
    theirs, mine = both()
    for form in fields:
        assert not hpack.Decoder().decode(mine.encode(form))[0].indexable
    assert not hpack.Decoder().decode(theirs.encode(fields[0]))[0].indexable
    assert hpack.Decoder().decode(theirs.encode(fields[1]))[0].indexable


def _size_range() -> None:
    for size in (-1, 2**32):
        for theirs, mine in (both(), (hpack.Decoder(), fasth2.hpack.Decoder())):
            theirs.header_table_size = size
            with pytest.raises(ValueError, match=r"not between 0 and 2\*\*32 - 1"):
                mine.header_table_size = size


def _integers() -> None:
    with pytest.raises(hpack.InvalidTableIndex):
        hpack.Decoder().decode(indexed(2**32))
    with pytest.raises(fasth2.hpack.HPACKDecodingError) as refused:
        fasth2.hpack.Decoder().decode(indexed(2**32))
    assert refused.type is fasth2.hpack.HPACKDecodingError
    for module in (hpack, fasth2.hpack):
        with pytest.raises(module.InvalidTableIndex):
            module.Decoder().decode(indexed(2**32 - 1))
        with pytest.raises(module.HPACKDecodingError):
            module.Decoder().decode(integer(2**40, 7, 0x80))


def _two_faults() -> None:
    raised = []
    for module in (hpack, fasth2.hpack):
        decoder = module.Decoder()
        decoder.max_allowed_table_size = 100
        with pytest.raises(module.HPACKDecodingError) as refused:
            decoder.decode(literal(b"a", b"b") + indexed(99))
        raised.append((refused.typename, list(decoder.header_table.dynamic_entries)))
    assert raised == [("InvalidTableIndex", [(b"a", b"b")]), ("InvalidTableSizeError", [])]


def _table_is_shown() -> None:
    theirs, mine = both()
    for encoder in (theirs, mine):
        encoder.encode([("a", "b")])
        encoder.header_table.dynamic_entries.clear()
    assert list(theirs.header_table.dynamic_entries) == []
    assert list(mine.header_table.dynamic_entries) == [(b"a", b"b")]
    theirs.header_table = hpack.table.HeaderTable()
    theirs.table_size_changes = [5]
    for name, value in (("header_table", fasth2.hpack.table.HeaderTable()), ("table_size_changes", [5])):
        with pytest.raises(AttributeError):
            setattr(mine, name, value)


def _coder() -> None:
    class Other:
        def encode(self, octets: bytes) -> bytes:
            return b"other"

    theirs, mine = both()
    theirs.huffman_coder = mine.huffman_coder = Other()
    assert b"other" in theirs.encode([("a", "b")])
    assert b"other" not in mine.encode([("a", "b")])


def _log() -> None:
    seen: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    handler = Handler()
    logger = logging.getLogger("hpack.hpack")
    assert fasth2.hpack.hpack.log is logger
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        fasth2.hpack.Decoder().decode(fasth2.hpack.Encoder().encode([("a", "secret")]))
        assert seen == []
        hpack.Encoder().encode([("a", "secret")])
        assert any("secret" in text for text in seen)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _shared_tuples() -> None:
    same = []
    for decoder in (hpack.Decoder(), fasth2.hpack.Decoder()):
        block = literal(b"a", b"b") + indexed(62)
        first, second = decoder.decode(block)
        assert first == second
        same.append(first is second)
    assert same == [False, True]


SHOWN: dict[str, Callable[[], None]] = {
    "hpack-strings-are-never-longer": _strings,
    "hpack-sensitive-fields-stay-literal": _sensitive,
    "hpack-size-updates": _sizes,
    "hpack-refused-lists-change-nothing": _refused,
    "hpack-subclasses-of-bytes": _bytes,
    "hpack-header-tuples-of-others": _other_tuples,
    "hpack-table-sizes-have-32-bits": _size_range,
    "hpack-integers-have-32-bits": _integers,
    "hpack-table-size-comes-first": _two_faults,
    "hpack-tables-are-shown": _table_is_shown,
    "hpack-coder-is-not-used": _coder,
    "hpack-header-tuples-are-shared": _shared_tuples,
    "hpack-logs-nothing": _log,
}


def test_the_document_lists_what_is_shown():
    listed = rows(DOCUMENT, "id", "hpack", "fasth2.hpack", "why")
    assert [row[0].strip("`") for row in listed] == list(SHOWN)
    assert all(row[3].startswith(("RFC ", "design: ")) or "security.md" in row[3] for row in listed)


@pytest.mark.parametrize("id", SHOWN)
def test_the_difference_shows(id):
    SHOWN[id]()
