import logging
from collections.abc import Iterable, Sequence
from typing import Any

from typing_extensions import Buffer

from .exceptions import HPACKDecodingError, InvalidTableSizeError, OversizedHeaderListError
from .huffman import HuffmanEncoder
from .huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from .huffman_table import decode_huffman
from .struct import HeaderTuple, HeaderWeaklyTyped, NeverIndexedHeaderTuple
from .table import HeaderTable, table_entry_size

__all__ = [
    "DEFAULT_MAX_HEADER_LIST_SIZE", "Decoder", "Encoder", "HPACKDecodingError", "HeaderTable", "HeaderTuple",
    "HeaderWeaklyTyped", "HuffmanEncoder", "INDEX_INCREMENTAL", "INDEX_NEVER", "INDEX_NONE", "InvalidTableSizeError",
    "NeverIndexedHeaderTuple", "OversizedHeaderListError", "REQUEST_CODES", "REQUEST_CODES_LENGTH",
    "VARINT_MAX_LENGTH", "decode_huffman", "decode_integer", "encode_integer", "table_entry_size",
]

log: logging.Logger
INDEX_NONE: bytes
INDEX_NEVER: bytes
INDEX_INCREMENTAL: bytes
VARINT_MAX_LENGTH: int
DEFAULT_MAX_HEADER_LIST_SIZE: int

def encode_integer(integer: int, prefix_bits: int) -> bytearray: ...
def decode_integer(data: bytes | bytearray | memoryview, prefix_bits: int) -> tuple[int, int]: ...

class Encoder:
    huffman_coder: HuffmanEncoder
    header_table_size: int
    def __init__(self) -> None: ...
    @property
    def header_table(self) -> HeaderTable: ...
    @property
    def table_size_changes(self) -> list[int]: ...
    def encode(
        self,
        headers: Iterable[
            HeaderTuple
            | tuple[bytes | str, bytes | str]
            | tuple[bytes | str, bytes | str, bool | None]
            | Sequence[bytes | str]
        ]
        | dict[Any, Any],
        huffman: bool = True,
    ) -> bytes: ...
    def add(self, to_add: tuple[bytes, bytes], sensitive: bool, huffman: bool = False) -> bytes: ...
    def _entries(self) -> list[tuple[bytes, bytes]]: ...
    def _insert(self, name: bytes, value: bytes) -> None: ...
    def _resized(self) -> bool: ...

class Decoder:
    max_header_list_size: int
    max_allowed_table_size: int
    header_table_size: int
    def __init__(self, max_header_list_size: int = 65536) -> None: ...
    @property
    def header_table(self) -> HeaderTable: ...
    def decode(self, data: Buffer, raw: bool = False) -> list[HeaderTuple]: ...
    def _entries(self) -> list[tuple[bytes, bytes]]: ...
    def _insert(self, name: bytes, value: bytes) -> None: ...
    def _resized(self) -> bool: ...
