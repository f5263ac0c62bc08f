"""With validation and normalization switched off, fields pass octet for octet, as they do in h2."""
from __future__ import annotations

import h2.config
import h2.connection
import hpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fasth2.config
import fasth2.connection

OFF = {
    "validate_outbound_headers": False,
    "normalize_outbound_headers": False,
    "validate_inbound_headers": False,
    "normalize_inbound_headers": False,
}
BASE = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/")]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"

#: Each breaks a rule of RFC 9113 section 8.2 or 8.3.
BROKEN = [
    [(b"X-Upper", b" padded\t")], [(b"connection", b"close")], [(b"transfer-encoding", b"chunked")],
    [(b"x", b"a\nb")], [(b"x", b"a\rb")], [(b"x", b"a\0b")], [(b"", b"x")], [(b"x y", b"1")], [(b"a:b", b"")],
    [(b"te", b"gzip")], [(b":odd", b"1")], [(b"host", b"other")], [(b"x", b"\xff\xfe")], [(b"\xff", b"1")],
    [(b"cookie", b"a=1"), (b"x", b"1"), (b"cookie", b"b=2")], [(b":status", b"200")], [(b":path", b"")],
    [(b"x", b"1"), (b":method", b"POST")],
]


def made(library, client_side):
    connection = library.connection.H2Connection(library.config.H2Configuration(client_side=client_side, **OFF))
    connection.initiate_connection()
    connection.data_to_send()
    return connection


def sent(library, headers):
    """The fields in the frame of a request."""
    client = made(library, True)
    client.send_headers(1, headers)
    return hpack.Decoder().decode(client.data_to_send()[9:], raw=True)


def received(library, headers):
    """The fields of the event, where the request came as a frame with them."""
    block = hpack.Encoder().encode(headers)
    frame = len(block).to_bytes(3, "big") + b"\1\4\0\0\0\1" + block
    _, event = made(library, False).receive_data(PREFACE + frame)
    return [tuple(header) for header in event.headers]


def check(headers):
    for library in (h2, fasth2):
        assert sent(library, headers) == headers
        assert received(library, headers) == headers


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("base", [BASE, BASE[:1], []])
def test_fields_that_break_a_rule(base, broken):
    check(base + broken)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=20).filter(lambda name: name != b"content-length"), st.binary(max_size=60)),
                min_size=1, max_size=6))
@example([(b"A", b"")])
def test_any_octets(headers):
    check(headers)


@pytest.mark.parametrize("broken", [broken for broken in BROKEN if broken[0][0] != b"cookie"])
def test_they_are_refused_or_changed_otherwise(broken):
    """The lists above are no lists that pass in any case."""
    client = fasth2.connection.H2Connection()
    client.initiate_connection()
    client.data_to_send()
    try:
        client.send_headers(1, BASE + broken)
    except fasth2.exceptions.ProtocolError:
        return
    assert hpack.Decoder().decode(client.data_to_send()[9:], raw=True) != BASE + broken or broken[0][1][:1] == b"\xff"
