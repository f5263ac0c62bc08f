"""gunicorn's stream and body, with less work per frame."""
from __future__ import annotations

import io
from typing import Any

from gunicorn.http2 import request as gunicorn_request
from gunicorn.http2 import stream as gunicorn_stream
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ErrorCode, HTTP2StreamError
from gunicorn.http2.stream import StreamState

from fasth2.gunicorn.errors import HTTP2ConnectionAborted, HTTP2StreamAborted
from fasth2.server.stream import append_part

__all__ = ["HTTP2Body", "StreamedStream", "WholeStream"]

_OPEN = StreamState.OPEN
_HALF_CLOSED_LOCAL = StreamState.HALF_CLOSED_LOCAL
_HALF_CLOSED_REMOTE = StreamState.HALF_CLOSED_REMOTE
_CLOSED = StreamState.CLOSED

#: Octets of a body that are read and credited together: the default frame
#: size. The engine joins the frames of one read.
_PART = 16384


class _Stream(gunicorn_stream.HTTP2Stream):
    """The common base of both kinds of streams."""

    state: Any

    # gunicorn's own names, missing in its first versions.
    _body_event: Any = None
    _body_complete = False
    body_size = 0
    waited_before = 0.0
    octets_before = 0

    def end_request(self) -> None:
        """Record that the peer has ended the stream."""
        # The enumeration's members are looked up once, not for each request.
        if self.state is _OPEN:
            self.state = _HALF_CLOSED_REMOTE
        elif self.state is _HALF_CLOSED_LOCAL:
            self.state = _CLOSED
        self.request_complete = True
        self._body_complete = True
        if self._body_event:
            self._body_event.set()

    def end_response(self) -> None:
        """Record that the complete response was sent."""
        self.response_started = self.response_headers_sent = self.response_complete = True
        if self.state is _HALF_CLOSED_REMOTE:
            self.state = _CLOSED
        elif self.state is _OPEN:
            self.state = _HALF_CLOSED_LOCAL

    def get_pseudo_headers(self) -> dict[str, str]:
        """Return the pseudo-header fields, by name."""
        return dict(self.request_headers[: self._pseudo()])

    def get_regular_headers(self) -> list[tuple[str, str]]:
        """Return the fields other than pseudo-header fields, in order."""
        return self.request_headers[self._pseudo() :]

    def _pseudo(self) -> int:
        # Pseudo-header fields come first (RFC 9113 section 8.3).
        count = 0
        for name, _ in self.request_headers:
            if name[:1] != ":":
                break
            count += 1
        return count


class StreamedStream(_Stream):
    """gunicorn's stream whose body is read in parts; they are joined or cut to a useful size as they arrive."""

    def reset(self, error_code: int = HTTP2ErrorCode.CANCEL) -> None:
        """Record that the stream was reset, by either side.

        Args:
            error_code: The code of the RST_STREAM.
        """
        super().reset(error_code)
        if getattr(self.connection, "adapts_windows", False) is True:
            # What the window has grown by is granted to other streams now.
            self._body_chunks.clear()
            self._body_complete = False

    def receive_data(self, data: bytes, end_stream: bool = False) -> None:
        """Buffer a part of the request's body until the application reads it.

        Args:
            data: The part, possibly empty.
            end_stream: True if it is the last one.

        Raises:
            HTTP2StreamError: The stream's state allows no body.
        """
        if data and self.can_receive:
            chunks = self._body_chunks
            if len(data) <= _PART:
                append_part(chunks, data)
            else:
                chunks.extend([data[at : at + _PART] for at in range(0, len(data), _PART)])
            self.body_size += len(data)
            data = b""
            if self._body_event:
                self._body_event.set()
        super().receive_data(data, end_stream)

    def no_credit_due(self) -> None:
        """Mark the received octets of the body as needing no window credit."""
        self.acked_size = self.body_size


