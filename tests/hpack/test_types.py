"""A program that uses `fasth2.hpack` passes mypy --strict, and one that misuses it does not."""
from __future__ import annotations

from tests.support.strict import lines_with_errors, mypy

PROGRAM = '''
from __future__ import annotations

import logging
from collections.abc import Iterable

from fasth2 import hpack
from fasth2.hpack import Decoder, Encoder, HeaderTuple, NeverIndexedHeaderTuple
from fasth2.hpack.hpack import decode_integer, encode_integer, log
from fasth2.hpack.huffman import HuffmanEncoder
from fasth2.hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from fasth2.hpack.huffman_table import HUFFMAN_TABLE, decode_huffman
from fasth2.hpack.struct import Header, HeaderWeaklyTyped
from fasth2.hpack.table import HeaderTable, table_entry_size


class Careful(Encoder):
    def add(self, to_add: tuple[bytes, bytes], sensitive: bool, huffman: bool = False) -> bytes:
        return super().add(to_add, sensitive or to_add[0] == b"cookie", huffman)


class Proxy:
    def __init__(self, limit: int) -> None:
        self.decoder = Decoder(max_header_list_size=limit)
        self.decoder.max_allowed_table_size = 8192
        self.encoder = Careful()
        self.encoder.header_table_size = 65536

    def forward(self, block: bytes) -> bytes:
        try:
            fields: list[HeaderTuple] = self.decoder.decode(block, raw=True)
        except hpack.OversizedHeaderListError as error:
            raise ValueError(str(error)) from error
        except hpack.HPACKError:
            return b""
        names: list[bytes] = [name for name, value in fields if isinstance(name, bytes)]
        sizes: int = sum(table_entry_size(*field) for field in fields)
        logger: logging.Logger = log
        logger.debug("forwarded %d", sizes)
        return self.encoder.encode([*fields, NeverIndexedHeaderTuple("x-names", str(len(names) + sizes))])


def lists(encoder: Encoder) -> Iterable[bytes]:
    yield encoder.encode([(":status", "200"), (b"a", b"b")])
    yield encoder.encode([("a", "b", True)], huffman=False)
    yield encoder.encode({":status": "200", "a": "b"})
    yield encoder.encode((field for field in [HeaderTuple("a", "b")]))


number, octets = decode_integer(bytes(encode_integer(5, 7)), 7)
table: HeaderTable = Decoder().header_table
entry: tuple[bytes, bytes] = table.get_by_index(number + octets)
text: bytes = decode_huffman(HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(b"text"))
state: tuple[int, int, int] = HUFFMAN_TABLE[0]
indexable: bool = Decoder().decode(b"\\x82")[0].indexable
print(Proxy(1000).forward(b"\\x82"), list(lists(Encoder())), text, entry, state, indexable, Header, HeaderWeaklyTyped)
'''

MISUSE = '''
from fasth2 import hpack

hpack.Encoder(1)
hpack.Decoder().decode("text")
hpack.Decoder(max_header_list_size="1")
hpack.Encoder().encode(5)
hpack.Encoder().header_table = None
'''


def test_a_program_passes_and_runs(tmp_path):
    done = mypy(tmp_path, PROGRAM)
    assert done.returncode == 0, done.stdout + done.stderr
    exec(PROGRAM, {"__name__": "program"})


def test_misuse_is_found(tmp_path):
    done = mypy(tmp_path, MISUSE)
    wrong = [number for number, line in enumerate(MISUSE.splitlines(), 1) if line.startswith("hpack.")]
    assert lines_with_errors(done) == wrong, done.stdout
