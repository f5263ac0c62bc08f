"""Header compression for HTTP/2 (RFC 7541), with hpack's names, modules and behaviour."""
from __future__ import annotations

from .exceptions import (
    HPACKDecodingError,
    HPACKError,
    InvalidTableIndex,
    InvalidTableIndexError,
    InvalidTableSizeError,
    OversizedHeaderListError,
)
from .hpack import Decoder, Encoder
from .struct import HeaderTuple, NeverIndexedHeaderTuple

#: The version of hpack whose API this is.
__version__ = "4.2.0"

__all__ = [
    "Decoder", "Encoder", "HPACKDecodingError", "HPACKError", "HeaderTuple", "InvalidTableIndex",
    "InvalidTableIndexError", "InvalidTableSizeError", "NeverIndexedHeaderTuple", "OversizedHeaderListError",
]  # fmt: skip
