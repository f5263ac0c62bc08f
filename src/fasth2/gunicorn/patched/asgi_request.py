"""One request of `fasth2.gunicorn.asgi`: the application's scope, receive() and send()."""
from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any, ClassVar

from gunicorn.asgi.protocol import ASGIResponseInfo
from gunicorn.http2.errors import HTTP2ConnectionError, HTTP2ErrorCode

from fasth2._memo import remember
from fasth2.exceptions import ProtocolError
from fasth2.gunicorn.dropin.async_stream import AsyncHTTP2Stream
from fasth2.gunicorn.dropin.request import PRIVATE
from fasth2.gunicorn.dropin.request_path import raw_path
from fasth2.gunicorn.refusing import Refusal, log_invalid, logged_environ
from fasth2.server._progress import rate_left

from .asgi_connection import ASGIConnection
from .asgi_head import ResponseHead

__all__ = ["ASGIRequest", "ClientDisconnected", "ConnectionScope", "refuse"]

#: Number of cached fields, encoded.
_FIELDS = 1024

#: The longest of these fields, name and value together, in characters.
_LONGEST = 256

#: The status in the access log if the client disconnected before a response was sent, as in nginx.
CLIENT_CLOSED_REQUEST = 499

_ERROR = b"Internal Server Error"
_ERROR_FIELDS = [(b"content-length", b"%d" % len(_ERROR)), (b"content-type", b"text/plain; charset=utf-8")]


class ClientDisconnected(OSError):
    """Raised by send() once the peer has reset the stream or disconnected (ASGI 2.4)."""


class ConnectionScope:
    """The state that the requests of a connection share.

    Args:
        protocol: gunicorn's protocol object.
        sockname: The server's address.
        peername: The client's address.
    """

    # Fields of requests as the scope has them, shared by all connections.
    _fields: ClassVar[dict[tuple[str, str], tuple[bytes, bytes]]] = {}

    def __init__(self, protocol: Any, sockname: Any, peername: Any) -> None:
        self.protocol = protocol
        self.worker = protocol.worker
        self.cfg = cfg = protocol.cfg
        self.log = protocol.log
        self.app = protocol.app
        self.sockname = sockname
        self.peername = peername
        # A Unix socket has a path and no port (the ASGI specification, HTTP scope).
        self.server = (sockname, None) if isinstance(sockname, str) and sockname else _address(sockname)
        self.client = _address(peername)
        self.root_path = getattr(cfg, "root_path", "") or ""
        self.timeout = cfg.timeout or None
        # Not every gunicorn version has this attribute.
        self.logs_access = getattr(protocol.log, "access_log_enabled", True)
        # None if the hooks do nothing.
        self.pre_request = getattr(protocol, "_pre_request", cfg.pre_request)
        self.post_request = cfg.post_request
        if self.post_request is cfg.settings["post_request"].default:
            self.post_request = None

    def scope(self, request: Any) -> dict[str, Any]:
        """Return the ASGI scope of a request.

        Args:
            request: gunicorn's request.
        """
        known = self._fields.get
        headers = [known(field) or self._encode(field) for field in request.headers]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "2",
            "method": request.method,
            "scheme": request.scheme,
            "path": request.path,
            "raw_path": raw_path(request),
            "query_string": (request.query or "").encode("latin-1"),
            "root_path": self.root_path,
            "headers": headers,
            "server": self.server,
            "client": self.client,
            "extensions": {
                "http.response.priority": {
                    "weight": request.priority_weight,
                    "depends_on": request.priority_depends_on,
                },
                "http.response.trailers": {},
            },
        }
        state = getattr(self.worker, "state", None)
        if state is not None:
            scope["state"] = state.copy()
        return scope

    def _encode(self, field: tuple[str, str]) -> tuple[bytes, bytes]:
        name, value = field
        lower = name.lower()
        encoded = (lower.encode("latin-1"), value.encode("latin-1"))
        if len(name) + len(value) <= _LONGEST and lower not in PRIVATE:
            remember(self._fields, field, encoded, _FIELDS)
        return encoded


