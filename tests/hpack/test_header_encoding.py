"""Names and values as `bytes` or `str`, as H2Configuration's header_encoding says."""
from __future__ import annotations

import pytest

from fasth2.events import RequestReceived
from fasth2.exceptions import ProtocolError
from fasth2.hpack.decoder import Decoder

from ..support import frames
from ..support.play import server
from .oracle import indexed, literal

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(frames.settings())
GET = indexed(2) + indexed(7) + indexed(4) + literal(1, b"example.com")


def received(block, more=(), **config):
    """The headers of a request with this block; `more`: blocks of the streams before it."""
    connection = server(**config)
    octets = PREFACE
    for number, one in enumerate([*more, block]):
        octets += bytes(frames.headers(2 * number + 1, one, end_stream=True))
    events = connection.receive_data(octets)
    return [event.headers for event in events if isinstance(event, RequestReceived)][-1]


CASES = {
    None: b"caf\xc3\xa9",
    "utf-8": "caf\u00e9",
    "UTF8": "caf\u00e9",
    "latin-1": "caf\u00c3\u00a9",
    "iso8859-1": "caf\u00c3\u00a9",
    "cp1252": "caf\u00c3\u00a9",
}


@pytest.mark.parametrize("encoding", CASES, ids=str)
@pytest.mark.parametrize("kind", [0x40, 0x00, 0x10])
def test_every_field_has_the_type_asked_for(encoding, kind):
    field = literal(b"x-place", b"caf\xc3\xa9", kind)
    headers = received(GET + field, header_encoding=encoding)
    text = str if encoding else bytes
    assert {type(octets) for pair in headers for octets in pair} == {text}
    assert headers[-1][1] == CASES[encoding]
    assert headers[-1].indexable is (kind != 0x10)
    assert headers[0] == ((":method", "GET") if encoding else (b":method", b"GET"))


def test_entries_of_the_table_have_it_too():
    first = GET + literal(b"x-place", b"caf\xc3\xa9")
    headers = received(GET[:3] + indexed(63) + indexed(62), [first], header_encoding="utf-8")
    assert headers[-2:] == [(":authority", "example.com"), ("x-place", "caf\u00e9")]
    headers = received(GET[:3] + indexed(63) + literal(62, b"other"), [first], header_encoding="utf-8")
    assert headers[-1] == ("x-place", "other")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_octets_that_cannot_be_decoded(encoding):
    block = GET + literal(b"x-place", b"caf\xe9")
    with pytest.raises(ProtocolError):
        received(block, header_encoding=encoding)
    headers = received(block, header_encoding=encoding, header_fallback_encoding="latin-1")
    assert headers[-1] == ("x-place", "caf\u00e9")


def test_octets_that_cannot_be_decoded_fault_the_request_not_the_table():
    """Under rfc_errors the stream ends; later blocks refer to the same entry."""
    bad = GET + literal(b"x-place", b"caf\xe9")
    good = GET[:3] + literal(1, b"example.com", 0)
    headers = received(good, [bad, GET[:3] + indexed(63) + indexed(62)], header_encoding="utf-8", rfc_errors=True)
    assert headers == [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "example.com")]
    with pytest.raises(IndexError):
        received(GET[:3] + indexed(63) + indexed(62), [bad], header_encoding="utf-8", rfc_errors=True)
    headers = received(GET[:3] + indexed(63) + literal(62, b"fine"), [bad], header_encoding="utf-8", rfc_errors=True)
    assert headers[-1] == ("x-place", "fine")


@pytest.mark.parametrize("fallback", [False, True])
def test_a_name_that_cannot_be_decoded_keeps_its_type_for_every_field_that_takes_it(fallback):
    decoder = Decoder(encoding="ascii", fallback=fallback)
    name = "caf\u00e9" if fallback else b"caf\xe9"
    assert decoder.decode(literal(b"caf\xe9", b"a") + literal(62, b"b")) == [(name, "a"), (name, "b")]


@pytest.mark.parametrize("encoding", [None, "utf-8", "latin-1", "ascii"])
def test_a_decoder_of_each_encoding(encoding):
    decoder = Decoder(encoding=encoding)
    text = (lambda octets: octets) if encoding is None else (lambda octets: octets.decode(encoding))
    block = indexed(2) + literal(b"a", b"plain") + literal(31, b"text/html")
    expected = [(text(name), text(value)) for name, value in
                [(b":method", b"GET"), (b"a", b"plain"), (b"content-type", b"text/html")]]
    assert decoder.decode(block, raw=True) == expected
    assert decoder.header_table.dynamic_entries == expected[:0:-1]
