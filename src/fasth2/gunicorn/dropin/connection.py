"""The connection class that gunicorn's blocking workers talk to."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine_turns import GunicornTurns
from ._responses import Responses
from ._streamed_requests import StreamedRequests
from ._whole_requests import WholeRequests
from .upgrade import upgraded_fields

__all__ = ["HTTP2ServerConnection"]

if TYPE_CHECKING or GunicornTurns.contract.dispatches_on_headers:
    _Requests = StreamedRequests
else:
    _Requests = WholeRequests


class HTTP2ServerConnection(Responses, _Requests, GunicornTurns):
    """gunicorn's ``HTTP2ServerConnection`` on fasth2, as the installed gunicorn uses it.

    Requests are handed out when their headers are in, or when they are
    complete, as that gunicorn's own class does (`fasth2.gunicorn.dropin.contract`).
    Methods that send return ``False`` for a stream that is gone, and raise
    gunicorn's `HTTP2ConnectionError` when the socket fails.

    Args:
        cfg: gunicorn's configuration.
        sock: The client's socket.
        client_addr: The client's address.
    """

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
        self._upgrade(settings_header)
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
