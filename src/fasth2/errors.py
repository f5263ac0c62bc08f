"""HTTP/2 error codes (RFC 9113 section 7)."""
from __future__ import annotations

import enum

__all__ = ["ErrorCodes"]


class ErrorCodes(enum.IntEnum):
    """The error codes of RST_STREAM and GOAWAY frames."""

    #: No error, as in a graceful shutdown.
    NO_ERROR = 0x0
    #: The peer violated a rule without a more specific code.
    PROTOCOL_ERROR = 0x1
    #: An internal error of the endpoint.
    INTERNAL_ERROR = 0x2
    #: More data than the flow-control window allows, or a window past 2**31 - 1.
    FLOW_CONTROL_ERROR = 0x3
    #: SETTINGS were not acknowledged in time.
    SETTINGS_TIMEOUT = 0x4
    #: A frame came for a stream that was already half-closed or closed.
    STREAM_CLOSED = 0x5
    #: A frame of a size its type does not allow.
    FRAME_SIZE_ERROR = 0x6
    #: The stream was refused before the application saw it; safe to retry.
    REFUSED_STREAM = 0x7
    #: The stream is no longer wanted.
    CANCEL = 0x8
    #: The header compression state can't be kept.
    COMPRESSION_ERROR = 0x9
    #: The connection made by CONNECT was reset or closed abnormally.
    CONNECT_ERROR = 0xa
    #: The peer's behaviour might be generating excessive load.
    ENHANCE_YOUR_CALM = 0xb
    #: The transport does not meet the security requirements.
    INADEQUATE_SECURITY = 0xc
    #: The request has to be made over HTTP/1.1.
    HTTP_1_1_REQUIRED = 0xd


_KNOWN = {int(code): code for code in ErrorCodes}


def _error_code_from_int(code: int) -> ErrorCodes | int:
    """Return the `ErrorCodes` member for ``code``, or ``code`` itself when it has no name."""
    return _KNOWN.get(code, code)
