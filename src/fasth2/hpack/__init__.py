"""Header compression for HTTP/2 (RFC 7541), with hpack's names."""
from __future__ import annotations

from .decoder import Decoder
from .encoder import Encoder
from .exceptions import (
    HPACKDecodingError,
    HPACKError,
    InvalidTableIndexError,
    InvalidTableSizeError,
    OversizedHeaderListError,
)
from .struct import HeaderTuple, NeverIndexedHeaderTuple

__all__ = [
    "Decoder", "Encoder", "HPACKDecodingError", "HPACKError", "HeaderTuple", "InvalidTableIndexError",
    "InvalidTableSizeError", "NeverIndexedHeaderTuple", "OversizedHeaderListError",
]  # fmt: skip
