"""What fields are found to be, against the same rules in plain Python."""
from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasth2.hpack.fields import FLAGS, classify

CONNECTION = {b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
NO_TRAILER = CONNECTION | {
    b"te", b"host", b"range", b"cookie", b"expect", b"trailer", b"if-match", b"if-range", b"set-cookie",
    b"content-type", b"max-forwards", b"authorization", b"content-range", b"cache-control", b"if-none-match",
    b"content-length", b"content-encoding", b"if-modified-since", b"proxy-authorization", b"if-unmodified-since",
    b"age", b"pragma", b"www-authenticate", b"proxy-authenticate",
}
KINDS = {b":method": 1, b":scheme": 2, b":authority": 3, b":path": 4, b":status": 5, b":protocol": 6, b"priority": 7,
         b"te": 8}
BAD_NAME = re.compile(rb"[\x00-\x20A-Z:\x7f-\xff]")
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*")
#: RFC 3986 section 3.2, without user information and the comma.
AUTHORITY = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=:%\[\]-]+")
LIST = re.compile(rb"[0-9]+(?:[ \t]*,[ \t]*[0-9]+)*")


def expected(name, value):
    """Flags, kind and number of a field, one rule after another."""
    flags = set()
    number = -1
    kind = KINDS.get(name, 0)
    if name.startswith(b":"):
        flags.add("PSEUDO")
        if not kind:
            flags.add("UNKNOWN_PSEUDO")
    for flag, holds in {
        "EMPTY_NAME": not name,
        "BAD_NAME": BAD_NAME.search(name.removeprefix(b":")),
        "UPPER_NAME": re.search(rb"[A-Z]", name),
        "CONNECTION": name in CONNECTION,
        "NO_TRAILER": name in NO_TRAILER,
        "COOKIE": name == b"cookie",
        "HOST": name == b"host",
        "CONTENT_LENGTH": name == b"content-length",
        "SENSITIVE": name in (b"authorization", b"proxy-authorization") or (name == b"cookie" and len(value) < 20),
        "EMPTY_VALUE": not value,
        "BAD_VALUE": re.search(rb"[\x00\r\n]", value),
        "PADDED_VALUE": value != value.strip(b" \t"),
        "BAD_TE": name == b"te" and value.lower() != b"trailers",
        "USERINFO": name in (b":authority", b"host") and b"@" in value,
        "INFORMATIONAL": name == b":status" and value.startswith(b"1"),
        "CONNECT": (name, value) == (b":method", b"CONNECT"),
        "OPTIONS": (name, value) == (b":method", b"OPTIONS"),
        "CONTROL": (name != b":path" and re.search(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", value)
                    and not re.search(rb"[\x00\r\n]", value)),
        "PATH_NOT_ABSOLUTE": name == b":path" and not value.startswith(b"/"),
        "PATH_ASTERISK": (name, value) == (b":path", b"*"),
        "NON_ASCII_TARGET": name == b":path" and re.search(rb"[\x80-\xff]", value),
        "BAD_TARGET": (
            (name == b":path" and re.search(rb"[\x00-\x20\x7f#]", value))
            or (name == b":method" and not TOKEN.fullmatch(value))
            or (name == b":scheme" and not SCHEME.fullmatch(value))
            or (name in (b":authority", b"host") and b"@" not in value and not AUTHORITY.fullmatch(value))
        ),
    }.items():
        if holds:
            flags.add(flag)
    if name == b"content-length":
        members = {int(member) for member in value.split(b",")} if LIST.fullmatch(value) else set()
        if len(members) == 1 and max(members) < 2**63:
            number, = members
            if b"," in value:
                flags |= {"BAD_LENGTH", "LENGTH_LIST"}
        else:
            flags.add("BAD_LENGTH")
    if name == b":status" and re.fullmatch(rb"[1-9][0-9]{2}", value):
        number = int(value)
    return frozenset(flags), kind, number


NAMES = sorted({*KINDS, *NO_TRAILER, b":unknown", b":", b"", b"server", b"x-long-name-of-a-field", b"Host", b"co okie"})


@settings(max_examples=2000, deadline=None)
@given(
    st.one_of(st.sampled_from(NAMES), st.binary(max_size=20)),
    st.one_of(
        st.binary(max_size=40),
        st.text("/ab@?,09 \t#", max_size=20).map(str.encode),
        st.integers(0, 2**64).map(lambda n: b"%d" % n),
    ),
)
def test_any_field(name, value):
    flags, kind, number = classify(name, value)
    if name == b"priority":
        # What it says: tests/engine/extensions/test_priorities.py.
        assert number > 0
        number = -1
    assert (flags, kind, number) == expected(name, value)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23])
@pytest.mark.parametrize("name", [b"x", b":path", b":method", b":scheme", b":authority", b"content-length"])
def test_every_octet_at_every_place_of_a_value(name, length):
    for place in range(length):
        for octet in range(256):
            value = b"a" * place + bytes([octet]) + b"a" * (length - place - 1)
            assert classify(name, value) == expected(name, value)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17])
@pytest.mark.parametrize("first", [b"", b":"])
def test_every_octet_at_every_place_of_a_name(first, length):
    for place in range(length):
        for octet in range(256):
            name = first + b"a" * place + bytes([octet]) + b"a" * (length - place - 1)
            assert classify(name, b"v") == expected(name, b"v")


@pytest.mark.parametrize(
    "value",
    [b"0", b"00", b"5", b"9223372036854775807", b"9223372036854775808", b"9223372036854775799", b"+5", b"-1", b"5 ",
     b" 5", b"5,5", b"5, 5", b"5 ,\t5", b"5,6", b"5,", b",5", b"5,,5", b"5 5", b"0x5", b"", b"1" * 100, b"5, 05"],
)
def test_content_length(value):
    assert classify(b"content-length", value) == expected(b"content-length", value)


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"te", b"Trailers"), (b"te", b"trailers"), (b"te", b"trailers "), (b"te", b"gzip"), (b"te", b""),
     (b"te", b"tRAILERS"), (b"te", b"TRAILER\x13"), (b":method", b"HEAD"), (b":method", b"OPTIONS"),
     (b":method", b"CONNECT"), (b":method", b"GET"), (b":path", b"*"), (b":path", b""), (b":path", b"*a"),
     (b"cookie", b"a" * 19), (b"cookie", b"a" * 20)],
)
def test_values_that_mean_something(name, value):
    assert classify(name, value) == expected(name, value)


def test_flags_are_bits_of_their_own():
    assert len({*FLAGS.values()}) == len(FLAGS)
    assert all(bit & (bit - 1) == 0 for bit in FLAGS.values())
