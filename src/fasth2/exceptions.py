"""The exceptions of the engine: h2's names, hierarchy and attributes.

::

    H2Error
    ├── ProtocolError
    │   ├── FrameTooLargeError
    │   ├── FrameDataMissingError
    │   ├── TooManyStreamsError
    │   ├── FlowControlError
    │   ├── StreamIDTooLowError
    │   ├── NoAvailableStreamIDError
    │   ├── NoSuchStreamError
    │   │   └── StreamClosedError
    │   ├── InvalidSettingsValueError    (also a ValueError)
    │   ├── InvalidBodyLengthError
    │   ├── UnsupportedFrameError
    │   └── DenialOfServiceError
    │       └── StreamsRefusedError
    └── RFC1122Error
"""
from __future__ import annotations

from collections.abc import Sequence

from .errors import ErrorCodes

__all__ = [
    "DenialOfServiceError",
    "FlowControlError",
    "FrameDataMissingError",
    "FrameTooLargeError",
    "H2Error",
    "InvalidBodyLengthError",
    "InvalidSettingsValueError",
    "NoAvailableStreamIDError",
    "NoSuchStreamError",
    "ProtocolError",
    "RFC1122Error",
    "StreamClosedError",
    "StreamIDTooLowError",
    "StreamsRefusedError",
    "TooManyStreamsError",
    "UnsupportedFrameError",
]


class H2Error(Exception):
    """The base class of the engine's exceptions."""


class ProtocolError(H2Error):
    """The peer or the caller violated the protocol."""

    #: The code that goes out in GOAWAY or RST_STREAM.
    error_code: ErrorCodes = ErrorCodes.PROTOCOL_ERROR

    #: The events of the preceding frames of the same input, in order.
    #: Empty unless the exception came from receiving. Each is one of `fasth2.events`.
    events: Sequence[object] = ()


class FrameTooLargeError(ProtocolError):
    """A frame, sent or received, is larger than the receiver allows."""

    error_code = ErrorCodes.FRAME_SIZE_ERROR


class FrameDataMissingError(ProtocolError):
    """A received frame is shorter than its type requires."""

    error_code = ErrorCodes.FRAME_SIZE_ERROR


class TooManyStreamsError(ProtocolError):
    """Opening the stream would exceed the number of concurrent streams allowed."""


class FlowControlError(ProtocolError):
    """The action would overrun a flow-control window."""

    error_code = ErrorCodes.FLOW_CONTROL_ERROR


class StreamIDTooLowError(ProtocolError):
    """A new stream has an identifier that is not above all identifiers used before.

    Args:
        stream_id: The identifier of the new stream.
        max_stream_id: The highest identifier used so far.
    """

    def __init__(self, stream_id: int, max_stream_id: int) -> None:
        #: The id of the stream that was to be opened.
        self.stream_id = stream_id
        #: The highest id used so far.
        self.max_stream_id = max_stream_id

    def __str__(self) -> str:
        return f"StreamIDTooLowError: {self.stream_id} is lower than {self.max_stream_id}"


class NoAvailableStreamIDError(ProtocolError):
    """All stream identifiers of this connection are used."""


class NoSuchStreamError(ProtocolError):
    """The call names a stream that does not exist.

    Args:
        stream_id: The id the call named.
    """

    def __init__(self, stream_id: int) -> None:
        #: The id the call named.
        self.stream_id = stream_id


class StreamClosedError(NoSuchStreamError):
    """The call names a stream that existed and is closed.

    Args:
        stream_id: The id the call named.
    """

    def __init__(self, stream_id: int) -> None:
        super().__init__(stream_id)
        self.error_code = ErrorCodes.STREAM_CLOSED


class InvalidSettingsValueError(ProtocolError, ValueError):
    """A setting has a value that RFC 9113 section 6.5.2 does not allow.

    Args:
        msg: The message.
        error_code: The code that the RFC specifies for it.
    """

    def __init__(self, msg: str, error_code: ErrorCodes) -> None:
        super().__init__(msg)
        self.error_code = error_code


class InvalidBodyLengthError(ProtocolError):
    """The body is shorter or longer than its content-length.

    Args:
        expected: Octets that content-length announced.
        actual: Octets received so far.
    """

    def __init__(self, expected: int, actual: int) -> None:
        #: Octets that content-length announced.
        self.expected_length = expected
        #: Octets received so far.
        self.actual_length = actual

    def __str__(self) -> str:
        return f"InvalidBodyLengthError: Expected {self.expected_length} bytes, received {self.actual_length}"


class UnsupportedFrameError(ProtocolError):
    """The peer sent a frame that is not allowed here, such as a PUSH_PROMISE to a server."""


class RFC1122Error(H2Error):
    """The caller requested something allowed but too loosely specified to be implemented safely."""


class DenialOfServiceError(ProtocolError):
    """The peer exceeded a limit against excessive load (`fasth2.limits.Limits`)."""

    error_code = ErrorCodes.ENHANCE_YOUR_CALM


class StreamsRefusedError(DenialOfServiceError):
    """The peer opened too many streams that had to be refused, so the connection ends.

    GOAWAY is queued. The streams up to its last identifier that were not refused
    continue (RFC 9113 section 6.8): `events` holds all events of the input, later
    input is processed, and responses can be sent. Close the connection once they
    are answered.
    """
