"""Never-indexed fields (RFC 7541 section 7.1.3) stay literal, also through a proxy (docs/security.md, row 26)."""
from __future__ import annotations

import hpack
import pytest

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder
from fasth2.hpack.struct import HeaderTuple, NeverIndexedHeaderTuple

from ..support.fields import request
from ..support.frames import HEADERS, split_frames
from ..support.play import server
from .oracle import literal, shape

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"


@pytest.mark.parametrize(
    "field",
    [("x-token", "secret"), ("authorization", "Basic c2VjcmV0"), (":method", "GET"), (":path", "/index.html"),
     ("accept-encoding", "gzip, deflate"), ("x-empty", "")],
)
def test_a_sensitive_field_is_literal_whatever_the_tables_hold(field):
    encoder = Encoder()
    encoder.encode([field])
    table = encoder.header_table
    for form in ((*field, True), NeverIndexedHeaderTuple(*field)):
        block = encoder.encode([form])
        assert block[0] & 0xF0 == 0x10
        assert block.endswith(hpack.Encoder().huffman_coder.encode(field[1].encode()))
        assert encoder.header_table == table


def test_a_sensitive_field_enters_no_table():
    encoder = Encoder()
    for _ in range(3):
        assert encoder.encode([("x-token", "secret", True)])[0] == 0x10
    assert encoder.header_table.dynamic_entries == []


def test_the_decoder_says_what_was_never_indexed():
    decoder = Decoder()
    found = decoder.decode(literal(b"a", b"1", 0x10) + literal(b"b", b"2", 0x00) + literal(b"c", b"3", 0x40), raw=True)
    assert shape(found) == [(b"a", b"1", False), (b"b", b"2", True), (b"c", b"3", True)]
    assert [type(field) for field in found] == [NeverIndexedHeaderTuple, HeaderTuple, HeaderTuple]
    assert decoder.header_table.dynamic_entries == [(b"c", b"3")]


def test_through_a_proxy():
    """What one connection's decoder gives, another's encoder sends on as it came."""
    sent = hpack.Encoder().encode([("x-token", "secret", True), ("x-plain", "text")])
    forwarded = Encoder().encode(Decoder().decode(sent, raw=True))
    assert shape(hpack.Decoder().decode(forwarded, raw=True)) == [
        (b"x-token", b"secret", False), (b"x-plain", b"text", True),
    ]


@pytest.mark.parametrize(
    ("field", "sensitive"),
    [(("authorization", "Basic c2VjcmV0"), True), (("proxy-authorization", "Basic c2VjcmV0"), True),
     (("cookie", "a=" + "1" * 17), True), (("cookie", "a=" + "1" * 18), False), (("x-authorization", "none"), False)],
)
def test_what_a_connection_sends_as_sensitive_by_itself(field, sensitive):
    connection = server()
    connection.initiate_connection()
    connection.receive_data(PREFACE + request(1))
    decoder = hpack.Decoder()
    connection.data_to_send()
    connection.send_headers(1, [(":status", "100"), field])
    connection.send_headers(1, [(":status", "200"), field])
    for frame in split_frames(connection.data_to_send()):
        if frame.type == HEADERS:
            found = decoder.decode(frame.payload, raw=True)[1]
            assert found == (field[0].encode(), field[1].encode())
            assert found.indexable is not sensitive or not sensitive
            table = [name for name, _ in decoder.header_table.dynamic_entries]
            assert (field[0].encode() in table) is not sensitive
