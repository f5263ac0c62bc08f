"""`fasth2.hpack`'s Encoder and Decoder beside hpack's: the same octets, lists, tables, attributes and errors."""
from __future__ import annotations

import copy
import pickle
import random
import weakref

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fasth2.hpack
from fasth2.hpack import Decoder, Encoder, HeaderTuple, NeverIndexedHeaderTuple
from tests.support.long_runs import rounds
from tests.support.threads import rounds as thread_rounds
from tests.support.threads import together

from . import oracle
from .header_lists import REQUESTS, RESPONSES
from .oracle import indexed, literal, same_octets_in_text, shape, size_update

SIZES = [0, 31, 32, 33, 64, 100, 256, 1000, 4095, 4096, 8192, 65536]

#: Whether a block is decoded raw, for each of a sequence of blocks.
modes = st.sampled_from(["raw", "text", "both"])


def decoders() -> tuple[Decoder, hpack.Decoder]:
    pair = Decoder(2**24), hpack.Decoder(2**24)
    for decoder in pair:
        decoder.max_allowed_table_size = 65536
    return pair


def same_tables(mine, theirs) -> None:
    assert mine.header_table.dynamic_entries == theirs.header_table.dynamic_entries
    assert mine.header_table.maxsize == theirs.header_table.maxsize == mine.header_table_size
    assert mine.header_table._current_size == theirs.header_table._current_size


def outcome(module, decoder, block: bytes, raw: bool):
    """What a decoder makes of a block: a list, or the name of the exception."""
    try:
        found = decoder.decode(block, raw)
    except module.HPACKError as error:
        return type(error).__name__
    return [(type(field).__name__, *field) for field in found]


steps = st.lists(
    st.one_of(st.lists(st.tuples(oracle.fields, st.booleans()), max_size=10), st.sampled_from(SIZES)), max_size=30)


@settings(max_examples=200, deadline=None)
@given(steps, st.booleans(), modes)
def test_round_trips_both_ways(steps, huffman, mode):
    """Each encoder's blocks by each decoder, with sizes that change between blocks."""
    encoders = Encoder(), hpack.Encoder()
    readers = [decoders(), decoders()]
    for number, step in enumerate(steps):
        if isinstance(step, int):
            if step != encoders[0].header_table_size:
                for encoder in encoders:
                    encoder.header_table_size = step
            continue
        fields = [(name, value, sensitive) for (name, value), sensitive in step]
        raw = mode == "raw" or (mode == "both" and number % 3 > 0)
        for encoder, (mine, theirs) in zip(encoders, readers):
            block = encoder.encode(fields, huffman)
            assert outcome(fasth2.hpack, mine, block, raw) == outcome(hpack, theirs, block, raw)
            same_tables(mine, theirs)
        same_tables(*encoders)


short_names = st.sampled_from([name for name, _ in oracle.STATIC] + [b"x-a", b"x-b"]) | st.text("abc", max_size=4)
printable = st.text(st.characters(min_codepoint=97, max_codepoint=122), max_size=30)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.one_of(st.sampled_from(oracle.STATIC), st.tuples(short_names, printable)), max_size=10)),
       st.booleans())
def test_the_same_octets(blocks, huffman):
    """Where no listed difference is met: the choice of index, literal and table entry is hpack's."""
    mine, theirs = Encoder(), hpack.Encoder()
    for fields in blocks:
        assert mine.encode(fields, huffman) == theirs.encode(fields, huffman)
        same_tables(mine, theirs)


@pytest.mark.parametrize("huffman", [True, False])
@pytest.mark.parametrize("lists", [REQUESTS, RESPONSES], ids=["requests", "responses"])
def test_the_same_octets_for_real_lists(lists, huffman):
    mine, theirs = Encoder(), hpack.Encoder()
    reader = Decoder()
    for fields in lists * 3:
        block = mine.encode(fields, huffman=huffman)
        assert block == theirs.encode(fields, huffman=huffman)
        assert reader.decode(block, raw=True) == fields


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(oracle.fields, st.booleans()), max_size=8))
def test_strings_without_huffman_are_hpacks(fields):
    theirs = hpack.Encoder()
    block = Encoder().encode([(*field, False) for field, _ in fields], huffman=False)
    assert block == theirs.encode([(*field, False) for field, _ in fields], huffman=False)
    block = Encoder().encode([(*field, sensitive) for field, sensitive in fields], huffman=False)
    assert shape(hpack.Decoder(2**24).decode(block, raw=True)) == [(*f, not sensitive) for f, sensitive in fields]


