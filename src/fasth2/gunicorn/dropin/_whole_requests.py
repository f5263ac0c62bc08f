"""Requests dispatched when they are complete, for gunicorn versions that do not stream request bodies (25, 26)."""
from __future__ import annotations

import time
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ErrorCode
from gunicorn.http2.request import HTTP2Request

from fasth2.exceptions import ProtocolError
from fasth2.gunicorn.settings import current
from fasth2.server._whole_requests import WholeRequests as _WholeRequests

from .stream import WholeStream

__all__ = ["WholeRequests"]


class WholeRequests(_WholeRequests):
    """The receiving half of gunicorn's connection class, for versions that dispatch complete requests.

    Windows are credited when octets arrive: a body larger than the window
    would never be complete otherwise.
    """

    stream_class = WholeStream
    request_class = HTTP2Request

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, sock, client_addr)
        self.max_body = self.max_bodies = current().max_body or None
        # Unacknowledged SETTINGS do not keep a connection open: it is idle without streams.
        self._settings_acknowledged = True
        # An upgraded connection's worker ignores what receive_data(bytes) returns.
        self._keep_requests = False

    def receive_data(self, data: bytes | None = None) -> list[Any]:
        """Process received octets and return the requests that are complete.

        Args:
            data: The octets read from the socket, empty at its end; ``None``
                to read once here, unless requests are pending.

        Returns:
            The requests whose last frame has arrived, in order. Empty when the
            connection has ended, or when nothing arrived for ``idle_timeout``,
            which ends a connection without streams.

        Raises:
            HTTP2ProtocolError: The peer violated the protocol; GOAWAY was sent.
            HTTP2ConnectionError: The socket failed.
        """
        if data is None:
            self._keep_requests = False
            if self.protocol.pending:
                return self.protocol.take_pending()
            if self.protocol.closed:
                self.protocol.raise_error()
                return []
            self._send_pending_data()
            data = self._read()
            if data is None:
                return []
        if not data:
            self._connection_lost()
            return self.protocol.take_pending()
        requests = self._process(data)
        if self.protocol.closed:
            # No response can be sent any more.
            self._send_remaining()
            self.protocol.raise_error()
            return []
        self._send_pending_data()
        if self.protocol.unread:
            self.protocol.end_unread(self)
        if self._keep_requests:
            self.protocol.pending_requests.extend(requests)
            return []
        if self.protocol.pending:
            requests = self.protocol.take_pending() + requests
        return requests

    def _read(self) -> Any:
        """Read once, waiting at most `idle_timeout`, so that a worker can stop. ``None`` if nothing arrived."""
        waiting = any(not stream.request_complete for stream in self.protocol.streams.values())
        timeout = self.protocol.idle_limit()
        limit = self.protocol.options.stream_timeout
        if waiting and limit is not None:
            left = self._time_left(limit)
            timeout = left if timeout is None else min(timeout, left)
        timeout = self.protocol.or_unread(timeout)
        start = time.monotonic()
        try:
            return self._recv(timeout)
        except OSError as exc:
            if timeout is None or not isinstance(exc, TimeoutError):
                self.protocol.closed = True
                raise HTTP2ConnectionError(f"Socket read error: {exc}") from exc
        finally:
            if waiting:
                self._count_wait(time.monotonic() - start)
        if self.protocol.end_unread(self):
            return None
        if not self.protocol.streams:
            if not self.protocol.unread:
                self.close()
        elif waiting and limit is not None and not self._time_left(limit):
            self._give_up()
        return None

    def _arrived(self, stream_id: int, octets: int) -> None:
        # Exactly and at once, as gunicorn's class does, unless windows adapt.
        protocol = self.protocol
        protocol.engine.consume(stream_id, octets, protocol.options.adaptive_windows is not None)

    def _request_received(self, item: Any, requests: list[Any]) -> None:
        super()._request_received(item, requests)
        if item.end_stream or item.stream_id not in self.protocol.streams:
            return
        for name, value in item.headers:
            if name == "expect" and value.strip().lower() == "100-continue":
                # The request is dispatched with its body, and the peer waits for 100 before it sends that.
                try:
                    self.protocol.engine.send_headers(item.stream_id, [(":status", "100")])
                except ProtocolError:
                    pass  # the peer has reset the stream since
                return

    def _request_complete(self, stream: Any, requests: list[Any]) -> None:
        try:
            super()._request_complete(stream, requests)
        except (ParseException, ValueError) as exc:
            self._request_refused(stream, exc, requests)

    def _request_refused(self, stream: Any, exc: Exception, requests: list[Any]) -> None:
        # A request that gunicorn rejects is malformed: a stream error (RFC 9113 section 8.1.1).
        stream.reset(HTTP2ErrorCode.PROTOCOL_ERROR)
        self.protocol.reset(stream.stream_id, HTTP2ErrorCode.PROTOCOL_ERROR)
        del self.protocol.streams[stream.stream_id]

    def close(self, error_code: int = 0x0, last_stream_id: int | None = None) -> None:
        """Send GOAWAY, if the socket still works, and mark the connection closed; once.

        Args:
            error_code: An RFC 9113 section 7 code.
            last_stream_id: The last stream that was or will be served. ``None``
                for the last one received before the pending requests, which
                the peer may send again.
        """
        if last_stream_id is None and self.protocol.pending:
            last_stream_id = max(0, min(request.stream.stream_id for request in self.protocol.pending) - 2)
        super().close(error_code, last_stream_id)
