"""gunicorn's stream for its asyncio worker, the same for all versions."""
from __future__ import annotations

import asyncio
from typing import Any

from gunicorn.http2.errors import HTTP2ErrorCode, HTTP2StreamError
from gunicorn.http2.stream import StreamState

from .contract import installed
from .stream import StreamedStream

__all__ = ["AsyncHTTP2Stream"]

_CLOSED = StreamState.CLOSED
_ASKS_PAST_THE_END = installed().asks_past_the_end


class AsyncHTTP2Stream(StreamedStream):
    """gunicorn's stream: the body is read once, and waiting tasks are woken when the peer disconnects."""

    # Attributes that some gunicorn versions lack.
    body_size = 0
    acked_size = 0
    disconnected = False
    expect_continue = False
    #: True if the response has no body (RFC 9110 section 6.4.1).
    omits_body = False
    _disconnect_waiter: Any = None

    def __init__(self, stream_id: int, connection: Any) -> None:
        super().__init__(stream_id, connection)
        self._body_chunks: list[bytes] = []

    def receive_headers(self, headers: list[tuple[str, str]], end_stream: bool = False) -> None:
        """Record the request's fields.

        Args:
            headers: ``(name, value)`` pairs, pseudo-header fields first.
            end_stream: True if the request has no body.

        Raises:
            HTTP2StreamError: The stream's state allows no fields.
        """
        super().receive_headers(headers, end_stream)
        if (":method", "HEAD") in headers[:5]:
            self.omits_body = True

    def send_headers(self, headers: list[tuple[Any, Any]], end_stream: bool = False) -> None:
        """Record that the response's fields were sent.

        Args:
            headers: ``(name, value)`` pairs, ``:status`` first.
            end_stream: True if the response has no body.

        Raises:
            HTTP2StreamError: The stream's state allows no response.
        """
        super().send_headers(headers, end_stream)
        if headers[0][1] in ("204", "304"):
            self.omits_body = True

    def join_body(self) -> None:
        """Join the parts of a complete body."""
        chunks = self._body_chunks
        if len(chunks) > 1:
            chunks[:] = [b"".join(chunks)]

    def get_request_body(self) -> bytes:
        """Return the buffered part of the request's body, without taking it."""
        chunks = self._body_chunks
        if len(chunks) == 1:
            part: bytes = chunks[0]
            return part
        return b"".join(chunks)

    def take_body(self) -> bytes:
        """Take the buffered part of the request's body."""
        body = self.get_request_body()
        self._body_chunks.clear()
        return body

    async def read_body_chunk(self) -> bytes | None:
        """Take the next part of the request's body, waiting for it.

        Returns:
            The part; ``None`` after the last one. Under a gunicorn that reads
            on to wait for a disconnect, ``None`` is returned at the disconnect.

        Raises:
            HTTP2StreamError: The stream was reset before its body was complete.
        """
        if self._body_event is None:
            self._body_event = asyncio.Event()
        while not self._body_chunks:
            if self._body_complete:
                if _ASKS_PAST_THE_END:
                    await self.wait_disconnect()
                return None
            if self.state is _CLOSED:
                raise HTTP2StreamError(self.stream_id, "stream closed before its request body was complete")
            self._body_event.clear()
            await self._body_event.wait()
        return self._pop_part()

    def _pop_part(self) -> bytes:
        part: bytes = self._body_chunks.pop(0)
        acknowledge = getattr(self, "_acknowledge", None)
        if acknowledge is not None:
            acknowledge(len(part))
        return part

    def reset(self, error_code: int = HTTP2ErrorCode.CANCEL) -> None:
        """Record that the stream was reset, by either side.

        Args:
            error_code: The code of the RST_STREAM.
        """
        super().reset(error_code)
        self.signal_disconnect()

    def signal_disconnect(self) -> None:
        """Record that the peer has disconnected, and wake the waiting tasks."""
        self.disconnected = True
        waiter = self._disconnect_waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        if self._body_event:
            self._body_event.set()

    async def wait_disconnect(self) -> None:
        """Wait until the peer resets the stream or the connection ends."""
        if self.disconnected:
            return
        waiter = self._disconnect_waiter
        if waiter is None or waiter.done():
            waiter = self._disconnect_waiter = asyncio.get_running_loop().create_future()
        # Several tasks of an application may wait; cancelling one must not cancel the others.
        await asyncio.shield(waiter)