def test_a_long_block_and_many_fields():
    fields = [(f"x-{n}", "v" * (n * 37 % 700)) for n in range(300)]
    for huffman in (True, False):
        block = Encoder().encode(fields, huffman)
        assert block == hpack.Encoder().encode(fields, huffman)
        assert Decoder(2**20).decode(block) == fields


def mutated(dice: random.Random, block: bytes) -> bytes:
    octets = bytearray(block)
    for _ in range(dice.randrange(1, 4)):
        place = dice.randrange(len(octets) + 1)
        kind = dice.randrange(4)
        if kind == 0:
            octets[place:place + dice.randrange(4)] = dice.randbytes(dice.randrange(4))
        elif kind == 1 and place < len(octets):
            octets[place] ^= 1 << dice.randrange(8)
        elif kind == 2:
            del octets[place:]
        else:
            octets[place:place] = dice.choice([b"\xff\xff\xff\xff\xff\x0f", b"\x80", b"\x3f\xe1\x1f", b"\x20", b"\x10"])
    return bytes(octets)


#: Names of hpack's exceptions that are fasth2's HPACKDecodingError for integers over 32 bits (hpack-integers-have-32-bits).
WIDE = {("HPACKDecodingError", "InvalidTableIndex"), ("HPACKDecodingError", "InvalidTableSizeError")}


@pytest.mark.slow
def test_mutated_blocks():
    """Both refuse, with an exception of one name, or neither does, and then lists and tables are the same."""
    dice = random.Random(15)
    refused = 0
    count = rounds(30_000)
    for number in range(count):
        encoder = (Encoder, hpack.Encoder)[number % 2]()
        mine, theirs = decoders()
        raw = number % 4 < 2
        for turn in range(dice.randrange(1, 4)):
            block = encoder.encode(dice.choice(REQUESTS + RESPONSES)[:dice.randrange(1, 8)])
            if turn or dice.random() < 0.5:
                block = mutated(dice, block)
            got, expected = outcome(fasth2.hpack, mine, block, raw), outcome(hpack, theirs, block, raw)
            if got != expected:
                assert (got, expected) in WIDE, (block, raw)
            if isinstance(got, str):
                refused += 1
                break
            same_tables(mine, theirs)
    assert count // 4 < refused < count * 2


@settings(max_examples=500, deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=4), st.booleans())
def test_any_octets(blocks, raw):
    mine, theirs = decoders()
    for block in blocks:
        got, expected = outcome(fasth2.hpack, mine, block, raw), outcome(hpack, theirs, block, raw)
        assert got == expected or (got, expected) in WIDE
        if isinstance(got, str):
            return
        same_tables(mine, theirs)


@pytest.mark.parametrize("limit", [0, 1, 33, 34, 35, 67, 68, 69, 200, -1, 2**16, 2**32, 10**30, 68.5, float("inf")])
def test_the_limit_of_a_header_list(limit):
    block = literal(b"a", b"b") + indexed(62) + literal(b"", b"", 0) + literal(b"c", b"d" * 60, 0x10)
    for end in range(len(block) + 1):
        found = [outcome(module, decoder, block[:end], True) for module, decoder in (
            (fasth2.hpack, Decoder(max_header_list_size=limit)), (hpack, hpack.Decoder(max_header_list_size=limit)))]
        assert found[0] == found[1]
    for decoder in (Decoder(), Decoder(5)):
        decoder.max_header_list_size = limit
        assert decoder.max_header_list_size == limit
        assert outcome(fasth2.hpack, decoder, block, True) == found[1]


def test_a_string_whose_code_is_longer_than_the_limit():
    """The limit counts decoded octets."""
    value = b"\x01" * 20
    block = hpack.Encoder().encode([(b"a", value)])
    assert len(block) > 54
    for module in (hpack, fasth2.hpack):
        assert module.Decoder(53).decode(block, raw=True) == [(b"a", value)]
        with pytest.raises(module.OversizedHeaderListError):
            module.Decoder(52).decode(block, raw=True)


