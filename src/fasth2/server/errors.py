"""The exceptions of `HTTP2ServerConnection`.

::

    HTTP2Error
    ├── HTTP2ProtocolError        the peer violated the protocol; GOAWAY was sent
    ├── HTTP2InternalError
    ├── HTTP2FlowControlError
    ├── HTTP2SettingsTimeout
    ├── HTTP2StreamClosed         the stream ended or was reset before the call
    ├── HTTP2FrameSizeError
    ├── HTTP2RefusedStream
    ├── HTTP2Cancel
    ├── HTTP2CompressionError
    ├── HTTP2ConnectError
    ├── HTTP2EnhanceYourCalm
    ├── HTTP2InadequateSecurity
    ├── HTTP2RequiresHTTP11
    ├── HTTP2StreamError          an error of one stream; has stream_id
    │   └── HTTP2StreamAborted    the client reset it, or was too slow; an OSError too
    ├── HTTP2ConnectionError      the socket failed or the connection has ended
    ├── HTTP2ConfigurationError
    └── HTTP2NotAvailable

The engine's own exceptions, with h2's names, are in `fasth2.exceptions`.
"""
from __future__ import annotations

from fasth2.errors import ErrorCodes

__all__ = [
    "HTTP2Cancel",
    "HTTP2CompressionError",
    "HTTP2ConfigurationError",
    "HTTP2ConnectError",
    "HTTP2ConnectionError",
    "HTTP2EnhanceYourCalm",
    "HTTP2Error",
    "HTTP2ErrorCode",
    "HTTP2FlowControlError",
    "HTTP2FrameSizeError",
    "HTTP2InadequateSecurity",
    "HTTP2InternalError",
    "HTTP2NotAvailable",
    "HTTP2ProtocolError",
    "HTTP2RefusedStream",
    "HTTP2RequiresHTTP11",
    "HTTP2SettingsTimeout",
    "HTTP2StreamAborted",
    "HTTP2StreamClosed",
    "HTTP2StreamError",
]


class HTTP2ErrorCode:
    """The error codes of RFC 9113 section 7, as ints."""

    NO_ERROR = ErrorCodes.NO_ERROR.value
    PROTOCOL_ERROR = ErrorCodes.PROTOCOL_ERROR.value
    INTERNAL_ERROR = ErrorCodes.INTERNAL_ERROR.value
    FLOW_CONTROL_ERROR = ErrorCodes.FLOW_CONTROL_ERROR.value
    SETTINGS_TIMEOUT = ErrorCodes.SETTINGS_TIMEOUT.value
    STREAM_CLOSED = ErrorCodes.STREAM_CLOSED.value
    FRAME_SIZE_ERROR = ErrorCodes.FRAME_SIZE_ERROR.value
    REFUSED_STREAM = ErrorCodes.REFUSED_STREAM.value
    CANCEL = ErrorCodes.CANCEL.value
    COMPRESSION_ERROR = ErrorCodes.COMPRESSION_ERROR.value
    CONNECT_ERROR = ErrorCodes.CONNECT_ERROR.value
    ENHANCE_YOUR_CALM = ErrorCodes.ENHANCE_YOUR_CALM.value
    INADEQUATE_SECURITY = ErrorCodes.INADEQUATE_SECURITY.value
    HTTP_1_1_REQUIRED = ErrorCodes.HTTP_1_1_REQUIRED.value


class HTTP2Error(Exception):
    """A call or a connection failed.

    Args:
        message: The message; ``None``: the class's docstring.
        error_code: An RFC 9113 section 7 code; ``None``: the class's.
    """

    error_code: int = HTTP2ErrorCode.NO_ERROR

    def __init__(self, message: str | None = None, error_code: int | None = None) -> None:
        self.message = message or type(self).__doc__
        if error_code is not None:
            self.error_code = error_code
        super().__init__(self.message)


class HTTP2ProtocolError(HTTP2Error):
    """The peer broke the protocol."""

    error_code = HTTP2ErrorCode.PROTOCOL_ERROR


class HTTP2InternalError(HTTP2Error):
    """Something failed on this side."""

    error_code = HTTP2ErrorCode.INTERNAL_ERROR


class HTTP2FlowControlError(HTTP2Error):
    """A flow-control window was overrun."""

    error_code = HTTP2ErrorCode.FLOW_CONTROL_ERROR


class HTTP2SettingsTimeout(HTTP2Error):
    """The peer did not acknowledge the settings in time."""

    error_code = HTTP2ErrorCode.SETTINGS_TIMEOUT


class HTTP2StreamClosed(HTTP2Error):
    """The stream is closed."""

    error_code = HTTP2ErrorCode.STREAM_CLOSED


class HTTP2FrameSizeError(HTTP2Error):
    """A frame has a wrong size."""

    error_code = HTTP2ErrorCode.FRAME_SIZE_ERROR


class HTTP2RefusedStream(HTTP2Error):
    """The stream was refused before any work was done on it."""

    error_code = HTTP2ErrorCode.REFUSED_STREAM


class HTTP2Cancel(HTTP2Error):
    """The stream is no longer wanted."""

    error_code = HTTP2ErrorCode.CANCEL


class HTTP2CompressionError(HTTP2Error):
    """The header compression state is lost."""

    error_code = HTTP2ErrorCode.COMPRESSION_ERROR


class HTTP2ConnectError(HTTP2Error):
    """The connection made for a CONNECT request failed."""

    error_code = HTTP2ErrorCode.CONNECT_ERROR


class HTTP2EnhanceYourCalm(HTTP2Error):
    """The peer causes too much load."""

    error_code = HTTP2ErrorCode.ENHANCE_YOUR_CALM


class HTTP2InadequateSecurity(HTTP2Error):
    """The transport is not secure enough."""

    error_code = HTTP2ErrorCode.INADEQUATE_SECURITY


class HTTP2RequiresHTTP11(HTTP2Error):
    """The request must be made with HTTP/1.1."""

    error_code = HTTP2ErrorCode.HTTP_1_1_REQUIRED


class HTTP2StreamError(HTTP2Error):
    """A fault of one stream.

    Args:
        stream_id: The stream.
        message: As for `HTTP2Error`.
        error_code: As for `HTTP2Error`.
    """

    def __init__(self, stream_id: int, message: str | None = None, error_code: int | None = None) -> None:
        self.stream_id = stream_id
        super().__init__(message, error_code)

    def __str__(self) -> str:
        return f"Stream {self.stream_id}: {self.message}"


class HTTP2StreamAborted(HTTP2StreamError, ConnectionAbortedError):
    """The client ended a stream that was served, or was too slow; frameworks know it as an `OSError`."""


class HTTP2ConnectionError(HTTP2Error):
    """The connection is gone."""


class HTTP2ConfigurationError(HTTP2Error):
    """The HTTP/2 configuration is not valid."""


class HTTP2NotAvailable(HTTP2Error):
    """HTTP/2 is not available."""
