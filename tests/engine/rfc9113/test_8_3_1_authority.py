"""RFC 9113 section 8.3.1 and RFC 3986 section 3.2: what an authority may be."""
import pytest

from tests.support.fields import request
from tests.support.play import accepted, connection_error, stream_error

PROTOCOL_ERROR = 0x1

GOOD = ["example.com", "EXAMPLE.com:8443", "127.0.0.1:80", "[::1]:8080", "[fe80::1%25eth0]", "a_b.example",
        "%C3%A9.example", "a~b!c$d&e'f(g)h*i+j;k=l"]
BAD = ["", "a b", "a/b?c", "a/b", "a?b", "a\\b", "a#b", "a,b", "a,", "a\tb", "a\"b", "<a>", "a^b", "a`b", "{a}", "a|b",
       b"caf\xc3\xa9.example", b"a\x7fb", b"a\x80"]


def asked(place, value):
    """A request with that authority, in one of three places."""
    if place == "authority":
        return request(3, authority=value)
    if place == "host":
        return request(3, ("host", value), authority=None)
    return request(3, method="CONNECT", scheme=None, path=None, authority=value, end_stream=False)


PLACES = pytest.mark.parametrize("place", ["authority", "host", "CONNECT"])


@PLACES
@pytest.mark.parametrize("value", BAD, ids=repr)
@pytest.mark.parametrize("rfc_errors", [False, True])
def test_anything_else_is_a_malformed_request(place, value, rfc_errors):
    """":authority ... MUST NOT be empty", and no octet that no authority has, nor the comma."""
    if rfc_errors:
        outcome = stream_error(asked(place, value), stream_id=3, code=PROTOCOL_ERROR)
    else:
        outcome = connection_error(asked(place, value), code=PROTOCOL_ERROR, rfc_errors=False)
    token = "authority_octet" if value else "authority_empty"
    assert not outcome.of("RequestReceived", 3)
    assert outcome.connection.counters == {token: 1}


@PLACES
@pytest.mark.parametrize("value", GOOD)
@pytest.mark.parametrize("rfc_errors", [False, True])
def test_authorities_are_accepted(place, value, rfc_errors):
    """Names, addresses, ports, sub-delims, percent-encoded octets."""
    outcome = accepted(asked(place, value), rfc_errors=rfc_errors)
    assert value.encode() in [field[1] for field in outcome.of("RequestReceived", 3)[0].headers]


@PLACES
@pytest.mark.parametrize("value", BAD, ids=repr)
def test_the_validation_flag_switches_it_off(place, value):
    """`validate_inbound_headers=False`."""
    outcome = accepted(asked(place, value), validate_inbound_headers=False)
    assert outcome.of("RequestReceived", 3)


def test_host_beside_authority_is_looked_at_too():
    """Equal and bad."""
    stream_error(request(3, ("host", "a,b"), authority="a,b"), stream_id=3, code=PROTOCOL_ERROR)
