"""One request of `fasth2.gunicorn.ASGIWorker`: the scope, receive() and send() that the application gets."""
from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any, ClassVar

from gunicorn.asgi.protocol import ASGIResponseInfo
from gunicorn.http2.errors import HTTP2ConnectionError

from .asgi_connection import ASGIConnection
from .async_stream import AsyncHTTP2Stream

__all__ = ["ASGIRequest", "ClientDisconnected", "Surroundings"]

#: Header names that are kept in lower case as octets.
_NAMES = 1024

#: The longest of these names, in characters.
_LONGEST = 64

#: Framing of HTTP/1.1, which a response without a body has no use for.
_FRAMING = (b"transfer-encoding", "transfer-encoding")
_LENGTH = (b"content-length", "content-length")


class ClientDisconnected(OSError):
    """Raised by send() once the peer has reset the stream or has gone (ASGI 2.4)."""


class Surroundings:
    """What the requests of a connection have in common.

    Args:
        protocol: gunicorn's protocol object.
        sockname: The server's address.
        peername: The client's.
    """

    # Of all connections.
    _lower: ClassVar[dict[str, bytes]] = {}

    def __init__(self, protocol: Any, sockname: Any, peername: Any) -> None:
        self.protocol = protocol
        self.worker = protocol.worker
        self.cfg = cfg = protocol.cfg
        self.log = protocol.log
        self.app = protocol.app
        self.sockname = sockname
        self.peername = peername
        self.server = _address(sockname)
        self.client = _address(peername)
        self.root_path = getattr(cfg, "root_path", "") or ""
        self.timeout = cfg.timeout or None
        # Not every gunicorn knows before a request whether it logs it.
        self.logs_access = getattr(protocol.log, "access_log_enabled", True)
        # None where calling them does nothing.
        self.pre_request = getattr(protocol, "_pre_request", cfg.pre_request)
        self.post_request = cfg.post_request
        if self.post_request is cfg.settings["post_request"].default:
            self.post_request = None

    def scope(self, request: Any) -> dict[str, Any]:
        """Return the ASGI scope of a request.

        Args:
            request: gunicorn's request.
        """
        lower = self._lower
        headers = []
        for name, value in request.headers:
            low = lower.get(name)
            if low is None:
                low = name.lower().encode("latin-1")
                if len(name) <= _LONGEST:
                    if len(lower) >= _NAMES:
                        lower.clear()
                    lower[name] = low
            headers.append((low, value.encode("latin-1")))
        path = request.path or ""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "2",
            "method": request.method,
            "scheme": request.scheme,
            "path": path,
            "raw_path": path.encode("latin-1"),
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


