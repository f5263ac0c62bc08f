"""gunicorn's stream and body, with less work a frame."""
from __future__ import annotations

from typing import Any

from gunicorn.http2 import request as gunicorn_request
from gunicorn.http2 import stream as gunicorn_stream

from fasth2.server.stream import append_part

__all__ = ["HTTP2Body", "HTTP2Stream"]

#: Octets of a body that are taken, and credited, together: the size of a
#: frame. The engine joins the frames of one read.
_PART = 16384


class HTTP2Stream(gunicorn_stream.HTTP2Stream):
    """gunicorn's stream; parts of a body are joined or cut to a useful size as they arrive."""

    def receive_data(self, data: bytes, end_stream: bool = False) -> None:
        """Hold a part of the request's body until the application takes it.

        Args:
            data: The part, possibly empty.
            end_stream: Whether it is the last one.

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

    def end_request(self) -> None:
        """Record that the peer has ended the stream."""
        if self.can_receive:
            self._half_close_remote()
        self.request_complete = True
        self._body_complete = True
        if self._body_event:
            self._body_event.set()

    def end_response(self) -> None:
        """Record that the response was sent whole."""
        self.response_started = self.response_headers_sent = self.response_complete = True
        if self.can_send:
            self._half_close_local()

    def get_pseudo_headers(self) -> dict[str, str]:
        """Return the pseudo-header fields, by name."""
        return dict(self.request_headers[: self._pseudo()])

    def get_regular_headers(self) -> list[tuple[str, str]]:
        """Return the fields that are no pseudo-header fields, in order."""
        return self.request_headers[self._pseudo() :]

    def _pseudo(self) -> int:
        # Pseudo-header fields come first (RFC 9113 section 8.3).
        count = 0
        for name, _ in self.request_headers:
            if name[:1] != ":":
                break
            count += 1
        return count


class HTTP2Body(gunicorn_request.HTTP2Body):
    """gunicorn's ``wsgi.input``; the window credit of one read leaves in one write."""

    def read(self, size: int | None = None) -> bytes:
        """Read from the body.

        Args:
            size: How many octets; all that remain when ``None`` or negative.

        Returns:
            Fewer octets only at the end of the body.
        """
        return self._merged(super().read, size)

    def readline(self, size: int | None = None) -> bytes:
        """Read a line from the body.

        Args:
            size: How many octets at most.

        Returns:
            The line with its end, or what there is of it.
        """
        return self._merged(super().readline, size)

    def _merged(self, call: Any, size: int | None) -> bytes:
        connection = self._stream.connection
        connection.body_reads += 1
        try:
            return call(size)
        finally:
            connection.body_reads -= 1
            if not connection.body_reads:
                connection.flush_credit()
