"""What an entry of the decoder's table holds goes when the entry goes (docs/security.md, rows 19 and 25)."""
from __future__ import annotations

import gc
import tracemalloc

import pytest

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder
from tests.support.long_runs import rounds
from tests.support.references import references

from .oracle import indexed, literal, size_update


@pytest.mark.parametrize("encoding", [None, "utf-8"])
@pytest.mark.parametrize(
    "evict",
    [size_update(0), literal(b"b", b"c" * 4060), literal(b"b", b"c" * 5000), literal(62, b"c" * 4050)],
    ids=["size update", "a new entry", "an entry too large", "a field that takes its name"],
)
def test_an_evicted_entry_keeps_nothing_alive(encoding, evict):
    decoder = Decoder(encoding=encoding)
    header, = decoder.decode(literal(b"x-name", b"some value"), raw=True)
    name, value = header
    assert decoder.header_table.dynamic_entries == [(name, value)]
    again, = decoder.decode(indexed(62), raw=True)
    assert again is header
    del again
    # The entry; for the value also the header's tuple and the plain pair that header_table made.
    assert (references(header), references(value)) == (1, 3)
    decoder.decode(evict, raw=True)
    assert (references(header), references(value)) == (0, 1)
    decoder.decode(size_update(0))
    assert references(name) == 1


def test_a_decoder_that_goes_takes_its_table_along():
    decoder = Decoder()
    header, = decoder.decode(literal(b"x-name", b"some value"), raw=True)
    decoder.decode(literal(b"x-other", b"v") * 50)
    del decoder
    assert references(header) == 0


def test_a_refused_block_keeps_nothing_alive():
    decoder = Decoder()
    header, = decoder.decode(literal(b"x-name", b"some value"), raw=True)
    before = references(header)
    for _ in range(10):
        with pytest.raises(Exception, match="index not in the table"):
            decoder.decode(indexed(62) * 5 + indexed(0))
    assert references(header) == before


def traced(step, rounds):
    """Octets that a tenth of the rounds, and then all of them, leave behind."""
    for number in range(rounds // 10):
        step(number)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(rounds):
            step(rounds + number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_unique_names_leave_nothing_behind(encoding):
    decoder = Decoder(encoding=encoding)
    left = traced(lambda n: decoder.decode(literal(b"x-%d" % n * 50, b"%d" % n), raw=True), rounds(100_000))
    # At most the table itself, whose entries were made before the count began.
    assert left < 40_000


@pytest.mark.slow
def test_empty_names_and_values_leave_nothing_behind():
    """docs/security.md, row 19: names and values of no octets, raw and Huffman-coded, in a million fields."""
    decoder = Decoder()
    block = b"\x00\x00\x00" + b"\x00\x80\x80" + b"\x10\x80\x00"
    assert decoder.decode(block, raw=True) == [(b"", b"")] * 3
    left = traced(lambda _: decoder.decode(block * 100), rounds(1_000_000) // 300)
    assert left < 10_000


@pytest.mark.slow
def test_the_encoder_keeps_its_size():
    encoder = Encoder()
    left = traced(lambda n: encoder.encode([(b"x-%d" % n, b"%d" % n), (b"date", b"%d" % n)]), rounds(100_000))
    assert left < 10_000
