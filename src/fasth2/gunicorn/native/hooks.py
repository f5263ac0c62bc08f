"""gunicorn's hooks and access log, for requests that fasth2's own worker serves."""
from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from gunicorn import config, glogging
from gunicorn.http2.request import HTTP2Request
from gunicorn.http2.stream import StreamState

__all__ = ["Hooks", "Observer", "Request"]


class _Stream:
    """The stream attributes that gunicorn's request uses."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self.stream_id = call.stream_id
        self.request_headers = call.fields_received
        self.priority_weight = call.environ.get("gunicorn.http2.priority_weight", 16)
        self.priority_depends_on = call.environ.get("gunicorn.http2.priority_depends_on", 0)
        self.state = StreamState.OPEN

    @property
    def trailers(self) -> list[tuple[str, str]] | None:
        """The request's trailers, once its body is complete."""
        return self._call.input.trailers


class Request(HTTP2Request):
    """gunicorn's request made from a call, for hooks and the log.

    Args:
        call: The call.
        cfg: gunicorn's configuration.
        address: The client's address.
    """

    version = (2, 0)
    fragment = ""
    must_close = False
    proxy_protocol_info: dict[str, Any] | None = None

    def __init__(self, call: Any, cfg: Any, address: Any) -> None:
        environ = call.environ
        self.cfg = cfg
        self.stream = _Stream(call)
        self.peer_addr = self.remote_addr = address
        self.method = environ["REQUEST_METHOD"]
        self.uri = environ["RAW_URI"]
        self.path, _, self.query = self.uri.partition("?")
        self.scheme = environ["wsgi.url_scheme"]
        self._authority = environ.get("HTTP_HOST", "")
        self.headers = [(name.upper(), value) for name, value in call.fields_received or () if name[:1] != ":"]
        if self._authority and not any(name == "HOST" for name, _ in self.headers):
            self.headers.append(("HOST", self._authority))
        self.body = call.input
        self.req_number = call.stream_id
        self.priority_weight = self.stream.priority_weight
        self.priority_depends_on = self.stream.priority_depends_on


class Hooks:
    """What a worker calls for each request.

    Args:
        worker: gunicorn's worker.

    Attributes:
        pre_request: The hook, or ``None``.
        post_request: The hook, or ``None``.
        logs_access: True if the worker writes an access log.
    """

    def __init__(self, worker: Any) -> None:
        cfg = worker.cfg
        self.pre_request = _hook(cfg, config.PreRequest, "pre_request")
        if self.pre_request is None and worker.log.error_log.isEnabledFor(logging.DEBUG):
            self.pre_request = cfg.pre_request  # gunicorn's default logs at debug level
        self.post_request = _hook(cfg, config.PostRequest, "post_request")
        self.logs_access = logs_access(worker)

    @property
    def in_use(self) -> bool:
        """True if there is anything to call."""
        return bool(self.pre_request or self.post_request or self.logs_access)


class Observer:
    """Calls the hooks and writes the access log.

    Args:
        worker: gunicorn's worker.
    """

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._hooks = Hooks(worker)

    @classmethod
    def of(cls, worker: Any) -> Observer | None:
        """Return an observer, or ``None`` if neither hooks nor the access log are in use.

        Args:
            worker: gunicorn's worker.
        """
        self = cls(worker)
        return self if self._hooks.in_use else None

    def begin(self, call: Any) -> None:
        """Called before a request's application.

        Args:
            call: The call of the request.
        """
        request = self._request(call)
        call.context = (request, time.monotonic())
        if self._hooks.pre_request is not None:
            self._hooks.pre_request(self._worker, request)

    def refused(self, call: Any) -> None:
        """Log a request that was refused before it had an environment; hooks are not called.

        Args:
            call: The call of the request.
        """
        if self._hooks.logs_access:
            self._worker.log.access(call, self._request(call), call.environ, timedelta(0))

    def _request(self, call: Any) -> Request:
        environ = call.environ
        address = (environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"])) if "REMOTE_PORT" in environ else ""
        request = Request(call, self._worker.cfg, address)
        if "PROXY_PROTOCOL" in environ:
            request.proxy_protocol_info = {
                "proxy_protocol": environ["PROXY_PROTOCOL"],
                "client_addr": address[0],
                "client_port": address[1],
                "proxy_addr": environ["PROXY_ADDR"],
                "proxy_port": int(environ["PROXY_PORT"]),
            }
        return request

    def end(self, call: Any) -> None:
        """Called when a response is complete or aborted.

        Args:
            call: The call of the request.
        """
        if call.context is None:
            return
        request, begun = call.context
        call.context = None
        worker = self._worker
        if self._hooks.logs_access:
            took = timedelta(seconds=time.monotonic() - begun)
            worker.log.access(call, request, call.environ, took)
        if self._hooks.post_request is not None:
            try:
                self._hooks.post_request(worker, request, call.environ, call)
            except Exception:
                worker.log.exception("Exception in post_request hook")


def _hook(cfg: Any, setting: Any, name: str) -> Any:
    """Return a hook that the operator set, or ``None``."""
    hook = getattr(cfg, name)
    default = setting.default
    return None if getattr(hook, "__code__", hook) is getattr(default, "__code__", default) else hook


def logs_access(worker: Any) -> bool:
    """Return True if the worker writes an access log.

    Args:
        worker: gunicorn's worker.
    """
    log, cfg = worker.log, worker.cfg
    if type(log).access is not glogging.Logger.access:
        return True  # statsd's class, or the operator's
    return bool(
        cfg.accesslog or cfg.logconfig or getattr(cfg, "logconfig_dict", None) or getattr(cfg, "logconfig_json", None)
        or (cfg.syslog and not cfg.disable_redirect_access_to_syslog)
    )