@pytest.mark.parametrize("allowed", [0, 100, 4095, 4096, 5000, 2**32, 10**30, float("inf")])
@pytest.mark.parametrize("block", [b"", indexed(2), size_update(0), size_update(4096), size_update(100) + indexed(2),
                                   size_update(5000), size_update(2**32 - 1), size_update(4000) + size_update(50)])
def test_the_allowed_table_size(allowed, block):
    mine, theirs = Decoder(), hpack.Decoder()
    assert mine.max_allowed_table_size == theirs.max_allowed_table_size == 4096
    for decoder in (mine, theirs):
        decoder.max_allowed_table_size = allowed
        assert decoder.max_allowed_table_size == allowed
    got, expected = outcome(fasth2.hpack, mine, block, False), outcome(hpack, theirs, block, False)
    assert got == expected
    if not isinstance(got, str):
        same_tables(mine, theirs)


def test_assigned_table_sizes():
    for mine, theirs in ((Encoder(), hpack.Encoder()), decoders()):
        if isinstance(mine, Encoder):
            for coder in (mine, theirs):
                coder.encode([("name", "v" * n) for n in range(200)])
        else:
            block = hpack.Encoder().encode([("name", "v" * n) for n in range(200)])
            assert mine.decode(block) == theirs.decode(block)
        for size in (4000, 65536, 500, 501, 65536, 34, 0, 4096):
            mine.header_table_size = theirs.header_table_size = size
            same_tables(mine, theirs)
        for size in (100, "100", 100.9):
            mine.header_table.maxsize = theirs.header_table.maxsize = size
            assert mine.header_table_size == theirs.header_table_size == 100
        with pytest.raises((TypeError, ValueError)):
            mine.header_table_size = "many"
        with pytest.raises((TypeError, ValueError)):
            mine.header_table_size = None


def test_size_updates_of_an_encoder():
    """RFC 7541 section 4.2: the smallest size between two blocks, and the last."""
    encoder, reader = Encoder(), hpack.Decoder(10**6)
    reader.max_allowed_table_size = 10**6
    assert encoder.table_size_changes == []
    encoder.encode([("a", "b")])
    encoder.header_table_size = 65536
    assert encoder.header_table_size == 65536
    assert encoder.table_size_changes == [65536]
    encoder.header_table_size = 200
    encoder.header_table_size = 10
    encoder.header_table_size = 1000
    assert encoder.table_size_changes == [10, 1000]
    assert encoder.header_table.resized
    # `add` leaves them to the next block.
    assert encoder.add((b"a", b"b"), False) == literal(b"a", b"b")
    block = encoder.encode([("a", "b")])
    assert block == size_update(10) + size_update(1000) + indexed(62)
    assert encoder.table_size_changes == []
    assert not encoder.header_table.resized
    assert encoder.encode([]) == b""
    encoder.header_table_size = 100_000
    fields = [("name", "v" * n) for n in range(500)]
    reader.decode(encoder.encode([]) + encoder.encode(fields))
    assert len(encoder.header_table.dynamic_entries) > 150


FORMS = [
    [(":status", "200"), ("a", "b")],
    ((":status", "200"), ("a", "b")),
    [[":status", "200"], ["a", "b"]],
    [(":status", 200), ("a", None)],
    [(b":status", b"200", False), (b"a", b"b", None)],
    [(":status", "200"), ("a", "b", True), ("c", "d", 1)],
    [(bytearray(b"a"), memoryview(b"b").tobytes())],
    [("a", "b", True, "more")],
    {":status": "200", "a": "b"},
    {"a": "b", b":status": 200, "c": "d", ":path": "/"},
    {1: 2},
    ["ab"],
    [],
    {},
]


@pytest.mark.parametrize("number", range(len(FORMS)))
@pytest.mark.parametrize("huffman", [True, False])
def test_forms_of_a_header_list(number, huffman):
    form = FORMS[number]
    expected = hpack.Encoder().encode(form, huffman)
    assert Encoder().encode(form, huffman) == expected
    assert Encoder().encode(form if isinstance(form, dict) else iter(form), huffman=huffman) == expected
    assert Encoder().encode(form if isinstance(form, dict) else (field for field in form), huffman) == expected


