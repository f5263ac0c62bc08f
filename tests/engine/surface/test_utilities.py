"""`fasth2.utilities` against h2's, on lists of fields that h2 accepts and that it refuses."""
from __future__ import annotations

import itertools

import h2.exceptions
import h2.utilities as theirs
import hpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fasth2.exceptions
from fasth2 import utilities as ours
from fasth2.hpack import HeaderTuple, NeverIndexedHeaderTuple

NAMES = [b":method", b":scheme", b":authority", b":path", b":protocol", b":status", b":other", b"host", b"Host", b"te",
         b"cookie", b"Cookie", b"authorization", b"proxy-authorization", b"connection", b"keep-alive", b"upgrade",
         b"proxy-connection", b"transfer-encoding", b"content-type", b" x ", b"a:b", b"x\x7f", b"x y"]
VALUES = [b"", b"GET", b"CONNECT", b"https", b"a", b"b", b"/", b"200", b"103", b"trailers", b"Trailers", b"gzip",
          b"a=1; b=2", b"a=1;b=2; " + b"c" * 30, b" padded\t", b"x\0y", b"x\ny", b"x\ry", b"\xff"]
KINDS = [(tuple, tuple), (hpack.HeaderTuple, HeaderTuple), (hpack.NeverIndexedHeaderTuple, NeverIndexedHeaderTuple)]

#: A busy machine has no deadline.
many = settings(max_examples=60, deadline=None)

fields = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES), st.integers(0, 2))
lists = st.lists(fields, max_size=8)
flags = st.tuples(*[st.booleans()] * 4)

REQUEST = [(b":method", b"GET", 0), (b":scheme", b"https", 1), (b":authority", b"a", 2), (b":path", b"/", 0)]
RESPONSE = [(b":status", b"200", 0), (b"cookie", b"a=1", 0)]


def built(items, side):
    """Pairs of the types of one of the two libraries."""
    return [(name, value) if kind == 0 else KINDS[kind][side](name, value) for name, value, kind in items]


def outcome(function, *arguments):
    """What a function gives, type by type, and the name of what it raises."""
    found = []
    try:
        for header in function(*arguments):
            found.append((type(header).__name__, *header))
    except Exception as error:
        return found, type(error).__name__
    return found, None


def both(name, items, *rest):
    for_ours = outcome(getattr(ours, name), built(items, 1), *rest)
    for_theirs = outcome(getattr(theirs, name), built(items, 0), *rest)
    assert for_ours == for_theirs


@many
@given(lists, flags)
@example(REQUEST, (True, False, False, False))
@example([*REQUEST, (b"host", b"a", 0)], (True, False, False, False))
@example([*REQUEST, (b"host", b"b", 0)], (True, False, False, False))
@example([*REQUEST, (b":protocol", b"a", 0)], (True, False, False, False))
@example([(b":method", b"CONNECT", 0), (b":authority", b"a", 0)], (True, False, False, False))
@example([(b":method", b"CONNECT", 0), *REQUEST[1:]], (True, False, False, False))
@example([(b":method", b"CONNECT", 0), *REQUEST[1:], (b":protocol", b"a", 0)], (True, False, False, False))
@example(RESPONSE, (True, False, True, False))
@example([*RESPONSE, (b":status", b"200", 0)], (True, False, True, False))
@example([(b"x", b"1", 0), (b":status", b"200", 0)], (True, False, True, False))
@example([(b":path", b"", 0)], (True, False, False, False))
@example([(b"te", b"Trailers", 0)], (True, True, False, False))
def test_validation(items, flags):
    both("validate_headers", items, theirs.HeaderValidationFlags(*flags))
    both("validate_outbound_headers", items, theirs.HeaderValidationFlags(*flags))


@pytest.mark.parametrize("broken", [*range(len(REQUEST)), None])
@pytest.mark.parametrize("method", [b"GET", b"CONNECT", b""])
@pytest.mark.parametrize("extra", [[], [(b":protocol", b"a", 0)], [(b":status", b"200", 0)], [(b"host", b"a", 0)]])
def test_validation_of_requests_with_a_field_less(broken, method, extra):
    items = [(name, method if name == b":method" else value, kind) for name, value, kind in REQUEST] + extra
    if broken is not None:
        del items[broken]
    for flags in itertools.product([False, True], repeat=4):
        both("validate_headers", items, theirs.HeaderValidationFlags(*flags))


@many
@given(lists, st.booleans())
def test_normalization(items, split):
    both("normalize_outbound_headers", items, None, split)
    both("normalize_outbound_headers", items, theirs.HeaderValidationFlags(True, False, False, False))
    both("normalize_inbound_headers", items, None)


@many
@given(lists)
def test_lookups(items):
    for name in ("authority_from_headers", "extract_method_header", "is_informational_response"):
        assert getattr(ours, name)(built(items, 1)) == getattr(theirs, name)(built(items, 0))


def test_a_method_that_is_text():
    for side in (ours, theirs):
        assert side.extract_method_header([(":path", "/"), (":method", "GET")]) == b"GET"
        assert side.extract_method_header([(":path", "/")]) is None


@many
@given(st.lists(st.tuples(st.one_of(st.binary(), st.text()), st.one_of(st.binary(), st.text()), st.integers(0, 2))))
def test_encoding_of_text(items):
    both("utf8_encode_headers", items)
    assert type(ours.utf8_encode_headers([])) is list


@pytest.mark.parametrize("increment", [1, 2**31 - 1 - 65535, 2**31 - 65535])
def test_increment_of_a_window(increment):
    def ask(side, errors):
        try:
            return side.guard_increment_window(65535, increment)
        except errors.FlowControlError:
            return "refused"
    assert ask(ours, fasth2.exceptions) == ask(theirs, h2.exceptions)


@many
@given(st.lists(st.tuples(st.integers(0, 9), st.integers())), st.one_of(st.none(), st.integers(0, 5)))
def test_dict_of_limited_size(items, limit):
    mine, other = ours.SizeLimitDict(size_limit=limit), theirs.SizeLimitDict(size_limit=limit)
    for key, value in items:
        mine[key] = other[key] = value
        assert list(mine.items()) == list(other.items())
    assert list(ours.SizeLimitDict(items, size_limit=limit).items()) == list(
        theirs.SizeLimitDict(items, size_limit=limit).items())
