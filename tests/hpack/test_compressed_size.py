"""The encoder compresses as well as hpack's, within 5 % over committed lists."""
from __future__ import annotations

import hpack
import pytest

from fasth2.hpack.encoder import Encoder

from .header_lists import REQUESTS, RESPONSES


@pytest.mark.parametrize("lists", [REQUESTS, RESPONSES, REQUESTS * 5, RESPONSES * 5],
                         ids=["requests", "responses", "many requests", "many responses"])
def test_size_on_one_connection(lists):
    mine, theirs = Encoder(), hpack.Encoder()
    reader = hpack.Decoder()
    octets = expected = 0
    for fields in lists:
        block = mine.encode(fields)
        assert reader.decode(block, raw=True) == fields
        octets += len(block)
        expected += len(theirs.encode(fields))
    assert octets <= expected * 1.05


@pytest.mark.parametrize("number", range(len(REQUESTS + RESPONSES)))
def test_size_of_the_first_block(number):
    fields = (REQUESTS + RESPONSES)[number]
    assert len(Encoder().encode(fields)) <= len(hpack.Encoder().encode(fields))


def test_octets_that_huffman_makes_longer_stay_as_they_are():
    value = bytes(range(128, 256))
    block = Encoder().encode([(b"a", value)])
    assert value in block
    assert len(block) < len(hpack.Encoder().encode([(b"a", value)]))