def test_text_is_sent_as_UTF_8():
    fields = [("a", "\u00e9"), ("b", "\U0001f600")]
    assert Encoder().encode(fields, huffman=False) == hpack.Encoder().encode(fields, huffman=False)
    assert hpack.Decoder().decode(Encoder().encode(fields)) == Decoder().decode(Encoder().encode(fields)) == fields


def test_header_tuples():
    fields = [HeaderTuple("a", "b"), NeverIndexedHeaderTuple("c", "d"), HeaderTuple(b"e", b"f")]
    theirs = [hpack.HeaderTuple("a", "b"), hpack.NeverIndexedHeaderTuple("c", "d"), hpack.HeaderTuple(b"e", b"f")]
    block = Encoder().encode(fields)
    assert block == Encoder().encode(theirs) == hpack.Encoder().encode(theirs)
    found = Decoder().decode(block)
    assert shape(found) == [("a", "b", True), ("c", "d", False), ("e", "f", True)]
    assert [type(field) for field in found] == [HeaderTuple, NeverIndexedHeaderTuple, HeaderTuple]
    assert isinstance(found[1], tuple)
    assert repr(found[1]) == "('c', 'd')"
    with pytest.raises(AttributeError):
        found[0].more = 1
    assert Encoder().encode(found) == block


@pytest.mark.parametrize("wrong", [None, 5, [None], [5], [("a",)], [()], [("\ud800", "b")], [("a", "\ud800")]])
def test_what_is_no_header_list(wrong):
    encoder = Encoder()
    encoder.encode([("a", "b")])
    encoder.header_table_size = 1000
    with pytest.raises((TypeError, IndexError, UnicodeEncodeError)) as mine:
        encoder.encode(wrong)
    with pytest.raises(mine.type):
        hpack.Encoder().encode(wrong)
    assert encoder.table_size_changes == [1000]
    assert list(encoder.header_table.dynamic_entries) == [(b"a", b"b")]


@pytest.mark.parametrize("wrong", [None, 5, "text", [1]])
def test_what_is_no_block(wrong):
    for decoder in (Decoder(), hpack.Decoder()):
        with pytest.raises(TypeError):
            decoder.decode(wrong)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_blocks(kind):
    block = Encoder().encode([("a", "b"), (":method", "GET")])
    assert Decoder().decode(kind(block)) == [("a", "b"), (":method", "GET")]
    assert Decoder().decode(data=kind(block), raw=True) == [(b"a", b"b"), (b":method", b"GET")]


def test_text_that_is_not_UTF_8():
    """Refused as text whenever it is met, given as octets when they are asked for, in the table all the time."""
    for first, then in ((False, True), (True, False)):
        mine, theirs = decoders()
        for block, raw in ((literal(b"a", b"b"), first), (literal(b"\xff", b"\xfe\x00"), then), (indexed(62), first),
                           (indexed(62), then), (literal(62, b"v"), not then), (literal(62, b"v"), then),
                           (indexed(64), not then), (indexed(2), False)):
            assert outcome(fasth2.hpack, mine, block, raw) == outcome(hpack, theirs, block, raw)
            same_tables(mine, theirs)
    for raw in (False, True):
        decoder = Decoder()
        decoder.decode(literal(b"a", b"b"), raw)
        with pytest.raises(fasth2.hpack.HPACKDecodingError) as refused:
            decoder.decode(literal(b"a", b"\xff"))
        assert isinstance(refused.value.__cause__, UnicodeDecodeError)


@pytest.mark.parametrize("sensitive", [False, True])
@pytest.mark.parametrize("huffman", [False, True])
def test_one_field_alone(sensitive, huffman):
    mine, theirs = Encoder(), hpack.Encoder()
    for field in ((b"a", b"b"), (b"a", b"c"), (b":method", b"PUT"), (b"x", b"y")):
        assert mine.add(field, sensitive, huffman) == theirs.add(field, sensitive, huffman)
        assert mine.add((b"z", b"raw"), False) == theirs.add((b"z", b"raw"), False)
    same_tables(mine, theirs)


@pytest.mark.parametrize("fields", [[(":method", "GET"), ("cookie", "a=b"), ("c", "d", True)],
                                    {"cookie": "a=b", ":method": "GET"}])
