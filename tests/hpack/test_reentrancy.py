"""A finalizer that runs in the middle of a call, and calls the same object."""
from __future__ import annotations

import gc

import pytest

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder

from .oracle import indexed, literal, size_update


class Garbage:
    """Garbage that only the collector finds; what it does then is `action`."""

    def __init__(self, action):
        self.action = action
        self.me = self

    def __del__(self):
        self.action()


@pytest.fixture
def eager():
    """Let the collector run as often as it can."""
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(1, 1, 1)
    yield
    gc.set_threshold(*before)


def quietly(call):
    try:
        call()
    except RuntimeError as error:
        assert "in use" in str(error)


FIELDS = [(b"x-%d" % n, b"value %d" % n) for n in range(40)]
BLOCK = b"".join(literal(name, value, 0) for name, value in FIELDS)


@pytest.mark.parametrize("nested", [indexed(2), BLOCK, size_update(0)], ids=["indexed", "literals", "size update"])
def test_a_decode_inside_a_decode(eager, nested):
    for _ in range(50):
        decoder = Decoder()
        decoder.decode(literal(b"a", b"b") * 60)
        for _ in range(5):
            Garbage(lambda decoder=decoder: quietly(lambda: decoder.decode(nested)))
        assert decoder.decode(BLOCK, raw=True) == FIELDS


def test_a_size_update_while_the_table_is_looked_at(eager):
    for _ in range(50):
        decoder = Decoder()
        decoder.decode(b"".join(literal(name, value) for name, value in FIELDS))
        whole = decoder.header_table.dynamic_entries
        decoder = Decoder()
        decoder.decode(b"".join(literal(name, value) for name, value in FIELDS))
        for _ in range(5):
            Garbage(lambda decoder=decoder: setattr(decoder, "header_table_size", 0))
        found = decoder.header_table.dynamic_entries
        assert found == whole[:len(found)]


def test_an_encode_inside_an_encode(eager):
    for _ in range(50):
        encoder = Encoder()
        for _ in range(5):
            Garbage(lambda encoder=encoder: encoder.encode(FIELDS[::-1]))
        block = encoder.encode(FIELDS)
        assert block


def test_a_size_update_while_the_encoders_table_is_looked_at(eager):
    for _ in range(50):
        encoder = Encoder()
        encoder.encode(FIELDS)
        whole = encoder.header_table.dynamic_entries
        for _ in range(5):
            Garbage(lambda encoder=encoder: setattr(encoder, "header_table_size", 0))
        found = encoder.header_table.dynamic_entries
        assert found == whole[:len(found)]


class Nested:
    """A value whose text is made by encoding with the same encoder."""

    def __init__(self, encoder):
        self.encoder = encoder

    def __str__(self):
        self.encoder.encode([(b"nested", b"field")])
        return "outer"


def test_an_argument_that_encodes():
    encoder = Encoder()
    block = encoder.encode([(b"a", b"b"), (b"c", Nested(encoder))])
    assert encoder.header_table.dynamic_entries == [(b"c", b"outer"), (b"a", b"b"), (b"nested", b"field")]
    assert block