class ASGIRequest:
    """A request while the application runs.

    Args:
        scope: The state shared with the connection's other requests.
        connection: The connection.
        request: gunicorn's request.
    """

    __slots__ = (
        "_announced_trailers", "_body_received", "_complete", "_connection", "_failed", "_gone", "_head", "_misuse",
        "_request", "_sent", "_stream", "_scope", "_disconnect_delivered", "_trailers", "_waited", "_warned",
    )  # fmt: skip

    def __init__(self, scope: ConnectionScope, connection: ASGIConnection, request: Any) -> None:
        self._scope = scope
        self._connection = connection
        self._request = request
        self._stream: AsyncHTTP2Stream = request.stream
        self._body_received = False
        # Total seconds that the application has waited for the body.
        self._waited = 0.0
        # The response's head, from http.response.start.
        self._head: ResponseHead | None = None
        self._complete = False
        # True if 500 is sent in place of the application's response.
        self._failed = False
        # Nothing more can be sent; and whether receive() or send() has reported that.
        self._gone = False
        self._disconnect_delivered = False
        self._warned = False
        self._announced_trailers = False
        # Trailers to be sent; None once they were.
        self._trailers: list[Any] | None = []
        self._sent = 0
        # A violation of ASGI by the application, raised when it has returned.
        self._misuse: RuntimeError | None = None

    # The application's callables

    async def receive(self) -> dict[str, Any]:
        """ASGI's receive()."""
        stream = self._stream
        if stream.disconnected:
            return self._disconnect()
        if self._body_received:
            if not self._complete and not self._gone:
                await stream.wait_disconnect()
            return self._disconnect()
        if not stream._body_chunks and not stream.request_complete:
            if self._complete or self._gone:
                # The request was answered; the rest of its body gets no more window.
                return self._disconnect()
            if stream.expect_continue and not stream.response_headers_sent:
                # The client waits for 100 before it sends the body.
                stream.expect_continue = False
                await self._connection.send_informational(stream.stream_id, 100, [])
            if not await self._body_arrives():
                return self._disconnect()
        body = self._connection.take_body(stream)
        self._body_received = ended = stream.request_complete
        return {"type": "http.request", "body": body, "more_body": not ended}

    def _disconnect(self) -> dict[str, Any]:
        self._disconnect_delivered = True
        return {"type": "http.disconnect"}

    async def _body_arrives(self) -> bool:
        """Wait for more of the body. Return False if it will not arrive, or arrives too slowly."""
        stream = self._stream
        connection = self._connection
        event = stream._body_event
        if event is None:
            event = stream._body_event = asyncio.Event()
        event.clear()
        timeout = left = self._scope.timeout
        if timeout is not None and connection.MIN_RECEIVE_RATE and not stream.response_headers_sent:
            # Only waiting counts: time that the application spends elsewhere is not charged to the client.
            left = min(timeout, rate_left(self._waited, timeout, connection.MIN_RECEIVE_RATE, stream.body_size))
        began = time.monotonic()
        try:
            if left is not None and left <= 0:
                raise asyncio.TimeoutError
            await asyncio.wait_for(event.wait(), left)
        except asyncio.TimeoutError:
            if not await self._body_arrives_late(event, (timeout or 0) - (left or 0)):
                self._scope.log.info("HTTP/2 stream %s: the body arrived too slowly", stream.stream_id)
                connection.protocol.count("slow_bodies")
                await connection.abort_stream(stream.stream_id, HTTP2ErrorCode.CANCEL)
                return False
        finally:
            self._waited += time.monotonic() - began
        return not stream.disconnected

    async def _body_arrives_late(self, event: asyncio.Event, left: float) -> bool:
        """Wait for the rest of ``timeout`` if the response has begun meanwhile: the rate applies before that only."""
        stream = self._stream
        if stream.response_headers_sent and left > 0:
            try:
                await asyncio.wait_for(event.wait(), left)
            except asyncio.TimeoutError:
                pass
        return bool(stream._body_chunks or stream.request_complete or stream.disconnected)

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's send()."""
        if self._gone or self._stream.disconnected:
            self._peer_has_gone()
        kind = message["type"]
        if kind == "http.response.body":
            if self._head is None:
                self._report_misuse("Response not started")
            elif self._complete:
                self._report_misuse("Response already complete")
            else:
                await self._send_body(self._head, message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start":
            if self._head is not None:
                self._report_misuse("Response already started")
            else:
                # Held until the first part of the body, as ASGI requires.
                self._head = ResponseHead(message["status"], message.get("headers", ()), self._request.method)
                self._announced_trailers = bool(message.get("trailers", False))
        elif kind == "http.response.trailers":
            await self._send_trailers(message)
        elif kind == "http.response.informational":
            await self._connection.send_informational(
                self._stream.stream_id, message["status"], _text(message.get("headers", ())))

    async def _send_body(self, head: ResponseHead, body: bytes, more_body: bool) -> None:
        if head.omits_body:
            await self._send_head_alone(head, body, more_body)
            return
        if head.length >= 0:
            size = self._sent + len(body)
            if size > head.length:
                body = body[: head.length - self._sent]
                if not self._warned:
                    self._warned = True
                    self._scope.log.warning(
                        "ASGI app sent more than its Content-Length of %s; the rest is dropped", head.length)
            elif size < head.length and not more_body:
                self._complete = True
                self._report_misuse(f"the body has {size} octets and Content-Length says {head.length}")
                return
        ends = not more_body and not self._announced_trailers
        if not more_body:
            self._complete = True
        stream = self._stream
        fields = None if stream.response_headers_sent else head.fields_to_send()
        if (body or ends or fields is not None) and not await self._connection.send_part(
            stream, head.status, fields, body, ends
        ):
            self._peer_has_gone()
        self._sent += len(body)
        if more_body:
            await self._connection.yield_to_others(len(body))

    async def _send_head_alone(self, head: ResponseHead, body: bytes, more_body: bool) -> None:
        """Send the head of a response without a body (RFC 9110 section 6.4.1) at the first http.response.body."""
        if body and not self._warned:
            self._warned = True
            self._scope.log.warning(
                "ASGI app sent body bytes on a no-body response (method=%s status=%s); dropping per RFC 9110.",
                self._request.method, head.status)
        if not more_body:
            self._complete = True
            head.length_is(len(body))
        self._announced_trailers = False
        if not await self._connection.send_part(self._stream, head.status, head.fields_to_send(), b"", True):
            self._peer_has_gone()
        # Further parts are not sent: the next send() raises.
        self._gone = more_body

    async def _send_trailers(self, message: dict[str, Any]) -> None:
        if not self._complete:
            return self._report_misuse("Cannot send trailers before body complete")
        if self._head is not None and self._head.omits_body:
            return None
        if not self._announced_trailers:
            return self._report_misuse("Trailers were not announced in http.response.start")
        if self._trailers is None:
            return self._report_misuse("Trailers already sent")
        if self._misuse is not None:
            return None
        self._trailers.extend(message.get("headers", ()))
        if message.get("more_trailers", False):
            return None
        trailers, self._trailers = _text(self._trailers), None
        if not await self._connection.send_trailers(self._stream.stream_id, trailers):
            self._peer_has_gone()
        return None

    def _report_misuse(self, what: str) -> None:
        if self._misuse is None:
            self._misuse = RuntimeError(what)

    def _peer_has_gone(self) -> None:
        self._gone = self._complete = self._disconnect_delivered = True
        raise ClientDisconnected(f"HTTP/2 stream {self._stream.stream_id} closed by the peer")

    # Called by the worker

    async def run(self) -> None:
        """Run the application, end the response in every case, log the request and clean up."""
        shared = self._scope
        started = time.monotonic()
        try:
            if shared.pre_request is not None:
                shared.pre_request(shared.worker, self._request)
            await shared.app(shared.scope(self._request), self.receive, self.send)
            if self._misuse is not None:
                raise self._misuse
            if not self._gone and not self._stream.disconnected:
                await self._finish()
        except (ClientDisconnected, HTTP2ConnectionError) as exc:
            shared.log.debug("HTTP/2 stream %s: %s", self._stream.stream_id, exc)
        except Exception as exc:
            if self._disconnect_delivered:
                # Probably the application's reaction to the disconnect.
                shared.log.info("HTTP/2 stream %s: the client has gone: %r", self._stream.stream_id, exc)
            else:
                shared.log.exception("Error in ASGI application")
            await self._fail()
        finally:
            self._connection.cleanup_stream(self._stream.stream_id)
            if shared.logs_access or shared.post_request is not None:
                self._log(time.monotonic() - started)

    async def _finish(self) -> None:
        """Complete a response that the application has not ended."""
        head = self._head
        if head is None:
            await self._fail()
        elif not self._stream.response_headers_sent:
            # No part of the body was sent; it may be shorter than its Content-Length.
            await self._send_body(head, b"", False)
            if self._misuse is not None:
                raise self._misuse
        elif self._complete and self._announced_trailers and self._trailers is not None:
            await self._connection.send_part(self._stream, head.status, None, b"", True)

    async def _fail(self) -> None:
        """Send 500 if nothing was sent; an incomplete response is reset when the stream is cleaned up."""
        if self._failed or self._gone or self._stream.response_headers_sent or self._stream.disconnected:
            return
        head = ResponseHead(500, _ERROR_FIELDS, self._request.method)
        self._failed = True
        body = b"" if head.omits_body else _ERROR
        try:
            await self._connection.send_part(self._stream, 500, head.fields_to_send(), body, True)
        except HTTP2ConnectionError as exc:
            self._scope.log.debug("HTTP/2 stream %s: %s", self._stream.stream_id, exc)

    def _log(self, seconds: float) -> None:
        shared = self._scope
        environ = response = None
        try:
            if shared.logs_access:
                environ = shared.protocol._build_http2_environ(self._request, shared.sockname, shared.peername)
                # As the other workers log it.
                environ["SERVER_PROTOCOL"] = "HTTP/2.0"
                head = self._head
                fields = () if head is None else head.fields
                status = CLIENT_CLOSED_REQUEST
                if self._stream.response_headers_sent:
                    status = 500 if self._failed or head is None else head.status
                response = ASGIResponseInfo(status, fields, self._sent)
                shared.log.access(response, self._request, environ, timedelta(seconds=seconds))
            if shared.post_request is not None:
                shared.post_request(shared.worker, self._request, environ, response)
        except Exception:
            shared.log.exception("Exception in post_request hook")


def refuse(shared: ConnectionScope, connection: ASGIConnection, request: Any, refusal: Refusal) -> None:
    """Refuse a request with an error response (RFC 9110 section 15), and log it.

    Args:
        shared: The state shared by the connection's requests.
        connection: The connection.
        request: The request, or a `RefusedRequest`.
        refusal: The error response.
    """
    started = time.monotonic()
    log = shared.log
    log_invalid(log, shared.peername, refusal.message)
    body = (refusal.message if refusal.code < 500 else refusal.reason).encode("latin-1", "replace")
    fields = [(b"content-length", b"%d" % len(body)), (b"content-type", b"text/plain; charset=utf-8")]
    head = ResponseHead(refusal.code, fields, request.method)
    stream = request.stream
    if head.omits_body:
        body = b""
    try:
        connection.h2_conn.respond(stream.stream_id, refusal.code, head.fields_to_send(), body)
        stream.response_headers_sent = stream.response_complete = True
    except ProtocolError:
        pass  # the client has reset the stream
    connection.cleanup_stream(stream.stream_id)
    connection._flush_soon()
    if shared.logs_access:
        try:
            environ = logged_environ(request, shared.peername)
            response = ASGIResponseInfo(refusal.code, fields, len(body))
            log.access(response, request, environ, timedelta(seconds=time.monotonic() - started))
        except Exception:
            log.exception("Error in the access log")


def _address(name: Any) -> tuple[Any, ...] | None:
    # IPv6 addresses have four parts. A Unix socket's client has no address, or a path of no use.
    return tuple(name[:2]) if name and not isinstance(name, (str, bytes)) else None


def _text(fields: Any) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1") if isinstance(name, bytes) else name, value)
        for name, value in fields
    ]