class WholeStream(_Stream):
    """gunicorn's stream whose body is read when it is complete; it is buffered once."""

    def __init__(self, stream_id: int, connection: Any) -> None:
        super().__init__(stream_id, connection)
        self._body_chunks: list[bytes] = []

    @property
    def request_body(self) -> io.BytesIO:
        """The received part of the body, positioned at its end; a copy at every call."""
        body = io.BytesIO(self.get_request_body())
        body.seek(0, io.SEEK_END)
        return body

    @request_body.setter
    def request_body(self, body: io.BytesIO) -> None:
        self._body_chunks = [body.getvalue()]

    @property
    def body_complete(self) -> bool:
        """True if all of the body has arrived."""
        return bool(self.request_complete)

    def receive_data(self, data: bytes, end_stream: bool = False) -> None:
        """Buffer a part of the request's body.

        Args:
            data: The part, possibly empty.
            end_stream: True if it is the last one.

        Raises:
            HTTP2StreamError: The stream's state allows no body.
        """
        if not self.can_receive:
            super().receive_data(data)  # which raises
        if data:
            append_part(self._body_chunks, data)
            if self._body_event:
                self._body_event.set()
        if end_stream:
            self.end_request()

    def receive_trailers(self, trailers: list[tuple[Any, Any]]) -> None:
        """Record the request's trailers, which end it.

        Args:
            trailers: ``(name, value)`` pairs.

        Raises:
            HTTP2StreamError: The stream's state allows no trailers.
        """
        super().receive_trailers(trailers)
        self.end_request()

    def get_request_body(self) -> bytes:
        """Return the received part of the request's body."""
        chunks = self._body_chunks
        if len(chunks) > 1:
            chunks[:] = [b"".join(chunks)]
        return chunks[0] if chunks else b""

    def drop_body(self) -> None:
        """Drop the buffered part of the request's body."""
        self._body_chunks.clear()

    def no_credit_due(self) -> None:
        """Do nothing: the connection credits the octets that it received in frames."""


class HTTP2Body(gunicorn_request.HTTP2Body):
    """gunicorn's ``wsgi.input``; the window credit of one read is sent in one write.

    Parts of a body are joined as they arrive, so small frames take no extra
    memory. An incomplete body raises an error that is both gunicorn's and an
    `OSError`.
    """

    _buf: bytes

    def _next_chunk(self) -> bytes | None:
        try:
            chunk: bytes | None = super()._next_chunk()
            return chunk
        except HTTP2StreamError as exc:
            raise HTTP2StreamAborted(exc.stream_id, exc.message, exc.error_code) from None
        except HTTP2ConnectionError as exc:
            raise HTTP2ConnectionAborted(exc.message, exc.error_code) from None

    def _fill(self, size: int | None) -> None:
        """Buffer at least ``size`` octets, or all that remain (``None``); fewer only at the end."""
        if self._closed:
            raise ValueError("I/O operation on closed file.")
        held = len(self._buf)
        if size is not None and held >= size:
            return
        parts = [self._buf] if held else []
        try:
            while size is None or held < size:
                chunk = self._next_chunk()
                if chunk is None:
                    break
                append_part(parts, chunk)
                held += len(chunk)
        finally:
            self._buf = parts[0] if len(parts) == 1 else b"".join(parts)

    def _line(self, size: int | None) -> bytes:
        if size is not None and size < 0:
            size = None
        if size == 0:
            return b""
        if self._closed:
            raise ValueError("I/O operation on closed file.")
        end = self._buf.find(b"\n") + 1
        if not end and (size is None or len(self._buf) < size):
            held = bytearray(self._buf)
            try:
                while not end and (size is None or len(held) < size):
                    chunk = self._next_chunk()
                    if chunk is None:
                        break
                    # Search the new part only.
                    found = chunk.find(b"\n")
                    if found >= 0:
                        end = len(held) + found + 1
                    held += chunk
            finally:
                self._buf = bytes(held)
        if not end:
            end = len(self._buf)
        if size is not None:
            end = min(end, size)
        line, self._buf = self._buf[:end], self._buf[end:]
        return line

    def read(self, size: int | None = None) -> bytes:
        """Read from the body.

        Args:
            size: Number of octets; all that remain if ``None`` or negative.

        Returns:
            Fewer octets only at the end of the body.
        """
        return self._merged(super().read, size)

    def readline(self, size: int | None = None) -> bytes:
        """Read a line from the body.

        Args:
            size: Largest number of octets.

        Returns:
            The line with its newline, or a part of it at the limit or the end.
        """
        return self._merged(self._line, size)

    def _merged(self, call: Any, size: int | None) -> bytes:
        connection = self._stream.connection
        lock = connection.lock
        if lock is not None:
            lock.acquire()
        connection.body_reads += 1
        try:
            return call(size)
        finally:
            connection.body_reads -= 1
            if not connection.body_reads:
                connection.flush_credit()
            if lock is not None:
                lock.release()
