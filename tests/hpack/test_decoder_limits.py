"""Limits on the header list, its fields and strings, checked while decoding (docs/security.md, L11, L12, L15)."""
from __future__ import annotations

import tracemalloc

import pytest

from fasth2.hpack.decoder import DEFAULT_MAX_HEADER_LIST_SIZE, Decoder
from fasth2.hpack.exceptions import OversizedHeaderListError

from .oracle import indexed, literal

FIELD = literal(b"a", b"b" * 67)          # 100 octets as RFC 7541 section 4.1 counts them
NONE = 2**32 - 1


def test_defaults():
    decoder = Decoder()
    assert decoder.max_header_list_size == DEFAULT_MAX_HEADER_LIST_SIZE == 65536
    assert decoder.hard_list_size == 4 * 65536
    assert decoder.max_string == 65536
    assert decoder.max_fields == decoder.hard_max_fields == NONE
    assert decoder.max_allowed_table_size == decoder.header_table_size == 4096
    assert Decoder(NONE).hard_list_size == NONE


@pytest.mark.parametrize("limits", [{"max_header_list_size": 1000}, {"max_fields": 10}])
def test_a_block_over_a_limit_is_refused_and_the_table_goes_on(limits):
    decoder = Decoder()
    for name, value in limits.items():
        setattr(decoder, name, value)
    assert len(decoder.decode(FIELD + indexed(62) * 9)) == 10
    with pytest.raises(OversizedHeaderListError):
        decoder.decode(indexed(62) * 10 + literal(b"in step", b"yes") + indexed(62))
    assert decoder.decode(indexed(62) + indexed(63), raw=True) == [(b"in step", b"yes"), (b"a", b"b" * 67)]


@pytest.mark.parametrize("limits", [{"max_header_list_size": 1000, "hard_list_size": 2000},
                                    {"max_fields": 10, "hard_max_fields": 20}])
def test_a_block_far_over_a_limit_is_not_read_to_its_end(limits):
    decoder = Decoder()
    for name, value in limits.items():
        setattr(decoder, name, value)
    decoder.decode(FIELD)
    with pytest.raises(OversizedHeaderListError, match="over the limit"):
        decoder.decode(indexed(62) * 20)
    with pytest.raises(OversizedHeaderListError, match="far"):
        decoder.decode(indexed(62) * 21 + literal(b"never", b"read"))
    assert decoder.header_table.dynamic_entries == [(b"a", b"b" * 67)]


def test_a_string_over_the_limit_is_refused_before_it_is_read():
    decoder = Decoder()
    decoder.max_string = 100
    assert decoder.decode(literal(b"n" * 100, b"v" * 100), raw=True) == [(b"n" * 100, b"v" * 100)]
    for name, value in ((b"n" * 101, b"v"), (b"n", b"v" * 101)):
        for end in (None, -1, -50):
            with pytest.raises(OversizedHeaderListError, match="string over the limit"):
                decoder.decode(literal(name, value)[:end])


def test_a_bomb_is_refused_while_it_is_read():
    """docs/security.md, row 16: a fat entry referenced thousands of times."""
    decoder = Decoder()
    decoder.decode(literal(b"a", b"b" * 4000))
    bomb = indexed(62) * 16_000
    tracemalloc.start()
    try:
        with pytest.raises(OversizedHeaderListError):
            decoder.decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2 * 65536
    finally:
        tracemalloc.stop()


def test_the_size_of_a_list_cannot_wrap():
    decoder = Decoder(NONE)
    decoder.max_allowed_table_size = NONE
    decoder.header_table_size = 2**24
    decoder.max_header_list_size = 1000
    decoder.hard_list_size = NONE - 1
    decoder.decode(literal(b"a", b""))
    # 300 times 16 MiB is over 2**32.
    with pytest.raises(OversizedHeaderListError):
        decoder.decode(literal(b"a", b"b" * (2**24 - 33)))
    with pytest.raises(OversizedHeaderListError, match="far"):
        decoder.decode(indexed(62) * 300)


@pytest.mark.parametrize("wrong", [-1, 2**32])
def test_limits_are_32_bits(wrong):
    with pytest.raises(OverflowError):
        Decoder(wrong)
    decoder = Decoder()
    for name in ("max_header_list_size", "hard_list_size", "max_fields", "hard_max_fields", "max_string",
                 "max_allowed_table_size", "header_table_size"):
        with pytest.raises(OverflowError):
            setattr(decoder, name, wrong)


def test_unknown_encoding():
    with pytest.raises(ValueError, match="encoding must be None"):
        Decoder(encoding="utf-16")


def test_a_decoder_in_use_is_not_made_again():
    decoder = Decoder()
    decoder.decode(FIELD)
    with pytest.raises(RuntimeError, match="in use"):
        decoder.__init__(encoding="utf-8")
    assert decoder.decode(indexed(62), raw=True) == [(b"a", b"b" * 67)]
