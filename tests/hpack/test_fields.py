"""What a header field is: name and value flags (RFC 9113 section 8), and h2's judgement of octets."""
import random

import pytest
from h2.exceptions import ProtocolError
from h2.utilities import HeaderValidationFlags, _reject_illegal_characters, _secure_headers
from hpack import NeverIndexedHeaderTuple as OracleNeverIndexed

from fasth2.hpack.fields import FLAGS, classify

REQUEST = HeaderValidationFlags(is_client=False, is_trailer=False, is_response_header=False, is_push_promise=False)
BAD_FOR_H2 = frozenset({"BAD_NAME", "BAD_VALUE", "PADDED_VALUE"})


def flags_of(name, value=b"v"):
    return classify(name, value)[0]


def h2_refuses(name, value):
    try:
        list(_reject_illegal_characters([(name, value)], REQUEST))
    except ProtocolError:
        return True
    return False


# Lengths around the eight octets that are tested at a time.
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31)


@pytest.mark.parametrize("octet", range(256))
def test_each_octet_in_each_place_of_a_name_and_a_value_is_judged_as_h2_does(octet):
    for length in LENGTHS:
        for place in {0, 1, length // 2, length - 2, length - 1} & set(range(length)):
            text = bytearray(b"a" * length)
            text[place] = octet
            text = bytes(text)
            for name, value in ((text, b"v"), (b"x" + text, b"v"), (b"n", text)):
                assert bool(flags_of(name, value) & BAD_FOR_H2) == h2_refuses(name, value), (name, value)


@pytest.mark.parametrize("octet", range(256))
def test_each_octet_sets_the_flags_of_the_rules_it_breaks(octet):
    text = bytes([octet])
    name_flags = flags_of(b"name-" + text)
    assert ("UPPER_NAME" in name_flags) == (0x41 <= octet <= 0x5a)
    assert ("BAD_NAME" in name_flags) == (octet <= 0x20 or 0x41 <= octet <= 0x5a or octet == 0x3a or octet >= 0x7f)
    assert ("BAD_VALUE" in flags_of(b"n", b"some " + text + b" value")) == (octet in (0, 10, 13))
    for value in (text + b"v", b"v" + text, text):
        assert ("PADDED_VALUE" in flags_of(b"n", value)) == (octet in (9, 32))


def test_random_fields_are_judged_as_h2_does():
    generator = random.Random(9113)
    letters = bytes(range(0x61, 0x7b)) * 12 + b"-:A \t\x00\r\n\x7f\x80\xff"
    for _ in range(20_000):
        name = bytes(generator.choices(letters, k=generator.randrange(1, 30)))
        value = bytes(generator.choices(letters, k=generator.randrange(30)))
        assert bool(flags_of(name, value) & BAD_FOR_H2) == h2_refuses(name, value), (name, value)


PSEUDO = {b":method": 1, b":scheme": 2, b":authority": 3, b":path": 4, b":status": 5, b":protocol": 6}


@pytest.mark.parametrize(("name", "kind"), PSEUDO.items())
def test_pseudo_header_fields(name, kind):
    flags, found, _ = classify(name, b"v")
    assert found == kind
    assert "PSEUDO" in flags and not flags & {"UNKNOWN_PSEUDO", "BAD_NAME"}
    for wrong in (name + b"x", name[:-1], name[:-1] + b"_", name[1:]):
        assert classify(wrong, b"v")[1] == 0


@pytest.mark.parametrize("name", [b":", b":x", b":method2", b":Method", b"::path", b":pat", b":protocols"])
def test_unknown_pseudo_header_fields(name):
    assert {"PSEUDO", "UNKNOWN_PSEUDO"} <= flags_of(name)


def test_regular_fields_with_a_kind():
    assert classify(b"priority", b"u=1")[1] == 7
    assert classify(b"te", b"trailers")[1] == 8


NAME_FLAGS = {
    b"connection": {"CONNECTION", "NO_TRAILER"},
    b"proxy-connection": {"CONNECTION", "NO_TRAILER"},
    b"keep-alive": {"CONNECTION", "NO_TRAILER"},
    b"transfer-encoding": {"CONNECTION", "NO_TRAILER"},
    b"upgrade": {"CONNECTION", "NO_TRAILER"},
    b"host": {"HOST", "NO_TRAILER"},
    b"authorization": {"SENSITIVE", "NO_TRAILER"},
    b"proxy-authorization": {"SENSITIVE", "NO_TRAILER"},
    b"trailer": {"NO_TRAILER"},
    b"content-type": {"NO_TRAILER"},
    b"content-encoding": {"NO_TRAILER"},
    b"content-range": {"NO_TRAILER"},
    b"cache-control": {"NO_TRAILER"},
    b"expect": {"NO_TRAILER"},
    b"max-forwards": {"NO_TRAILER"},
    b"range": {"NO_TRAILER"},
    b"set-cookie": {"NO_TRAILER"},
    b"if-match": {"NO_TRAILER"},
    b"if-range": {"NO_TRAILER"},
    b"if-none-match": {"NO_TRAILER"},
    b"if-modified-since": {"NO_TRAILER"},
    b"if-unmodified-since": {"NO_TRAILER"},
    b"age": {"NO_TRAILER"},
    b"pragma": {"NO_TRAILER"},
    b"www-authenticate": {"NO_TRAILER"},
    b"proxy-authenticate": {"NO_TRAILER"},
    b"etag": set(),
    b"digest": set(),
    b"grpc-status": set(),
    b"server-timing": set(),
    b"x": set(),
}


@pytest.mark.parametrize(("name", "expected"), NAME_FLAGS.items())
def test_known_names(name, expected):
    assert flags_of(name) == expected
    assert flags_of(b"x" + name) == flags_of(name + b"x") == set()
    assert flags_of(name[:-1] + b"_") == set()


def test_an_empty_name_and_an_empty_value():
    assert flags_of(b"", b"") == {"EMPTY_NAME", "EMPTY_VALUE"}


@pytest.mark.parametrize("length", range(40))
@pytest.mark.parametrize("name", [b"cookie", b"authorization", b"proxy-authorization", b"x-token"])
def test_sensitive_fields_are_those_of_h2(name, length):
    (secured,) = _secure_headers([(name, b"c" * length)], None)
    assert ("SENSITIVE" in flags_of(name, b"c" * length)) == isinstance(secured, OracleNeverIndexed)


@pytest.mark.parametrize(("value", "number"), [
    (b"0", 0), (b"5", 5), (b"007", 7), (b"1234567890", 1234567890), (b"9223372036854775807", 2**63 - 1),
    (b"0" * 40 + b"12", 12),
])
def test_a_content_length(value, number):
    flags, _, found = classify(b"content-length", value)
    assert found == number
    assert flags == {"CONTENT_LENGTH", "NO_TRAILER"}


@pytest.mark.parametrize("value", [
    b"", b"-1", b"+1", b" 1", b"1 ", b"1_0", b"0x10", b"1.0", b"9223372036854775808", b"18446744073709551616",
    b"9" * 400, b"1,2", b"1,", b",1", b"1,,1", b"1 1", b"1, ", b"five", b"\xd9\xa1", b"5,5,6", b"5;5",
])
def test_a_bad_content_length(value):
    flags, _, found = classify(b"content-length", value)
    assert found == -1
    assert "BAD_LENGTH" in flags and "LENGTH_LIST" not in flags


@pytest.mark.parametrize("value", [b"5,5", b"5, 5", b"5 ,\t5", b"5,5,5", b"05, 5"])
def test_a_content_length_of_equal_members(value):
    flags, _, found = classify(b"content-length", value)
    assert found == 5
    assert {"BAD_LENGTH", "LENGTH_LIST"} <= flags


@pytest.mark.parametrize(("value", "number"), [
    (b"100", 100), (b"200", 200), (b"999", 999), (b"099", -1), (b"20", -1), (b"2000", -1), (b"2x0", -1), (b"", -1),
    (b"-12", -1), (b"\xb2\xb0\xb0", -1),
])
def test_the_number_of_a_status(value, number):
    """Three digits, of which the first is not 0."""
    assert classify(b":status", value)[2] == number


def test_no_other_field_has_a_number():
    assert classify(b"age", b"5")[2] == classify(b":path", b"5")[2] == -1


@pytest.mark.parametrize("octet", range(256))
def test_targets_octet_by_octet(octet):
    text = bytes([octet])
    control = octet <= 0x20 or octet == 0x7f
    for path in (b"/" + text, b"/path-of-some-length" + text + b"x", b"/1234567" + text):
        flags = flags_of(b":path", path)
        assert ("BAD_TARGET" in flags) == (control or octet == 0x23)
        assert ("NON_ASCII_TARGET" in flags) == (octet >= 0x80)
        assert "PATH_NOT_ABSOLUTE" not in flags
    token = chr(octet).isascii() and (chr(octet).isalnum() or text in b"!#$%&'*+-.^_`|~")
    assert ("BAD_TARGET" in flags_of(b":method", b"GE" + text + b"T")) != token
    scheme = chr(octet).isascii() and (chr(octet).isalnum() or text in b"+-.")
    assert ("BAD_TARGET" in flags_of(b":scheme", b"h" + text)) != scheme


@pytest.mark.parametrize(("name", "value", "expected"), [
    (b":method", b"GET", set()),
    (b":method", b"get", set()),
    (b":method", b"CONNECT", {"CONNECT"}),
    (b":method", b"connect", set()),
    (b":method", b"OPTIONS", {"OPTIONS"}),
    (b":method", b"HEAD", set()),
    (b"x-control", b"a\x01b", {"CONTROL"}),
    (b"x-control", b"a\x7f", {"CONTROL"}),
    (b"x-tab", b"a\tb", set()),
    (b":method", b"", {"BAD_TARGET", "EMPTY_VALUE"}),
    (b":scheme", b"https", set()),
    (b":scheme", b"1http", {"BAD_TARGET"}),
    (b":scheme", b"", {"BAD_TARGET", "EMPTY_VALUE"}),
    (b":path", b"/", set()),
    (b":path", b"*", {"PATH_NOT_ABSOLUTE", "PATH_ASTERISK"}),
    (b":path", b"**", {"PATH_NOT_ABSOLUTE"}),
    (b":path", b"", {"PATH_NOT_ABSOLUTE", "EMPTY_VALUE"}),
    (b":path", b"index", {"PATH_NOT_ABSOLUTE"}),
    (b":status", b"200", set()),
    (b":status", b"103", {"INFORMATIONAL"}),
    (b":authority", b"example.com", set()),
    (b":authority", b"user@example.com", {"USERINFO"}),
    (b":authority", b"", {"BAD_TARGET", "EMPTY_VALUE"}),
    (b":authority", b"a,b", {"BAD_TARGET"}),
    (b":authority", b"[::1]:80", set()),
    (b"host", b"a b", {"BAD_TARGET", "HOST", "NO_TRAILER"}),
    (b"host", b"a@b", {"USERINFO", "HOST", "NO_TRAILER"}),
    (b"x", b"a@b", set()),
    (b"te", b"trailers", {"NO_TRAILER"}),
    (b"te", b"TRAILERS", {"NO_TRAILER"}),
    (b"te", b"trailers, deflate", {"NO_TRAILER", "BAD_TE"}),
    (b"te", b"", {"NO_TRAILER", "BAD_TE", "EMPTY_VALUE"}),
    (b"te", b"\x14railers", {"NO_TRAILER", "BAD_TE", "CONTROL"}),
    (b"te", b"\xf4railers", {"NO_TRAILER", "BAD_TE"}),
])
def test_values_of_known_names(name, value, expected):
    assert flags_of(name, value) - {"PSEUDO"} == expected


def test_flags_are_single_bits():
    assert sorted(FLAGS.values()) == [1 << n for n in range(28)]