def test_a_subclass_that_decides_for_each_field(fields):
    blocks = []
    for base in (Encoder, hpack.Encoder):
        class Careful(base):
            def add(self, to_add, sensitive, huffman=False):
                return super().add(to_add, sensitive or to_add[0] == b"cookie", huffman)

        encoder = Careful()
        encoder.header_table_size = 1000
        encoder.label = "an attribute of its own"
        blocks.append(encoder.encode(fields))
        assert encoder.label == vars(encoder)["label"]
        assert (b"cookie", b"a=b") not in encoder.header_table.dynamic_entries
    assert blocks[0] == blocks[1]


def test_a_subclass_of_the_decoder():
    class Counting(Decoder):
        def __init__(self, limit, *, label):
            super().__init__(max_header_list_size=limit)
            self.label = label
            self.blocks = 0

        def decode(self, data, raw=False):
            self.blocks += 1
            return super().decode(data, raw)

    decoder = Counting(100, label="x")
    assert decoder.decode(indexed(2)) == [(":method", "GET")]
    assert (decoder.blocks, decoder.label, decoder.max_header_list_size) == (1, "x", 100)
    assert weakref.ref(decoder)() is decoder


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies(clone):
    """A copy has the table, the sizes and the attributes, and goes its own way."""
    for raw in (False, True):
        encoder, decoder = Encoder(), Decoder(30_000)
        decoder.max_allowed_table_size = 8192
        encoder.label, decoder.label = "e", "d"
        encoder.header_table_size = 5000
        decoder.decode(encoder.encode([("a", "1"), ("b", "2"), ("c", "\u00e9")]), raw)
        encoder.header_table_size = 100
        encoder.header_table_size = 4000
        copies = clone(encoder), clone(decoder)
        assert (copies[0].label, copies[1].label) == ("e", "d")
        assert copies[0].table_size_changes == [100, 4000]
        assert (copies[1].max_header_list_size, copies[1].max_allowed_table_size) == (30_000, 8192)
        block = encoder.encode([("a", "1"), ("d", "4")])
        assert copies[0].encode([("a", "1"), ("d", "4")]) == block
        assert copies[1].decode(block, raw) == decoder.decode(block, raw)
        for one, two in zip((encoder, decoder), copies):
            assert list(one.header_table.dynamic_entries) == list(two.header_table.dynamic_entries)
        copies[0].encode([("e", "5")])
        assert (b"e", b"5") not in encoder.header_table.dynamic_entries


def test_the_same_octets_in_text_and_raw():
    same_octets_in_text(Decoder(), Encoder().encode([("a", "\u00e9"), (":method", "GET"), ("b", "", True)]))


def test_constructors_that_are_called_again():
    """`__init__` of a subclass may be called twice; the table stays."""
    decoder = Decoder()
    decoder.decode(literal(b"a", b"b"))
    decoder.__init__(100)
    assert decoder.max_header_list_size == 100
    assert decoder.decode(indexed(62)) == [("a", "b")]
    with pytest.raises(TypeError):
        Encoder(1)
    with pytest.raises(TypeError):
        Decoder(1, 2)
    with pytest.raises(TypeError):
        Decoder("many")


def test_threads_that_share_an_encoder_and_a_decoder():
    """Calls come one after another: every block decodes, in the order in which they were encoded."""
    encoder, decoder = Encoder(), Decoder()
    count = thread_rounds(100)

    def encode(number):
        def target():
            for n in range(count):
                assert encoder.encode([("x-thread", str(number)), (f"x-{n % 30}", "value")])
                encoder.header_table_size = 4096 - number
                assert len(encoder.header_table.dynamic_entries) <= 4096 // 32
                assert len(encoder.table_size_changes) <= 2
        return target

    block = Encoder().encode([("name", "value")])

    def decode(raw):
        def target():
            for _ in range(count):
                try:
                    assert decoder.decode(block, raw) == ([(b"name", b"value")] if raw else [("name", "value")])
                except RuntimeError as error:
                    # From a finalizer of another test's objects.
                    assert "in use" in str(error)
                decoder.max_header_list_size = decoder.max_allowed_table_size = 4096
                assert set(decoder.header_table.dynamic_entries) <= {(b"name", b"value")}
        return target

    together(encode(1), encode(2), decode(False), decode(True))
    encoder.header_table_size = 0
    assert Decoder().decode(encoder.encode([("after", "all")])) == [("after", "all")]
