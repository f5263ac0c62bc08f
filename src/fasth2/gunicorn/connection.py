"""The connection class that gunicorn's blocking workers talk to."""
from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

from gunicorn.http2 import errors as gunicorn_errors
from gunicorn.http2.errors import HTTP2ProtocolError
from gunicorn.http2.stream import StreamState

from fasth2.config import Limits
from fasth2.connection import H2Connection
from fasth2.exceptions import FlowControlError, FrameTooLargeError, ProtocolError
from fasth2.server._lazy import lazy

from ._responses import Responses
from ._streamed_requests import StreamedRequests
from ._whole_requests import WholeRequests
from .contract import installed
from .counting import Record
from .limits import connection_limits, widen_window
from .upgrade import upgraded_fields

__all__ = ["HTTP2ServerConnection"]

_CONTRACT = installed()

if TYPE_CHECKING or _CONTRACT.dispatches_on_headers:
    _Requests = StreamedRequests
else:
    _Requests = WholeRequests


class _QueueingEngine(H2Connection):
    """The engine where workers reach past the connection class and send a body in one piece."""

    def send_data(self, stream_id: int, data: Any, end_stream: bool = False, pad_length: int | None = None) -> None:
        """Send data, or queue what the windows or the frame size do not let through as one frame.

        Args:
            stream_id: The stream's number.
            data: Any buffer of octets.
            end_stream: Whether nothing follows.
            pad_length: As for `H2Connection.send_data`; data with padding is not queued.
        """
        try:
            super().send_data(stream_id, data, end_stream, pad_length)
        except (FlowControlError, FrameTooLargeError):
            if pad_length is not None:
                raise
            self.write(stream_id, bytes(data), end_stream)


class HTTP2ServerConnection(Responses, _Requests):
    """gunicorn's ``HTTP2ServerConnection`` on fasth2, as the installed gunicorn uses it.

    Requests are handed out when their headers are in, or when they are
    complete, as that gunicorn's own class does (`fasth2.gunicorn.contract`).
    Methods that send return ``False`` for a stream that is gone, and raise
    gunicorn's `HTTP2ConnectionError` when the socket fails.

    Args:
        cfg: gunicorn's configuration.
        sock: The client's socket.
        client_addr: The client's address.
    """

    errors = gunicorn_errors
    closed_state = StreamState.CLOSED
    contract = _CONTRACT
    engine_class = H2Connection if _CONTRACT.streams_responses else _QueueingEngine

    def __init__(self, cfg: Any, sock: Any, client_addr: Any) -> None:
        super().__init__(cfg, sock, client_addr)
        self._record = Record(self.h2_conn)

    @lazy
    def _deferred_events(self) -> collections.deque[Any]:
        # gunicorn's name for frames set aside; here they have taken effect already.
        return collections.deque()

    def _make_limits(self) -> Limits:
        return connection_limits(self, self.contract)

    def _count(self, name: str) -> int:
        self._record.add(self._counts)
        return super()._count(name)

    def _advertise(self) -> None:
        super()._advertise()
        widen_window(self.h2_conn)

    def initiate_upgrade(self, settings_header: bytes, http1_req: Any, body: bytes | None = None) -> Any:
        """Go on in HTTP/2 after ``Upgrade: h2c`` (RFC 7540 section 3.2).

        Args:
            settings_header: The value of HTTP2-Settings, base64url.
            http1_req: gunicorn's HTTP/1.1 request.
            body: Its body; read from the request when ``None``.

        Returns:
            The request as that of stream 1.

        Raises:
            HTTP2ProtocolError: The settings are not valid.
        """
        try:
            self.h2_conn.initiate_upgrade_connection(settings_header=settings_header)
        except (ProtocolError, ValueError) as exc:
            raise HTTP2ProtocolError(f"HTTP2-Settings not valid: {exc}") from exc
        self._advertise()
        self._initialized = True
        self._keep_requests = True
        self._send_pending_data()
        if body is None:
            source = http1_req.body
            body = b"" if source is None else source.read() or b""
        stream = self.stream_class(1, self)
        stream.receive_headers(upgraded_fields(http1_req), end_stream=not body)
        if body:
            stream.receive_data(body, end_stream=True)
            # It came over HTTP/1.1: no window was used.
            stream.no_credit_due()
        self.streams[1] = stream
        return self.request_class(stream, self.cfg, self.client_addr)

    def _goaway_received(self, item: Any) -> None:
        super()._goaway_received(item)
        if self.draining:
            self.h2_conn.peer_goaway_last_stream_id = item.last_stream_id
