"""gunicorn's hooks and access log, for requests that fasth2's own ASGI worker serves."""
from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from gunicorn.asgi.protocol import ASGIResponseInfo
from gunicorn.http2.request import HTTP2Request
from gunicorn.http2.stream import StreamState

from .hooks import Hooks

__all__ = ["ASGIObserver", "Request"]

#: The status in the access log if the client disconnected before a response was sent, as in nginx.
CLIENT_CLOSED_REQUEST = 499


class _Stream:
    """The stream attributes that gunicorn's request uses."""

    trailers = None
    priority_weight = 16
    priority_depends_on = 0
    state = StreamState.OPEN

    def __init__(self, stream_id: int, fields: list[tuple[str, str]]) -> None:
        self.stream_id = stream_id
        self.request_headers = fields


class Request(HTTP2Request):
    """gunicorn's request made from an exchange, for hooks and the log. Its body is the application's.

    Args:
        exchange: The exchange.
        cfg: gunicorn's configuration.
    """

    version = (2, 0)
    fragment = ""
    must_close = False
    body = None
    proxy_protocol_info: dict[str, Any] | None = None
    priority_weight = 16
    priority_depends_on = 0

    def __init__(self, exchange: Any, cfg: Any) -> None:
        scope = exchange.scope
        self.cfg = cfg
        self.peer_addr = self.remote_addr = scope["client"] or ""
        self.method = scope["method"]
        self.path = scope["path"]
        self.query = scope["query_string"].decode("latin-1")
        raw_path = scope["raw_path"].decode("latin-1")
        self.uri = f"{raw_path}?{self.query}" if self.query else raw_path
        self.scheme = scope["scheme"]
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        self.headers = [(name.upper(), value) for name, value in fields]
        self._authority = next((value for name, value in fields if name == "host"), "")
        self.req_number = exchange.stream_id
        self.stream = _Stream(exchange.stream_id, fields)


class ASGIObserver:
    """Calls the hooks and writes the access log.

    Args:
        worker: gunicorn's worker.
    """

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._hooks = Hooks(worker)

    @classmethod
    def of(cls, worker: Any) -> ASGIObserver | None:
        """Return an observer, or ``None`` if neither hooks nor the access log are in use.

        Args:
            worker: gunicorn's worker.
        """
        self = cls(worker)
        return self if self._hooks.in_use else None

    def begin(self, exchange: Any) -> None:
        """Called before the application.

        Args:
            exchange: The request.
        """
        request = Request(exchange, self._worker.cfg)
        exchange.context = (request, time.monotonic())
        if self._hooks.pre_request is not None:
            self._hooks.pre_request(self._worker, request)

    def end(self, exchange: Any) -> None:
        """Called when the application has ended, or the request was refused, for which hooks are not called.

        Args:
            exchange: The request.
        """
        worker, hooks = self._worker, self._hooks
        called = exchange.context is not None
        try:
            request, begun = exchange.context or (Request(exchange, worker.cfg), time.monotonic())
            exchange.context = None
            environ = _environ(request)
            given = exchange.fields or []
            response = ASGIResponseInfo(
                exchange.status or CLIENT_CLOSED_REQUEST, list(zip(given[::2], given[1::2], strict=True)), exchange.sent)
            if hooks.logs_access:
                worker.log.access(response, request, environ, timedelta(seconds=time.monotonic() - begun))
            if called and hooks.post_request is not None:
                hooks.post_request(worker, request, environ, response)
        except Exception:
            worker.log.exception("Exception in post_request hook")


def _environ(request: Request) -> dict[str, Any]:
    """Return the environment keys that the access log uses, as gunicorn's asgi worker makes them."""
    environ = {
        "REQUEST_METHOD": request.method, "RAW_URI": request.uri, "PATH_INFO": request.path, "QUERY_STRING": request.query,
        "SERVER_PROTOCOL": "HTTP/2.0", "REMOTE_ADDR": request.remote_addr[0] if request.remote_addr else "-",
    }  # fmt: skip
    for name, value in request.headers:
        environ["HTTP_" + name.replace("-", "_")] = value
    return environ
