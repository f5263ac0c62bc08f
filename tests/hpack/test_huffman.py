"""The Huffman code (RFC 7541 section 5.2) against hpack's."""
from __future__ import annotations

import random

import pytest
from hpack.exceptions import HPACKDecodingError as TheirError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman

from fasth2.hpack import huffman as _huffman
from fasth2.hpack.exceptions import HPACKDecodingError
from tests.support.long_runs import rounds

ENCODER = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
EOS = 256


def mine(data):
    try:
        return _huffman.decode(data)
    except HPACKDecodingError:
        return None


def theirs(data):
    try:
        return decode_huffman(data)
    except TheirError:
        return None


def pack(symbols, padding=None):
    """The code of symbols; padded with ones to an octet, or with the given bits."""
    bits = "".join(format(REQUEST_CODES[s], f"0{REQUEST_CODES_LENGTH[s]}b") for s in symbols)
    bits += "1" * (-len(bits) % 8) if padding is None else padding
    assert len(bits) % 8 == 0
    return int(bits or "0", 2).to_bytes(len(bits) // 8, "big")


def test_every_input_of_no_one_and_two_octets():
    for length in range(3):
        for number in range(256**length):
            data = number.to_bytes(length, "big")
            assert mine(data) == theirs(data), data


def test_every_output_of_no_one_and_two_octets():
    for length in range(3):
        for number in range(256**length):
            data = number.to_bytes(length, "big")
            coded = _huffman.encode(data)
            assert coded == ENCODER.encode(data)
            assert _huffman.decode(coded) == data


@pytest.mark.slow
def test_random_inputs():
    dice = random.Random(7541)
    for _ in range(rounds(1_000_000)):
        data = dice.randbytes(dice.randrange(3, 40))
        if dice.random() < 0.5:
            # Runs of ones lead to the longest codes.
            data = bytes(octet | dice.choice((0, 0, 0xF0, 0xFF)) for octet in data)
        assert mine(data) == theirs(data), data


@pytest.mark.slow
def test_random_texts():
    dice = random.Random(1457)
    common = b"etaoinsrhldcumfpgwybvkxjqz0123456789-/=;, .%"
    for _ in range(rounds(500_000)):
        length = dice.randrange(3, 70)
        kind = dice.random()
        if kind < 0.4:
            data = bytes(dice.choices(common, k=length))
        elif kind < 0.8:
            data = bytes(dice.choices(common, k=length)) + dice.randbytes(dice.randrange(4))
        else:
            data = dice.randbytes(length)
        coded = ENCODER.encode(data)
        assert _huffman.encode(data) == coded
        assert _huffman.decode(coded) == data
        cut = coded[:dice.randrange(len(coded))]
        assert mine(cut) == theirs(cut), cut


@pytest.mark.parametrize("before", range(20))
def test_every_symbol_at_every_place_of_a_word(before):
    for symbol in range(256):
        data = b"a" * before + bytes([symbol]) + b"0" * (19 - before)
        assert _huffman.decode(pack(data)) == data


@pytest.mark.parametrize("before", range(20))
@pytest.mark.parametrize("after", [0, 1, 9])
def test_eos_is_refused_wherever_it_stands(before, after):
    symbols = [*b"e" * before, EOS, *b"e" * after]
    with pytest.raises(HPACKDecodingError):
        _huffman.decode(pack(symbols))


@pytest.mark.parametrize("text", [b"", b"a", b"www", b"www.example.com", b"\x00" * 9])
def test_padding_over_seven_bits_is_refused(text):
    coded = pack(text)
    assert _huffman.decode(coded) == text
    for more in (b"\xff", b"\xff\xff", b"\xff" * 3, b"\xff" * 9):
        with pytest.raises(HPACKDecodingError):
            _huffman.decode(coded + more)


@pytest.mark.parametrize("text", [b"0", b"www.example.com/", b"aaaaaaaaaaaaaaaaa"])
def test_padding_not_of_ones_is_refused(text):
    bits = sum(REQUEST_CODES_LENGTH[octet] for octet in text)
    room = -bits % 8
    assert room
    for padding in range(2**room):
        coded = pack(text, format(padding, f"0{room}b"))
        assert mine(coded) == theirs(coded)
        assert (mine(coded) == text) == (padding == 2**room - 1)


def test_long_strings():
    for octet in (0x30, 0x0A, 0x61, 0xFF):
        for length in (1279, 1280, 2047, 2048, 2049, 5000):
            data = bytes([octet]) * length
            coded = _huffman.encode(data)
            assert coded == ENCODER.encode(data)
            assert _huffman.decode(coded) == data
