"""h2's buffer of frames, for programs that cut octets into hyperframe's frames with it. The engine does not use it.

The frames are hyperframe's, which fasth2 neither needs nor imports: it has to be installed and imported by the program.
"""
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .exceptions import FrameDataMissingError, FrameTooLargeError, ProtocolError

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["CONTINUATION_BACKLOG", "FrameBuffer"]

#: Frames of one field block: HEADERS or PUSH_PROMISE, and CONTINUATION.
CONTINUATION_BACKLOG = 64

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_HEADER = 9


def _hyperframe(module: str) -> Any:
    found = sys.modules.get(f"hyperframe.{module}")
    if found is None:
        raise RuntimeError("FrameBuffer returns hyperframe's frames: import hyperframe.frame before it is used")
    return found


class FrameBuffer:
    """An iterator of the complete frames in the octets added so far; a field block is one frame.

    Args:
        server: True if the octets begin with a client's connection preface (RFC 9113 section 3.4).

    Attributes:
        max_frame_size: Octets of payload at most, SETTINGS_MAX_FRAME_SIZE; 0 until it is assigned.
    """

    def __init__(self, server: bool = False) -> None:
        self.max_frame_size = 0
        self._preface = _PREFACE if server else b""
        self._data = bytearray()
        self._headers_buffer: list[Any] = []

    def add_data(self, data: Buffer) -> None:
        """Add octets, cut anywhere.

        Args:
            data: Any buffer of octets.

        Raises:
            ProtocolError: They do not begin with the connection preface.
        """
        octets = bytes(memoryview(data))
        length = min(len(self._preface), len(octets))
        if octets[:length] != self._preface[:length]:
            raise ProtocolError("Invalid HTTP/2 preamble.")
        self._preface = self._preface[length:]
        self._data += octets[length:]

    def __iter__(self) -> FrameBuffer:
        return self

    def __next__(self) -> Any:
        """Return the next frame.

        Raises:
            ProtocolError: It is invalid, or not allowed inside a field block.
            FrameTooLargeError: It is longer than ``max_frame_size``.
            FrameDataMissingError: It is shorter than its type requires.
            RuntimeError: hyperframe was not imported.
        """
        while True:
            frame = self._joined(self._cut())
            if frame is not None:
                return frame

    def _cut(self) -> Any:
        """Take the next frame off the octets."""
        if len(self._data) < _FRAME_HEADER:
            raise StopIteration
        errors = _hyperframe("exceptions")
        try:
            frame, length = _hyperframe("frame").Frame.parse_frame_header(memoryview(bytes(self._data[:_FRAME_HEADER])))
        except (errors.InvalidDataError, errors.InvalidFrameError) as error:
            raise ProtocolError(f"Received frame with invalid header: {error}") from error
        if len(self._data) < _FRAME_HEADER + length:
            raise StopIteration
        if length > self.max_frame_size:
            raise FrameTooLargeError(f"Received overlong frame: length {length}, max {self.max_frame_size}")
        try:
            frame.parse_body(memoryview(bytes(self._data[_FRAME_HEADER:_FRAME_HEADER + length])))
        except errors.InvalidDataError as error:
            raise ProtocolError("Received frame with non-compliant data") from error
        except errors.InvalidFrameError as error:
            raise FrameDataMissingError("Frame data missing or invalid") from error
        del self._data[:_FRAME_HEADER + length]
        return frame

    def _joined(self, frame: Any) -> Any:
        """Return the frame, one for a whole field block, or None inside a block (RFC 9113 section 4.3)."""
        frames = _hyperframe("frame")
        block = self._headers_buffer
        if not block:
            if not isinstance(frame, (frames.HeadersFrame, frames.PushPromiseFrame)) or "END_HEADERS" in frame.flags:
                return frame
            block.append(frame)
            return None
        if not isinstance(frame, frames.ContinuationFrame) or frame.stream_id != block[0].stream_id:
            raise ProtocolError("Invalid frame during header block.")
        block.append(frame)
        if len(block) > CONTINUATION_BACKLOG:
            raise ProtocolError("Too many continuation frames received.")
        if "END_HEADERS" not in frame.flags:
            return None
        first = block[0]
        first.flags.add("END_HEADERS")
        first.data = b"".join(part.data for part in block)
        self._headers_buffer = []
        return first