class ASGIRequest:
    """A request while the application works on it.

    Args:
        surroundings: What it shares with others.
        connection: Its connection.
        request: gunicorn's request.
    """

    __slots__ = (
        "_announced_trailers", "_body_received", "_complete", "_connection", "_fields", "_gone", "_misuse",
        "_omits_body", "_request", "_sent", "_shown_fields", "_started", "_status", "_stream", "_surroundings",
        "_trailers", "_warned",
    )  # fmt: skip

    def __init__(self, surroundings: Surroundings, connection: ASGIConnection, request: Any) -> None:
        self._surroundings = surroundings
        self._connection = connection
        self._request = request
        self._stream: AsyncHTTP2Stream = request.stream
        self._body_received = False
        self._started = False
        self._complete = False
        self._gone = False
        self._omits_body = False
        self._warned = False
        self._announced_trailers = False
        # Those to be sent; None once they were.
        self._trailers: list[Any] | None = []
        # Response headers that wait for the first of the body; None once they were sent.
        self._fields: Any = ()
        self._shown_fields: Any = ()
        self._status = 500
        self._sent = 0
        # What the application did against the rules, raised when it has returned.
        self._misuse: RuntimeError | None = None

    # What the application awaits

    async def receive(self) -> dict[str, Any]:
        """ASGI's receive()."""
        stream = self._stream
        if stream.disconnected:
            return {"type": "http.disconnect"}
        if self._body_received:
            if not self._complete and not self._gone:
                await stream.wait_disconnect()
            return {"type": "http.disconnect"}
        if not stream._body_chunks and not stream.request_complete:
            if stream.expect_continue and not stream.response_headers_sent:
                # The client waits for that before it sends the body.
                stream.expect_continue = False
                await self._connection.send_informational(stream.stream_id, 100, [])
            if not await self._body_arrives():
                return {"type": "http.disconnect"}
        body = self._connection.take_body(stream)
        self._body_received = ended = stream.request_complete
        return {"type": "http.request", "body": body, "more_body": not ended}

    async def _body_arrives(self) -> bool:
        """Wait for more of the body; False when it will not come, or not in time."""
        stream = self._stream
        event = stream._body_event
        if event is None:
            event = stream._body_event = asyncio.Event()
        event.clear()
        try:
            await asyncio.wait_for(event.wait(), self._surroundings.timeout)
        except asyncio.TimeoutError:
            return False
        return not stream.disconnected

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's send()."""
        if self._gone or self._stream.disconnected:
            self._peer_has_gone()
        kind = message["type"]
        if kind == "http.response.body":
            if self._started and not self._complete:
                await self._send_body(message.get("body", b""), message.get("more_body", False))
            else:
                self._against("Response already complete" if self._started else "Response not started")
        elif kind == "http.response.start":
            if self._started:
                self._against("Response already started")
            else:
                self._start(message)
        elif kind == "http.response.trailers":
            await self._send_trailers(message)
        elif kind == "http.response.informational":
            await self._connection.send_informational(
                self._stream.stream_id, message["status"], _text(message.get("headers", ())))

    def _start(self, message: dict[str, Any]) -> None:
        """Keep the headers until the first of the body is there, as ASGI asks."""
        self._started = True
        self._status = status = message["status"]
        fields = message.get("headers", ())
        if type(fields) is not list:
            fields = list(fields)
        if self._request.method == "HEAD" or status in (204, 304) or status < 200:
            # RFC 9110 sections 6.4.1 and 8.6.
            self._omits_body = True
            unwanted = _FRAMING if status >= 200 and status != 204 else _FRAMING + _LENGTH
            fields = [field for field in fields if field[0].lower() not in unwanted]
        self._fields = self._shown_fields = fields
        self._announced_trailers = bool(message.get("trailers", False))

    async def _send_body(self, body: bytes, more_body: bool) -> None:
        if self._omits_body and body:
            if not self._warned:
                self._warned = True
                self._surroundings.log.warning(
                    "ASGI app sent body bytes on a no-body response (method=%s status=%s); dropping per RFC 9110.",
                    self._request.method, self._status)
            body = b""
        fields, self._fields = self._fields, None
        ends = not more_body and not self._announced_trailers
        if not more_body:
            self._complete = True
        if fields is None and not body and not ends:
            return
        if not await self._connection.send_part(self._stream, self._status, fields, body, ends):
            self._peer_has_gone()
        self._sent += len(body)

    async def _send_trailers(self, message: dict[str, Any]) -> None:
        if not self._complete:
            return self._against("Cannot send trailers before body complete")
        if not self._announced_trailers:
            return self._against("Trailers were not announced in http.response.start")
        if self._trailers is None:
            return self._against("Trailers already sent")
        self._trailers.extend(message.get("headers", ()))
        if message.get("more_trailers", False):
            return None
        trailers, self._trailers = _text(self._trailers), None
        if not await self._connection.send_trailers(self._stream.stream_id, trailers):
            self._peer_has_gone()
        return None

    def _against(self, what: str) -> None:
        self._misuse = RuntimeError(what)

    def _peer_has_gone(self) -> None:
        self._gone = self._complete = True
        raise ClientDisconnected(f"HTTP/2 stream {self._stream.stream_id} closed by the peer")

    # The worker's part

    async def run(self) -> None:
        """Have the application answer, whatever becomes of it; log and clean up."""
        shared = self._surroundings
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
        except Exception:
            shared.log.exception("Error in ASGI application")
            await self._fail()
        finally:
            self._connection.cleanup_stream(self._stream.stream_id)
            if shared.logs_access or shared.post_request is not None:
                self._log(time.monotonic() - started)

    async def _finish(self) -> None:
        """Send what the application left out."""
        if not self._started:
            await self._fail()
        elif self._fields is not None:
            await self._connection.send_part(self._stream, self._status, self._fields, b"", True)
            self._fields = None
        elif self._announced_trailers and self._trailers is not None:
            await self._connection.send_part(self._stream, self._status, None, b"", True)

    async def _fail(self) -> None:
        """Answer 500 where nothing was sent; a response under way is cut off when the stream is cleaned up."""
        if self._gone or self._stream.response_headers_sent or self._stream.disconnected:
            return
        self._status = 500
        try:
            await self._connection.send_error(self._stream.stream_id, 500, "Internal Server Error")
        except HTTP2ConnectionError as exc:
            self._surroundings.log.debug("HTTP/2 stream %s: %s", self._stream.stream_id, exc)

    def _log(self, seconds: float) -> None:
        shared = self._surroundings
        environ = response = None
        try:
            if shared.logs_access:
                environ = shared.protocol._build_http2_environ(self._request, shared.sockname, shared.peername)
                response = ASGIResponseInfo(self._status, self._shown_fields, self._sent)
                shared.log.access(response, self._request, environ, timedelta(seconds=seconds))
            if shared.post_request is not None:
                shared.post_request(shared.worker, self._request, environ, response)
        except Exception:
            shared.log.exception("Exception in post_request hook")


def _address(name: Any) -> tuple[Any, ...] | None:
    # IPv6 addresses have four parts; a Unix socket's is text.
    return tuple(name[:2]) if name else None


def _text(fields: Any) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1") if isinstance(name, bytes) else name, value)
        for name, value in fields
    ]
