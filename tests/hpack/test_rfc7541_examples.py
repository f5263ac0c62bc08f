"""The examples of RFC 7541 Appendix C, octet for octet."""
from __future__ import annotations

import pytest

from fasth2.hpack.decoder import Decoder
from fasth2.hpack.encoder import Encoder

REQUESTS = [
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")],
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com"),
     ("cache-control", "no-cache")],
    [(":method", "GET"), (":scheme", "https"), (":path", "/index.html"), (":authority", "www.example.com"),
     ("custom-key", "custom-value")],
]
REQUEST_TABLES = [
    [(b":authority", b"www.example.com")],
    [(b"cache-control", b"no-cache"), (b":authority", b"www.example.com")],
    [(b"custom-key", b"custom-value"), (b"cache-control", b"no-cache"), (b":authority", b"www.example.com")],
]
COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
RESPONSES = [
    [(":status", "302"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
     ("location", "https://www.example.com")],
    [(":status", "307"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
     ("location", "https://www.example.com")],
    [(":status", "200"), ("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
     ("location", "https://www.example.com"), ("content-encoding", "gzip"), ("set-cookie", COOKIE)],
]
RESPONSE_TABLES = [
    [(b"location", b"https://www.example.com"), (b"date", b"Mon, 21 Oct 2013 20:13:21 GMT"),
     (b"cache-control", b"private"), (b":status", b"302")],
    [(b":status", b"307"), (b"location", b"https://www.example.com"), (b"date", b"Mon, 21 Oct 2013 20:13:21 GMT"),
     (b"cache-control", b"private")],
    [(b"set-cookie", COOKIE.encode()), (b"content-encoding", b"gzip"), (b"date", b"Mon, 21 Oct 2013 20:13:22 GMT")],
]

C3 = ["828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"]
C4 = ["828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"]
C5 = [
    "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
    "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
    "4803333037c1c0bf",
    "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b42"
    "5a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
]
C6 = [
    "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
    "4883640effc1c0bf",
    "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f36"
    "72c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
]


@pytest.mark.parametrize(
    ("block", "fields", "table", "indexable"),
    [
        ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", [("custom-key", "custom-header")],
         [(b"custom-key", b"custom-header")], True),
        ("040c2f73616d706c652f70617468", [(":path", "/sample/path")], [], True),
        ("100870617373776f726406736563726574", [("password", "secret")], [], False),
        ("82", [(":method", "GET")], [], True),
    ],
    ids=["C.2.1", "C.2.2", "C.2.3", "C.2.4"],
)
def test_c2_representations(block, fields, table, indexable):
    decoder = Decoder()
    found = decoder.decode(bytes.fromhex(block))
    assert found == fields
    assert [field.indexable for field in found] == [indexable]
    assert decoder.header_table.dynamic_entries == table


@pytest.mark.parametrize(
    ("blocks", "lists", "tables", "size"),
    [(C3, REQUESTS, REQUEST_TABLES, 4096), (C4, REQUESTS, REQUEST_TABLES, 4096),
     (C5, RESPONSES, RESPONSE_TABLES, 256), (C6, RESPONSES, RESPONSE_TABLES, 256)],
    ids=["C.3", "C.4", "C.5", "C.6"],
)
def test_sequences_are_decoded(blocks, lists, tables, size):
    decoder = Decoder()
    decoder.header_table_size = size
    for block, fields, table in zip(blocks, lists, tables):
        assert decoder.decode(bytes.fromhex(block)) == fields
        assert decoder.header_table.dynamic_entries == table


@pytest.mark.parametrize(
    ("blocks", "lists", "tables", "size"),
    [(C4, REQUESTS, REQUEST_TABLES, 4096), (C6, RESPONSES, RESPONSE_TABLES, 256)],
    ids=["C.4", "C.6"],
)
def test_sequences_are_encoded(blocks, lists, tables, size):
    encoder = Encoder()
    encoder.header_table_size = size
    if size != 4096:
        assert encoder.encode([]) == b"\x3f\xe1\x01"
    for block, fields, table in zip(blocks, lists, tables):
        assert encoder.encode(fields).hex() == block
        assert encoder.header_table.dynamic_entries == table


def test_c2_3_is_encoded():
    encoder = Encoder()
    block = encoder.encode([("password", "secret", True)])
    assert block[0] == 0x10
    assert Decoder().decode(block) == [("password", "secret")]
    assert encoder.header_table.dynamic_entries == []
